"""The pages of the error index, as Markdown: what Sphinx reads after error_pages has filled it."""

import re
import sys
from pathlib import Path

import pytest

from vaelib import errors

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import error_pages  # noqa: E402

ENTRIES = errors.entries()
PAGES = {path.stem: path.read_text() for path in (ROOT / "book" / "errors").glob("*.md")}
CLASSES = [name for name, text in PAGES.items() if "<!-- entries" in text]
each_class = pytest.mark.parametrize("name", CLASSES)


def overview():
    return error_pages.filled((ROOT / "book" / "error-index.md").read_text())


def entries_on(text):
    """Slugs of the entries of a page, in their order, with what the page says of each."""
    parts = re.split(r"^\(([\w-]+)\)=\n(?=## )", text, flags=re.M)[1:]
    return list(zip(parts[::2], parts[1::2]))


def without_folds(text):
    return re.sub(r"^:::\{dropdown\}.*?^:::$", "", text, flags=re.M | re.S)


def an_entry(**fields):
    made = {
        "entry": "made-up", "title": "A title", "seen": "message", "typical": "TypeError: a text",
        "versions": "all", "recognize": "It is so.", "cause": "That is why.", "repair": "Do this.",
        "flavour": "keras", "before": "a = 1", "after": "a = 2", "chapter": "two-rules",
        "reports": [],
    }  # fmt: skip
    return error_pages.one_entry(made | fields)


def test_every_entry_stands_on_the_page_of_its_class_and_nowhere_else():
    places = [(slug, name) for name in CLASSES
              for slug, _ in entries_on(error_pages.filled(PAGES[name]))]  # fmt: skip
    assert sorted(places) == sorted((entry["entry"], entry["class"]) for entry in ENTRIES)


def test_every_class_has_a_page_in_the_table_of_contents_and_the_reverse():
    listed = re.findall(r"file: book/errors/([\w-]+)", (ROOT / "_toc.yml").read_text())
    assert sorted(listed) == sorted(PAGES)
    assert sorted(error_pages.classes()) == sorted(CLASSES)
    assert {entry["class"] for entry in ENTRIES} <= set(CLASSES)
    empty = set(CLASSES) - {entry["class"] for entry in ENTRIES}
    assert all(error_pages.errors.index.read(f"{name}.yaml") == [] for name in empty)


def test_the_overview_has_one_line_for_each_entry_at_its_old_address():
    text = overview()
    lines = re.findall(
        r'^- <span class="entry" id="([\w-]+)"></span>\[(.*)\]\(#([\w-]+)\)'
        r"(?: \[[\w ,]+\]\{.versions\})?$", text, re.M,
    )  # fmt: skip
    assert all(slug == target and title for slug, title, target in lines)
    assert sorted(slug for slug, *_ in lines) == sorted(entry["entry"] for entry in ENTRIES)
    ids = re.findall(r'id="([^"]+)"', text)
    assert len(ids) == len(set(ids)) and "error-query" in ids and "error-answers" in ids
    assert 'className === "entry"' in text, "the script that leads on"


def test_the_overview_names_every_class_with_a_sentence():
    lines = re.findall(r"^- \{doc\}`errors/([\w-]+)`\. (.+)$", overview(), re.M)
    assert [name for name, _ in lines] == error_pages.classes()
    for name, sentence in lines:
        assert sentence.endswith(".") and 6 <= len(sentence.split()) <= 40, name


def test_what_the_reader_sees_is_a_heading_of_the_overview():
    headings = re.findall(r"^### (.+)$", overview(), re.M)
    assert len(headings) == len(set(headings)) >= 7
    assert set(headings) <= {*error_pages.TYPES, error_pages.OTHER, *headings[-2:]}
    assert headings[-2:] == [error_pages.WARNING, error_pages.SYMPTOM]


@each_class
def test_a_page_of_a_class(name):
    text = error_pages.filled(PAGES[name])
    assert re.match(r"# (?!.*[`{]).{10,80}\n\n", text), "a title in words"
    assert name not in text.splitlines()[0]
    assert "{doc}`../error-index`" in text and "<before-every-snippet>`" in text
    seen = {entry["entry"]: entry["seen"] for entry in ENTRIES}
    order = [error_pages.ORDER.index(seen[slug]) for slug, _ in entries_on(text)]
    assert order == sorted(order), "messages first, then warnings, then symptoms"
    assert "<!--" not in text


@pytest.mark.parametrize("name", [*PAGES, "error-index"])
def test_no_page_is_too_long(name):
    text = overview() if name == "error-index" else error_pages.filled(PAGES[name])
    assert len(without_folds(text).split()) < 9_000


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["entry"])
def test_an_entry_shows_what_it_has(entry):
    text = error_pages.one_entry(entry)
    shown = without_folds(text)
    assert entry["after"].rstrip() in shown and entry["typical"].rstrip() in shown
    assert "**Why.**" in shown and "**Repair.**" in shown
    assert f"```python\n{entry['before'].rstrip()}\n```\n:::" in text
    assert (error_pages.CHANGE in text) == bool(entry.get("change"))
    assert all(message.rstrip() in text for message in entry.get("messages", ()))
    assert entry.get("fresh", "").rstrip() in shown
    assert text.count("]{.era}") == len(set(entry.get("eras", ()))) % len(error_pages.ERAS) or (
        "[All versions]{.era}" in text
    )
    for url in entry["reports"] or []:
        assert f"({url})" in text
    # A fence inside a fence would end it.
    for field in ("typical", "before", "after", "fresh", *entry.get("messages", ())):
        code = entry.get(field, field)
        assert not re.search(r"^\s*(```|:::)", code, re.M), field


