"""Exercises that are answered in the page: the same sentences as in the notebook, one source."""

import ast
import base64
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from docutils import nodes

from vaelib.exercises import _verdict

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]
import exercise_answers  # noqa: E402
import exercise_forms  # noqa: E402
import exercise_index  # noqa: E402
from script_engine import engine  # noqa: E402

ANSWERS = exercise_forms.answers()
CHECKS = exercise_answers.checks()
OURS = {label: where for label, where in CHECKS.items() if not exercise_answers.varies(*where)}
WRITTEN_OUT = r"exercises\.check\(\w+, correct=(\[[\d., ]+\]|[\d_.]+)[,)]"
AGAIN = "made anew by: python tools/exercise_answers.py"


# One source: the notebooks' own calls ----------------------------------------------------------


def test_every_check_of_a_chapter_has_an_answer_unless_it_varies():
    assert list(ANSWERS) == list(OURS), AGAIN
    assert len(ANSWERS) >= 40 and set(CHECKS) - set(OURS) == {"ex-choose"}
    assert set(ANSWERS) <= set(exercise_index.written())


@pytest.mark.parametrize("label", OURS)
def test_the_stored_answer_is_not_older_than_its_cells(label):
    slug, place = OURS[label]
    assert ANSWERS[label]["chapter"] == slug
    assert ANSWERS[label]["fingerprint"] == exercise_answers.fingerprint(slug, place), AGAIN


def cheap(slug, place):
    """Whether it needs no Keras, and no images."""
    needed = exercise_answers.dependences(slug, place)
    imports = [ast.unparse(node) for statement, node in needed if statement.is_import]
    return not re.search(r"\b(keras|data)\b", " ".join(imports))


CHEAP = [label for label, where in OURS.items() if cheap(*where)]


def test_nearly_all_are_cheap():
    assert set(OURS) - set(CHEAP) == {"ex-seeds", "ex-noise-shapes", "ex-small-weight"}


@pytest.mark.parametrize("label", CHEAP)
def test_the_stored_answer_is_what_the_cells_compute(label):
    """Computed again from the notebook."""
    stored, found = ANSWERS[label], exercise_answers.entry(*OURS[label])
    for name in ("asks", "rtol"):
        assert stored[name] == found[name]
    assert list(stored["slips"]) == list(found["slips"])
    for old, new in zip([stored["correct"], *stored["slips"].values()],
                        [found["correct"], *found["slips"].values()]):  # fmt: skip
        assert np.allclose(old, new, rtol=1e-12, atol=0)


def test_a_changed_cell_changes_the_fingerprint(monkeypatch):
    """That of a statement on which the call depends, too; not that of any other."""
    slug, place = OURS["ex-sigma"]
    cells = json.loads(json.dumps(exercise_answers.cells_of(slug)))
    text = "".join(cells[place]["source"])
    cells[place]["source"] = text.replace("[0.5, -1.0]", "[0.5, -2.0]")
    assert cells[place]["source"] != text
    monkeypatch.setattr(exercise_answers, "cells_of", lambda _: cells)
    monkeypatch.setattr(
        exercise_answers, "statements_of", exercise_answers.statements_of.__wrapped__
    )
    assert exercise_answers.fingerprint(slug, place) != ANSWERS["ex-sigma"]["fingerprint"]
    other, there = OURS["ex-two-weights"]
    assert other == slug
    assert exercise_answers.fingerprint(other, there) == ANSWERS["ex-two-weights"]["fingerprint"]


def test_what_a_solution_compares_with_is_correct():
    """An independent witness: numbers that the chapters write out in a solution's check."""
    seen = 0
    for label, (slug, place) in OURS.items():
        following = exercise_answers.cells_of(slug)[place + 1 : place + 4]
        for text in ("".join(cell["source"]) for cell in following):
            for call in re.findall(WRITTEN_OUT, text):
                assert say(ANSWERS[label], ast.literal_eval(call)) == "Correct.", label
                seen += 1
    assert seen >= 6


# The same sentences ----------------------------------------------------------------------------


def say(entry, answer):
    """What Python says."""
    return _verdict(answer, np.asarray(entry["correct"], float), entry["slips"], entry["rtol"])


@pytest.fixture(scope="module")
def page():
    """Call a function of the page's script, in the engine of a browser."""
    browser = engine(ROOT / "book" / "_static" / "exercises.js")

    def call(function, *arguments):
        given = ", ".join(script(argument) for argument in arguments)
        return json.loads(browser.eval(f"JSON.stringify(Exercises.{function}({given}) ?? null)"))

    return call


