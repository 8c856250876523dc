"""Measure what the cheat sheet says: ``python tools/cheat_sheet_record.py``.

The plain recipe of each placement is taken out of its chapter, as the version atlas does it, and
book/_data/cheat-sheet.json keeps what ``compile`` is given, which names stand in the history, what
becomes of validation, and how often each term counts in a step on two devices; and how many public
reports each entry of the error index has. With names of placements, they are only printed.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path
from unittest import mock

import yaml

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "book" / "_data" / "cheat-sheet.json"
# Placement: its plain recipe in the chapters.
RECIPES = {
    "encoder_layer": "kl_layer",
    "endpoint_layer": "final_layer_today",
    "outputs": "named_outputs",
    "model_add_loss": "geron_add_loss",
    "model_call": "add_loss_in_call",
    "compute_loss": "compute_loss_method",
    "train_step": "train_step_method",
    "custom_loop": "tape_loop",
    "tfp_add_loss": "tfp_add_loss_per_image",
    "tfp_regularizer": "tfp_regularizer_halved",
}


def source_of(name):
    """The slug of the chapter of a recipe, and the cells to run."""
    import atlas

    ((_, chapter, cells),) = [row for row in atlas.recipes() if row[0] == RECIPES[name]]
    return chapter, cells


def text_of(name):
    """A digest of the recipe: it is measured again if this changes."""
    return hashlib.sha256("".join(source_of(name)[1]).encode()).hexdigest()[:16]


def recipe_of(name):
    """The function of a recipe."""
    import tensorflow as tf

    room = {"tf": tf}
    for cell in source_of(name)[1]:
        exec(compile(cell, RECIPES[name], "exec"), room)
    return room[RECIPES[name]]


@contextlib.contextmanager
def watching(keras):
    """Note the arguments of ``compile`` and ``fit``, and what ``fit`` returns."""
    seen = {}

    def watch(method):
        own = getattr(keras.Model, method)

        def watched(self, *arguments, **options):
            result = own(self, *arguments, **options)
            seen[method] = arguments, options, result
            return result

        return mock.patch.object(keras.Model, method, watched)

    with watch("compile"), watch("fit"):
        yield seen


def kit(name):
    """The newest Keras that allows a placement."""
    import keras
    import tf_keras

    from vaelib import placements

    return keras if name in placements.names(keras) else tf_keras


def build(name, rate):
    """The recipe's model with known weights, its ``train``, and the layers of mu and pixels."""
    from vaelib import recipes

    keras = kit(name)
    recipe = recipe_of(name)
    images = recipes.striped_images()[: recipes.BATCH]
    optimizer = keras.optimizers.SGD(rate)
    vae, train = recipe(keras, recipes.mathematics(keras), images, optimizer)
    return vae, train, recipes._with_known_weights(vae)


def on_one_device(name):
    """What ``compile`` and ``fit`` do by themselves, and what validation shows.

    ``kl_in_validation`` tells how often the KL term is in ``val_loss``: nothing is learnt, and the
    weights make both terms known.
    """
    from vaelib import recipes

    with watching(kit(name)) as seen:
        vae, train, _ = build(name, rate=0.0)
        train(1)
        found = {"recipe": RECIPES[name], "text": text_of(name), "keras": kit(name).__name__}
        found |= {"loss_in_compile": 0, "fit": "fit" in seen}
        if "compile" in seen:
            loss = seen["compile"][1].get("loss")
            found["loss_in_compile"] = (
                len(loss) if isinstance(loss, list) else int(loss is not None)
            )
        if "fit" not in seen:
            return found | {"history": [], "validation": "yours"}
        arguments, options, log = seen["fit"]
    found["history"] = sorted(log.history)
    data = arguments if len(arguments) > 1 else (arguments[0], None)
    try:
        log = vae.fit(*arguments, **options, validation_data=data).history
    except Exception as error:
        first = str(error).splitlines()[0]
        return found | {"validation": f"{type(error).__name__}: {first}"}
    names = sorted(name for name in log if name.startswith("val_"))
    shown = log["val_loss" if "val_loss" in log else names[0]][-1] if names else None
    in_loss = None if shown is None else (shown - recipes.RECONSTRUCTION) / recipes.KL
    return found | {"validation": names, "kl_in_validation": in_loss and round(in_loss, 2)}


def step_of(name):
    """How far one step moves the biases of mu and of the pixels, from known weights."""
    import numpy as np

    from vaelib import recipes

    _, train, layers = build(name, rate=recipes.RATE)
    before = [layer.get_weights()[1] for layer in layers]
    train(1)
    return [
        float(np.linalg.norm(layer.get_weights()[1] - old)) for layer, old in zip(layers, before)
    ]


def on_two_devices(name):
    """How many times too far a step goes on two devices: the KL term's and the reconstruction's."""
    import tensorflow as tf

    try:
        one = step_of(name)
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            two = step_of(name)
    except Exception as error:
        return {"devices": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    kl, reconstruction = (round(b / a, 2) for a, b in zip(one, two))
    return {"devices": {"kl": kl, "reconstruction": reconstruction}}


def measured(name):
    """Everything about one placement. The process must not have run anything of TensorFlow yet."""
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    if not tf.config.get_logical_device_configuration(cpu):
        half = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(cpu, [half, half])
    return on_one_device(name) | on_two_devices(name)


def reports():
    """Entry of the error index: addresses of the public reports for which it is right."""
    from vaelib import errors

    found = {entry["entry"]: set(entry["reports"]) for entry in errors.entries()}
    data = ROOT / "tests" / "data"
    rows = yaml.safe_load((data / "texts.yaml").read_text("utf-8"))
    rows += json.loads((data / "strangers.json").read_text("utf-8"))
    for row in rows:
        for slug in row["wanted"]:
            if row.get("url") and slug in found:
                found[slug].add(row["url"])
    return found


def counted():
    """How many public reports there are in all, and of each entry that has one."""
    found = reports()
    counts = {slug: len(urls) for slug, urls in sorted(found.items()) if urls}
    return {"all": len(set().union(*found.values())), "entries": counts}


def main():
    """Measure the placements that are named, or all; print them, or write the record."""
    sys.path[:0] = [str(ROOT / "tools"), str(ROOT)]
    from vaelib import quiet_tensorflow

    quiet_tensorflow()
    found = {name: measured(name) for name in sys.argv[1:] or RECIPES}
    if sys.argv[1:]:
        print(json.dumps(found, indent=1))
        return
    packages = ("tensorflow", "keras", "tf_keras", "tensorflow-probability")
    versions = {name: importlib.metadata.version(name) for name in packages}
    record = {"versions": versions, "placements": found, "reports": counted()}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
