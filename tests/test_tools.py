"""tools/execute.py: what may not be stored is refused, what may vary is normalized."""

import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import execute  # noqa: E402


def notebook(source="pass", outputs=(), **metadata):
    cell = new_code_cell(source, outputs=list(outputs), execution_count=1, metadata=metadata)
    return new_notebook(
        cells=[cell],
        metadata={"signature": "x", "language_info": {"name": "python", "version": "3"}},
    )


FIGURE = {"caption": "The loss of an epoch.", "name": "fig-loss"}
ALT = {"alt": "A line that falls."}
TOLD = {"mystnb": {"figure": FIGURE, "image": ALT}}


def picture(**metadata):
    metadata = metadata or {"image/png": {"width": 520, "height": 320}}
    return new_output("display_data", {"image/png": "aGk=", "text/plain": "x"}, metadata=metadata)


def stream(text, name="stdout"):
    return new_output("stream", text=text, name=name)


@pytest.mark.parametrize(
    ("outputs", "complaint"),
    [
        ([stream("careful", "stderr")], "text on stderr"),
        ([stream("read /home/me/mnist.npz")], "a path or an address of this machine"),
        ([stream("'/tmp/x.keras' saved")], "a path or an address of this machine"),
        ([stream("<Foo object at 0x7f1234567890>")], "a path or an address of this machine"),
        ([new_output("error", ename="ValueError", evalue="no", traceback=[])], "an error, Value"),
        ([picture()] * 2, "2 pictures"),
    ],
)
def test_refused(outputs, complaint):
    told = TOLD if outputs[0].output_type == "display_data" else {}
    complaints = execute.normalize(notebook(outputs=outputs, **told))
    assert len(complaints) == 1 and complaint in complaints[0]


@pytest.mark.parametrize(
    ("figure", "image", "complaint"),
    [
        (FIGURE, {"alt": "a b"}, "without a text alternative"),
        (FIGURE, {}, "without a text alternative"),
        ({"name": "fig-loss"}, ALT, "without a caption"),
        ({**FIGURE, "name": "loss"}, ALT, "without a name"),
    ],
)
def test_a_picture_is_told_in_words(figure, image, complaint):
    told = {"mystnb": {"figure": figure, "image": image}}
    complaints = execute.normalize(notebook(outputs=[picture()], **told))
    assert len(complaints) == 1 and complaint in complaints[0]


def test_a_picture_comes_from_show_and_a_caption_has_a_picture():
    shown = picture(**{"image/png": {}})
    assert "without a size" in execute.normalize(notebook(outputs=[shown], **TOLD))[0]
    assert "has none" in execute.normalize(notebook(**TOLD))[0]


def test_a_fold_bears_a_name():
    for tags, word in ((["check", "hide-input"], "Check"), (["hide-output"], "What came out")):
        nb = notebook(tags=tags)
        assert execute.normalize(nb) == execute.normalize(nb) == []
        assert set(nb.cells[0].metadata["mystnb"].values()) == {word}
        nb.cells[0].metadata["tags"] = []
        assert execute.normalize(nb) == [] and "mystnb" not in nb.cells[0].metadata
    nb = notebook("import math\n\ndef foster(keras):\n    pass", tags=["recipe", "hide-input"])
    assert execute.normalize(nb) == []
    assert nb.cells[0].metadata["mystnb"]["code_prompt_show"] == "Recipe: foster"


@pytest.mark.parametrize(
    "text",
    ["https://keras.io/api/", "fetch 3/4 and/or 2 / 3", "0x10", "chapters/01.ipynb", "a/tmp"],
)
def test_not_refused(text):
    assert execute.normalize(notebook(outputs=[stream(text)])) == []


def test_an_expected_error_may_be_stored():
    error = new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
    assert execute.normalize(notebook(outputs=[error], tags=["raises-exception"])) == []


def test_volatile_metadata_goes_and_alt_text_arrives():
    nb = notebook(
        outputs=[stream("a\n"), stream("b\n"), picture()],
        execution={"iopub.execute_input": "2026"}, tags=["nbval-ignore-output"], **TOLD,
    )  # fmt: skip
    assert execute.normalize(nb) == []
    cell = nb.cells[0]
    assert cell.metadata == {
        "tags": ["nbval-ignore-output"],
        "mystnb": {"figure": FIGURE, "image": {"alt": "A line that falls.", "width": "520px"}},
    }
    assert cell.outputs[1].metadata["image/png"]["alt"] == "A line that falls."
    assert [output.get("text") for output in cell.outputs] == ["a\nb\n", None]
    assert set(nb.metadata) == {"kernelspec", "language_info"}
    assert nb.metadata.language_info == {"name": "python"}


def test_a_failing_chapter_is_not_stored(tmp_path):
    path = tmp_path / "broken.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    assert "ZeroDivisionError" in execute.execute(path)[0]
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_good_chapter_is_stored_executed(tmp_path):
    path = tmp_path / "good.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("print(6 * 7)")]), path)
    assert execute.execute(path) == []
    cell = nbformat.read(path, 4).cells[0]
    assert cell.outputs[0].text == "42\n" and cell.execution_count == 1


def test_pictures_on_pages_are_those_of_the_chapters():
    found = {}
    for path in execute.CHAPTERS.glob("*.ipynb"):
        found |= execute.pictures_for_pages(nbformat.read(path, as_version=4))
    assert "front.png" in found
    for name, picture in found.items():
        assert (execute.STATIC / name).read_bytes() == picture, f"run make chapters: {name}"
    stored = {path.name for path in execute.STATIC.glob("*.png")}
    assert stored == found.keys()


def test_every_expected_picture_stands_beside_its_exercise():
    for path in execute.CHAPTERS.glob("*.ipynb"):
        chapter = nbformat.read(path, as_version=4)
        for name in execute.pictures_for_pages(chapter):
            if not name.startswith("expected-"):
                continue
            label = name.removeprefix("expected-").removesuffix(".png")
            cells = [cell.source for cell in chapter.cells if cell.cell_type == "markdown"]
            text = "\n".join(cells).split(f":label: {label}\n")[1].split("{exercise-end}")[0]
            assert f"../book/_static/{name}" in text, name