def test_the_marks_of_an_entry_say_for_which_versions_it_is():
    assert "[All versions]{.era}\n" in an_entry()
    text = an_entry(eras=["tf-1", "keras-3"], versions="since Keras 2.1.")
    assert "[Keras 3]{.era} [TF 1]{.era} [since Keras 2.1.]{.versions}\n" in text
    assert "[TF 2.0–2.15, `tf_keras`]{.era}" in an_entry(eras=["tf-2"])
    assert "[Keras 1]{.era}" in an_entry(eras=["keras-1"])
    marks = {"[All versions]{.era}", *(f"[{words}]{{.era}}" for words in error_pages.ERAS.values())}
    assert all(mark in PAGES["how-to-read"] for mark in marks), "explained"


def test_a_line_of_the_overview_names_the_versions_if_it_is_not_for_all():
    assert error_pages.briefly({}) == ""
    assert error_pages.briefly({"eras": ["tf-2", "keras-3"]}) == " [Keras 3, TF 2]{.versions}"


def test_a_change_from_keras_2_to_3_is_said_first():
    lines = an_entry(change=True).splitlines()
    assert lines[:4] == ["(made-up)=", "## A title", "", f"[{error_pages.CHANGE}]{{.change}}"]
    assert error_pages.CHANGE not in an_entry()


def test_code_before_and_other_wordings_are_folded():
    text = an_entry(messages=["ValueError: other words", "other words still"])
    shown = without_folds(text)
    assert "other words" in text and "other words" not in shown
    assert "other words still" in text and text.count("Other wordings") == 1
    assert "a = 1" in text and "a = 1" not in shown and "a = 2" in shown
    assert "Other wordings" not in an_entry()


def test_code_is_headed_by_the_keras_that_it_is_for():
    assert error_pages.headings({"flavour": "keras"}) == ("Before, on Keras 3", "After, on Keras 3")
    moved = {"flavour": "tf_keras", "after_flavour": "keras"}
    assert error_pages.headings(moved) == ("Before, on `tf_keras`", "After, on Keras 3")
    old = {"flavour": "none", "eras": ["tf-1"], "atlas": {"tensorflow": "1.15"}}
    before, after = error_pages.headings(old)
    assert before == "Before, as it was written then; provoked on TensorFlow 1.15"
    assert after == "After, today"
    tpu = {"flavour": "none", "eras": ["keras-3"], "after_flavour": "keras"}
    assert error_pages.headings(tpu) == ("Before", "After, on Keras 3")
    jax = {"flavour": "keras", "backends": ["jax", "torch"]}
    assert error_pages.headings(jax)[1] == "After, on Keras 3 with JAX or PyTorch"
    mirrored = {"flavour": "keras", "backends": ["tensorflow"], "devices": 2}
    assert error_pages.headings(mirrored)[0] == "Before, on Keras 3, two devices"


def test_a_fresh_process_comes_after_the_repair():
    shown = without_folds(an_entry(fresh="vae = load()"))
    assert shown.index("a = 2") < shown.index("*In a fresh process:*") < shown.index("vae = load()")
    assert "fresh" not in an_entry()


def test_the_code_before_every_snippet_and_the_accuracy_have_their_pages():
    text = error_pages.filled(PAGES["how-to-read"])
    assert "(before-every-snippet)=\n## " in text
    for code in errors.prelude().values():
        assert code.rstrip() in text
    assert "<!-- accuracy -->" in PAGES["how-it-was-measured"]
    assert "| Texts |" in error_pages.filled(PAGES["how-it-was-measured"])


def test_prose_stays_prose():
    assert error_pages.prose("a <lambda> and [] or 2 * 3") == r"a \<lambda> and \[\] or 2 \* 3"
    assert error_pages.prose("call self.add_loss(kl) with `x[0]`") == (
        "call `self.add_loss(kl)` with `x[0]`"
    )
    assert error_pages.prose('take dtype="float32", loss=None, lr= and z = Draw()([mu])') == (
        'take `dtype="float32"`, `loss=None`, `lr=` and z = `Draw()([mu])`'
    )
    assert error_pages.prose("'Mean' object, Keras' own") == "`'Mean'` object, Keras' own"


def test_an_entry_has_an_address_for_other_pages():
    for entry in ENTRIES:
        page, slug = error_pages.address(entry["entry"]).split(".html#")
        assert slug == entry["entry"] and page == f"errors/{entry['class']}"
        assert page.split("/")[1] in PAGES
    with pytest.raises(ValueError):
        error_pages.address("no-such-entry")
