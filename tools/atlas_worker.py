"""Run recipes in the Python that is running this; tools/atlas.py starts it, once per mode.

Reads from standard input, as JSON: the file of vaelib.recipes, the flavour of Keras, the mode, and
the cells. Writes to the file it is given one JSON line on the versions, then one for each recipe.
A job with "code" is a snippet of the error index instead. Keeps to Python 3.7.
"""

import importlib.util
import json
import logging
import os
import re
import sys
import tempfile
import traceback


def start_without_tensorflow(backend):
    """Import Keras 3 and its backend; return what their versions are called, and Keras."""
    import keras

    assert keras.backend.backend() == backend, keras.backend.backend()
    version = importlib.import_module(backend).__version__
    return {"backend": backend + " " + version.split("+")[0], "keras": keras.__version__}, keras


def start(flavour, mode):
    """Import TensorFlow and the Keras, and switch the mode."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    if flavour == "tf.keras":
        keras = tf.keras
    else:
        keras = importlib.import_module(flavour)
    first = tf.__version__.startswith("1.")
    if mode == "graph" and not first:
        tf.compat.v1.disable_eager_execution()
    elif mode == "eager" and first:
        tf.compat.v1.enable_eager_execution()
    elif mode == "run_functions_eagerly":
        run = getattr(tf.config, "run_functions_eagerly", None)
        (run or tf.config.experimental_run_functions_eagerly)(True)
    return tf, keras


class Listener(logging.Handler):
    """Keep what TensorFlow logs, in the list ``said``."""

    def emit(self, record):
        """Keep one message."""
        self.said.append(record.getMessage())


def provoke(job):
    """Run one snippet of the error index; return what it raised, said and trained."""
    tf, keras = start(job["flavour"], job["mode"])
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.WARN)
    listener = Listener()
    listener.said = []
    logging.getLogger("tensorflow").addHandler(listener)
    scope = {"keras": keras, "layers": keras.layers, "K": keras.backend}
    row = {
        "keras": getattr(keras, "__version__", tf.__version__),
        "flavour": job["flavour"],
        "python": sys.version.split()[0],
        "exception": None,
        "trace": None,
        "losses": None,
    }
    path = os.path.join(tempfile.mkdtemp(), "snippet.py")
    with open(path, "w") as handle:
        handle.write(job["code"])
    try:
        exec(job["prelude"], scope)
        exec(compile(job["code"], path, "exec"), scope)
        losses = scope["history"].history["loss"] if "history" in scope else []
        row["losses"] = [float(loss) for loss in losses]
    except Exception as error:
        row["exception"] = type(error).__name__
        row["trace"] = clean(traceback.format_exc(), os.path.dirname(path))[-8000:]
    row["said"] = [clean(text, "")[:300] for text in listener.said][:5]
    return row


def clean(text, folder):
    """A text without addresses and without paths of this machine."""
    text = re.sub(r" at 0x[0-9a-f]+", "", text.replace(folder + os.sep, "") if folder else text)
    text = re.sub(r'(File ")/[^"]*/', r"\1.../", text)
    return re.sub(r"(?m)^(\s+)/[^ ]*/([^/ ]+\.py:)", r"\1.../\2", text)


def main():
    job = json.load(sys.stdin)
    if "code" in job:
        row = provoke(job)
        with open(job["out"], "w") as out:
            out.write(json.dumps(row) + "\n")
        return
    spec = importlib.util.spec_from_file_location("recipes", job["module"])
    recipes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipes)
    head = {"flavour": job["flavour"], "python": sys.version.split()[0]}
    names = {}
    if job["backend"] == "tensorflow":
        names["tf"], keras = start(job["flavour"], job["mode"])
        head["keras"] = getattr(keras, "__version__", names["tf"].__version__)
    else:
        versions, keras = start_without_tensorflow(job["backend"])
        head.update(versions)
    try_all(job, recipes, dict(names, keras=keras), head)


def try_all(job, recipes, names, head):
    """Try every recipe; ``names`` are those that a recipe finds without importing them."""
    keras = names["keras"]
    # The optimizers that came with TensorFlow 2.11 need eager execution.
    legacy = job["mode"] == "graph" and head["keras"].startswith("2.")
    legacy = legacy and hasattr(keras.optimizers, "legacy")
    folder = tempfile.mkdtemp()
    with open(job["out"], "w") as out:
        out.write(json.dumps(head) + "\n")
        for name, chapter, sources in job["recipes"]:
            # A file of its own: tracebacks and AutoGraph then find the source.
            path = os.path.join(folder, name + ".py")
            with open(path, "w") as handle:
                handle.write("\n\n".join(sources))
            scope = dict(names)
            with open(path) as handle:
                exec(compile(handle.read(), path, "exec"), scope)
            keras.backend.clear_session()
            sgd = keras.optimizers.legacy.SGD if legacy else None
            verdict = recipes.attempt(scope[name], keras, sgd=sgd)._asdict()
            if verdict["message"]:
                verdict["message"] = clean(verdict["message"], folder)[:4000]
            row = {"recipe": name, "chapter": chapter}
            row.update(verdict)
            out.write(json.dumps(row) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
