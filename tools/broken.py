"""Run the broken notebooks of the page "Mend a broken VAE from its log", and the mended ones.

``python tools/broken.py [NAME]`` runs ``book/broken/NAME.ipynb`` and ``NAME-mended.ipynb``, or all,
and stores them with their outputs, cleaned as chapters are. An error is kept with the frames that
it passed through, without paths of this machine.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from execute import normalize, run_all, store
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "book" / "_ext"))
from broken_notebooks import BROKEN, names

COLORS = re.compile(r"\x1b\[[0-9;]*m")
PACKAGES = re.compile(r"(?:[^\s'\"]*/)?site-packages/")


def without_paths(traceback):
    """The lines of a traceback, without colours and without where packages lie."""
    text = COLORS.sub("", "\n".join(traceback))
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
    complaints = normalize(notebook)
    if not complaints:
        store(notebook, path)
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *names()], help="default: all")
    chosen = parser.parse_args().names or names()
    run_all({name: name for base in chosen for name in (base, f"{base}-mended")}, execute)


if __name__ == "__main__":
    main()
