"""The search of the site: what readers type leads to the section that answers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "book" / "_static"
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from script_engine import engine  # noqa: E402

# The scripts of search.html, without the index.
SCRIPTS = ("vendor/minisearch.js", "site-search.js")


def asker(browser):
    """Ask the search built from window.searchPages."""
    browser.eval("const ask = SiteSearch.build(window.searchPages); 0")

    def ask(query):
        return json.loads(browser.eval(f"JSON.stringify(ask({json.dumps(query)}))"))

    return ask


# A small index ---------------------------------------------------------------------------------

PAGES = [
    ["chapters/02-points.html", "2. Turn points into distributions", [
        ["", "Turn points into distributions", "A code becomes a cloud.", ""],
        ["draw", "Draw: the reparameterization trick", "Gradients get through epsilon.", ""],
        ["sources", "Sources", "The reparameterization trick is due to two papers.", ""]]],
    ["chapters/05-collapse.html", "5. Tell a collapse", [
        ["", "Tell a collapse", "The codes of a collapsed VAE say nothing at all.", ""],
        ["ex-free", "Exercise 5.1: Give free bits", "Over a batch, four dimensions pay.", ""],
        ["train", "Train it", "We train for twelve epochs.", "FreeBitsVAE default_rng"]]],
    ["book/errors/questions.html", "Questions", [
        ["blurry", "Why the pictures are blurry", "A VAE draws blurred pictures.", ""],
        ["nan", "The loss is nan", "An input is nan.", "nan_to_num"]]],
    ["book/source-ledger.html", "Check what the sources say", [
        ["large", "The large network has 8,728,505 parameters", "Counted: 8,728,505.", ""],
        ["posterior", "Claims", "Posterior is a word, collapse is another.", "add_loss"]]],
]  # fmt: skip


@pytest.fixture(scope="module")
def small():
    browser = engine(*(STATIC / name for name in SCRIPTS), first="const window = {}")
    browser.eval(f"window.searchPages = {json.dumps(PAGES)}; 0")
    return browser, asker(browser)


@pytest.mark.parametrize(
    ("query", "address", "anchor"),
    [
        *((word, "book/errors/questions.html", "blurry")
          for word in ("blurry", "Blurred", "blur", "blurring", "blurry images", "why so blurry?")),
        *((word, "chapters/02-points.html", "draw")
          for word in ("reparameterization", "reparameterisation", "reparametrization",
                       "reparametrisation", "reparameterized", "the reparameterisation trick")),
        *((word, "chapters/05-collapse.html", "")
          for word in ("collapse", "collapsed VAE", "colapse")),
        *((word, "book/source-ledger.html", "large")
          for word in ("8,728,505", "8728505", "8728505 parameters")),
        *((word, "book/errors/questions.html", "nan") for word in ("NaN", "nan", "loss is NaN")),
        ("FreeBitsVAE", "chapters/05-collapse.html", "train"),
        ("default_rng", "chapters/05-collapse.html", "train"),
        ("free bits", "chapters/05-collapse.html", "ex-free"),
        ("add loss", "book/source-ledger.html", "posterior"),
        ("how should I use free bits", "chapters/05-collapse.html", "ex-free"),
    ],
)  # fmt: skip
def test_a_question_leads_to_its_section(small, query, address, anchor):
    _, ask = small
    first = ask(query)[0]
    assert (first["address"], first["anchor"]) == (address, anchor)


def test_a_question_may_be_about_what_it_does_not_name(small):
    """The chapter on collapse has no "posterior" in it, and is about posterior collapse."""
    _, ask = small
    assert "chapters/05-collapse.html" in [one["address"] for one in ask("posterior collapse")[:3]]


@pytest.mark.parametrize("query", ["", "the", "asdf qwerty", "my cat is ill", "constructor", "?!"])
def test_nothing_is_found_where_nothing_is(small, query):
    assert small[1](query) == []


def test_chapters_come_before_their_sources(small):
    anchors = [one["anchor"] for one in small[1]("reparameterization trick")]
    assert anchors.index("draw") < anchors.index("sources")


def call(browser, function, *arguments):
    given = ", ".join(json.dumps(argument) for argument in arguments)
    return json.loads(browser.eval(f"JSON.stringify(SiteSearch.{function}({given}))"))


def test_an_excerpt_stands_around_the_hit_and_marks_it(small):
    browser, ask = small
    text = "nothing here " * 60 + "a blurred picture, and a blurry one " + "nothing there " * 60
    pieces = call(browser, "excerpt", text, ["blur"])
    assert [piece["text"] for piece in pieces if piece.get("marked")] == ["blurred", "blurry"]
    whole = "".join(piece["text"] for piece in pieces)
    assert len(whole) < 260 and whole[0] == whole[-1] == "\u2026" and whole[2:-2] in text
    short = call(browser, "excerpt", "A blurry one.", ["blur"])
    assert "".join(piece["text"] for piece in short) == "A blurry one."


def test_the_words_to_mark_are_those_of_the_section(small):
    """Not those of the question, which may be spelt in another way."""
    browser, ask = small
    assert call(browser, "marks", ask("blur")[0]) == ["blurry", "blurred"]
    assert call(browser, "marks", ask("8728505")[0]) == ["8,728,505"]
    assert call(browser, "marks", ask("reparametrisation")[0]) == ["reparameterization"]
    assert call(browser, "marks", ask("add_loss")[0]) == ["add_loss"]


# The index of a book ---------------------------------------------------------------------------

PAGE = r"""
# Page one

