"""Every chapter is a test: run it under nbval, and look at what is stored.

The pages of the appendix that run are held to the same, their anatomy aside.
"""

import re
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
for folder in ("tools", "benchmarks"):
    sys.path.insert(0, str(ROOT / folder))
from costs import APPENDIX, CHAPTERS, run_notebook  # noqa: E402
from execute import normalize  # noqa: E402
from minutes import STATED, reading  # noqa: E402

NBVAL_TAGS = {
    "nbval-ignore-output",
    "nbval-check-output",
    "nbval-skip",
    "nbval-raises-exception",
    "raises-exception",
}
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize("path", CHAPTERS + APPENDIX, ids=lambda path: path.stem)


@each_notebook
def test_chapter_runs(path, record_property):
    """What it costs is recorded and printed (conftest.py); only `make bench` judges it."""
    status, output, cost = run_notebook(path)
    record_property("chapter", path.stem)
    record_property("cost", cost)
    assert status == 0, output


def test_the_run_notices_a_wrong_output_and_a_failed_assertion(tmp_path):
    """The test above must be able to fail."""
    for name, source, stored in (
        ("output", "print(1 + 1)", "3\n"),
        ("assertion", "assert 1 + 1 == 3", None),
        ("stderr", "import sys; print('x', file=sys.stderr)", None),
    ):
        cell = nbformat.v4.new_code_cell(source, execution_count=1)
        if stored:
            cell.outputs = [nbformat.v4.new_output("stream", text=stored)]
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
        status, output, _ = run_notebook(path)
        assert status == 1 and "1 failed" in output, (name, output)


# What is stored ---------------------------------------------------------------------------------


def cells(path, kind):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


@each_notebook
def test_stored_chapter_is_clean_and_complete(path):
    notebook = nbformat.read(path, 4)
    before = nbformat.writes(notebook)
    assert normalize(notebook) == []
    assert nbformat.writes(notebook) == before, "run `make chapters` to normalize it"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count, f"not executed: {cell.source[:60]!r}"
        for tag in cell.metadata.get("tags", []):
            assert not tag.startswith("nbval") or tag in NBVAL_TAGS, tag


@each_notebook
def test_cells_ran_in_order(path):
    counts = [cell.execution_count for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_what_varies_is_followed_by_an_assertion(path):
    code = cells(path, "code")
    for number, cell in enumerate(code):
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            following = "\n".join(c.source for c in code[number : number + 4])
            assert "assert" in following, cell.source[:80]


# Short chapters -----------------------------------------------------------------------------------


@each_chapter
def test_the_stated_minutes_are_honest(path):
    notebook = nbformat.read(path, 4)
    (stated,) = STATED.findall("\n".join(cell.source for cell in notebook.cells))
    assert int(stated[1]) == reading(notebook).minutes, "run python tools/minutes.py --write"


@each_chapter
def test_a_chapter_is_short(path):
    """Exercises aside; what only an expert wants is folded, in the appendix or in the ledger."""
    caption = next(part["caption"] for part in parts() if path.stem in part["chapters"])
    repair_or_place = caption.split()[0] in ("III", "IV")
    minutes, cells = (33, 50) if repair_or_place else (40, 80)
    found = reading(nbformat.read(path, 4))
    assert found.minutes <= minutes and found.cells <= cells, found


def test_the_count_of_minutes_can_fail():
    """Words at 200, code at 20 a minute; exercises, folded code and folded boxes aside."""
    cell, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    text = "{ref}`a <b>` " + 397 * "word " + "and $x$\n\n```python\n1\n\n2\n```"
    folded = "```{admonition} In practice\n:class: note, dropdown\n\n" + 50 * "word " + "\n```"
    cells = [
        cell(text), cell(folded), code(38 * "1\n"), code("1\n2", metadata={"tags": ["hide-input"]}),
        cell("```{exercise-start} E\n:label: ex-e\n```"), cell(900 * "word "), code(99 * "1\n"),
        cell("```{exercise-end}\n```"),
    ]  # fmt: skip
    found = reading(nbformat.v4.new_notebook(cells=cells))
    assert found == (402, 40, 4, 50) and found.minutes == 4


def parts():
    """The parts of the book: caption, and the stems of their chapters."""
    for part in yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]:
        files = [Path(entry["file"]) for entry in part["chapters"]]
        chapters = [file.name for file in files if file.parent.name == "chapters"]
        if chapters:  # a page of questions stands in a part without a caption
            yield {"caption": part["caption"], "chapters": chapters}


