"""Run snippets of the error index; print what happened as JSON lines.

``entry_runs.py`` starts it and says what to run: a JSON list on its standard input. Each run has
the names of its entry and of its kind, the flavour of Keras, the code, what it shows, whether a
checkup examines it, its precision. ``fresh`` of an entry runs in a new process, where the files lie
that "after" left.
"""

import contextlib
import gc
import json
import linecache
import logging
import os
import subprocess
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

FRESH = """
import json, os, sys, traceback
import numpy as np
import tensorflow as tf
if sys.argv[1] == "keras":
    import keras
    from keras import layers, ops
else:
    import tf_keras as keras
    from tf_keras import backend as K, layers
for entry, folder, code in json.loads(sys.stdin.read()):
    os.chdir(folder)
    scope = {k: v for k, v in globals().items() if k in "np tf keras layers ops K".split()}
    try:
        exec(code, scope)
        trace = None
    except Exception:
        trace = traceback.format_exc()[-1500:]
    print(json.dumps({"entry": entry, "kind": "fresh", "trace": trace}), flush=True)
"""


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


def run(flavour, code, expression=None, examine=False, policy="float32"):
    """Execute the prelude and a snippet; return what was raised, shown, trained and found."""
    prelude = errors.prelude()
    scope = {}
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    exec(prelude[flavour], scope)
    scope["keras"].mixed_precision.set_global_policy(policy)
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
        result["sure"] = found.sure
        result["trace"] = traceback.format_exc()[-1500:]
    finally:
        for logger in loggers:
            logger.removeHandler(listener)
        tf.config.run_functions_eagerly(False)
        scope["keras"].mixed_precision.set_global_policy("float32")
    return result


def afresh(flavour, jobs):
    """Run what a new process is to do with the files of the others."""
    done = subprocess.run(
        [sys.executable, "-c", FRESH, flavour], input=json.dumps(jobs), capture_output=True,
        text=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    print(done.stdout, flush=True)


def main(wanted):
    """All of them; those of an entry in a folder of its own, because some save models."""
    folders, jobs = {}, {}
    for each in wanted:
        entry, kind = each["entry"], each["kind"]
        # A reader of the prose does not find the files of the others.
        place = entry if kind != "prose" else f"{entry} by prose"
        os.chdir(folders.setdefault(place, tempfile.mkdtemp()))
        told = run(*(each[k] for k in ("flavour", "code", "shows", "examine", "policy")))
        print(json.dumps({"entry": entry, "kind": kind, **told}), flush=True)
        if each.get("fresh"):
            job = (entry, folders[entry], each["fresh"])
            jobs.setdefault(each["flavour"], []).append(job)
    for flavour, waiting in jobs.items():
        afresh(flavour, waiting)


if __name__ == "__main__":
    gc.freeze()  # what was imported stays; clear_session() need not look through it each time
    main(json.loads(sys.stdin.read()))
