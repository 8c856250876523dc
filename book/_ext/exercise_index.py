"""Fill the page "Exercises" with all exercises of the chapters, while Sphinx reads it.

Titles and labels stand in the notebooks, level, kind and subjects in book/_data/exercises.yaml;
which are answered in the page follows from book/_data/answers.json.
Nothing generated is stored.
"""

import json
import re
from pathlib import Path

import yaml

from exercise_forms import ANSWERS, answers

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "book" / "_data" / "exercises.yaml"
LEVELS = ("easy", "medium", "hard", "project")
SUBJECTS = {
    "weight": "Which KL weight, and what it does",
    "collapse": "Collapse",
    "noise": "The decoder's noise",
    "latent": "The latent space",
    "networks": "Networks and counting",
    "errors": "What fails, or is silently wrong",
    "placements": "Where the KL term stands",
    "devices": "Backends and devices",
}
START = re.compile(r"\{exercise-start\} (.*)\n:label: (\S+)\n")


def written():
    """Label: title and chapter of each exercise, in the order of the book."""
    found = {}
    for path in sorted((ROOT / "chapters").glob("[0-9][0-9]-*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for title, label in START.findall("".join(cell["source"])):
                found[label] = title, path.stem[3:]
    return found


def described():
    """Label: level, kind and subjects of each exercise."""
    return yaml.safe_load(DATA.read_text(encoding="utf-8"))


def line_of(entry):
    """What stands under the title of an exercise in its chapter."""
    return f"**{entry['level'].capitalize()} · {entry['kind']}**"


def table_of(subject):
    """The exercises on one subject, the easy ones first."""
    known = described()
    rows = [
        (LEVELS.index(known[label]["level"]), known[label], label, title, chapter)
        for label, (title, chapter) in written().items()
        if subject in known[label]["subjects"]
    ]
    here = answers()
    lines = ["| Exercise | Level · kind | Chapter |", "|---|---|---|"]
    for _, entry, label, title, chapter in sorted(rows, key=lambda row: row[0]):
        what = f"{entry['level']} · {entry['kind']}{', in the page' if label in here else ''}"
        lines.append(f"| {{ref}}`{title} <{label}>` | {what} | {{ref}}`{chapter}` |")
    return "\n".join(lines) + "\n"


def index_as_markdown():
    """A table for each subject."""
    return "\n".join(f"## {title}\n\n{table_of(subject)}" for subject, title in SUBJECTS.items())


def counts_as_markdown():
    """How many there are of each level."""
    levels = [entry["level"] for entry in described().values()]
    counts = [f"{levels.count(level)} {level}" for level in LEVELS[:-1]]
    project = levels.count("project")
    return (
        f"{len(levels)} exercises: {', '.join(counts)}, and {project} project. "
        f"{len(answers())} of them are answered *in the page*.\n"
    )


FILLINGS = {
    "<!-- exercise-counts -->": counts_as_markdown,
    "<!-- exercise-index -->": index_as_markdown,
}


def fill(app, docname, source):
    if docname == "book/exercises":
        app.env.note_dependency(str(DATA))
        app.env.note_dependency(str(ANSWERS))
        for marker, filling in FILLINGS.items():
            source[0] = source[0].replace(marker, filling())


def setup(app):
    app.connect("source-read", fill)
    return {"version": "1", "parallel_read_safe": True}
