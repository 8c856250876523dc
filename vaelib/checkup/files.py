"""Can the model be saved, and loaded in a fresh process, and does it predict the same there?"""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from vaelib.checkup.subject import every, first, told
from vaelib.checkup.watch import array_of

LOADER = Path(__file__).with_name("load_again.py")


def try_it(subject, still):
    """Save the model, load it in a fresh Python, compare its predictions.

    The fresh process gets the reader's own classes and functions by value (cloudpickle), as if
    their module had been imported there. So what fails fails for want of something else. For the
    comparison the second head is held far down, where nothing is drawn.

    Returns:
        "saved" and "loaded", each "yes", a sentence that says why not, or None if unknown.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _try_it(subject, still, Path(folder))


def _try_it(subject, still, folder):
    model = subject.model
    if still is not None:
        still.set(second=-30.0, grey=None)
    try:
        before = _settled(subject)
        weights = [array_of(weight) for weight in model.weights]
        try:
            model.save(folder / "model.keras")
        except Exception as error:
            return told(error, 200), None
    finally:
        subject.let_go()
    try:
        _write(folder, subject, model, before, weights)
    except Exception as error:
        return "yes", f"?your classes could not be handed to a fresh process ({told(error, 200)})"
    result = subprocess.run(
        [sys.executable, str(LOADER), str(folder)],
        capture_output=True,
        text=True,
        env=_world(subject),
    )
    answer = result.stdout.strip().splitlines()[-1:] or [""]
    if answer[0].startswith("ok"):
        return "yes", "yes" + answer[0][2:]
    if answer[0].startswith("no "):
        return "yes", answer[0][3:]
    return "yes", "?the fresh process ended without an answer"


def _settled(subject):
    """What the model predicts, if it predicts the same twice; else None."""
    try:
        once, again = (every(subject.predict(subject.batch), np.asarray) for _ in range(2))
    except Exception:
        return None
    return once if np.allclose(first(once), first(again), atol=1e-6, equal_nan=True) else None


def _write(folder, subject, model, before, weights):
    import cloudpickle

    x, _ = subject.take(subject.batch)
    pack = {
        "keras": subject.keras.__name__,
        "objects": own_objects(model, subject.keras),
        "x": x,
        "before": before,
        "batch": subject.batch,
        "weights": weights,
    }
    path = [entry or os.getcwd() for entry in sys.path]
    (folder / "path.json").write_text(json.dumps(path))
    (folder / "pack").write_bytes(cloudpickle.dumps(pack))


def own_objects(model, keras):
    """Classes and functions of the model that are not Keras' own, name -> object."""
    layers = [model, *model._flatten_layers(include_self=False, recursive=True)]
    found = {}
    for layer in layers:
        for kind in type(layer).__mro__:
            if kind.__module__.split(".")[0] in ("keras", "tf_keras", "tensorflow", "builtins"):
                break
            found[kind.__name__] = kind
            found[keras.saving.get_registered_name(kind)] = kind
    # A Lambda keeps its function; Keras loads it by name. What shadows a method, as Keras' own
    # `build` of each layer does, is no function of the reader's, and holds the model.
    held = [
        value
        for layer in layers
        for name, value in vars(layer).items()
        if inspect.isfunction(value) and not hasattr(type(layer), name)
    ]
    for loss in [*functions_of(model), *held]:
        name = getattr(loss, "__name__", None)
        if (
            name
            and name != "<lambda>"
            and not str(getattr(loss, "__module__", "")).startswith(("keras", "tf_keras"))
        ):
            found[name] = loss
    return found


def functions_of(model):
    """Losses and metrics as they were given to compile()."""
    config = getattr(model, "_compile_config", None)
    config = getattr(config, "config", config) or {}
    given = [config.get("loss"), config.get("metrics"), getattr(model, "loss", None)]
    flat = []
    while given:
        item = given.pop()
        if isinstance(item, dict):
            given += list(item.values())
        elif isinstance(item, (list, tuple)):
            given += list(item)
        elif callable(item):
            flat.append(item)
    return flat


def _world(subject):
    on_cpu = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    world = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **on_cpu}
    if hasattr(subject.keras, "ops"):
        world["KERAS_BACKEND"] = subject.keras.backend.backend()
    return world
