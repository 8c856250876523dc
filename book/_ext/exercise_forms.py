"""A form under each exercise whose answer is a number, or a few: the page checks it.

What is correct, and which slips lead to what, comes from the notebooks' own calls of
``exercises.check``, by way of book/_data/answers.json (tools/exercise_answers.py). Without
JavaScript there is no form: exercises.js makes it from the element that is put in here.
"""

import base64
import html
import json
from pathlib import Path

from docutils import nodes
from sphinx_exercise.nodes import is_exercise_node, is_solution_node

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWERS = ROOT / "book" / "_data" / "answers.json"
COMPARED = ("correct", "slips", "rtol")


def answers():
    """Label of the exercise: what its check compares with, and what its numbers are called."""
    return json.loads(ANSWERS.read_text(encoding="utf-8"))


def place_of(label, entry):
    """The element in which the form is made.

    The answers stand there in base64: no lock, but nobody reads them in the source by accident.
    """
    check = json.dumps({name: entry[name] for name in COMPARED})
    return (
        f'<div class="exercise-form" data-exercise="{label}" '
        f'data-asks="{html.escape(json.dumps(entry["asks"]))}" '
        f'data-check="{base64.b64encode(check.encode()).decode()}"></div>'
    )


def shown_after(exercise):
    """The cells that follow an exercise at once and show something: what it asks about."""
    siblings = exercise.parent.children
    found = []
    for node in siblings[siblings.index(exercise) + 1 :]:
        is_cell = isinstance(node, nodes.container) and "cell" in node["classes"]
        parts = [part for part in node.children if isinstance(part, nodes.Element)]
        if not is_cell or not any("cell_output" in part["classes"] for part in parts):
            break
        found.append(node)
    return found


def add_forms(app, doctree, docname):
    """At the end of each exercise that has an answer, before its cells and its solution.

    A table or picture that the exercise asks about stands in a cell behind it in the notebook; in
    the page it belongs between question and form.
    """
    known = answers()
    for exercise in list(doctree.findall(is_exercise_node)):
        entry = known.get(exercise["label"])
        if entry:
            for cell in shown_after(exercise):
                cell.parent.remove(cell)
                exercise += cell
            exercise += nodes.raw("", place_of(exercise["label"], entry), format="html")


def add_files(app, pagename, templatename, context, doctree):
    """The style for pages with exercises or solutions, the script for those with forms."""
    body = context.get("body", "")
    if doctree is not None and any(doctree.findall(is_solution_node)):
        app.add_css_file("exercises.css")
    if 'class="exercise-form"' in body or "exercise-answers-here" in body:
        app.add_css_file("exercises.css")
        app.add_js_file("exercises.js")


def note(app, doctree):
    """A page with exercises is read again when an answer has changed."""
    if any(doctree.findall(is_exercise_node)):
        app.env.note_dependency(str(ANSWERS))


def setup(app):
    app.connect("doctree-resolved", add_forms)
    app.connect("html-page-context", add_files)
    app.connect("doctree-read", note)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
