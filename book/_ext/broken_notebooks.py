"""The notebooks of the page "Mend a broken VAE from its log", shown from what is stored.

``{broken} NAME log`` shows what book/broken/NAME.ipynb printed, ``code`` its code, ``diff`` what
differs in NAME-mended.ipynb, and ``mended-log`` what that one printed. tools/broken.py runs both.
"""

import difflib
import re
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

BROKEN = Path(__file__).resolve().parent.parent / "broken"
# Within a traceback: the frame of a file, and a numbered line of its source.
FRAME = re.compile(r"^(?:File|Cell) ")
SOURCE = re.compile(r"^(?:-+>)? *\d+(?: |$)")


def names():
    """The broken notebooks; each has a mended twin."""
    return sorted(p.stem for p in BROKEN.glob("*.ipynb") if not p.stem.endswith("-mended"))


def cells(name):
    """The cells of code of a stored notebook, without what is only for Colab."""
    notebook = nbformat.read(BROKEN / f"{name}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in code if "remove-cell" not in cell.metadata.get("tags", [])]


def code(name):
    """Its code, cell after cell."""
    return "\n\n".join(cell.source for cell in cells(name)) + "\n"


def difference(name):
    """What was mended, as the lines of a diff, with two lines around each place."""
    before, after = (code(n).splitlines() for n in (name, f"{name}-mended"))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=2))[3:]
    return [" ..." if line.startswith("@@") else line for line in lines]


def log(name):
    """What it printed. Of a traceback, Keras' files are named and their source is left out."""
    said = []
    for output in (output for cell in cells(name) for output in cell.outputs):
        if output.output_type != "error":
            said += output.text.splitlines()
            continue
        ours = True
        for line in "\n".join(output.traceback).splitlines():
            if FRAME.match(line):
                ours = line.startswith("Cell")
            if ours or not SOURCE.match(line):
                said.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(said)).strip()


SHOWS = {
    "log": (log, "text"),
    "code": (code, "python"),
    "diff": (lambda name: "\n".join(difference(name)).rstrip(), "diff"),
    "mended-log": (lambda name: log(f"{name}-mended"), "text"),
}


class Broken(SphinxDirective):
    """One view of a broken notebook."""

    required_arguments = 2

    def run(self):
        """A block of text."""
        name, what = self.arguments
        if name not in names() or what not in SHOWS:
            choice = f"{', '.join(names())}; {', '.join(SHOWS)}"
            raise self.error(f"{name!r} {what!r} cannot be shown: choose of {choice}.")
        for stored in (name, f"{name}-mended"):
            self.env.note_dependency(str(BROKEN / f"{stored}.ipynb"))
        show, language = SHOWS[what]
        text = show(name)
        return [nodes.literal_block(text, text, language=language)]


def setup(app):
    app.add_directive("broken", Broken)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
