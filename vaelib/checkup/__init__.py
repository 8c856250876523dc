"""A checkup for VAEs that train and are wrong (chapter ``examine-a-vae``).

============== =====================================================================
``entrance``    is it a model that can be examined?
``keep``        leave it as it was found
``watch``       see what passes through its layers, also in a compiled step
``subject``     its own training step, run under conditions that we know
``still``       the subject with heads and decoder held
``anatomy``     where are the heads, z, and the decoder's last layer?
``heads``       which layers may be the heads
``objective``   the KL term, from what the loss does
``reconstruction`` the reconstruction, from what the loss does
``formulas``    the forms that these may have
``noise``       what is drawn
``decoder``     whether the decoder listens to z
``codes``       what the codes of the images tell
``declared``    weights that the model itself names
``listeners``   callbacks
``files``       saving, and loading in a fresh process
``replicas``    several devices
``diagnosis``   from the objective to findings
``draws``       from noise, heads and codes to findings
``telling``     what a report tells beside them
``findings.yaml``  the one table of findings
``report``      how a report reads
``command``     ``python -m vaelib checkup``
============== =====================================================================
"""

import contextlib
import logging
import sys
import types
import warnings

from vaelib.checkup.entrance import arrays, keras_of
from vaelib.checkup.examination import examine
from vaelib.checkup.keep import kept
from vaelib.checkup.report import Report, table
from vaelib.checkup.subject import Subject
from vaelib.checkup.watch import Watch

__all__ = ["Report", "checkup", "table"]


def checkup(vae, x, y=None, *, mu=None, log_var=None, callbacks=(), saving=True):
    """Examine a compiled VAE: what its KL term is, what it draws, what it decodes.

    The model's own training step is run, by ``fit`` with a learning rate of 0, while its heads and
    its decoder are held at values that we know; nothing is read from source code. Afterwards
    everything is as before, bit for bit: weights, optimizer, metrics, random state. It takes
    seconds, most of them to compile the step and to load the saved file in a fresh process.

    Args:
        vae: a compiled model of Keras 3 or of tf_keras, built, trained or not.
        x, y: what you hand to ``fit``; arrays, or lists or dictionaries of arrays, (images, ...).
            64 images are enough; up to 1,024 are used.
        mu, log_var: names of the layers that put out mu and log_var, where they cannot be found.
        callbacks: those that you hand to ``fit``. Your own are called for a few epochs, to see
            whether the step hears what they change.
        saving: whether to save the model (to a temporary file) and to load it.

    Returns:
        a ``Report``: ``beta`` (nats per image, or None), ``findings``, ``undetermined``, ``facts``.

    Raises:
        TypeError: ``vae`` is no Keras model, or x is no array.
        ValueError: the model is not compiled or not built, there are no images, or a training
            step on them fails.
    """
    keras = keras_of(vae)
    x, y, target = arrays(x, y)
    report = Report(vae.name)
    with _quiet() as warned, Watch(keras) as watch, kept(vae, keras) as keeper:
        watch.on_layer = keeper.add
        subject = Subject(vae, x, y, keras, watch, keeper)
        examine(report, subject, target, mu, log_var, list(callbacks), saving)
    _hear(report, [str(warning.message) for warning in warned])
    return report


def _hear(report, warned):
    """Keras itself notices one thing, and puts it right where it can."""
    if any("from_logits=True" in text and "igmoid" in text for text in warned):
        report.find(
            "loss-does-not-fit-output",
            "the loss has from_logits=True and the last layer is a sigmoid; Keras noticed and went "
            "back to the logits, so the number is right here, but it is not on every backend, nor "
            "with another layer in between",
        )


@contextlib.contextmanager
def _quiet():
    """No warnings of Keras and TensorFlow while constants run through the model; they are kept."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel("ERROR")
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield warned
    finally:
        logger.setLevel(level)


class _Room(types.ModuleType):
    """The room bears the name of its one function: ``vaelib.checkup(vae, x)`` calls it."""

    def __call__(self, *arguments, **more):
        return checkup(*arguments, **more)


sys.modules[__name__].__class__ = _Room