def script(value):
    """A Python value as JavaScript; JSON knows neither NaN nor infinity."""
    if isinstance(value, list):
        return f"[{', '.join(map(script, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return json.dumps(value)


def answers_to_try(entry):
    """The right one, every slip, both sides of every border, and what nobody should answer."""
    rtol = entry["rtol"]
    shift = [0, 0.5 * rtol, 0.999 * rtol, 1.001 * rtol, 2 * rtol, -0.999 * rtol, -1.001 * rtol]
    for value in [entry["correct"], *entry["slips"].values()]:
        value = np.asarray(value, float)
        yield from ((value * (1 + s)).tolist() for s in shift)
        yield from ((value + s).tolist() for s in (0.9e-9, -0.9e-9, 1.1e-9, -1.1e-9))
        yield from (np.round(value, digits).tolist() for digits in range(5))
        yield (np.round(value, 2) + 0.01).tolist()
        yield (-value).tolist()
        for odd in (0.0, float("nan"), float("inf"), float("-inf")):
            yield np.full_like(value, odd).tolist()
            if value.ndim:
                yield [odd, *value[1:].tolist()]
                yield value[:-1].tolist()
    yield from (1.0, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])


ZERO = {"correct": 0.0, "slips": {"you stopped early": 1e-6, "you lost the sign": -2}, "rtol": 0}
BY_HAND = {"correct": [1.0, 0.0], "slips": {"all": [0, 1], "one": 3.0}, "rtol": 1e-3}


def test_the_page_says_what_the_notebook_says(page):
    seen, count = set(), 0
    for label, entry in {**ANSWERS, "zero": ZERO, "two": BY_HAND}.items():
        check = {name: entry[name] for name in exercise_forms.COMPARED}
        for answer in answers_to_try(entry):
            assert page("verdict", answer, check) == say(entry, answer), (label, answer)
            seen.add(re.split(r"it looks|shape", say(entry, answer))[0])
            count += 1
    assert len(seen) == 4 and count > 5_000  # correct, NaN, no usual slip, "Not yet: "


@pytest.mark.parametrize(
    ("typed", "correct", "right"),
    [("1.30", 1.3023, True), ("1.3", 1.3023, True), ("1", 1.3023, False), ("1.31", 1.3023, False),
     ("12.3", 12.288, True), ("12", 12.288, True), ("13", 12.288, False), ("0.0188", 0.01884, True),
     ("0.02", 0.01884, False), ("28", 27.6, True), ("-0.16", -0.1557, True), ("0", 0.2, False),
     ("6.5e-7", 6.52e-7, True), ("1e-7", 1.02e-7, False), ("2.5e21", 2.51e21, False)],
)  # fmt: skip
def test_a_number_may_be_rounded_to_two_digits(page, typed, correct, right):
    entry = {"correct": correct, "slips": {}, "rtol": 1e-3}
    told = page("verdict", page("answerOf", [typed]), entry)
    assert told == say(entry, float(typed)) and (told == "Correct.") == right


def test_a_slip_is_named_before_a_number_is_taken_for_a_rounded_one(page):
    entry = {"correct": 1.3023, "slips": {"you stopped early": 1.3}, "rtol": 1e-3}
    assert page("verdict", 1.3, entry) == say(entry, 1.3) == (
        "Not yet: it looks as if you stopped early."
    )  # fmt: skip


def test_every_slip_is_named(page):
    for label, entry in ANSWERS.items():
        check = {name: entry[name] for name in exercise_forms.COMPARED}
        for phrase, wrong in entry["slips"].items():
            assert page("verdict", wrong, check) == f"Not yet: it looks as if {phrase}.", label


def test_no_number_and_no_answer(page):
    assert page("verdict", "half", ZERO) == say(ZERO, "half")
    # The notebook speaks of a cell to run again here, the page of its fields.
    assert page("verdict", None, ZERO).startswith("No answer yet: ")
    assert say(ZERO, None).startswith("No answer yet: ")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("0.5", 0.5), (" .5 ", 0.5), ("5.", 5), ("1e-3", 1e-3), ("-2", -2), ("\u22122", -2),
        ("1/2", 0.5), ("665,602", 665602), ("8,728,505", 8728505), ("1_000", 1000),
        ("12,345.5", 12345.5), ("9.2%", 0.092), ("(1 + 2) * 3", 9), ("2**3**2", 512),
        ("-2**2", -4), ("2^-1", 0.5), ("1 - 2 - 3", -4), ("8 / 4 / 2", 1), ("2 \u00b7 3", 6),
        ("np.exp(1.48 - 0.16)", math.exp(1.32)), ("ln(2)", math.log(2)), ("log10(1e3)", 3),
        ("sqrt(abs(-4))", 2), ("2*pi", 2 * math.pi), ("e", math.e),
    ],
)  # fmt: skip
def test_what_a_reader_types_is_read(page, typed, value):
    assert page("read", typed) == pytest.approx(value, rel=1e-12)
    assert page("answerOf", [typed]) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "typed", ["one", "0,5", "1,2,3", "12,34", "1.2.3", "1 2", "2 +", "(2", "2)", "constructor",
              "[]", "exp 2", "toString(2)", "--"],
)  # fmt: skip
def test_what_is_no_number(page, typed):
    assert page("answerOf", [typed]) == typed
    assert page("answerOf", ["1", typed]) == typed
    assert page("verdict", typed, ZERO) == say(ZERO, "one")


