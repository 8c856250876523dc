"""Run one text on every backend of Keras (used in chapter ``jax-and-pytorch``).

Keras is bound to a backend when it is imported. So each of the others works in a process of its
own, in an environment that ``make backends`` makes; where there is none, a stored result serves.
"""

import hashlib
import importlib.util
import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import keras

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
FOLDER = Path(__file__).resolve().parent.parent / ".backends"
IMPORTS = """
import keras
import numpy as np
from keras import layers, ops

from vaelib import data
from vaelib.vae import WarmUp, build_vae, reconstruction
"""
# Answers are lines that begin with a mark: whatever else a library prints is no answer.
MARK = "\x1e"
WORKER = """
import json, os, sys
space = {"__name__": "worker"}
exec(sys.argv[1], space)
for line in sys.stdin:
    folder, text, name, arguments = json.loads(line)
    os.chdir(folder)
    try:
        exec(text, space)
        answer = {"result": space[name](**arguments)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("\\x1e" + json.dumps(answer), flush=True)
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


def key(functions, arguments):
    """By which a record knows a call, and a hash of the text that was run."""
    text = "\n".join(map(inspect.getsource, functions))
    name = f"{functions[-1].__name__} {json.dumps(arguments, sort_keys=True)}"
    return name, hashlib.sha256(text.encode()).hexdigest()[:16]


class Elsewhere:
    """The other backends: a process for each, started when it is needed, and kept.

    Args:
        record: a dict, by ``key``, of stored results for backends that are not installed.
    """

    def __init__(self, record):
        self.record, self._workers = record, {}

    def on_each(self, functions, arguments):
        """What the last of some functions returns on every backend, and where that comes from.

        Args:
            functions: functions that need nothing but each other and ``IMPORTS``.
            arguments: a dict of keyword arguments that JSON can carry; so must be the result.

        Returns:
            Two dicts by backend: the results, and "this notebook", "a process" or "stored".

        Raises:
            RuntimeError: the call failed; or the backend is not installed, and nothing is stored
                of this very text.
        """
        results, told = {}, {}
        for backend in BACKENDS:
            if backend == keras.backend.backend():
                results[backend], told[backend] = functions[-1](**arguments), "this notebook"
            elif python_of(backend):
                results[backend] = self.run(backend, functions, arguments)
                told[backend] = "a process"
            else:
                results[backend] = self._stored(backend, functions, arguments)
                told[backend] = "stored"
        return results, told

    def run(self, backend, functions, arguments):
        """The same on one backend, in its process."""
        worker, errors = self._worker(backend)
        text = "\n\n".join(map(inspect.getsource, functions))
        call = [os.getcwd(), text, functions[-1].__name__, arguments]
        try:
            print(json.dumps(call), file=worker.stdin, flush=True)
            line = next(line for line in worker.stdout if line.startswith(MARK))
            answer = json.loads(line.removeprefix(MARK))
        except (BrokenPipeError, StopIteration):
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ["the process ended"])[-1]
            answer = {"error": last}
        if "error" in answer:
            raise RuntimeError(f"On {BACKENDS[backend]}: {answer['error']}")
        return answer["result"]

    def close(self):
        """End the processes. They end by themselves, too, with the process that started them."""
        for worker, errors in self._workers.values():
            worker.stdin.close()
            worker.wait()
            worker.stdout.close()
            errors.close()
        self._workers = {}

    def _worker(self, backend):
        if backend in self._workers:
            return self._workers[backend]
        python = python_of(backend)
        if python is None:
            title = BACKENDS[backend]
            raise RuntimeError(f"{title} is not installed: `make backends` makes a place for it.")
        # One thread of PyTorch: several wait for each other in a busy loop, which costs minutes as
        # soon as a core has something else to do.
        told = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
        errors = tempfile.TemporaryFile("w+")
        worker = subprocess.Popen(
            [python, "-c", WORKER, IMPORTS], env={**os.environ, **told}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        self._workers[backend] = worker, errors
        return worker, errors

    def _stored(self, backend, functions, arguments):
        name, text = key(functions, arguments)
        entry = self.record.get(name, {})
        if entry.get("text") != text or backend not in entry["results"]:
            raise RuntimeError(
                f"{BACKENDS[backend]} is not installed, and no result of this text of "
                f"{functions[-1].__name__!r} is stored: `make backends` makes a place for it."
            )
        return entry["results"][backend]
