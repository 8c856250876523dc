"""The self-check questions: one right choice, every choice explained, numbers that are computed."""

import functools
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup

from vaelib import objectives

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import chapter_files  # noqa: E402

PARTS = yaml.safe_load((ROOT / "book" / "_data" / "questions.yaml").read_text())
QUESTIONS = {entry["id"]: entry for part in PARTS.values() for entry in part}
CONTENTS = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]


def right(entry):
    """What the right choice says."""
    (found,) = [choice["says"] for choice in entry["choices"] if "right" in choice]
    return found


def test_every_part_has_six_to_ten_questions():
    assert len(PARTS) == 5
    assert all(6 <= len(part) <= 10 for part in PARTS.values())
    assert len(QUESTIONS) == sum(map(len, PARTS.values())), "an id occurs twice"


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_complete(name):
    entry = QUESTIONS[name]
    assert set(entry) == {"id", "chapter", "question", "choices"}
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
    assert entry["chapter"] in chapter_files.slugs()
    assert entry["question"].rstrip().endswith("?")
    assert 3 <= len(entry["choices"]) <= 4
    for choice in entry["choices"]:
        assert set(choice) in ({"says", "right"}, {"says", "wrong"})
        assert all(isinstance(text, str) for text in choice.values()), "quote a number"
        reason = choice.get("right") or choice.get("wrong")
        assert len(reason.split()) >= 6 and reason.rstrip()[-1] in ".$", reason
    says = [choice["says"] for choice in entry["choices"]]
    assert len(set(says)) == len(says)
    assert right(entry) in says


def test_the_right_choice_stands_at_every_place():
    places = Counter(
        [i for i, choice in enumerate(entry["choices"]) if "right" in choice][0]
        for entry in QUESTIONS.values()
    )
    assert all(places[place] >= 0.2 * len(QUESTIONS) for place in range(3)), places
    for part in PARTS.values():
        assert len({["right" in c for c in e["choices"]].index(True) for e in part}) >= 3


def test_the_right_choice_is_not_always_the_longest():
    longest = sum(
        len(right(entry)) == max(len(choice["says"]) for choice in entry["choices"])
        for entry in QUESTIONS.values()
    )
    assert longest <= len(QUESTIONS) / 2, longest


def test_a_question_belongs_to_the_part_that_it_follows():
    """And its page stands behind the chapters of that part, in a part without a number."""
    numbered = None
    pages = []
    for part in CONTENTS:
        files = [entry["file"] for entry in part["chapters"]]
        for file in files:
            found = re.fullmatch(r"book/check-(.*)", file)
            if found:
                assert not part.get("numbered") and "caption" not in part
                slugs = {name.split("/")[1][3:] for name in numbered}
                assert {entry["chapter"] for entry in PARTS[found[1]]} <= slugs
                pages.append(found[1])
        numbered = files if part.get("numbered") else numbered
    assert pages == list(PARTS)


def kl(mu, log_var):
    return float(objectives.gaussian_kl(np.array([[mu]]), np.array([[log_var]]))[0])


def elbo(beta, loss, rate):
    return -(loss - beta * rate + rate)


def beta_of_fact(z_dim, fact=6.5e-4):
    means = {"pixels": "mean", "dimensions": "mean", "half": False}
    return objectives.effective_beta(fact, 784, z_dim, **means)


# What the right choice must say, computed.
NUMBERS = {
    "price-of-nothing": f"{kl(0.0, 0.0):.0f} nats",
    "price-of-a-place": f"{kl(2.0, 0.0):.0f} nats",
    "width-of-a-draw": f"{np.exp(-2 / 2):.2f}",
    "lower-bound": f"{elbo(1, 156, 6):.0f} nats or more",
    "mean-over-pixels": rf"$\beta = {28 * 28}$",
    "keep-fact": f"{beta_of_fact(2) / beta_of_fact(16):.0f} times smaller",
    "two-logs": f"B, by {elbo(2, 135, 15) - elbo(0.5, 120, 30):.0f} nats",
    "squared-error": f"about {np.sqrt(28 * 28 / 2):.0f}",
    "counted-twice": r"as with $\beta = 1/2$",
    "scalar-on-two-devices": rf"$\beta = {4 * 1 // 2}$",
    "count-before-you-train": f"{(5 * 5 * 512 + 1) * 1024:,}",
    "half-and-half": r"$\beta = 1$",
    "weight-in-colour": f"{64 * 64 * 3 * 1e-3:.1f}",
    "floor-of-the-loss": f"{np.log(2):.2f} nats",
    "extra-dense": f"{(8192 + 1) * 32 + 2 * (32 + 1) * 64:,}",
}

# Numbers that only repeat what the question or the rule says.
REPEATED = {"rate-distortion", "plain-beta", "negative-cross-entropy"}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_right(name):
    entry = QUESTIONS[name]
    assert NUMBERS[name] in right(entry)
    others = [choice["says"] for choice in entry["choices"] if "wrong" in choice]
    assert not any(NUMBERS[name] in other for other in others)


def test_every_number_of_a_right_choice_is_computed():
    for name, entry in QUESTIONS.items():
        told = re.findall(r"\d[\d,.]*\d|\d", right(entry).replace("Keras 2", ""))
        assert not told or name in {*NUMBERS, *REPEATED}, (name, told)


