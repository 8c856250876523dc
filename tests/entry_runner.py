"""Run the snippets of one class of the error index; print what happened as JSON lines.

``python tests/entry_runner.py CLASS``; test_error_index.py starts it, one process for each class.
"""

import json
import linecache
import logging
import os
import sys
import tempfile
import traceback
import warnings

from vaelib import errors, quiet_tensorflow

quiet_tensorflow()

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


class Listener(logging.Handler):
    """Keep what TensorFlow and absl log instead of printing it."""

    def __init__(self, texts):
        super().__init__()
        self.texts = texts

    def emit(self, record):
        self.texts.append(record.getMessage())


def run(flavour, code, expression=None):
    """Execute the prelude and a snippet; return what was raised, shown and trained."""
    prelude = errors.prelude()
    scope = {}
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    exec(prelude[flavour], scope)
    exec(prelude["shared"], scope)
    caught = scope["caught"] = []
    listener = Listener(caught)
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl")]
    for logger in loggers:
        logger.addHandler(listener)
        logger.propagate = False
    result = {"type": None, "text": None, "explained": None, "shows": None, "losses": None}
    try:
        with warnings.catch_warnings(record=True) as recorded:
            warnings.simplefilter("always")
            # As in a notebook, the traceback shows the lines of the snippet.
            linecache.cache["<snippet>"] = (len(code), None, code.splitlines(True), "<snippet>")
            exec(compile(code, "<snippet>", "exec"), scope)
        caught += [str(warning.message) for warning in recorded]
        if expression:
            result["shows"] = bool(eval(expression, scope))
        history = scope.get("history")
        if history is not None:
            losses = getattr(history, "history", history)
            losses = losses["loss"] if isinstance(losses, dict) else losses
            result["losses"] = [float(np.mean(loss)) for loss in losses]
    except Exception as error:
        found = errors.explain(error)
        result["type"] = type(error).__name__
        result["text"] = str(error)
        result["explained"] = [c["entry"] for c in found.candidates]
        result["trace"] = traceback.format_exc()[-1500:]
    finally:
        for logger in loggers:
            logger.removeHandler(listener)
        tf.config.run_functions_eagerly(False)
    return result


def main(name):
    os.chdir(tempfile.mkdtemp())  # some snippets save models
    for entry in errors.entries():
        if entry["class"] != name or entry["flavour"] == "none":
            continue
        flavour = entry["flavour"]
        row = {
            "entry": entry["entry"],
            "before": run(flavour, entry["before"], entry.get("shows_before")),
            "after": run(
                entry.get("after_flavour", flavour), entry["after"], entry.get("shows_after")
            ),
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
