"""Which names of the library a piece of Python uses: read from its text, nothing is run.

A page's own imports say what a name means: ``from vaelib import plots``. A name that the page
binds itself, by an assignment, an argument or a ``def``, is its own.
"""

import ast
import re

ALIASES = {f"vaelib.{room.split('.')[1]}": f"vaelib.{room}" for room in
           ("data.archives", "data.folders", "data.shapes")}  # fmt: skip
ALIASES |= {"vaelib.checkup": "vaelib.checkup.checkup", "vaelib.explain": "vaelib.errors.explain"}
ALIASES |= {"vaelib.quiet_tensorflow": "vaelib.startup.quiet_tensorflow"}
MAGIC = re.compile(r"^(\s*)([%!].*)$", re.M)


def known(name, objects):
    """The full name of an entry, for a name that begins with ``vaelib.``; None if it has none."""
    if name in ALIASES:
        name = ALIASES[name]
    else:
        for short, full in ALIASES.items():
            if name.startswith(f"{short}.") and f"{full}{name[len(short) :]}" in objects:
                name = f"{full}{name[len(short) :]}"
    return name if name in objects else None


def parsed(code):
    """The syntax tree of a cell, magics left out; None if it is no Python."""
    try:
        return ast.parse(MAGIC.sub(r"\1pass", code))
    except (SyntaxError, ValueError):
        return None


def imported(tree):
    """Local name: full name, of what a cell imports from the library."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vaelib":
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "vaelib" or alias.name.startswith("vaelib.") and alias.asname:
                    found[alias.asname or "vaelib"] = alias.name
    return found


def bound(tree):
    """The names that a cell binds itself: anywhere in it, functions and arguments included."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return found - set(imported(tree))


def kept(tree):
    """The names that a cell binds for the cells after it: those of its outermost level."""
    inner = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner |= bound(node) - {node.name}
    outer = ast.Module([n for n in tree.body if not hasattr(n, "decorator_list")], [])
    names = {node.name for node in tree.body if hasattr(node, "decorator_list")}
    return (bound(outer) | names) - set(imported(tree))


def dotted(node):
    """``a.b.c`` as a list of names; None for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else None


def uses(tree, scope, objects):
    """(line, first column, last column, full name) of each use of a name, in bytes."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vaelib":
            for alias in node.names:
                name = known(f"{node.module}.{alias.name}", objects)
                end = alias.col_offset + len(alias.name.encode())
                found += [(alias.lineno, alias.col_offset, end, name)] if name else []
        elif isinstance(node, ast.Name | ast.Attribute) and node.lineno == node.end_lineno:
            parts = dotted(node)
            if parts and parts[0] in scope:
                name = known(".".join([scope[parts[0]], *parts[1:]]), objects)
                if name and objects[name].objtype != "module":
                    found.append((node.lineno, node.col_offset, node.end_col_offset, name))
    return sorted(found)
