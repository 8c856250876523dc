"""Run the broken notebooks of the page "Mend a broken VAE from its log", and the mended ones.

``python tools/broken.py [NAME]`` runs ``book/broken/NAME.ipynb`` and ``NAME-mended.ipynb`` (default:
all) and stores them with their outputs, cleaned as chapters are. An error is kept with the frames
that it passed through, without paths of this machine.
"""

import argparse
import difflib
import os
import re
import sys
from pathlib import Path

import nbformat
from execute import normalise
from nbclient import NotebookClient

BROKEN = Path(__file__).resolve().parent.parent / "book" / "broken"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PACKAGES = re.compile(r"(?:[^\s'\"]*/)?site-packages/")


def names():
    """The names of the broken notebooks; each has a mended twin."""
    return sorted(path.stem for path in BROKEN.glob("*.ipynb") if not path.stem.endswith("-mended"))


def source(name):
    """The code of a notebook, cell after cell, without what is only for Colab."""
    cells = nbformat.read(BROKEN / f"{name}.ipynb", as_version=4).cells
    shown = [c for c in cells if c.cell_type == "code" and "remove-cell" not in c.metadata.tags]
    return "\n\n\n".join(cell.source for cell in shown) + "\n"


def difference(name):
    """What was mended, as the lines of a diff: each hunk with two lines around it."""
    before, after = (source(n).splitlines() for n in (name, f"{name}-mended"))
    lines = difflib.unified_diff(before, after, lineterm="", n=2)
    return [line for line in lines if not line.startswith(("---", "+++"))]


def log(name):
    """What a stored notebook printed."""
    cells = nbformat.read(BROKEN / f"{name}.ipynb", as_version=4).cells
    said = []
    for output in (o for cell in cells for o in cell.get("outputs", [])):
        error = output.output_type == "error"
        said.append("\n".join(output.traceback) if error else output.text)
    return "".join(said).strip()


def without_paths(traceback):
    """The lines of a traceback, without colours and without where packages lie."""
    text = COLOURS.sub("", "\n".join(traceback))
    return [line.rstrip() for line in PACKAGES.sub("", text).splitlines()]


def execute(name):
    """Run one notebook; store it if there is nothing to complain about."""
    path = BROKEN / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", allow_errors=True).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.traceback = without_paths(output.traceback)
    complaints = normalise(notebook)
    if not complaints:
        unfinished = path.with_suffix(".part")
        nbformat.write(notebook, unfinished)
        os.replace(unfinished, path)
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *names()], help="default: all")
    failed = False
    for name in parser.parse_args().names or names():
        for notebook in (name, f"{name}-mended"):
            complaints = execute(notebook)
            print(f"{notebook}: {'not stored' if complaints else 'executed and stored'}")
            for complaint in complaints:
                print(f"  {complaint}")
            failed = failed or bool(complaints)
    sys.exit(failed)


if __name__ == "__main__":
    main()
