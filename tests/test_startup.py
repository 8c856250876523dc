"""vaelib.startup and the package itself: silent, light, and honest about failures."""

import os
import subprocess
import sys

import pytest

import vaelib


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_importing_the_package_loads_nothing_heavy():
    result = run("import sys, vaelib; print(sorted({'tensorflow', 'keras'} & set(sys.modules)))")
    assert result.stdout.strip() == "[]", result.stderr


def test_quiet_start_is_silent():
    result = run("from vaelib import quiet_tensorflow as q; q(); q(); import keras; print('up')")
    assert (result.stdout, result.stderr) == ("up\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="the messages are those of Linux")
def test_plain_start_is_not():
    """If TensorFlow ever starts silently by itself, quiet_tensorflow can go."""
    assert run("import tensorflow").stderr != ""


def test_a_failing_start_shows_what_was_held_back():
    code = (
        "import sys, os\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'tensorflow':\n"
        "            os.write(2, b'a hint from below')\n"
        "            raise ImportError('broken wheel')\n"
        "sys.meta_path.insert(0, Broken())\n"
        "from vaelib import quiet_tensorflow\n"
        "quiet_tensorflow()\n"
    )
    result = run(code)
    assert result.returncode == 1
    assert "a hint from below" in result.stderr and "broken wheel" in result.stderr


def test_a_process_without_stderr_starts_all_the_same():
    code = "import sys; sys.stderr = None; from vaelib import quiet_tensorflow as q; q(); print(1)"
    assert run(code).stdout == "1\n"


def test_public_names_exist_and_are_documented():
    for name in vaelib.__all__:
        assert getattr(vaelib, name).__doc__, name
    assert set(vaelib.__all__) <= set(dir(vaelib))


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(vaelib, "placements_to_come")


# --- backends


HIDE = """
import importlib.abc, importlib.util, os, sys
here = set(os.environ.get("HERE", "").split())
hidden = {"tensorflow", "jax", "torch"} - here

class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
found = importlib.util.find_spec

def find_spec(name, package=None):
    return None if name in hidden else name if name in here else found(name, package)

importlib.util.find_spec = find_spec
"""


def where_only(here, code, **environment):
    """Run code where, of the three backends, only those named in ``here`` seem to be installed."""
    return subprocess.run(
        [sys.executable, "-c", HIDE + code], capture_output=True, text=True,
        env={**os.environ, "KERAS_BACKEND": "", "HERE": here, **environment},
    )  # fmt: skip


START = "import vaelib; vaelib.quiet_tensorflow(); print('up', 'tensorflow' in sys.modules)"


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_without_tensorflow_starts_in_silence(backend):
    result = where_only(backend, START, KERAS_BACKEND=backend)
    assert (result.stdout, result.stderr) == ("up False\n", "")


def test_the_backend_may_stand_in_the_file_of_keras(tmp_path):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    code = "from vaelib import startup; print(startup.backend())"
    result = where_only("jax", code, KERAS_HOME=str(tmp_path))
    assert result.stdout == f"{('jax', str(tmp_path / 'keras.json'))}\n"
    (tmp_path / "keras.json").write_text("{")
    assert "('tensorflow'" in where_only("jax", code, KERAS_HOME=str(tmp_path)).stdout


@pytest.mark.parametrize(
    ("named", "here", "sentence"),
    [
        ("abacus", "jax", "KERAS_BACKEND names the backend 'abacus', with which Keras trains"),
        ("numpy", "", "KERAS_BACKEND names the backend 'numpy', with which Keras trains"),
        ("torch", "jax", "PyTorch is not installed here: install torch, or set KERAS_BACKEND=jax"),
        ("jax", "", "JAX is not installed here: install jax."),
        ("", "torch", " names the backend 'tensorflow', but TensorFlow is not installed here"),
    ],
)
def test_a_backend_that_cannot_be_is_one_sentence(named, here, sentence, tmp_path):
    environment = {"KERAS_BACKEND": named, "KERAS_HOME": str(tmp_path)}
    result = where_only(here, START, **environment)
    last = result.stderr.splitlines()[-1]
    assert result.returncode == 1 and last.startswith("vaelib.startup.BackendError: ")
    assert sentence in last
    # a room keeps the error that Keras raises, and adds the sentence
    result = where_only(here, "from vaelib import networks", **environment)
    assert sentence in result.stderr.splitlines()[-1]
    assert "Error: " in result.stderr.splitlines()[-2] and "/keras/" in result.stderr
    # the command says nothing else
    code = "from vaelib.__main__ import main; sys.exit(main(['checkup', 'a', '--images', 'b']))"
    result = where_only(here, code, **environment)
    assert result.returncode == 2 and result.stdout == "" and sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
