"""The glossary, and the tips that its terms get on other pages, in a small book."""

import inspect
import io
import math
import re
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from vaelib import latent, placements

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = (ROOT / "book" / "glossary.md").read_text()
# What people look for here; some of it is a second spelling.
WANTED = (
    "autoencoder bottleneck encoder decoder code mu log_var reparameterization reparameterisation "
    "ELBO beta fact rate distortion nat prior backend replica checkup placement add_loss "
    "train_step compute_loss GradientTape KerasTensor MIG warm-up CVAE"
).split() + [
    "latent space", "KL divergence", "bits per dimension", "posterior collapse", "active unit",
    "aggregate posterior", "free bits", "KL annealing", "importance-weighted bound",
    "symbolic tensor", "eager execution", "graph mode", "endpoint layer", "subclassed model",
    "Functional API", "error index", "mutual information gap", "variational autoencoder",
]  # fmt: skip
PAGE = """(a-lesson)=
# The ELBO of a replica

```{admonition} A box about distortion
The distortion stands in a box.
```

| mutual information |
|---|
| mutual information |

In fact, a learning rate is no term; **free bits** is bold, and a [link to nats](#a-lesson) a link.
Two replicas share `add_loss`, and one more replica shares `add_loss` again.
`train_step()` is code. A KL-term-like word, and cluttered placements' placement.
See {term}`beta <KL weight>`. An IWAE Bound is no acronym, but a free Bits is one of ours.

- The aggregate posterior, in a list.

## Summary

Here the checkup ends.
"""


def entries():
    """Spellings, what the tip says, what is below it: of each entry, as it is written."""
    block = re.search(r"```{glossary}\n:sorted:\n\n(.*?)```", GLOSSARY, re.S)[1]
    found = []
    for lines in re.findall(r"((?:^\S.*\n)+)((?:^ .*\n|^\n(?= ))+)", block, re.M):
        names, text = lines
        tip, links = text.strip().split("\n\n")
        found.append(([name.strip("`") for name in names.split("\n") if name], tip, links.strip()))
    return found


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of a small book with the glossary, as HTML."""
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    home = tmp_path_factory.mktemp("book")
    (home / "book").mkdir()
    sources = {
        "index": "# Start\n",
        "page": PAGE,
        "book/glossary": GLOSSARY,
        "book/many": "# Many\n\n",
        "book/references": "# References\n\nA replica, and {term}`beta`.\n",
        "book/devices": "(several-devices)=\n# Devices\n\nA replica, an encoder, a placement.\n",
    }
    sources["book/many"] += "".join(f"A line on {names[0]}.\n" for names, _, _ in entries())
    for name, text in sources.items():
        (home / f"{name}.md").write_text(text)
    settings = {
        "extensions": ["myst_parser", "glossary_tips"],
        "html_theme": "basic",
        "suppress_warnings": ["toc", "ref.ref", "ref.doc"],
    }
    told = io.StringIO()
    with docutils_namespace():
        places = home, None, home / "html", home / "trees"
        Sphinx(*places, "html", settings, status=None, warning=told).build()
    # The last: another test of this process has built a book, too.
    known = re.compile(
        "isn't included in any toctree|undefined label|unknown document|already registered"
    )
    assert not [line for line in told.getvalue().splitlines() if not known.search(line)]
    html = {name: (home / "html" / f"{name}.html").read_text() for name in sources}
    return {name: BeautifulSoup(text, "html.parser") for name, text in html.items()}


def tips(page):
    return {tip.get_text(): tip for tip in page.select(".glossary-tip")}


def test_what_people_look_for_is_there():
    spellings = [name for names, _, _ in entries() for name in names]
    assert len(entries()) >= 35 and len(spellings) == len({name.lower() for name in spellings})
    assert set(WANTED) <= set(spellings)


def test_a_tip_is_short_and_plain():
    """It is shown as text: no formula and no link to a page, and three sentences at the most."""
    for names, tip, _ in entries():
        assert 25 < len(tip) < 300, names
        assert len(re.findall(r"[.](?: |$)", tip)) <= 3 and tip.endswith("."), names
        assert not re.search(r"[$]|{(?!term})\w+}|\]\(", tip), names


def test_each_entry_leads_to_where_it_is_taught():
    sources = [*(ROOT / "book").glob("*.md"), *(ROOT / "chapters").glob("*.ipynb")]
    text = "\n".join(path.read_text() for path in sources)
    labels = set(re.findall(r"^\s*\"?\(([\w-]+)\)=", text, re.M))
    labels |= {path.stem[3:] for path in (ROOT / "chapters").glob("*.ipynb")}
    for names, _, links in entries():
        found = re.findall(r"{(ref|doc)}`([\w-]+)`", links)
        assert found, names
        for role, target in found:
            known = target in labels or (role == "doc" and (ROOT / f"book/{target}.md").exists())
            assert known, (names, target)


def test_the_numbers_are_those_of_the_library():
    said = {names[0]: tip for names, tip, _ in entries()}
    threshold = inspect.signature(latent.active_units).parameters["threshold"].default
    assert f"variance above {threshold}" in said["active dimension"]
    assert f"1 nat is {1 / math.log(2):.2f} bits" in said["nat"]
    assert len(placements.PLACEMENTS) == 10 and "has ten" in said["placement"]


def test_the_first_occurrence_in_prose_is_marked(pages):
    found = tips(pages["page"])
    assert set(found) == {
        "replicas", "add_loss", "placements", "beta", "aggregate posterior", "free Bits",
    }  # fmt: skip
    assert len(found) == len(pages["page"].select(".glossary-tip")), "each of them once"
    assert found["replicas"].a["href"] == "book/glossary.html#term-replica"
    assert found["add_loss"].code, "code stays code"
    assert found["beta"].a["href"] == "book/glossary.html#term-KL-weight"
    definition = dict((names[0], tip) for names, tip, _ in entries())
    assert found["beta"]["data-tip"] == definition["beta"].replace("`", "")


def test_the_links_lead_to_the_terms(pages):
    ids = {tag["id"] for tag in pages["book/glossary"].find_all(id=True)}
    for tip in [*tips(pages["page"]).values(), *tips(pages["book/many"]).values()]:
        assert tip.a["href"].split("#")[1] in ids


def test_a_page_has_few(pages):
    assert len(tips(pages["book/many"])) == 12


def test_the_script_is_where_it_is_needed(pages):
    for name, wanted in (("page", 1), ("book/many", 1), ("book/glossary", 0), ("index", 0)):
        assert len(pages[name].select("script[src*='glossary.js']")) == wanted, name
        assert len(pages[name].select("link[href*='glossary.css']")) == wanted, name


def test_no_tip_in_the_glossary_and_only_chosen_ones_on_pages_of_reference(pages):
    assert not tips(pages["book/glossary"])
    assert set(tips(pages["book/references"])) == {"beta"}


def test_what_a_page_teaches_gets_no_tip(pages):
    assert set(tips(pages["book/devices"])) == {"encoder", "placement"}