def test_what_the_texts_compute():
    """Numbers of questions and of explanations that are more than repeated."""
    text = {name: " ".join(map(str, _texts(entry))) for name, entry in QUESTIONS.items()}
    beta = functools.partial(objectives.effective_beta, z_dim=2)
    assert beta(1.0, 784, pixels="mean") == 784
    assert beta(0.5, 784, reconstruction_weight=0.5) == 1
    assert beta(1.0, 784, reconstruction_weight=2.0) == 0.5
    assert np.isclose(beta(1e-3, 64 * 64 * 3, pixels="mean"), 12.288)
    assert (162 - 150) / 6 == 2 and "(162 - 150) / 6 = 2" in text["do-the-sum"]
    assert f"{2 * (8192 + 1) * 64:,}" in text["extra-dense"]
    assert f"{(8192 + 1) * 32:,}" in text["extra-dense"]
    assert f"{(8192 + 1) * 32 + 2 * (8192 + 1) * 64:,}" in text["extra-dense"]
    assert f"{512 * 1024:,}" in text["count-before-you-train"]
    assert f"{25 * 512 * 1024:,}" in text["count-before-you-train"]
    assert f"{784e-3:.2f}" in text["weight-in-colour"]
    assert f"{64 * 64e-3:.1f}" in text["weight-in-colour"]
    assert f"{np.exp(-2):.2f}" in text["width-of-a-draw"]
    assert f"{-0.5 * np.log(0.5):.2f}" in text["floor-of-the-loss"]


def _texts(entry):
    yield entry["question"]
    for choice in entry["choices"]:
        yield from choice.values()


def test_one_vocabulary_and_one_spelling():
    for name, entry in QUESTIONS.items():
        for text in _texts(entry):
            prose = re.sub(r"`[^`]*`", "", text)
            assert not re.search(r"blueprint|stand-in|placeholder", prose), (name, text)
            other = r"\bcolor|(minimi|optimi|regulari|parameteri|normali|recogni)s(e|ing|ation)"
            assert not re.search(other, prose), (name, text)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of questions and of broken notebooks, built without the rest of the book."""
    source = tmp_path_factory.mktemp("questions")
    (source / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
        "extensions = ['myst_parser', 'sphinx_design', 'questions']\n"
        "myst_enable_extensions = ['dollarmath']\n"
    )
    names = [f"check-{part}" for part in PARTS] + ["mend"]
    for name in names:
        (source / f"{name}.md").write_text((ROOT / "book" / f"{name}.md").read_text())
    (source / "broken").symlink_to(ROOT / "book" / "broken")
    chapters = "".join(f"({slug})=\n## Chapter {slug}\n\n" for slug in chapter_files.slugs())
    (source / "setup.md").write_text("# Set-up\n")
    contents = "```{toctree}\n" + "\n".join([*names, "setup"]) + "\n```\n"
    (source / "index.md").write_text(f"# Book\n\n{contents}\n{chapters}")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "-n", source, source / "html"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    read = {name: (source / "html" / f"{name}.html").read_text() for name in names}
    return {name: BeautifulSoup(text, "html.parser") for name, text in read.items()}


@pytest.mark.parametrize("part", PARTS)
def test_every_choice_opens_on_the_page(pages, part):
    page = pages[f"check-{part}"]
    groups = page.select("div.question[role=group]")
    assert [g["id"] for g in groups] == [f"question-{entry['id']}" for entry in PARTS[part]]
    for group, entry in zip(groups, PARTS[part]):
        assert page.find(id=group["aria-labelledby"]).get_text().strip()
        choices = group.select("details.choice > summary")
        assert len(choices) == len(entry["choices"])
        for summary, choice in zip(choices, entry["choices"]):
            details = summary.parent
            assert not details.has_attr("open")
            verdict = "Right." if "right" in choice else "Wrong."
            assert details.select_one("p > strong").get_text() == verdict, "in words"
            assert details.select_one(".taught a")["href"].endswith(f"#{entry['chapter']}")
            assert not summary.find("a"), "a link in a summary would be two things at once"
        assert not group.find(["script", "button", "input"])
    article = page.find(attrs={"role": "main"})
    for code in article.find_all(["code", "span"], class_=["literal", "math"]):
        code.extract()
    assert not re.search(r"[`$]|\*\*|\{ref\}", article.get_text()), "markup is left"


def test_the_page_of_broken_notebooks_shows_what_is_stored(pages):
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import broken_notebooks

    page = pages["mend"]
    blocks = [pre.get_text() for pre in page.select("div.highlight pre")]
    assert len(blocks) == 4 * len(broken_notebooks.names()) == 12
    for name in broken_notebooks.names():
        shown = [b for b in blocks if broken_notebooks.log(name) == b.strip()]
        assert len(shown) == 1
        assert page.find("a", href=re.compile(rf"_downloads/.*{name}\.ipynb"))
    hidden = page.select("details.sd-dropdown")
    assert len(hidden) == 6 and not any(box.has_attr("open") for box in hidden)
    for name in broken_notebooks.names():
        (place,) = [i for i, b in enumerate(blocks) if b.strip() == broken_notebooks.log(name)]
        assert not page.select("div.highlight pre")[place].find_parent("details"), "the log is open"
