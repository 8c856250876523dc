"""Run recipes in the Python that is running this; tools/atlas.py starts it, once per mode.

Reads from standard input, as JSON: the file of vaelib.recipes, the flavour of Keras, the mode, and
the cells. Writes to the file it is given one JSON line on the versions, then one for each recipe.
Keeps to Python 3.7.
"""

import importlib.util
import json
import os
import re
import sys
import tempfile


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


def main():
    job = json.load(sys.stdin)
    spec = importlib.util.spec_from_file_location("recipes", job["module"])
    recipes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipes)
    tf, keras = start(job["flavour"], job["mode"])
    # The optimizers that came with TensorFlow 2.11 need eager execution.
    version = getattr(keras, "__version__", tf.__version__)
    legacy = (
        job["mode"] == "graph" and version.startswith("2.") and hasattr(keras.optimizers, "legacy")
    )
    folder = tempfile.mkdtemp()
    with open(job["out"], "w") as out:
        head = {"keras": version, "flavour": job["flavour"], "python": sys.version.split()[0]}
        out.write(json.dumps(head) + "\n")
        for name, chapter, sources in job["recipes"]:
            # A file of its own: tracebacks and AutoGraph then find the source.
            path = os.path.join(folder, name + ".py")
            with open(path, "w") as handle:
                handle.write("\n\n".join(sources))
            scope = {"tf": tf, "keras": keras}
            with open(path) as handle:
                exec(compile(handle.read(), path, "exec"), scope)
            keras.backend.clear_session()
            sgd = keras.optimizers.legacy.SGD if legacy else None
            verdict = recipes.attempt(scope[name], keras, sgd=sgd)._asdict()
            if verdict["message"]:
                message = verdict["message"].replace(folder + os.sep, "")
                message = re.sub(r" at 0x[0-9a-f]+", "", message)
                message = re.sub(r'(File ")/[^"]*/', r"\1.../", message)
                verdict["message"] = message[:4000]
            row = {"recipe": name, "chapter": chapter}
            row.update(verdict)
            out.write(json.dumps(row) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
