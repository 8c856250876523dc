"""Run something on JAX or PyTorch, in the environments that ``make backends`` makes.

A test that needs one carries ``@needs("jax")``: without the environment it is skipped, with one
sentence that says which command makes it. CI must not skip: there ``run_on`` fails instead.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".backends"
TITLES = {"jax": "JAX", "torch": "PyTorch"}


def python_of(backend):
    """The interpreter of "jax" or "torch", or None if its environment has not been made."""
    home = FOLDER / backend
    inside = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return inside if (home / ".ready").exists() and inside.exists() else None


def sentence(backend):
    """What a reader without the environment is told."""
    return f"{TITLES[backend]} is not installed: `make backends` makes an environment for it."


def needs(backend):
    """A mark: skip the test if the environment is missing, unless this is CI."""
    missing = python_of(backend) is None and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason=sentence(backend))


def run_on(backend, code, *arguments, env=None, timeout=600):
    """Run code on a backend and return what it printed in its last line, as JSON.

    Args:
        backend: "jax" or "torch"; "tensorflow" takes the Python of the tests.
        code: the code as text, or the ``Path`` of a file.
        arguments: what the code finds in ``sys.argv[1:]``, as text.
        env: environment variables beside those of the tests; None as a value removes one.
        timeout: seconds after which the process is ended.

    Raises:
        AssertionError: if the process fails, with the end of what it wrote to stderr.
    """
    python = sys.executable if backend == "tensorflow" else python_of(backend)
    if python is None:
        pytest.fail(sentence(backend), pytrace=False)
    # On a busy machine PyTorch's threads wait for each other: seven times the time of one.
    told = {**os.environ, "OMP_NUM_THREADS": "1"} if backend == "torch" else {**os.environ}
    told |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", **(env or {})}
    told = {name: value for name, value in told.items() if value is not None}
    source = [str(code)] if isinstance(code, Path) else ["-c", code]
    done = subprocess.run(
        [str(python), *source, *map(str, arguments)],
        cwd=ROOT, env=told, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, f"{TITLES.get(backend, backend)}: {done.stderr[-3000:]}"
    return json.loads(done.stdout.strip().splitlines()[-1])
