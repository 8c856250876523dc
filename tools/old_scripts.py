"""Run the scripts of the page "Bring an old script home", and keep what each of them says.

``python tools/old_scripts.py`` runs every stage of the two scripts and the snippets for other
shapes of model, each in a process of its own, and writes tests/data/old-scripts/record.json, from
which the page is filled. ``wanted.yaml`` beside it, the entries that fit, is written by hand.
"""

import json
import logging
import os
import random
import runpy
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "data" / "old-scripts"
RECORD = FOLDER / "record.json"
LEGACY = " with TF_USE_LEGACY_KERAS=1"
SHAPES = ("two_outputs", "model_class", "label", "beta", "sequence")
# The scripts whose model is examined: the first stage of each that trains, and the last.
EXAMINED = ("2017/6", "2017/7", "2020/6", "2020/7")


def runs():
    """The names of all runs: a script, perhaps with the variable; "shapes" runs the snippets."""
    stages = sorted(FOLDER.glob("20*/*.py"))
    names = [f"{path.parent.name}/{path.stem}" for path in stages]
    return ["shapes", *names, f"2017/1{LEGACY}", f"2020/1{LEGACY}"]


def run(name):
    """Run one of them in a process of its own; returns what is kept of it, a dictionary."""
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1" if name.endswith(LEGACY) else "0"}
    with tempfile.TemporaryDirectory() as folder:  # some scripts save weights
        result = subprocess.run(
            [sys.executable, __file__, name.removesuffix(LEGACY)],
            capture_output=True, text=True, env=environment, cwd=folder,
        )  # fmt: skip
    if result.returncode:
        raise RuntimeError(f"{name}: {result.stdout[-2000:]}{result.stderr[-4000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def run_all(names=None):
    """What all of them say, name -> dictionary; two processes at a time."""
    names = names or runs()
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(run, names)))


def one(name):
    """What a child does: run a script; what it says if it stops, what it reached if it trains."""
    from vaelib import quiet_tensorflow
    from vaelib.errors import first_sentence

    quiet_tensorflow()
    import numpy as np
    import tensorflow as tf

    logged = listen("absl")
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    tf.random.set_seed(1)
    if name == "shapes":
        return shapes()
    path = FOLDER / f"{name}.py"
    try:
        scope = runpy.run_path(str(path))
    except Exception as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        number = frames[-1].lineno
        line = path.read_text().splitlines()[number - 1].strip()
        says = first_sentence(error, 80)
        return {"number": number, "line": line, "type": type(error).__name__, "says": says}
    return {**reached(scope, name), "logged": sorted(set(logged))}


def shapes():
    """What the snippets for other shapes of model reach, and what a beta that trains becomes."""
    code = {name: (FOLDER / "shapes" / f"{name}.py").read_text() for name in ("start", *SHAPES)}
    told = {}
    for name in SHAPES:
        scope = {"__name__": "snippet"}
        exec(code["start"] + code[name], scope)
        told[name] = reached(scope, f"shapes/{name}")
    exec(code["start"] + code["beta"].replace(", trainable=False", ""), scope)
    told["files"] = files()
    told["beta"]["if it trains"] = round(float(scope["vae"].get_layer("kl").beta.numpy()), 3)
    return told


def files():
    """Whether a file that one Keras wrote can be read by the other: models, and weights."""
    import keras
    import numpy as np
    import tf_keras

    told = {}
    for writer, reader in ((keras, tf_keras), (tf_keras, keras)):
        models = []
        for kit in (writer, reader):
            x = kit.Input((4,))
            models.append(kit.Model(x, kit.layers.Dense(2)(x)))
        models[0].save("model.keras")
        models[0].save_weights("model.weights.h5")
        try:
            reader.models.load_model("model.keras")
            model = "loads"
        except Exception as error:
            model = type(error).__name__
        models[1].load_weights("model.weights.h5")
        equal = np.array_equal(models[0].get_weights()[0], models[1].get_weights()[0])
        told[f"{writer.__name__} to {reader.__name__}"] = {"model": model, "weights": equal}
    return told


def reached(scope, name):
    """Whether the loss fell, with which numbers; what a checkup finds."""
    import numpy as np

    vae = scope["vae"]
    losses = np.array(vae.history.history["loss"])
    told = {"trains": bool(np.isfinite(losses).all() and losses[-1] <= losses[0])}
    if hasattr(getattr(vae, "beta", None), "numpy"):
        told["beta_variable"] = round(float(vae.beta.numpy()), 3)
        told["learning_rate"] = round(float(vae.optimizer.learning_rate.numpy()), 6)
    if name in EXAMINED or name.startswith("shapes/"):
        from vaelib import checkup

        report = checkup(vae, *arguments(scope, name), saving=False)
        told["checkup"] = str(report).split("\nMeasured:\n")[0].rstrip()
        told["findings"], told["beta"] = report.slugs, round(report.beta, 3)
    return told


def arguments(scope, name):
    """What `fit` got."""
    if name.startswith("20"):
        return [scope["x_train"]] * (2 if name.startswith("2017") else 1)
    x, digits = scope["images"], scope["digits"]
    return {
        "two_outputs": [x, {"image": x, "digit": digits}],
        "model_class": [x],
        "label": [[x, digits], x],
        "sequence": [scope.get("rows")] * 2,
    }.get(name.removeprefix("shapes/"), [x, x])


def listen(name):
    """The warnings that a logger gets from now on."""
    texts = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: texts.append(record.getMessage())
    logging.getLogger(name).addHandler(handler)
    return texts


def main():
    if sys.argv[1:]:
        print("\n" + json.dumps(one(sys.argv[1])))
        return
    RECORD.write_text(json.dumps(run_all(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
