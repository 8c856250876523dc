"""Execute chapters and store them clean: ``make chapters`` or ``python tools/execute.py NAME ...``.

Runs every named notebook (default: all) from top to bottom in its own folder, then
normalises it: one alt text per picture, no volatile metadata. What must not be stored
at all (error output, paths of this machine, addresses in memory) is refused, and the
notebook on disk stays as it was.
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
STATIC = ROOT / "book" / "_static"
MAX_BYTES = 1_500_000
EXPECTED_ERROR = {"raises-exception", "nbval-raises-exception"}
# Any absolute path of a Unix or Windows machine, and Python's object addresses.
FORBIDDEN = re.compile(
    r"(?<![\w/.:])/(?:home|root|tmp|work|Users|usr|opt|var|mnt|content)/|[A-Z]:\\\\|0x[0-9a-f]{7,}"
)


def normalise(notebook):
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
        cell.metadata.pop("mystnb", None)
        pictures = [o for o in cell.outputs if "image/png" in o.get("data", {})]
        alts = [o.metadata.get("image/png", {}).get("alt") for o in pictures]
        if not all(alts):
            complaints.append(f"cell {number}: a picture without alt text, use plots.show")
        elif len(alts) > 1:
            complaints.append(f"cell {number}: {len(alts)} pictures, the book takes one alt a cell")
        elif alts:
            cell.metadata["mystnb"] = {"image": {"alt": alts[0]}}
        for output in cell.outputs:
            complaints += [f"cell {number}: {text}" for text in _faults(output, cell)]
    if len(nbformat.writes(notebook)) > MAX_BYTES:
        complaints.append(f"more than {MAX_BYTES / 1e6} MB")
    return complaints


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
    """Pictures that other pages show: a dict from file name to bytes.

    Of the cell tagged "front-page", and of cells tagged "expected-LABEL": what a reader's solution
    of the exercise LABEL should look like, shown beside the exercise.
    """
    found = {}
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            name = {"front-page": "front"}.get(tag, tag)
            for output in cell.get("outputs", []):
                if name == "front" or tag.startswith("expected-"):
                    if "image/png" in output.get("data", {}):
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
    complaints = normalise(notebook)
    if not complaints:
        unfinished = path.with_suffix(".part")
        nbformat.write(notebook, unfinished)
        os.replace(unfinished, path)
        for name, picture in pictures_for_pages(notebook).items():
            (STATIC / name).write_bytes(picture)
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="a slug or a number, such as 01")
    chosen = parser.parse_args().chapters
    paths = [
        path
        for path in sorted(CHAPTERS.glob("*.ipynb"))
        if not chosen or any(word in (path.stem, path.stem[3:], path.stem[:2]) for word in chosen)
    ]
    if not paths:
        sys.exit(f"No chapter in {CHAPTERS.name}/ matches {chosen}.")
    failed = False
    for path in paths:
        complaints = execute(path)
        print(f"{path.name}: {'not stored' if complaints else 'executed and stored'}")
        for complaint in complaints:
            print(f"  {complaint}")
        failed = failed or bool(complaints)
    sys.exit(failed)


if __name__ == "__main__":
    main()
