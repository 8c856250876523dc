"""Try a complete VAE recipe, and say what became of it (parts III and IV, the version atlas).

A recipe is a function ``recipe(keras, K, images, optimizer)`` that builds and compiles a VAE and
returns ``vae, train``; ``train(epochs)`` returns the loss of every epoch. ``K`` is the module with
``exp``, ``square``, ``sum`` and ``mean``: ``keras.backend`` on Keras 2, ``keras.ops`` on Keras 3,
whatever its backend.
The objective is the one of the course: nats per image, pixels and latent dimensions summed, images
averaged, beta 1. The layers that make mu, log_var and the pixels are Dense and bear these names.

``tools/atlas.py`` loads this very file under TensorFlow 1.15: it keeps to Python 3.7 and imports
nothing of the course.
"""

import collections
import linecache
import re

import numpy as np

RATE, MU, LOG_VAR, BATCH = 0.1, 3.0, 0.5, 64
RECONSTRUCTION = 784 * np.log(2)  # every pixel predicted as 1/2
KL = 2 * 0.5 * (MU**2 + np.exp(LOG_VAR) - 1 - LOG_VAR)  # of two latent dimensions, nats
# Tolerances: weights that did not move; a closed-form KL; an average over random draws of z.
UNTOUCHED, EXACT, ESTIMATED = 1e-6, 0.01, 0.25

Verdict = collections.namedtuple("Verdict", "outcome stage line exception message in_loss in_step")
Verdict.__doc__ = """What became of a recipe.

outcome is "works", "works, KL estimated" (by draws, not in closed form), "fails", "trains nothing",
"no KL term" or "KL counted n times". Of a failure, stage is "construction", "compile" or "first
batch", line the line of the recipe, exception the name of the type. in_loss and in_step tell how
often the KL term was found in the reported loss and in one gradient step on mu.
"""


def striped_images(n=256):
    """Images (n, 784) in [0, 1] of four kinds: something to learn, the same on every machine."""
    rng = np.random.RandomState(1)
    kinds = rng.uniform(size=(4, 784)) > 0.5
    noisy = 0.8 * kinds[np.arange(n) % 4] + 0.2 * rng.uniform(size=(n, 784))
    return noisy.astype("float32")


def mathematics(keras):
    """The module with exp, square, sum and mean: keras.ops, or keras.backend on Keras 2."""
    return getattr(keras, "ops", None) or keras.backend


def attempt(recipe, keras, K=None, sgd=None):
    """Build, compile and train a recipe, and look for its KL term.

    First one step of plain gradient descent is taken from weights that make the result known:
    constant mu and log_var, every pixel at 1/2 whatever z is. Then the loss must be
    784 log 2 + KL, and only the KL term may move mu. Afterwards a fresh copy is trained for real.

    Args:
        recipe: a function as described at the top of this module.
        keras: the Keras to use, ``keras`` or ``tf_keras``.
        K: the module with the mathematics; None takes that of the Keras.
        sgd: the class of the optimizer, if it must be another than ``keras.optimizers.SGD``.

    Returns:
        a ``Verdict``.
    """
    K = K or mathematics(keras)
    images = striped_images()
    try:
        vae, train = recipe(keras, K, images[:BATCH], (sgd or keras.optimizers.SGD)(RATE))
        try:
            mu, pixels = _with_known_weights(vae)
        except NotImplementedError:  # graph mode on Keras 3: no weight can be read, let it train
            train(1)
            raise
        loss = _number(train(1)[-1])
        moved = MU - float(np.mean(mu.get_weights()[1]))
        learnt = float(np.abs(pixels.get_weights()[1]).max())
        in_loss, in_step = (loss - RECONSTRUCTION) / KL, moved / (RATE * MU)
        losses = [_number(value) for value in recipe(keras, K, images, "adam")[1](3)]
    except Exception as error:
        stage, line = place(error, recipe)
        return Verdict("fails", stage, line, type(error).__name__, str(error), None, None)
    outcome = "works"
    wrong = max(abs(in_step - 1), abs(in_loss - 1))
    if max(abs(moved), learnt) < UNTOUCHED:
        outcome = "trains nothing"
    elif abs(in_step) < EXACT and abs(in_loss) < EXACT:
        outcome = "no KL term"
    elif not wrong < ESTIMATED:
        outcome = f"KL counted {in_step:.2g} times"
    elif not (np.isfinite(losses).all() and losses[-1] < losses[0]):
        outcome = "trains nothing"
    elif wrong > EXACT:
        outcome = "works, KL estimated"
    return Verdict(outcome, None, None, None, None, round(in_loss, 3), round(in_step, 3))


def _number(loss):
    """A loss as a number; not a number where TensorFlow returns one of its symbols instead."""
    try:
        return float(loss)
    except TypeError:
        return float("nan")


def _with_known_weights(vae):
    """Set constant mu and log_var and grey pixels; return the layers of mu and of the pixels."""
    mu, log_var, pixels = (_find(vae, name) for name in ("mu", "log_var", "pixels"))
    for layer, bias in ((mu, MU), (log_var, LOG_VAR), (pixels, 0.0)):
        kernel, old_bias = layer.get_weights()
        layer.set_weights([np.zeros_like(kernel), np.full_like(old_bias, bias)])
    return mu, pixels


def _find(model, name):
    """The layer of that name in a model or the models inside it."""
    for layer in model.layers:
        if layer.name == name:
            return layer
        if getattr(layer, "layers", None):
            try:
                return _find(layer, name)
            except LookupError:
                pass
    raise LookupError(f"The recipe has no layer called {name!r}.")


def place(error, recipe):
    """Stage and line of a recipe at which an error came up.

    The innermost line of the recipe counts; where TensorFlow has rewritten the code, it is read
    from the list "in user code" in the message.

    Returns:
        "construction", "compile" or "first batch", and the text of the line, or None.
    """
    file = recipe.__code__.co_filename
    frames, trace = [], error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if code.co_filename == file:
            frames.append((trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    if not frames:  # the optimizer itself could not be built
        return "construction", None
    outer = next(
        (number for number, name in frames if name in (recipe.__name__, "train")), frames[0][0]
    )
    in_training = any(name == "train" for _, name in frames)
    listed = re.findall(r'File "([^"]+)", line (\d+), in', str(error))
    inner = [int(number) for name, number in listed if name == file]
    line = linecache.getline(file, (inner or [frames[-1][0]])[-1]).strip()
    if in_training:
        return "first batch", line
    compiling = ".compile(" in linecache.getline(file, outer)
    return "compile" if compiling else "construction", line
