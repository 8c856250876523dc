"""vaelib.backends: one text for each backend, in a process or from the record."""

import ast
import hashlib
import json
import sys
from pathlib import Path

import nbformat
import pytest

from vaelib import backends

ROOT = Path(__file__).resolve().parent.parent
RECORD = json.loads((ROOT / "book" / "_data" / "backends.json").read_text())
CHAPTER = next((ROOT / "chapters").glob("*-jax-and-pytorch.ipynb"))


def double(number):
    return 2 * number


def fail(number):
    raise ValueError(f"{number} is too much")


@pytest.fixture
def this_python(monkeypatch):
    """Every backend is "installed": in the Python of the tests, and without imports."""
    monkeypatch.setattr(backends, "python_of", lambda backend: sys.executable)
    monkeypatch.setattr(backends, "IMPORTS", "import json\nimport sys")


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(backends, "python_of", lambda backend: None)


def test_the_text_runs_in_a_process(this_python):
    assert backends.run("jax", [double], {"number": 21}) == 42
    results, told = backends.on_each([double], {"number": 4}, {})
    assert results == {"tensorflow": 8, "jax": 8, "torch": 8}
    assert told == {"tensorflow": "this notebook", "jax": "a process", "torch": "a process"}


def test_what_goes_wrong_in_a_process_is_one_sentence(this_python):
    with pytest.raises(RuntimeError, match="^On PyTorch: ValueError: 7 is too much$"):
        backends.run("torch", [fail], {"number": 7})


def test_without_a_backend_the_record_serves_and_only_for_this_text(nothing_installed):
    with pytest.raises(RuntimeError, match="JAX is not installed: `make backends`"):
        backends.run("jax", [double], {"number": 1})
    name, text = backends.key([double], {"number": 1})
    record = {name: {"text": text, "results": {"jax": 2, "torch": 2}}}
    results, told = backends.on_each([double], {"number": 1}, record)
    assert set(results.values()) == {2} and told["jax"] == told["torch"] == "stored"
    record[name]["text"] = "another"
    for kept, number in ((record, 1), (record, 3), ({}, 1)):
        with pytest.raises(RuntimeError, match="no result of this text of 'double' is stored"):
            backends.on_each([double], {"number": number}, kept)


def test_a_folder_of_environments_may_be_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("VAELIB_BACKENDS", str(tmp_path))
    assert backends.python_of("tensorflow") == sys.executable
    assert backends.python_of("no_such_backend") is None
    program = tmp_path / "jax" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    program.parent.mkdir(parents=True)
    program.touch()
    assert backends.python_of("jax") != str(program), "it is not ready"
    (tmp_path / "jax" / ".ready").touch()
    assert backends.python_of("jax") == str(program)


def calls_of_the_chapter():
    """Each ``backends.on_each`` of the chapter: its last function, and the hash of its text."""
    cells = [c.source for c in nbformat.read(CHAPTER, 4).cells if c.cell_type == "code"]
    cells = [source for source in cells if "%pip" not in source]
    texts, calls = {}, []
    for source in cells:
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
                texts[node.name] = "\n".join(lines) + "\n"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "on_each":
                calls.append([element.id for element in node.args[0].elts])
    for names in calls:
        text = "\n".join(texts[name] for name in names)
        yield names[-1], hashlib.sha256(text.encode()).hexdigest()[:16]


def test_the_record_holds_what_the_chapter_runs_today():
    """Where no backend is installed, and with MNIST and with the fallback digits."""
    calls = list(calls_of_the_chapter())
    assert len(calls) >= 4
    for name, text in calls:
        entries = [entry for key, entry in RECORD["runs"].items() if key.startswith(name + " ")]
        assert len(entries) == (2 if name == "train_vae" else 1), name
        for entry in entries:
            assert entry["text"] == text, f"{name}: run python tools/backends_record.py"
            assert set(entry["results"]) == {"jax", "torch"}
