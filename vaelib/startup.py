"""Start the backend of Keras: without TensorFlow's messages, and with one sentence if it cannot."""

import importlib.util
import json
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

# What Keras can train with, and the package that brings it.
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


class BackendError(ImportError):
    """Keras has no backend that it could train with; the text says why, and what to do."""


def quiet_tensorflow():
    """Import TensorFlow once, keeping its start-up messages out of the notebook.

    TensorFlow 2.21 writes notes about oneDNN and missing GPU drivers straight to
    file descriptor 2, before it reads ``TF_CPP_MIN_LOG_LEVEL``; Jupyter shows them
    in red, like an error. Call this first; every later ``import keras`` is silent.
    Where Keras runs on another backend and TensorFlow is not installed, it does nothing.

    Raises:
        BackendError: Keras is told to take a backend that does not exist or is not installed.
        Exception: whatever the import raises, after printing what was held back.
    """
    if "tensorflow" in sys.modules:
        return
    check_backend()
    if backend()[0] != "tensorflow" and not _installed("tensorflow"):
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the messages that come later
    with _stderr_held_back():
        import tensorflow  # noqa: F401


def check_backend():
    """One sentence where ``import keras`` would fail, or where nothing could be trained.

    Raises:
        BackendError: the backend that Keras would take does not exist, or is not installed.
    """
    name, said_by = backend()
    others = [other for other in BACKENDS if _installed(other)]
    other = others[0] if others else "tensorflow"
    if name not in BACKENDS:
        raise BackendError(
            f"{said_by} names the backend {name!r}, with which Keras trains nothing: set "
            f"KERAS_BACKEND to one of {', '.join(BACKENDS)} before Keras is imported."
        )
    if not _installed(name):
        raise BackendError(
            f"{said_by} names the backend {name!r}, but {BACKENDS[name]} is not installed here: "
            f"install {name}"
            + (f", or set KERAS_BACKEND={other} before Keras is imported." if others else ".")
        )


def add_sentence(error):
    """Add the sentence of ``check_backend``, if there is one, below a failed import's own text."""
    try:
        check_backend()
    except BackendError as told:
        error.add_note(str(told))


def backend():
    """The backend that Keras takes, or has taken, and who says so; Keras is not imported for it.

    Returns:
        its name, and "KERAS_BACKEND", the path of Keras' own file, or "Keras' default".
    """
    if "keras" in sys.modules and hasattr(sys.modules["keras"], "config"):
        return sys.modules["keras"].config.backend(), "Keras"
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"], "KERAS_BACKEND"
    path = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "keras.json"
    try:
        return json.loads(path.read_text())["backend"], str(path)
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow", "Keras' default"


def _installed(package):
    """Whether Python would find it, or has it."""
    try:
        return package in sys.modules or importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # a broken one: its own import tells more
        return True


@contextmanager
def _stderr_held_back():
    """Send file descriptor 2 to a temporary file; hand the text on only if the block fails."""
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (AttributeError, OSError):  # a service without a standard error: nothing to keep out
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
