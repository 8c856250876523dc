"""vaelib.backends: one text for each backend, in a process or from the record."""

import ast
import contextlib
import hashlib
import json
import os
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


def where_am_i():
    import os

    return os.getpid(), os.getcwd()


def die():
    import os

    os._exit(1)


@pytest.fixture
def this_python(monkeypatch):
    """Every backend is "installed": in the Python of the tests, and without imports."""
    monkeypatch.setattr(backends, "python_of", lambda backend: sys.executable)
    monkeypatch.setattr(backends, "IMPORTS", "")


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(backends, "python_of", lambda backend: None)


@pytest.fixture
def elsewhere():
    """The other backends, with a record of ``double(number=1)``."""
    name, text = backends.key([double], {"number": 1})
    record = {name: {"text": text, "results": {"jax": 2, "torch": 2}}}
    with contextlib.closing(backends.Elsewhere(record)) as found:
        yield found


def test_the_text_runs_in_a_process_that_stays(this_python, elsewhere, tmp_path, monkeypatch):
    results, told = elsewhere.on_each([double], {"number": 4})
    assert results == {"tensorflow": 8, "jax": 8, "torch": 8}
    assert told == {"tensorflow": "this notebook", "jax": "a process", "torch": "a process"}
    monkeypatch.chdir(tmp_path)
    first, second = (elsewhere.run("jax", [where_am_i], {}) for _ in range(2))
    assert first == second and first[0] != os.getpid()
    assert Path(first[1]).resolve() == tmp_path.resolve()


def test_what_goes_wrong_in_a_process_is_one_sentence(this_python, elsewhere):
    with pytest.raises(RuntimeError, match="^On PyTorch: ValueError: 7 is too much$"):
        elsewhere.run("torch", [fail], {"number": 7})
    assert elsewhere.run("torch", [double], {"number": 7}) == 14, "it goes on"


def test_a_process_that_cannot_start_or_dies_is_one_sentence(this_python, elsewhere, monkeypatch):
    with pytest.raises(RuntimeError, match="^On JAX: the process ended$"):
        elsewhere.run("jax", [die], {})
    monkeypatch.setattr(backends, "IMPORTS", "import no_such_module")
    with pytest.raises(RuntimeError, match="^On PyTorch: ModuleNotFoundError: .*no_such_module"):
        elsewhere.run("torch", [double], {"number": 1})


def test_without_a_backend_the_record_serves_and_only_for_this_text(nothing_installed, elsewhere):
    with pytest.raises(RuntimeError, match="JAX is not installed: `make backends`"):
        elsewhere.run("jax", [double], {"number": 1})
    results, told = elsewhere.on_each([double], {"number": 1})
    assert set(results.values()) == {2} and told["jax"] == told["torch"] == "stored"
    (entry,) = elsewhere.record.values()
    entry["text"] = "another"
    for number in (1, 3):
        with pytest.raises(RuntimeError, match="no result of this text of 'double' is stored"):
            elsewhere.on_each([double], {"number": number})


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
    """Each ``elsewhere.on_each`` of the chapter: its last function, and the hash of its text."""
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