@each_chapter
def test_the_first_screen_is_a_picture_and_a_question(path):
    """Title, picture, the phenomenon in a few words and a question; then the box."""
    first = nbformat.read(path, 4).cells[0].source
    screen = first.split("{admonition} In this chapter")[0]
    assert re.search(r"!\[[^\]]{20,}\]\(\.\./book/_static/|{figure} \.\./book/_static/", screen)
    assert "?" in screen and len(screen.split()) < 200


@each_chapter
def test_alt_texts_are_out_of_the_code(path):
    assert not [cell.source for cell in cells(path, "code") if "alt=" in cell.source]


@each_notebook
def test_a_folded_check_checks_and_says_what(path):
    for cell in cells(path, "code"):
        if "check" in cell.metadata.get("tags", []):
            (output,) = cell.outputs
            assert {"hide-input", "hide-cell"} & set(cell.metadata.tags)
            assert "assert" in cell.source
            assert output.name == "stdout" and output.text.count("\n") == 1, cell.source


@each_chapter
def test_predictions_are_few_and_their_answers_folded(path):
    """The answer stands in the next cells: a folded output, or a folded box."""
    all_cells = nbformat.read(path, 4).cells
    asked = [number for number, cell in enumerate(all_cells) if "**Predict" in cell.source]
    assert len(asked) <= 4
    for number in asked:
        near = all_cells[number : number + 3]
        tags = {tag for cell in near for tag in cell.metadata.get("tags", [])}
        assert {"hide-output", "hide-cell"} & tags or any(
            "{dropdown}" in cell.source for cell in near
        ), all_cells[number].source[:80]


def test_figures_have_names_of_their_own():
    names = [
        cell.metadata["mystnb"]["figure"]["name"]
        for path in CHAPTERS + APPENDIX
        for cell in cells(path, "code")
        if "figure" in cell.metadata.get("mystnb", {})
    ]
    assert len(names) == len(set(names)) > 30


@each_chapter
def test_anatomy(path):
    text = "\n\n".join(cell.source for cell in cells(path, "markdown"))
    for part in ("**What you will learn**", "**What you need first**", "| Concept |", "**Time**"):
        assert part in text, part
    for heading in ("## Imports", "## Summary", "## Sources"):
        assert f"\n{heading}\n" in text, heading
    exercises = re.findall(r"{exercise-start}.*\n:label: (\S+)", text)
    solutions = re.findall(r"{solution-start} (\S+)\n:class: dropdown", text)
    assert len(exercises) >= 2 and exercises == solutions
    assert "exercises.check(" in "\n".join(cell.source for cell in cells(path, "code"))
    assert "{cite}" in text


@each_chapter
def test_the_summary_mirrors_the_objectives(path):
    text = "\n\n".join(cell.source for cell in cells(path, "markdown"))
    objectives = text.split("**What you will learn**")[1].split("**What you need first**")[0]
    summary = text.split("## Summary")[1].split("**What comes next.**")[0]
    promised = [
        re.findall(r"\*(\w+)\*", line) for line in objectives.splitlines() if line[:1] == "-"
    ]
    kept = [re.findall(r"\*(\w+)\*", line) for line in summary.splitlines() if line[:1] == "-"]
    assert promised == kept and all(promised)


def test_every_chapter_is_in_the_book_and_in_one_format():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    assert [f for f in files if f.startswith("chapters/")] == [
        f"chapters/{path.stem}" for path in CHAPTERS
    ]
    stored = {path.name for path in (ROOT / "chapters").iterdir() if path.is_file()}
    assert stored == {path.name for path in CHAPTERS} | {"ruff.toml"}
