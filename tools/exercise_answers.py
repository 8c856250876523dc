"""Store what the checks of the exercises compare with: ``python tools/exercise_answers.py``.

``correct`` and ``slips`` of ``exercises.check`` are Python expressions in the notebooks. The page
needs their values, and a build runs no notebook. So this runs, for each check, the statements of
its chapter that its arguments depend on, and no others, and stores what the call received in
book/_data/answers.json, with a fingerprint of these statements.

A check whose cell is tagged ``nbval-ignore-output`` depends on a model that every machine trains
for itself: it has no entry, and its exercise no form. Run this where MNIST is.
"""

import ast
import hashlib
import json
import os
import re
import symtable
from functools import cache
from types import SimpleNamespace

import numpy as np
from chapter_files import CHAPTERS, path_of, slugs

ANSWERS = CHAPTERS.parent / "book" / "_data" / "answers.json"
START = re.compile(r"\{exercise-start\} .*\n:label: (\S+)\n")
VARIES = "nbval-ignore-output"
BRANCHES = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AugAssign)


@cache
def cells_of(slug):
    return json.loads(path_of(slug).read_text(encoding="utf-8"))["cells"]


def checks():
    """Label: (slug, place of the cell) of the first check between an exercise and its solution."""
    found = {}
    for slug in slugs():
        label = None
        for place, cell in enumerate(cells_of(slug)):
            text = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                # A cell may end one exercise and start the next.
                label = None if "{solution-start}" in text else label
                label = (START.findall(text) or [label])[-1]
            elif label and "exercises.check(" in text:
                found[label] = slug, place
                label = None
    return found


def varies(slug, place):
    """Whether every machine has its own answer."""
    return VARIES in cells_of(slug)[place]["metadata"].get("tags", [])


# The statements that a check depends on ---------------------------------------------------------


class Statement:
    """A statement of a cell, the names it uses and those it binds or changes."""

    def __init__(self, node, text):
        """Take the node, and the text of its cell."""
        self.node, self.text = node, ast.get_source_segment(text, node)
        table = symtable.symtable(ast.unparse(node), "cell", "exec")
        # Since Python 3.12 these count as names of the statement; they are none.
        inner = {name for n in ast.walk(node) if isinstance(n, ast.comprehension)
                 for name in _names(n.target)}  # fmt: skip
        own = [s for s in table.get_symbols() if s.get_name() not in inner]
        self.binds = {s.get_name() for s in own if s.is_assigned() or s.is_imported()}
        self.uses = {s.get_name() for s in own if s.is_referenced()}
        self.uses |= _globals_of(table) - inner
        self.changes = {_root(n) for n in ast.walk(node) if _is_change(n)} & self.uses
        self.is_import = isinstance(node, ast.Import | ast.ImportFrom)

    def needed(self, names):
        """The statement as it is run: of an import only the names wanted."""
        if not self.is_import:
            return self.node
        wanted = [a for a in self.node.names if (a.asname or a.name).split(".")[0] in names]
        fields = {k: v for k, v in ast.iter_fields(self.node) if k != "names"}
        return ast.copy_location(type(self.node)(names=wanted, **fields), self.node)


