"""Changelog, errata, how to cite, references."""

import datetime
import io
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from pybtex.database import parse_string
from pybtex.richtext import Text
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

import vaelib

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
sys.path.insert(0, str(BOOK / "_ext"))

import about_pages  # noqa: E402

PERSON = {
    "title": "A Title",
    "abstract": "What it is.",
    "authors": [
        {"family-names": "Noether", "given-names": "Emmy"},
        {"family-names": "Gauß", "given-names": "Carl Friedrich"},
        {"name": "A group"},
    ],
    "version": "1.2.3",
    "date-released": datetime.date(2026, 2, 3),
    "repository-code": "https://example.org/x",
}


def text_of(name):
    return (BOOK / name).read_text(encoding="utf-8")


def dates_in(text):
    found = re.findall(r"\d{1,2} [A-Z][a-z]+ \d{4}", text)
    return [datetime.datetime.strptime(date, "%d %B %Y").date() for date in found]


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entry = about_pages.citation()
    assert project["version"] == entry["version"] == vaelib.__version__
    headings = re.findall(r"^## (\d\S*), (.*)$", text_of("changelog.md"), re.M)
    version, date = headings[0]
    assert version == entry["version"]
    assert dates_in(date) == [entry["date-released"]]


@pytest.mark.parametrize("name", ["changelog.md", "errata.md"])
def test_dates_go_backwards(name):
    headings = "\n".join(re.findall(r"^##+ .*$", text_of(name), re.M))
    dates = dates_in(headings)
    assert len(dates) > 2
    assert dates == sorted(set(dates), reverse=True)


def test_each_erratum_says_where_the_right_thing_stands():
    items = re.split(r"^\*\*", text_of("errata.md"), flags=re.M)[1:]
    assert len(items) > 5
    for item in items:
        assert re.search(r"\{(ref|doc)\}`", item), item


def test_bibtex_is_bibtex():
    (key, entry), *more = parse_string(about_pages.bibtex(PERSON), "bibtex").entries.items()
    assert not more and key == "a-title" and entry.type == "software"
    last = [" ".join(person.last_names) for person in entry.persons["author"]]
    assert last == ["Noether", "Gauß", "{A group}"]
    assert entry.persons["author"][1].first_names == ["Carl"]
    wanted = {"version": "1.2.3", "year": "2026", "date": "2026-02-03"}
    assert wanted.items() <= dict(entry.fields).items()
    assert entry.fields["url"] == "https://example.org/x"


def test_plain_text_names_who_when_what_and_where():
    assert about_pages.plain(PERSON) == (
        "Emmy Noether, Carl Friedrich Gauß, A group (2026). A Title (version 1.2.3) "
        "[Course and software]. https://example.org/x"
    )


def test_licences_are_those_of_the_files():
    text = text_of("cite.md")
    assert about_pages.citation()["license"] == "BSD-3-Clause" and "BSD 3-Clause" in text
    assert "CC BY 4.0" in text and "CC BY 4.0" in (ROOT / "LICENSE-text").read_text("utf-8")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages on citing and of references, built alone."""
    home = tmp_path_factory.mktemp("about")
    source = home / "source" / "book"
    source.mkdir(parents=True)
    for name in ("cite.md", "references.md"):
        (source / name).write_text(text_of(name), encoding="utf-8")
    (source.parent / "index.md").write_text("# X\n\n```{toctree}\nbook/cite\nbook/references\n```")
    settings = {
        "extensions": ["myst_parser", "sphinx_copybutton", "sphinxcontrib.bibtex", "about_pages"],
        "bibtex_bibfiles": [str(BOOK / "references.bib")],
        "bibtex_reference_style": "author_year",
        "html_static_path": [str(BOOK / "_static" / "about-pages.css")],
        "myst_enable_extensions": ["attrs_inline"],
    }
    with docutils_namespace():
        Sphinx(
            source.parent, None, home / "html", home / "trees", "html", settings,
            status=None, warning=io.StringIO(), freshenv=True,
        ).build()  # fmt: skip
    files = {path.stem: path.read_text("utf-8") for path in (home / "html").rglob("*.html")}
    return {name: BeautifulSoup(text, "html.parser") for name, text in files.items()}


def test_the_page_shows_what_the_file_says(pages):
    blocks = pages["cite"].select("div.cite-block pre")
    entry = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert [block.get_text().strip() for block in blocks] == [
        about_pages.bibtex(entry),
        about_pages.plain(entry),
    ]
    head = str(pages["cite"].head)
    assert "copybutton.js" in head and "about-pages.css" in head
    assert "about-pages.css" not in str(pages["index"].head)


def letters(text):
    return re.sub(r"[\W_]+", "", text).lower()


def test_every_work_of_the_bibliography_is_on_its_page(pages):
    entries = parse_string(text_of("references.bib"), "bibtex").entries
    shown = pages["references"].select("div.citation, dl.citation dd")
    assert len(shown) == len(entries) > 80
    text = letters(pages["references"].get_text())
    for key, entry in entries.items():
        title = str(Text.from_latex(entry.fields["title"].replace("$\\beta$", "β")))
        assert letters(title) in text, (key, title)


def test_the_references_are_a_list(pages):
    (works,) = pages["references"].select("[role=list]")
    assert {work["role"] for work in works.find_all("div", recursive=False)} == {"listitem"}


def test_every_citation_has_its_work():
    known = set(parse_string(text_of("references.bib"), "bibtex").entries)
    for path in [*BOOK.rglob("*.md"), *BOOK.glob("*.ipynb"), *(ROOT / "chapters").glob("*.ipynb")]:
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", path.read_text(encoding="utf-8")):
            assert {key.strip() for key in keys.split(",")} <= known, (path.name, keys)
