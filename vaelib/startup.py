"""Start TensorFlow without the messages it prints while it loads (used in every chapter)."""

import os
import sys
import tempfile
from contextlib import contextmanager


def quiet_tensorflow():
    """Import TensorFlow once, keeping its start-up messages out of the notebook.

    TensorFlow 2.21 writes notes about oneDNN and missing GPU drivers straight to
    file descriptor 2, before it reads ``TF_CPP_MIN_LOG_LEVEL``; Jupyter shows them
    in red, like an error. Call this first; every later ``import keras`` is silent.

    Raises whatever the import raises, after printing what was held back.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the messages that come later
    with _stderr_held_back():
        import tensorflow  # noqa: F401


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
