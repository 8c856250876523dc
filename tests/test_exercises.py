"""vaelib.exercises.check; the index of exercises, the teacher's page and its slides."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from vaelib.exercises import check

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]
import chapter_files  # noqa: E402
import exercise_index  # noqa: E402
import slides  # noqa: E402

WRITTEN, DESCRIBED = exercise_index.written(), exercise_index.described()

SLIPS = {"you forgot the factor 1/2": 2.0, "you averaged": 0.5}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (1.0, "Correct."),
        (1.0005, "Correct."),
        (np.float32(1), "Correct."),
        (2.0, "it looks as if you forgot the factor 1/2."),
        (0.5, "it looks as if you averaged."),
        (7.0, "none of the usual slips"),
        (float("nan"), "the answer holds NaN"),
        (1 + 5j, "a number is wanted"),
        (10**400, "a number is wanted"),
        (None, "No answer yet"),
        (..., "No answer yet"),
        ("one", "a number is wanted, but the answer is a str"),
        ([1.0, 2.0], "shape () is wanted, but the answer has (2,)"),
    ],
)
def test_verdicts(answer, sentence, capsys):
    assert check(answer, correct=1.0, slips=SLIPS) is None
    printed = capsys.readouterr().out
    assert sentence in printed and printed.count("\n") == 1
    assert ("Correct" in printed) == (sentence == "Correct.")


@pytest.mark.parametrize(
    ("answer", "correct", "sentence"),
    [
        ([1, 2], np.array([1.0, 2.0]), "Correct."),
        ([2, 1], [1, 2], "you swapped the axes"),
        (0.0, 0.0, "Correct."),
        (1e-6, 0.0, "Not yet"),
    ],
)
def test_arrays_and_zeros(answer, correct, sentence, capsys):
    check(answer, correct, slips={"you swapped the axes": [2, 1]})
    assert sentence in capsys.readouterr().out


# The index -------------------------------------------------------------------------------------


def test_every_exercise_is_described_and_no_other():
    assert list(DESCRIBED) == list(WRITTEN), "in the order of the book"
    kinds = set()
    for label, entry in DESCRIBED.items():
        assert set(entry) == {"level", "kind", "subjects"}, label
        assert entry["level"] in exercise_index.LEVELS, label
        assert entry["subjects"] and set(entry["subjects"]) <= set(exercise_index.SUBJECTS), label
        kinds.add(entry["kind"])
    assert {"convert", "read a log", "derive", "diagnose", "build", "repeat", "decide"} <= kinds
    assert len(kinds) <= 10, kinds


def test_each_chapter_states_level_and_kind_under_the_title():
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in chapter_files.CHAPTERS.glob("*.ipynb")
    )
    text = text.replace('\\n",', "").replace('"', "")
    for label, entry in DESCRIBED.items():
        found = re.search(rf":label: {label}\s+```\s+(\*\*[^*]+\*\*)", text)
        assert found and found[1] == exercise_index.line_of(entry), label


def test_the_exercises_on_the_weight_have_every_level_and_many_kinds():
    """What the second part is for: which weight?"""
    part = "weigh-the-kl-term", "collapse-and-choice", "decoder-noise"
    on_weight = [DESCRIBED[label] for label, (_, slug) in WRITTEN.items() if slug in part]
    assert len(on_weight) >= 16
    assert {entry["level"] for entry in on_weight} == set(exercise_index.LEVELS)
    wanted = {"convert", "read a log", "derive", "diagnose", "build", "repeat", "measure", "decide"}
    assert wanted <= {entry["kind"] for entry in on_weight}


def test_the_page_lists_each_exercise_under_each_of_its_subjects():
    page = (ROOT / "book" / "exercises.md").read_text()
    assert all(page.count(marker) == 1 for marker in exercise_index.FILLINGS)
    index = exercise_index.index_as_markdown()
    for label, (title, chapter) in WRITTEN.items():
        assert index.count(f"`{title} <{label}>`") == len(DESCRIBED[label]["subjects"]), label
        assert f"{{ref}}`{chapter}`" in index
    assert f"{len(WRITTEN)} exercises: " in exercise_index.counts_as_markdown()


def test_the_teacher_sets_exercises_that_there_are():
    page = (ROOT / "book" / "teaching.md").read_text()
    named = re.findall(r"\{ref\}`([^`<]+) <(ex-[a-z-]+)>`", page)
    assert len(set(named)) > 25 and page.count("<ex-") == len(named)
    for title, label in named:
        assert WRITTEN[label][0] == title, label


# Slides ----------------------------------------------------------------------------------------


def test_slides_of_a_chapter(tmp_path):
    path = slides.write("weigh-the-kl-term", tmp_path)
    text = path.read_text()
    pages = text.split("\n\n---\n\n")
    files = re.findall(r"!\[\]\(([^)]+)\)", text)
    assert len(pages) > 8 and len(files) >= 5
    assert pages[0].startswith("# Weigh the KL term") and pages[0].rstrip().endswith("?")
    assert pages[-1].startswith("## Summary")
    assert sum(page.startswith("## Predict") for page in pages) >= 3
    for file in files:
        assert (path.parent / file).read_bytes().startswith(b"\x89PNG"), file
    assert not re.search(r"\{(ref|cite|numref|doc|chapter)\}", text), "left for the book"
    assert slides.write("weigh-the-kl-term", tmp_path) == path, "made again"


@pytest.mark.parametrize("slug", chapter_files.slugs())
def test_every_chapter_makes_slides(slug):
    pages, pictures = slides.slides_of(chapter_files.path_of(slug))
    assert len(pages) >= 3 and pictures


def test_slides_of_no_chapter(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["slides.py", "weigh"])
    with pytest.raises(SystemExit, match="There is no chapter 'weigh'"):
        slides.main()