Text of the *page*, with $\beta = 0.5$ and https://example.org/long.

```python
vae.add_loss("words in_quotes are_printed")
KerasTensor = encoder(x)
```

## Second section

It has {ref}`a link <there>`.

(there)=
### Third

```{glossary}
rate
KL term
  The price of a code.
```

```{exercise-start} Count
:label: ex-count
```

How many?

```{exercise-end}
```

```{solution-start} ex-count
:class: dropdown
```

It is 665,602.

```{solution-end}
```

Behind the exercise.
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A book of one page, in the theme of the site."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "index.md").write_text(PAGE)
    (folder / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
        "extensions = ['myst_parser', 'sphinx_exercise', 'site_search']\n"
        "myst_enable_extensions = ['dollarmath']\nhtml_theme = 'sphinx_book_theme'\n"
        f"html_static_path = [{str(STATIC)!r}]\nproject = 'Small'\n"
    )
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", folder, folder / "html"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def sections(built):
    text = (built / "_static" / "search-sections.js").read_text(encoding="utf-8")
    pages = json.loads(text.removeprefix("window.searchPages = ").removesuffix(";\n"))
    ((address, title, found),) = pages
    assert (address, title) == ("index.html", "Page one")
    return {anchor: (title, text, code) for anchor, title, text, code in found}


def test_every_section_exercise_and_term_has_an_entry(sections):
    assert {anchor: title for anchor, (title, _, _) in sections.items()} == {
        "": "Page one", "second-section": "Second section", "third": "Third",
        "term-rate": "rate, KL term", "ex-count": "Exercise: Count",
    }  # fmt: skip


def test_an_entry_has_the_text_of_its_section_alone(sections):
    assert sections[""][1] == "Text of the page, with beta = 0.5 and"
    assert sections["second-section"][1] == "It has a link."
    assert sections["term-rate"][1] == "The price of a code."
    assert sections["third"][1] == "Behind the exercise."
    assert sections["ex-count"][1] == "How many?"


def test_names_in_code_are_kept_and_solutions_are_not(sections):
    assert sections[""][2] == "add_loss KerasTensor"
    assert "665,602" not in json.dumps(list(sections.values()))


def test_anchors_are_those_of_the_page(built, sections):
    page = BeautifulSoup((built / "index.html").read_text(), "html.parser")
    assert all(page.find(id=anchor) for anchor in sections if anchor)


def test_only_the_page_of_the_search_loads_the_index(built):
    """And nobody loads Sphinx' own, which is not made."""
    for name in ("index.html", "search.html"):
        page = BeautifulSoup((built / name).read_text(), "html.parser")
        sources = [tag["src"].split("?")[0] for tag in page.find_all("script", src=True)]
        theirs = ("searchtools", "language_data", "searchindex", "sphinx_highlight")
        assert not [source for source in sources if any(word in source for word in theirs)]
        assert "_static/search-marks.js" in sources
        loaded = [source for source in sources if "search-sections" in source or "mini" in source]
        assert bool(loaded) == (name == "search.html")
    assert not (built / "searchindex.js").exists()
    assert not (built / "_static" / "searchtools.js").exists()


def test_the_page_of_the_search_has_what_its_script_needs(built):
    page = BeautifulSoup((built / "search.html").read_text(), "html.parser")
    for name in ("site-query", "site-found", "site-errors", "site-hits"):
        assert len(page.find_all(id=name)) == 1, name
    assert page.find("label", attrs={"for": "site-query"})
    # The fields of the theme, in the sidebar and behind Ctrl+K, lead here.
    forms = page.select("form.bd-search")
    assert forms and all(form.find("input")["name"] == "q" for form in forms)
    sheets = [tag["href"] for tag in page.find_all("link", rel="stylesheet")]
    assert any("site-search.css" in sheet for sheet in sheets)


def test_the_built_book_is_searched(built):
    files = STATIC / SCRIPTS[0], built / "_static" / "search-sections.js", STATIC / SCRIPTS[1]
    browser = engine(*files, first="const window = {}")
    ask = asker(browser)
    assert [one["anchor"] for one in ask("price of codes")][0] == "term-rate"
    assert ask("KerasTensor")[0]["anchor"] == ""
    assert ask("665602") == []


def test_the_library_is_kept_with_its_licence():
    head = (STATIC / "vendor" / "minisearch.js").read_text()[:200]
    licence = (STATIC / "vendor" / "minisearch-LICENSE.txt").read_text()
    assert "MiniSearch 7" in head and "MIT" in head and "Luca Ongaro" in licence
