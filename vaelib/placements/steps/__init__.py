"""One training step by hand, in the idiom of each backend (chapter ``jax-and-pytorch``).

A module here gives the class ``Step`` to mix into a Keras model that has

- ``objective(images, training)``: the loss of a batch, counted in the model's metrics;
- ``optimizer`` and ``metrics``, as every model of the placement ``train_step``;

and gets ``train_step`` and ``test_step`` with the arguments that Keras passes on that backend; the
class ``Loops``, which runs the two without Keras' ``fit``, for the placement ``custom_loop``; and
the class ``OfKeras`` for the placements that leave the step to Keras.
"""

import importlib

import keras
import numpy as np


def of_backend(keras_module=keras):
    """The module for one Keras on the backend that runs."""
    backend = "tensorflow" if keras_module.__name__ == "tf_keras" else keras.backend.backend()
    return importlib.import_module(f"vaelib.placements.steps.{backend}")


def images_of(data):
    """The images of what Keras hands to a step: (images, targets) or images."""
    return data[0] if isinstance(data, (tuple, list)) else data


def batches(x, batch_size, order=None):
    """The batches of images in an array, a pair (images, targets), or a data set."""
    x = x[0] if isinstance(x, tuple) else x
    if hasattr(x, "element_spec"):
        for batch in x:
            yield images_of(batch)
        return
    order = np.arange(len(x)) if order is None else order
    for start in range(0, len(x), batch_size):
        yield np.asarray(x[order[start : start + batch_size]], dtype="float32")
