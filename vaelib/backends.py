"""Run one text on every backend of Keras (used in chapter ``jax-and-pytorch``).

Keras is bound to a backend when it is imported. So each of the others runs in a process of its
own, in an environment that ``make backends`` makes; where there is none, a stored result serves.
"""

import hashlib
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import keras

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
FOLDER = Path(__file__).resolve().parent.parent / ".backends"
IMPORTS = """
import json
import sys

import keras
import numpy as np
from keras import layers, ops

from vaelib import data
from vaelib.vae import WarmUp, build_vae, reconstruction
"""


def python_of(backend):
    """The interpreter that has a backend, or None.

    Args:
        backend: "tensorflow", "jax" or "torch". Its environment is looked for in the folder that
            the environment variable ``VAELIB_BACKENDS`` names, by default in ``.backends``; then
            in the Python that runs.
    """
    home = Path(os.environ.get("VAELIB_BACKENDS", FOLDER)) / backend
    inside = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (home / ".ready").exists() and inside.exists():
        return str(inside)
    return sys.executable if importlib.util.find_spec(backend) else None


def run(backend, functions, arguments):
    """Call the last of some functions on a backend, in a process of its own.

    Args:
        backend: "tensorflow", "jax" or "torch".
        functions: functions that need nothing but each other and ``IMPORTS``.
        arguments: a dict of keyword arguments that JSON can carry; so must be what is returned.

    Raises:
        RuntimeError: the backend is not installed, or the process failed.
    """
    python = python_of(backend)
    if python is None:
        title = BACKENDS[backend]
        raise RuntimeError(f"{title} is not installed: `make backends` makes a place for it.")
    call = f"print(json.dumps({functions[-1].__name__}(**json.loads(sys.argv[1]))))"
    code = "\n\n".join([IMPORTS, *map(inspect.getsource, functions), call])
    # One thread of PyTorch: several wait for each other in a busy loop, which costs minutes as soon
    # as a core has something else to do.
    told = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, "-c", code, json.dumps(arguments)], capture_output=True, text=True,
        env={**os.environ, **told},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"On {BACKENDS[backend]}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def key(functions, arguments):
    """By which a record knows a call, and a hash of the text that was run."""
    text = "\n".join(map(inspect.getsource, functions))
    name = f"{functions[-1].__name__} {json.dumps(arguments, sort_keys=True)}"
    return name, hashlib.sha256(text.encode()).hexdigest()[:16]


def on_each(functions, arguments, record):
    """What the last of some functions returns on every backend, and where that comes from.

    Args:
        functions, arguments: as for ``run``.
        record: a dict, by ``key``, of stored results for backends that are not installed.

    Returns:
        Two dicts by backend: the results, and "this notebook", "a process" or "stored".

    Raises:
        RuntimeError: as ``run``; or nothing is stored of this very text.
    """
    results, told = {}, {}
    for backend in BACKENDS:
        if backend == keras.backend.backend():
            results[backend], told[backend] = functions[-1](**arguments), "this notebook"
        elif python_of(backend):
            results[backend], told[backend] = run(backend, functions, arguments), "a process"
        else:
            results[backend], told[backend] = (
                _stored(backend, functions, arguments, record),
                "stored",
            )
    return results, told


def _stored(backend, functions, arguments, record):
    name, text = key(functions, arguments)
    entry = record.get(name, {})
    if entry.get("text") != text or backend not in entry["results"]:
        raise RuntimeError(
            f"{BACKENDS[backend]} is not installed, and no result of this text of "
            f"{functions[-1].__name__!r} is stored: `make backends` makes a place for it."
        )
    return entry["results"][backend]
