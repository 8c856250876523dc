"""Is it a model that can be examined? One sentence if it is not."""

import importlib
import sys

import numpy as np

from vaelib.checkup.subject import every, first, told

BATCHES = (32, 64, 100, 128, 16, 256, 50)


def keras_of(model):
    """The Keras that a model belongs to, ``keras`` or ``tf_keras``.

    Raises:
        TypeError: it is no Keras model.
        ValueError: it is not compiled, has no weights yet, or belongs to several workers.
    """
    for name in ("keras", "tf_keras"):
        if name not in sys.modules and name == "tf_keras":
            continue
        module = importlib.import_module(name)
        if isinstance(model, module.Model):
            break
        if isinstance(model, type) and issubclass(model, module.Model):
            raise TypeError(
                f"{model.__name__} is a class, not a model: checkup({model.__name__}(...), x)."
            )
    else:
        raise TypeError(
            f"checkup needs a compiled Keras model, but got {_a(model)}: hand over the object "
            "whose fit() you call."
        )
    if name == "tf_keras" or module.backend.backend() == "tensorflow":
        import tensorflow as tf

        if not tf.executing_eagerly():
            raise ValueError(
                "TensorFlow is in graph mode, in which no value can be looked at: take "
                "disable_eager_execution() away for the checkup."
            )
    strategy = getattr(model, "distribute_strategy", None)
    if getattr(getattr(strategy, "extended", None), "_num_workers", 1) > 1:
        raise ValueError(
            "The model was built in the scope of several workers, and each step waits for all of "
            "them: build it in the scope of a MirroredStrategy, or of none, for the checkup."
        )
    compiled = getattr(model, "compiled", None)
    if compiled is None:
        compiled = getattr(model, "_is_compiled", True)
    if not compiled or getattr(model, "optimizer", None) is None:
        raise ValueError(
            f"The model {model.name!r} is not compiled: call compile() as you do before fit()."
        )
    _check_built(model, module)
    return module


def _once_more(subject, history, refused):
    """If another batch size ran: does 32 run by now, too?"""
    batch = subject.batch
    if refused is not None and batch != BATCHES[0]:
        subject.batch = BATCHES[0]
        try:
            return subject.run(), None
        except Exception:
            subject.batch = batch
            subject.retrace()
            return subject.run(), refused
    return history, None


def _has_loss(model):
    """Whether compile() got a loss."""
    loss = getattr(model, "loss", None)
    return bool(loss) or callable(loss)


def _a(thing):
    name = type(thing).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def _check_built(model, keras):
    layers = model._flatten_layers(include_self=False, recursive=True)
    base = keras.layers.Layer
    waiting = [
        layer.name for layer in layers
        if not layer.built and not list(layer._flatten_layers(include_self=False))
        and type(layer).build is not base.build
    ]  # fmt: skip
    if waiting or not layers:
        told = f" ({', '.join(waiting[:3])})" if waiting else ""
        raise ValueError(
            f"The model {model.name!r} has layers without weights{told}: call it once, or fit one "
            "step, before the checkup."
        )


def arrays(x, y):
    """x and y as NumPy arrays, and the target: the images that are to be reconstructed.

    Raises:
        TypeError: x is no array.
        ValueError: there are no images, or lengths that differ.
    """
    if hasattr(x, "take") and hasattr(x, "as_numpy_iterator") or hasattr(x, "__next__"):
        raise TypeError("checkup needs arrays, not a data set or a generator: hand over one batch.")
    if x is None or isinstance(x, (str, bytes)):
        raise TypeError(f"checkup needs the images as an array, but got {_a(x)}.")
    if isinstance(x, (list, tuple)) and x and not any(hasattr(item, "shape") for item in x):
        x = np.asarray(x)  # images as nested lists
    x, y = every(x, _array), None if y is None else every(y, _array)
    size = len(first(x)) if first(x).ndim else 0
    if size == 0:
        raise ValueError("There are no images: hand over at least one, better 64 or more.")
    lengths = set()
    every(x, lambda array: lengths.add(len(array)))
    if y is not None:
        every(y, lambda array: lengths.add(len(array)))
    if len(lengths) > 1:
        raise ValueError(f"The arrays have different lengths: {sorted(lengths)}.")
    return x, y, _target(x, y)


def _array(value):
    array = np.asarray(value)
    if array.dtype == object or array.dtype.kind in "US":
        raise TypeError(f"An array of {array.dtype} holds no images.")
    return (
        array.astype("float32") if array.dtype.kind in "bu" or array.dtype == "float64" else array
    )


def _target(x, y):
    """The largest floating array: of y if it is as large as that of x, else of x."""
    found = {}
    for name, structure in (("x", x), ("y", y)):
        if structure is None:
            continue
        items = []
        every(structure, items.append)
        items = [item for item in items if item.dtype.kind in "fi" and item.ndim > 1]
        if items:
            found[name] = max(items, key=lambda item: np.prod(item.shape[1:]))
    if not found:
        raise ValueError("No array of images: an image needs at least two axes, images first.")
    if "y" in found and found["y"][0].size >= found.get("x", found["y"])[0].size:
        return found["y"]
    return found.get("x", found.get("y"))


def first_step(subject, target):
    """Run one step with the untouched weights; find a batch size that the model takes.

    Where no y is given, the images are the targets of a loss that was compiled, if that runs.

    Returns:
        its history, and the error with 32 images, if another size was needed.

    Raises:
        ValueError: no step runs.
    """
    targets = [subject.y]
    if subject.y is None:
        targets = [target, None] if _has_loss(subject.model) else [None, target]
    refused = None
    for batch in BATCHES:
        subject.batch = batch
        for subject.y in targets:
            try:
                history = subject.run()
            except Exception as error:
                refused = refused or error
                subject.retrace()
                continue
            return _once_more(subject, history, refused)
    raise ValueError(
        f"A training step on these images fails, {told(refused, 300)} "
        "Hand over x and y as you hand them to fit(); vaelib.explain() may know the error."
    ) from refused
