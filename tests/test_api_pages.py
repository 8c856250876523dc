"""The API pages: every public name has an entry, and names in text and code lead to it."""

import ast
import io
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

import vaelib

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import api_links  # noqa: E402
import api_names  # noqa: E402
import api_pages  # noqa: E402

ROOMS = [room for rooms in api_pages.ROOMS.values() for room in rooms]
CHAPTER = next((ROOT / "chapters").glob("*-points-to-distributions.ipynb")).stem
NOTEBOOKS = [*sorted((ROOT / "chapters").glob("*.ipynb")), *(ROOT / "book").glob("*.ipynb")]
PAGE = """# A chapter

Text with `objectives.gaussian_kl`, again `objectives.gaussian_kl`, with `checkpoints.load("x")`,
`vaelib.checkup`, `vaelib.folders.find()` and `Sampling`, but `objectives.nothing`, `elbo`, `load`,
`x = objectives.elbo(x)` and `kl_per_dimension` are no names of it here.

## A heading with `vaelib.explain`

Once more `objectives.gaussian_kl`, and {ref}`a link with objectives.elbo <api>`.

```{code-block} python
from vaelib import objectives, plots, quiet_tensorflow
from vaelib.layers import Sampling
from vaelib import folders as f

%matplotlib inline
quiet_tensorflow()
text = "objectives.elbo < plots.show"  # objectives.elbo
kl_per_dimension = objectives.gaussian_kl(mu, log_var)
plots.show(f.find("ä"), plots.show, plots.plt), plots.BLUE
```

```{code-block} python
def draw(plots):
    return plots.show(objectives.gaussian_kl)


plots.show(Sampling())
```

```{code-block} python
objectives = [1]
objectives.elbo, plots.show
```

```{code-block} python
objectives.elbo(
```

```{code-block} python
objectives.elbo, plots.show
```
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small book: the API pages and a chapter that names some of the library."""
    home = tmp_path_factory.mktemp("api")
    source = home / "book"
    (source / "chapters").mkdir(parents=True)
    shutil.copytree(ROOT / "book" / "api", source / "book" / "api")
    shutil.copy(ROOT / "book" / "api.md", source / "book")
    contents = f"book/api\nbook/api/*\nchapters/{CHAPTER}"
    (source / "index.md").write_text(f"# Small\n\n```{{toctree}}\n:glob:\n{contents}\n```\n")
    (source / "chapters" / f"{CHAPTER}.md").write_text(PAGE, encoding="utf-8")
    warnings = io.StringIO()
    settings = {
        "extensions": ["myst_parser", "api_pages", "api_links"],
        "html_static_path": [str(ROOT / "book" / "_static" / "api-links.css")],
        "nitpicky": True,
    }
    with docutils_namespace():
        app = Sphinx(
            source, None, home / "html", home / "trees", "html", settings,
            status=None, warning=warnings, freshenv=True,
        )  # fmt: skip
        app.build(force_all=True)
    said = [
        line
        for line in warnings.getvalue().splitlines()
        if "Lexing" not in line and "already registered" not in line
    ]
    assert not said, "\n".join(said)  # docstrings are sound, and all their links lead somewhere
    return app


@pytest.fixture(scope="module")
def chapter(built):
    path = Path(built.outdir) / "chapters" / f"{CHAPTER}.html"
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select_one("[role=main]")


def defined(room):
    """The public names of a room, read from its source."""
    path = ROOT / "vaelib" / room.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    defs = (ast.FunctionDef, ast.ClassDef)
    names = [n.name for n in tree.body if isinstance(n, defs) and not n.name.startswith("_")]
    return names + (["Sampling"] if room == "layers" else [])


def test_every_room_has_a_place_on_the_pages():
    wanted = {*vaelib._MODULES, *(name.removeprefix("vaelib.") for name in vaelib._SHORT.values())}
    assert wanted <= set(ROOMS)
    for group in api_pages.ROOMS:
        assert (ROOT / "book" / "api" / f"{group}.md").exists()


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_has_an_entry_with_a_first_sentence(built, room):
    objects = api_links.entries(built.env)
    for name in defined(room):
        # What `data` takes from `archives` has one entry, with `data`.
        full = f"vaelib.{room}.{name}"
        if full not in objects:
            full = f"vaelib.data.{name}"
        assert full in objects, f"{room}.{name} has no entry"
        sentence = built.env.api_sentences[objects[full].node_id]
        assert re.match(r"[A-Z].{10,}\.$", sentence), (full, sentence)


def used(path):
    """What a notebook uses of the library: full names, by room and attribute."""
    scope, found = {}, set()
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        tree = api_names.parsed("".join(cell["source"])) if cell["cell_type"] == "code" else None
        if tree is None:
            continue
        scope |= api_names.imported(tree)
        found |= set(api_names.imported(tree).values())
        theirs = scope.keys() - api_names.bound(tree)  # `data` may be a loop's own variable
        for node in ast.walk(tree):
            parts = api_names.dotted(node) if isinstance(node, ast.Attribute) else None
            if parts and parts[0] in theirs:
                found.add(f"{scope[parts[0]]}.{parts[1]}")
    # Matplotlib's own name, and the classes behind `placements.build`.
    inner = re.compile(r"vaelib(\.plots\.plt|\.placements\.keras_[23].*)?")
    return {name for name in found if not inner.fullmatch(name)}