def _names(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _globals_of(table):
    """Global names that the functions and comprehensions of a statement use."""
    return {
        name
        for child in table.get_children()
        for name in {s.get_name() for s in child.get_symbols() if s.is_global()}
        | _globals_of(child)
    }


def _is_change(node):
    """``name.append(...)`` as a statement, or ``name[...] = ...``."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute)
    return isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)


def _root(node):
    """The name at the left of an expression such as ``runs[0].setdefault(1).append``."""
    while not isinstance(node, ast.Name):
        node = getattr(node, "value", None) or getattr(node, "func", None)
        if node is None:
            return None
    return node.id


@cache
def statements_of(slug, place):
    """The statements of a code cell, without the lines that only IPython understands."""
    text = "".join(cells_of(slug)[place]["source"])
    text = re.sub(r"^([ \t]*)[%!].*$", r"\1pass", text, flags=re.M)
    return [Statement(node, text) for node in ast.parse(text).body]


def dependences(slug, place):
    """What has to run for the check in a cell, the call last: pairs (statement, node to run)."""
    before = [
        statement
        for number, cell in enumerate(cells_of(slug)[: place + 1])
        if cell["cell_type"] == "code"
        for statement in statements_of(slug, number)
    ]
    while "exercises.check(" not in before[-1].text:
        before.pop()
    call = before.pop()
    modules = {name for statement in before if statement.is_import for name in statement.binds}
    kept, names = [(call, call.node)], call.uses - {"exercises"}
    for statement in reversed(before):
        # `np.save(...)` changes no module.
        if not names & (statement.binds | (statement.changes - modules)):
            continue
        kept.append((statement, statement.needed(names)))
        if not isinstance(statement.node, BRANCHES):
            names = names - statement.binds
        names = names | statement.uses
    return kept[::-1]


def fingerprint(slug, place):
    """It changes whenever a statement does that the check depends on."""
    texts = "\n".join(statement.text for statement, _ in dependences(slug, place))
    return hashlib.sha256(texts.encode()).hexdigest()[:16]


# What the call receives -------------------------------------------------------------------------


def received(slug, place):
    """Run what the check depends on; the arguments that it received: correct, slips, rtol."""
    calls = []

    def check(answer, correct, slips=None, rtol=1e-3):
        assert answer is None, "an exercise begins without an answer"
        calls.append((correct, slips or {}, rtol))

    names = {"exercises": SimpleNamespace(check=check)}
    body = [node for _, node in dependences(slug, place)]
    here = os.getcwd()
    os.chdir(CHAPTERS)  # where a chapter runs
    try:
        exec(compile(ast.Module(body, type_ignores=[]), f"{slug}, cell {place}", "exec"), names)
    finally:
        os.chdir(here)
    ((correct, slips, rtol),) = calls
    slips = {phrase: np.asarray(wrong, float).tolist() for phrase, wrong in slips.items()}
    return {"correct": np.asarray(correct, float).tolist(), "slips": slips, "rtol": rtol}


def asked(slug, place, correct):
    """What each number is called, by the comment behind the ``None`` that a reader replaces."""
    text = "".join(cells_of(slug)[place - 1]["source"])
    comment = (re.findall(r"^\w+ = None  # (.+)$", text, re.M) or [""])[0]
    if not isinstance(correct, list):
        return [_one(comment)]
    inside = re.search(r"\[([^\]]*)\]", comment)
    listed = inside[1] if inside else comment.partition(":")[2]
    names = [name.strip().replace("_", " ") for name in listed.split(",")]
    if len(names) != len(correct):  # "r and k, in a list"
        names = comment.split(",")[0].split(" and ")
    if len(names) != len(correct) or names[0].replace(".", "").isdigit():
        names = [f"number {number}" for number in range(1, len(correct) + 1)]
    return names


def _one(comment):
    """What a single number is called."""
    unit = re.fullmatch(r"(?:your number, in )?(\w+)", comment)
    if unit:
        return f"Your number, in {unit[1]}"
    words = "your number" if comment.startswith("your number") or not comment else comment
    return words[0].upper() + words[1:]


def entry(slug, place):
    """What is stored of a check."""
    found = received(slug, place)
    asks = asked(slug, place, found["correct"])
    return {"chapter": slug, "fingerprint": fingerprint(slug, place), "asks": asks, **found}


def main():
    entries = {}
    for label, (slug, place) in checks().items():
        if varies(slug, place):
            print(f"{label}: no form, its answer depends on what a machine trained")
        else:
            entries[label] = entry(slug, place)
            print(f"{label}: {', '.join(entries[label]['asks'])}")
    ANSWERS.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
