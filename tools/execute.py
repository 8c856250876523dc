"""Execute chapters and store them clean: ``make chapters`` or ``python tools/execute.py NAME ...``.

Runs every named notebook (default: all) from top to bottom in its own folder, then
normalizes it: what a picture is called and how wide it is, what its folds are called, no
volatile metadata. What must not be stored at all (error output, paths of this machine,
addresses in memory) is refused, and the notebook on disk stays as it was.
"""

import argparse
import base64
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
BOOK = ROOT / "book"  # its notebooks are pages of the appendix that run
STATIC = ROOT / "book" / "_static"
MAX_BYTES = 1_500_000
EXPECTED_ERROR = {"raises-exception", "nbval-raises-exception"}
# Any absolute path of a Unix or Windows machine, and Python's object addresses.
FORBIDDEN = re.compile(
    r"(?<![\w/.:])/(?:home|root|tmp|work|Users|usr|opt|var|mnt|content)/|[A-Z]:\\\\|0x[0-9a-f]{7,}"
)


def normalize(notebook):
    """Clean a freshly executed notebook in place; return a list of what is wrong with it."""
    complaints = []
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        cell.outputs = _joined_streams(cell.outputs)
        _set_prompts(cell)
        complaints += [f"cell {number}: {text}" for text in _picture(cell)]
        for output in cell.outputs:
            complaints += [f"cell {number}: {text}" for text in _faults(output, cell)]
    if len(nbformat.writes(notebook)) > MAX_BYTES:
        complaints.append(f"more than {MAX_BYTES / 1e6} MB")
    return complaints


def _set_prompts(cell):
    """What a fold on the page is called: a check, the answer to a prediction, a recipe."""
    tags = cell.metadata.get("tags", [])
    answer = {"hide-output", "hide-cell"} & set(tags)
    word = "Check" if "check" in tags else "What came out" if answer else None
    if "recipe" in tags and "hide-input" in tags:
        word = "Recipe: " + re.search(r"^def (\w+)", cell.source, re.M)[1]
    told = cell.metadata.pop("mystnb", {})
    told = {key: value for key, value in told.items() if not key.startswith("code_prompt")}
    if word:
        told |= {"code_prompt_show": word, "code_prompt_hide": word}
    if told:
        cell.metadata["mystnb"] = told


def _picture(cell):
    """Lay out the picture of a cell as its metadata say; yield what they lack.

    The metadata ``mystnb`` hold ``{"figure": {"caption", "name"}, "image": {"alt"}}``. The width
    comes from the picture, and its text alternative goes to where JupyterLab looks for it.
    """
    pictures = [o for o in cell.outputs if "image/png" in o.get("data", {})]
    told = cell.metadata.get("mystnb", {})
    alt = told.get("image", {}).get("alt", "")
    if not pictures:
        if {"figure", "image"} & set(told):
            yield "captions a picture, but has none"
        return
    if len(pictures) > 1:
        yield f"{len(pictures)} pictures, a cell has one caption"
    if len(alt.split()) < 4:
        yield "a picture without a text alternative (metadata mystnb.image.alt)"
    if len(told.get("figure", {}).get("caption", "").split()) < 3:
        yield "a picture without a caption (metadata mystnb.figure.caption)"
    if not re.fullmatch(r"fig-[a-z0-9-]+", told.get("figure", {}).get("name", "")):
        yield "a picture without a name such as fig-latent-map (metadata mystnb.figure.name)"
    size = pictures[0].metadata.get("image/png", {})
    if not size.get("width"):
        yield "a picture without a size, use plots.show"
    elif alt:
        cell.metadata["mystnb"].setdefault("image", {})["width"] = f"{size['width']}px"
        size["alt"] = alt


def _faults(output, cell):
    if output.output_type == "error" and not EXPECTED_ERROR & set(cell.metadata.get("tags", [])):
        yield f"an error, {output.ename}: {output.evalue}"
    if output.get("name") == "stderr":
        yield f"text on stderr: {output.text[:200]!r}"
    texts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
    texts += [output.get("data", {}).get(kind, "") for kind in ("text/plain", "text/html")]
    for text in texts:
        found = FORBIDDEN.search(text)
        if found:
            around = text[max(0, found.start() - 30) : found.end() + 60]
            yield f"a path or an address of this machine: {around!r}"


def _joined_streams(outputs):
    """Join neighbouring pieces of one stream: where they are cut depends on timing."""
    joined = []
    for output in outputs:
        if (
            joined
            and output.output_type == "stream" == joined[-1].output_type
            and output.name == joined[-1].name
        ):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def pictures_for_pages(notebook):
    """Pictures that pages show away from their cell: a dict from file name to bytes.

    Of the cell tagged "front-page"; of the one tagged "first-SLUG", which the chapter shows on its
    first screen; and of cells tagged "expected-LABEL": what a reader's solution of the exercise
    LABEL should look like, shown beside the exercise.
    """
    found = {}
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag == "front-page" or tag.startswith(("first-", "expected-")):
                for output in cell.get("outputs", []):
                    if "image/png" in output.get("data", {}):
                        name = {"front-page": "front"}.get(tag, tag)
                        found[f"{name}.png"] = base64.b64decode(output.data["image/png"])
    return found


def execute(path):
    """Run one notebook; store it if there is nothing to complain about."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=1800, kernel_name="python3", allow_errors=True,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    client.execute()
    complaints = normalize(notebook)
    if not complaints:
        store(notebook, path)
        for name, picture in pictures_for_pages(notebook).items():
            (STATIC / name).write_bytes(picture)
    return complaints


def run_all(notebooks, run):
    """Run each of a dict from name to notebook, print what became of it; exit with 1 if in vain."""
    failed = False
    for name, notebook in notebooks.items():
        complaints = run(notebook)
        print(f"{name}: {'not stored' if complaints else 'executed and stored'}")
        for complaint in complaints:
            print(f"  {complaint}")
        failed = failed or bool(complaints)
    sys.exit(failed)


def store(notebook, path):
    """Write a notebook in one go: an interrupted run leaves the old one."""
    unfinished = path.with_suffix(".part")
    nbformat.write(notebook, unfinished)
    os.replace(unfinished, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="a slug or a number, such as 01")
    chosen = parser.parse_args().chapters
    paths = [
        path
        for path in [*sorted(CHAPTERS.glob("*.ipynb")), *sorted(BOOK.glob("*.ipynb"))]
        if not chosen or any(word in (path.stem, path.stem[3:], path.stem[:2]) for word in chosen)
    ]
    if not paths:
        sys.exit(f"No notebook in {CHAPTERS.name}/ or {BOOK.name}/ matches {chosen}.")
    run_all({path.name: path for path in paths}, execute)


if __name__ == "__main__":
    main()