def test_every_name_that_a_notebook_uses_has_an_entry(built):
    objects = api_links.entries(built.env)
    names = {(path.stem, name) for path in NOTEBOOKS for name in used(path)}
    assert len(names) > 100
    assert {(stem, name) for stem, name in names if api_names.known(name, objects) is None} == set()


def test_the_overview_has_every_name_once(built):
    page = (Path(built.outdir) / "book" / "api.html").read_text(encoding="utf-8")
    rows = BeautifulSoup(page, "html.parser").select("table tbody tr")
    names = [row.find("td").get_text() for row in rows]
    assert len(names) == len(set(names)) == len(api_pages.public())
    assert {"objectives.gaussian_kl", "layers.Sampling", "vaelib.checkup", "folders.find"} <= {
        *names
    }
    for row in rows:
        assert row.find("a")["href"].startswith("api/"), row
        assert len(row.find_all("td")[1].get_text()) > 10, row


def test_the_general_index_is_filled(built):
    index = (Path(built.outdir) / "genindex.html").read_text(encoding="utf-8")
    assert len(re.findall(r"<li><a href=", index)) > 100
    assert "gaussian_kl() (in module vaelib.objectives)" in index


def test_a_chapter_in_a_docstring_is_a_link(built):
    page = (Path(built.outdir) / "book/api/models.html").read_text(encoding="utf-8")
    link = BeautifulSoup(page, "html.parser").find("a", string=f"chapter {int(CHAPTER[:2])}")
    assert link["href"] == f"../../chapters/{CHAPTER}.html"
    assert link["title"] == "A chapter"


def test_signatures_read_as_chapters_write_them(built):
    page = (Path(built.outdir) / "book/api/models.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(page, "html.parser")

    def shown(name):
        return soup.find(id=name).get_text().strip().rstrip("¶").strip()

    assert shown("vaelib.objectives.gaussian_kl") == "objectives.gaussian_kl(mu, log_var)"
    assert shown("vaelib.layers.Sampling") == "class layers.Sampling(seed=None, **kwargs)"
    assert "keras=keras_3" in shown("vaelib.networks.build_decoder")


def test_names_in_text_are_links_once_in_a_section(chapter):
    links = [(a.get_text(), a["href"].split("#")[1]) for a in chapter.select("p > a:has(code)")]
    assert links == [
        ("objectives.gaussian_kl", "vaelib.objectives.gaussian_kl"),
        ('checkpoints.load("x")', "vaelib.checkpoints.load"),
        ("vaelib.checkup", "vaelib.checkup.checkup"),
        ("vaelib.folders.find()", "vaelib.data.folders.find"),
        ("Sampling", "vaelib.layers.Sampling"),
        ("objectives.gaussian_kl", "vaelib.objectives.gaussian_kl"),
    ]
    assert not chapter.select("h2 a.internal")


def test_names_in_code_are_links_and_the_code_stays(chapter):
    blocks = chapter.select("div.highlight pre")
    written = re.findall(r"```\{code-block\} python\n(.*?)```", PAGE, re.S)
    assert [block.get_text().strip() for block in blocks] == [code.strip() for code in written]

    def linked(block):
        return [(a.get_text(), a["href"].split("#")[1]) for a in block.select("a.api-link")]

    assert linked(blocks[0]) == [
        ("objectives", "module-vaelib.objectives"),
        ("plots", "module-vaelib.plots"),
        ("quiet_tensorflow", "vaelib.startup.quiet_tensorflow"),
        ("Sampling", "vaelib.layers.Sampling"),
        ("folders", "module-vaelib.data.folders"),
        ("objectives.gaussian_kl", "vaelib.objectives.gaussian_kl"),
        ("plots.show", "vaelib.plots.show"),
        ("f.find", "vaelib.data.folders.find"),
        ("plots.BLUE", "vaelib.plots.BLUE"),
    ]
    # An argument of the name of a module hides it, in that cell.
    assert linked(blocks[1]) == [
        ("objectives.gaussian_kl", "vaelib.objectives.gaussian_kl"),
        ("Sampling", "vaelib.layers.Sampling"),
    ]
    # A name that is bound again is the page's own, there and in all cells after it.
    assert linked(blocks[2]) == linked(blocks[4]) == [("plots.show", "vaelib.plots.show")]
    assert linked(blocks[3]) == []  # no Python


def test_the_first_link_of_a_name_is_the_one_that_tab_reaches(chapter):
    stops = [a["href"] for a in chapter.select("a.api-link:not([tabindex])")]
    assert len(stops) == len(set(stops)) == 9
    assert chapter.select("a.api-link[tabindex='-1']")
    for link in chapter.select("a.api-link"):
        assert len(link["title"]) > 10


def test_the_style_comes_only_with_links(built):
    out = Path(built.outdir)
    for name, expected in (
        ("index.html", False), (f"chapters/{CHAPTER}.html", True),
        ("book/api/models.html", True),
    ):  # fmt: skip
        assert (api_links.STYLE in (out / name).read_text(encoding="utf-8")) is expected, name