def test_nothing_typed_and_no_number_at_all(page):
    assert page("answerOf", [""]) is None and page("answerOf", ["1", " "]) is None
    assert page("answerOf", ["1", "2"]) == [1, 2]
    for typed in ("nan", "0/0", "inf - inf"):
        assert "holds NaN" in page("verdict", float("nan"), ZERO)
        assert page("read", typed) is None  # NaN, as JSON writes it


def test_the_page_says_how_it_read_a_calculation(page):
    assert page("reading", ["0.5"]) == "" and page("reading", ["1e-3", "5.0"]) == ""
    assert page("reading", ["1/4"]) == "Read as 0.25."
    assert page("reading", ["1,386"]) == "Read as 1386."
    assert page("reading", ["1", "2*3"]) == "Read as 1, 6."
    assert "write 0.5" in page("reading", ["0,5"]) and page("reading", ["one"]) == ""


# In the page -----------------------------------------------------------------------------------

CHAPTER = r"""
# A page

```{exercise-start} Count
:label: ex-count
```

How many?

```{exercise-end}
```

Here the notebook has its cells.

```{solution-start} ex-count
:class: dropdown
```

It is 665,602.

```{solution-end}
```

```{exercise} Build
:label: ex-dense

No number here.
```
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A book of one page with two exercises."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "index.md").write_text(CHAPTER)
    (folder / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
        "extensions = ['myst_parser', 'sphinx_exercise', 'exercise_forms']\n"
        f"html_static_path = [{str(ROOT / 'book' / '_static')!r}]\nhtml_theme = 'basic'\n"
    )
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", folder, folder / "html"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return BeautifulSoup((folder / "html" / "index.html").read_text(), "html.parser")


def test_the_form_stands_between_exercise_and_solution(built):
    (place,) = built.select(".exercise-form")
    exercise = place.find_parent(class_="exercise")
    assert exercise["id"] == place["data-exercise"] == "ex-count"
    assert place.find_next_sibling() is None and "How many?" in exercise.get_text()
    assert exercise.find_next_sibling(class_="solution")
    assert json.loads(place["data-asks"]) == ["Your number"] and not place.get_text()


def test_what_an_exercise_asks_about_stands_between_question_and_form():
    """A cell right behind an exercise that shows something is moved into it, and no other."""

    def cell(*parts):
        shown = [nodes.container(classes=[part]) for part in parts]
        return nodes.container("", *shown, classes=["cell"])

    table, answer = cell("cell_input", "cell_output"), cell("cell_input")
    exercise = nodes.container("", nodes.paragraph(text="How many?"))
    nodes.section("", exercise, table, answer, cell("cell_input", "cell_output"))
    assert exercise_forms.shown_after(exercise) == [table]
    nodes.section("", exercise, answer, table)
    assert exercise_forms.shown_after(exercise) == []


def test_the_answer_does_not_stand_in_the_page_in_plain_sight(built):
    place = built.select_one(".exercise-form")
    stored = json.loads(base64.b64decode(place["data-check"]))
    assert stored == {name: ANSWERS["ex-count"][name] for name in exercise_forms.COMPARED}
    assert "biases" not in str(place) and "665602" not in str(place)


def test_the_page_has_script_and_style(built):
    files = [tag.get("src") or tag.get("href") for tag in built.find_all(["script", "link"])]
    assert sum("exercises.js" in str(name) for name in files) == 1
    assert sum("exercises.css" in str(name) for name in files) == 1


def test_the_index_says_which_are_answered_in_the_page():
    table = exercise_index.index_as_markdown()
    titles = exercise_index.written()
    for label, (title, _) in titles.items():
        row = next(line for line in table.splitlines() if f"`{title} <{label}>`" in line)
        assert (", in the page |" in row) == (label in ANSWERS), label
    assert f"{len(ANSWERS)} of them are answered" in exercise_index.counts_as_markdown()
