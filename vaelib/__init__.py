"""What the chapters of *Autoencoders that run* share, and nothing else.

One room for each subject; each docstring names the chapter that derives what it holds.

============== ==================================================================
``data``        images in [0, 1], their labels, and where they came from; in it
                ``folders``, a reader's own images, streamed, and ``shapes``, small
                colour pictures whose factors are known
``networks``    encoders and decoders from a small spec; presets of the sources
``objectives``  KL divergence, reconstruction, ELBO: nats per image
``layers``      ``Sampling``, registered with Keras
``replicas``    one batch on several devices of TensorFlow: noise, means, shares of a loss
``placements``  every place where the KL term can enter a model, one signature for all
``latent``      codes of a data set: how far they spread, what they tell of the classes
``judge``       tells decoded pictures of one class from pictures of none
``checkpoints`` trained networks that come with the course, each with its manifest
``plots``       the figures that several chapters draw
``checkup``     examines a reader's own VAE: ``vaelib.checkup(vae, images)``
``inspection``  reads a script before anything runs: ``python -m vaelib inspect script.py``
``recipes``     tries a complete recipe and finds its KL term, in the loss and in the gradient
``runs``        how long to train
``exercises``   checks a reader's own answer and names the likely slip
``errors``      the error index: ``explain`` finds what fits a message; ``provoke`` and
                ``report`` show what is expected to fail
``startup``     the backend: without TensorFlow's messages, or one sentence why not
============== ==================================================================

Importing ``vaelib`` loads none of them: ``quiet_tensorflow`` must be callable
before anything imports TensorFlow.
"""

import importlib

from vaelib.startup import add_sentence, quiet_tensorflow

__version__ = "0.1.0"

# Short names for what lies in a room: `from vaelib import folders` is what a chapter writes.
_SHORT = {
    "archives": "vaelib.data.archives",
    "folders": "vaelib.data.folders",
    "shapes": "vaelib.data.shapes",
}
_MODULES = [
    "checkpoints",
    "checkup",
    "data",
    "errors",
    "exercises",
    "inspection",
    "judge",
    "latent",
    "layers",
    "networks",
    "objectives",
    "placements",
    "plots",
    "recipes",
    "replicas",
    "runs",
    "tables",
    "vae",
]

__all__ = [*_MODULES, *_SHORT, "explain", "quiet_tensorflow"]


def __getattr__(name):
    if name == "explain":
        return importlib.import_module("vaelib.errors").explain
    if name in _MODULES or name in _SHORT:
        try:
            return importlib.import_module(_SHORT.get(name, f"vaelib.{name}"))
        except Exception as error:
            add_sentence(error)
            raise
    raise AttributeError(f"module 'vaelib' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
