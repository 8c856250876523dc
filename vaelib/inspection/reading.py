"""A script or a notebook as one program: its text, its syntax tree, and where a line stands."""

import ast
import io
import json
import re
import tokenize
from pathlib import Path

# Cells in another language; those of %%time, %%capture and the like are still Python.
FOREIGN = re.compile(r"%%(?!time|timeit|capture|prun|python|tensorflow)\w+")
MAGIC = re.compile(r"^(\s*)(?:[%!?]|.*[\w)\]]\?{1,2}\s*$).*")
SHELL = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*")
PYTHON_2 = re.compile(
    r"^\s*(print\s+[^(=\s]|exec\s+[^(=\s]|except\s+[\w., ()]+,\s*\w+\s*:|raise\s+\w+\s*,)"
)


class Unreadable(ValueError):
    """The file cannot be inspected; the message says why, in one sentence."""


class Program:
    """The code of a script or a notebook.

    ``lines`` are all its lines, ``tree`` its syntax tree; ``place(12)`` is "line 12", or
    "cell 3, line 2" in a notebook, where only code cells count.
    """

    def __init__(self, name, lines, places=None):
        self.name, self.lines, self.places = name, lines, places
        self.tree = self._parsed()

    def place(self, number):
        """Where a line stands; lines count from 1."""
        if self.places is None:
            return f"line {number}"
        cell, line = self.places[min(number, len(self.places)) - 1]
        return f"cell {cell}, line {line}"

    def _parsed(self):
        try:
            return ast.parse("\n".join(self.lines))
        except SyntaxError as error:
            number = min(error.lineno or 1, len(self.lines))
            text = self.lines[number - 1].strip()
            # Python may notice an old print statement a line or two late.
            around = self.lines[max(number - 3, 0) : number + 1]
            old = "Missing parentheses" in str(error) or any(map(PYTHON_2.match, around))
            why = "it looks like Python 2, which is no longer read" if old else error.msg
            raise Unreadable(
                f"{self.name} does not parse ({self.place(number)}: {text[:60]!r}): {why}."
            ) from None
        except (RecursionError, MemoryError):
            raise Unreadable(f"{self.name} is nested too deeply to be read.") from None
        except ValueError as error:  # a null byte
            raise Unreadable(f"{self.name} is not a Python script: {error}.") from None


def program(text, name="script.py"):
    """The ``Program`` of a source text.

    Raises:
        Unreadable: it does not parse, is empty, or is a notebook of another language.
    """
    if name.endswith(".ipynb"):
        lines, places = _notebook(text, name)
    else:
        lines, places = _without_magics(text.replace("\r\n", "\n").split("\n")), None
    found = Program(name, lines, places)
    if not found.tree.body:
        raise Unreadable(f"{name} holds no code.")
    return found


def read(path):
    """The ``Program`` in a file.

    Raises:
        Unreadable: no such file, a folder, not text, or what ``program`` refuses.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Unreadable(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise Unreadable(f"{path} is a folder: give one script or notebook.") from None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from None
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        raise Unreadable(f"{path} is not text: give a Python script or a notebook.") from None
    return program(text, str(path))


def _notebook(text, name):
    """Lines of all code cells, and for each its cell and its line there."""
    try:
        book = json.loads(text)
        if "worksheets" in book:
            book = {**book, "cells": [c for sheet in book["worksheets"] for c in sheet["cells"]]}
        cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        sources = [cell["source"] if "source" in cell else cell["input"] for cell in cells]
        sources = ["".join(source).replace("\r\n", "\n").split("\n") for source in sources]
        about = book.get("metadata", {})
        language = about.get("kernelspec", {}).get("language", "python")
        language = str(about.get("language_info", {}).get("name", language))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unreadable(f"{name} is not a notebook: its JSON is broken or incomplete.") from None
    if "python" not in language.lower():
        raise Unreadable(f"{name} is a notebook in {language}: only Python can be inspected.")
    lines, places = [], []
    for number, source in enumerate(sources, start=1):
        lines += _without_magics(source)
        places += [(number, line) for line in range(1, len(source) + 1)]
    return lines, places


def _without_magics(lines):
    """The lines with IPython magics and shell commands blanked, unless they parse as they are."""
    if not any(MAGIC.match(line) or SHELL.match(line) for line in lines):
        return lines
    try:
        ast.parse("\n".join(lines))
        return lines
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        first = next((line for line in lines if line.strip()), "")
        if FOREIGN.match(first):
            return [""] * len(lines)
        lines = [SHELL.sub(r"\1None", line) for line in lines]
        return [MAGIC.sub(r"\1pass", line) for line in lines]
