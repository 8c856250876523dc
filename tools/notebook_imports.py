"""Collect what the notebooks of the course import."""

import ast

import nbformat

# Imported in code that only their own environments run.
OPTIONAL = ("jax", "torch")


def imports(root):
    """The import statements of all notebooks in a repository, each once, as they stand there.

    Args:
        root: the ``Path`` of the repository.
    """
    found = set()
    for path in (*root.glob("chapters/*.ipynb"), *root.glob("book/**/*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "code":
                found |= imports_of(cell.source)
    return sorted(found)


def imports_of(source):
    """The import statements of a cell, wherever they stand in it; it may have magics."""
    lines = source.split("\n")
    plain = [
        line[: len(line) - len(line.lstrip())] + "pass" if line.lstrip()[:1] in ("%", "!") else line
        for line in lines
    ]
    found = set()
    for node in ast.walk(ast.parse("\n".join(plain))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        else:
            continue
        if not {name.split(".")[0] for name in names} & set(OPTIONAL):
            found.add(ast.unparse(node))
    return found
