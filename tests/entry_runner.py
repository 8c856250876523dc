"""Run the snippets of one class of the error index; print what happened as JSON lines.

``python tests/entry_runner.py CLASS``; test_error_index.py starts it, one process for each class.
"""

import contextlib
import json
import linecache
import logging
import os
import sys
import tempfile
import traceback
import warnings

from vaelib import errors, quiet_tensorflow
from vaelib.checkup import checkup

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


@contextlib.contextmanager
def examined(kit, slugs):
    """At the end of every `fit`, add to the list what a checkup finds in the model as it is."""
    fit = kit.Model.fit

    def fit_and_examine(self, x=None, y=None, **more):
        history = fit(self, x, y, **more)
        kit.Model.fit = fit  # a checkup calls it, too
        report = checkup(self, x, y, callbacks=more.get("callbacks", ()), saving=False)
        kit.Model.fit = fit_and_examine
        slugs.extend(report.slugs)
        return history

    kit.Model.fit = fit_and_examine
    try:
        yield
    finally:
        kit.Model.fit = fit


def run(flavour, code, expression=None, examine=False):
    """Execute the prelude and a snippet; return what was raised, shown, trained and found."""
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
    slugs = result["slugs"] = []
    watched = examined(scope["keras"], slugs) if examine else contextlib.nullcontext()
    try:
        with watched, warnings.catch_warnings(record=True) as recorded:
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


def two_devices():
    """One entry is about several devices: TensorFlow takes the CPU for two, if told so at once."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, halves)


def main(name):
    two_devices()
    os.chdir(tempfile.mkdtemp())  # some snippets save models
    for entry in errors.entries():
        if entry["class"] != name or entry["flavour"] == "none":
            continue
        flavour = entry["flavour"]
        row = {
            "entry": entry["entry"],
            "before": run(flavour, entry["before"], entry.get("shows_before"), "finding" in entry),
            "after": run(
                entry.get("after_flavour", flavour), entry["after"], entry.get("shows_after")
            ),
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
