"""tools/make_backends.py and tests/backends.py: one backend and no TensorFlow, or a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import backends
import pytest
from backends import needs, python_of, run_on

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import make_backends  # noqa: E402

both = pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=needs(name)) for name in make_backends.TITLES]
)
FIT = """
import importlib.util, json, sys
from importlib.metadata import version
import keras, numpy as np
import vaelib
x = np.random.default_rng(1).random((64, 8)).astype("float32")
model = keras.Sequential([keras.layers.Dense(8)])
model.compile("adam", "mse")
losses = model.fit(x, x, epochs=3, verbose=0).history["loss"]
there = [n for n in ("tensorflow", "jax", "torch") if importlib.util.find_spec(n)]
print(json.dumps([keras.backend.backend(), losses, there, version("keras"), sys.argv[1:]]))
"""


@both
def test_each_environment_trains_on_its_backend_and_has_no_other(backend):
    # Without KERAS_BACKEND, too: a reader just starts that Python.
    found, losses, there, keras, given = run_on(
        backend, FIT, "a", 1, env={"KERAS_BACKEND": None, "KERAS_HOME": "/nowhere"}
    )
    assert found == backend and there == [backend] and given == ["a", "1"]
    assert losses[-1] < losses[0]
    assert f"keras=={keras}" in (ROOT / "requirements.txt").read_text()
    pins = (ROOT / f"requirements-{backend}.txt").read_text()
    code = f"import json; from importlib.metadata import version; v = version('{backend}')"
    assert f"{backend}=={run_on(backend, code + '; print(json.dumps(v))')}" in pins


@both
def test_what_fails_there_fails_here(backend):
    with pytest.raises(AssertionError, match="no such thing"):
        run_on(backend, "raise RuntimeError('no such thing')")


def test_the_two_files_agree_on_names_and_places():
    assert backends.FOLDER == make_backends.FOLDER and backends.TITLES == make_backends.TITLES
    for backend in make_backends.TITLES:
        assert python_of(backend) == make_backends.python_of(backend)
        assert (ROOT / f"requirements-{backend}.txt").exists()


def test_only_ci_insists(monkeypatch, tmp_path):
    monkeypatch.setattr(backends, "FOLDER", tmp_path)
    monkeypatch.delenv("CI", raising=False)
    mark = needs("torch").mark
    assert mark.args == (True,) and "PyTorch is not installed: `make backends`" in str(mark.kwargs)
    monkeypatch.setenv("CI", "true")
    assert needs("torch").mark.args == (False,)
    with pytest.raises(pytest.fail.Exception, match="PyTorch is not installed: `make backends`"):
        run_on("torch", "")


def test_the_line_after_the_tests_names_what_was_not_run(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["make_backends.py", "--missing"])
    monkeypatch.setattr(make_backends, "FOLDER", tmp_path)
    assert make_backends.main() == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "JAX and PyTorch" in line and "`make backends`" in line
    monkeypatch.setattr(make_backends, "python_of", lambda backend: Path(sys.executable))
    assert make_backends.main() == 0 and capsys.readouterr().out == ""


def test_an_environment_that_is_up_to_date_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(make_backends, "FOLDER", tmp_path)
    done = []
    monkeypatch.setattr(
        make_backends, "run", lambda *command: done.append(command) or str(tmp_path)
    )
    python = tmp_path / "jax" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.parent.mkdir(parents=True)
    python.touch()
    ready = tmp_path / "jax" / ".ready"
    ready.write_text(make_backends.pins("jax"))
    assert make_backends.make("jax") == python and not done
    ready.write_text("other pins")
    make_backends.make("jax")
    assert "venv" in done[0] and ready.read_text() == make_backends.pins("jax")
    # What is half made is made again.
    ready.unlink()
    make_backends.make("jax")
    assert sum("venv" in command for command in done) == 2


def test_without_a_wheel_or_a_network_one_sentence_says_so(monkeypatch, capsys, tmp_path):
    def fail(*command, **kwargs):
        return subprocess.CompletedProcess(command, 1, "", "note\nNo matching distribution found\n")

    monkeypatch.setattr(make_backends, "FOLDER", tmp_path)
    monkeypatch.setattr(make_backends.subprocess, "run", fail)
    monkeypatch.setattr(sys, "argv", ["make_backends.py", "torch"])
    assert make_backends.main() == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("PyTorch could not be installed (No matching distribution found);")
    assert "requirements-torch.txt" in line and make_backends.python_of("torch") is None


def test_only_the_pytorch_of_the_cpu_is_taken_on_linux(monkeypatch):
    """The plain wheel of Linux brings gigabytes of CUDA; PyTorch's own index is the second try."""
    lines = (ROOT / "requirements-torch.txt").read_text().splitlines()
    assert any(line.endswith('+cpu; sys_platform == "linux"') for line in lines)
    tried = []

    def fail(*command):
        tried.append(command)
        raise RuntimeError(f"try {len(tried)}")

    monkeypatch.setattr(make_backends, "run", fail)
    with pytest.raises(RuntimeError, match="try 1"):
        make_backends._install_torch("python")
    assert "--index-url" not in tried[0] and make_backends.TORCH_INDEX in tried[1]


def test_an_unknown_backend_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["make_backends.py", "mxnet"])
    with pytest.raises(SystemExit):
        make_backends.main()
    assert "there is no backend mxnet; say jax or torch" in capsys.readouterr().err
