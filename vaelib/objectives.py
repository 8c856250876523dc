"""The terms of the objective, in nats per image (derived in ``points-to-distributions``).

Every function here works on NumPy arrays and on tensors, eagerly and inside a
training step, and keeps one value per image: how to average over a batch is the
caller's decision, and chapter ``weigh-the-kl-term`` shows what depends on it.
"""

import math
import numbers

import keras
from keras import ops

# exp(log_var) leaves float32 at 88.7. Beyond this value we follow the tangent of
# the exponential instead, so that the loss stays finite and its gradient still
# points back. A posterior with sigma = e^30 is a run gone wrong, not a model.
MAX_LOG_VAR = 60.0


def gaussian_kl(mu, log_var):
    """KL divergence of N(mu, exp(log_var)) from N(0, I): nats per image.

    ``0.5 * sum(exp(log_var) + mu^2 - 1 - log_var)``, summed over the latent
    dimensions (Kingma and Welling 2013, appendix B; derived in
    chapter ``points-to-distributions``).

    Args:
        mu, log_var: shape (images, z_dim).

    Returns:
        shape (images,), never negative. Exact up to ``log_var`` = 60; above, a
        finite and still growing value, for float32 ends at 88.7.

    Raises:
        ValueError: the two shapes differ.
    """
    mu, log_var = _as_floats(mu, log_var)
    _same_shape(mu, log_var, "mu", "log_var")
    capped = ops.minimum(log_var, MAX_LOG_VAR)
    # expm1: near the prior, exp(log_var) - 1 would lose all its digits.
    variance_minus_1 = ops.expm1(capped) + ops.exp(capped) * (log_var - capped)
    return 0.5 * ops.sum(variance_minus_1 - log_var + ops.square(mu), axis=-1)


# Registered, so that a model compiled with this loss loads without help.
@keras.saving.register_keras_serializable(package="vaelib")
def reconstruction(x, x_hat):
    """Binary cross-entropy between an image and its reconstruction: nats per image.

    Summed over pixels and channels. For binary pixels this is exactly
    ``-log p(x | z)`` of a Bernoulli decoder.

    On TensorFlow, Keras goes back to the logits if ``x_hat`` comes straight from a
    sigmoid activation of Keras: a pixel of logit 20 whose target is 0 costs 20 nats,
    and its gradient is 1. Where it cannot, behind a ``Reshape`` or for an array, it
    clips ``x_hat`` to [1e-7, 1 - 1e-7]: a pixel then costs at most 16.1 nats, and has
    no gradient there (chapter ``distributions``).

    Args:
        x, x_hat: shape (images, ...), values in [0, 1].

    Returns:
        shape (images,).

    Raises:
        ValueError: the two shapes differ.
    """
    x, x_hat = _as_floats(x, x_hat)
    _same_shape(x, x_hat, "x", "x_hat")
    per_pixel = ops.binary_crossentropy(x, x_hat)
    return ops.sum(per_pixel, axis=tuple(range(1, len(x.shape))))


def elbo(x, x_hat, mu, log_var, beta=1.0):
    """Evidence lower bound of each image: ``-(reconstruction + beta * KL)``, in nats.

    With ``beta = 1`` and one draw of z behind ``x_hat`` this is an unbiased estimate
    of the ELBO (Kingma and Welling 2013). Training minimizes its negative.

    Returns:
        shape (images,).

    Raises:
        ValueError: shapes that do not match, or a beta that is negative or not a number.
    """
    # A beta that is warmed up inside the model is a tensor, whose value nobody knows yet.
    if isinstance(beta, numbers.Real) and not beta >= 0:  # also catches NaN
        raise ValueError(f"beta must be a number of at least 0, but is {beta}.")
    if None not in (x.shape[0], mu.shape[0]) and x.shape[0] != mu.shape[0]:
        raise ValueError(
            f"x holds {x.shape[0]} images, but mu holds {mu.shape[0]}: each image needs its own."
        )
    return -(reconstruction(x, x_hat) + beta * gaussian_kl(mu, log_var))


def effective_beta(
    weight,
    n_pixels,
    z_dim,
    reconstruction_weight=1.0,
    pixels="sum",
    dimensions="sum",
    half=True,
):
    """The KL weight beta of a loss that is written in another way (chapter ``weigh-the-kl-term``).

    For a loss ``reconstruction_weight * R + weight * K``, where R is the cross-entropy summed over
    the pixels, or averaged, and K the KL term summed over the latent dimensions, or averaged, with
    or without its factor 1/2. Divided by a constant, it is ``reconstruction + beta * KL``.

    Args:
        weight: what multiplies the KL term.
        n_pixels: numbers in an image, channels included.
        z_dim: dimensions of the latent space.
        reconstruction_weight: what multiplies the reconstruction. For a mean or sum of squared
            errors, twice that: beta then belongs to a Gaussian decoder of variance 1.
        pixels, dimensions: "sum" or "mean".
        half: whether the KL term has its factor 1/2.

    Raises:
        ValueError: a weight that is negative or not a number, a reconstruction without weight, a
            word other than "sum" and "mean", a count that is not a positive integer.
    """
    n_pixels, z_dim = _count("n_pixels", n_pixels), _count("z_dim", z_dim)
    for name, word in (("pixels", pixels), ("dimensions", dimensions)):
        if word not in ("sum", "mean"):
            raise ValueError(f"{name} must be 'sum' or 'mean', but is {word!r}.")
    if not _weight("reconstruction_weight", reconstruction_weight):
        raise ValueError("reconstruction_weight is 0: without a reconstruction there is no beta.")
    beta = _weight("weight", weight) / reconstruction_weight
    beta *= n_pixels if pixels == "mean" else 1
    beta /= z_dim if dimensions == "mean" else 1
    return beta if half else 2.0 * beta


def beta_from_fact(fact, n_pixels, z_dim):
    """The KL weight beta of a loss written as the anracom series writes it.

    The series adds ``fact * -mean(1 + log_var - mu^2 - exp(log_var))`` to a binary
    cross-entropy averaged over pixels. Both means shrink their term, and the factor
    1/2 of the KL is missing, so ``beta = 2 * n_pixels * fact / z_dim``. For 784
    pixels and z_dim 2, fact 6.5e-4 is beta 0.51 (all conversions in chapter
    ``weigh-the-kl-term``).

    Raises:
        ValueError: ``fact`` is negative or not a number, ``n_pixels`` or ``z_dim``
            is not a positive integer.
    """
    _weight("fact", fact)
    return effective_beta(fact, n_pixels, z_dim, pixels="mean", dimensions="mean", half=False)


def fact_from_beta(beta, n_pixels, z_dim):
    """The series' ``fact`` that weighs the KL term like ``beta``: inverse of ``beta_from_fact``.

    Raises:
        ValueError: as ``beta_from_fact``.
    """
    return _weight("beta", beta) / beta_from_fact(1.0, n_pixels, z_dim)


def log_weight(x, x_hat, z, mu, log_var):
    """Log importance weight of one draw of z for each image: ln p(x, z) - ln q(z | x), in nats.

    Its mean over draws is the ELBO; ``importance_weighted_bound`` makes more of several draws.

    Args:
        x: images, shape (images, ...).
        x_hat: their reconstructions from z, same shape.
        z, mu, log_var: shape (images, z_dim); z was drawn from N(mu, exp(log_var)).

    Returns:
        shape (images,).

    Raises:
        ValueError: shapes that do not match.
    """
    z, mu, log_var = _as_floats(z, mu, log_var)
    _same_shape(z, mu, "z", "mu")
    _same_shape(mu, log_var, "mu", "log_var")
    # The constants ln 2 pi of p(z) and q(z | x) cancel.
    log_q = -0.5 * ops.sum(log_var + ops.square(z - mu) * ops.exp(-log_var), axis=-1)
    log_prior = -0.5 * ops.sum(ops.square(z), axis=-1)
    return log_prior - log_q - reconstruction(x, x_hat)


def importance_weighted_bound(log_weights):
    """The bound of Burda, Grosse and Salakhutdinov (2016) on ln p(x), in nats.

    ``ln mean(exp(log_weights))`` over k draws: the ELBO for k = 1, closer to ln p(x) the more
    draws there are, and never above it on average. How close depends on the proposal q: one that
    is narrower than p(z | x) leaves rare, huge weights that few draws meet. Any q may be used, for
    instance the encoder's with its width multiplied (chapter ``collapse-and-choice``).

    Args:
        log_weights: shape (k, images), each row from ``log_weight`` with fresh draws.

    Returns:
        shape (images,).

    Raises:
        ValueError: not two axes, or no draws.
    """
    (log_weights,) = _as_floats(log_weights)
    shape = tuple(log_weights.shape)
    if len(shape) != 2 or shape[0] == 0:
        raise ValueError(f"log_weights must have shape (k, images), but have {shape}.")
    return ops.logsumexp(log_weights, axis=0) - math.log(shape[0])


def _weight(name, value):
    if not isinstance(value, numbers.Real) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite number of at least 0, but is {value!r}.")
    return value


def _count(name, value):
    if not isinstance(value, numbers.Real) or not 1 <= value < math.inf or value != int(value):
        raise ValueError(f"{name} must be a positive whole number, but is {value!r}.")
    return int(value)


def _as_floats(*arrays):
    """Tensors of one floating type, at least float32: exp leaves float16 at 11 already."""
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    types = [keras.backend.standardize_dtype(tensor.dtype) for tensor in tensors]
    common = keras.backend.result_type(*types, "float32")
    return [ops.cast(tensor, common) for tensor in tensors]


def _same_shape(first, second, first_name, second_name):
    # NumPy rules would silently stretch (n, 1) against (n, 2); a loss must not.
    if len(first.shape) != len(second.shape) or any(
        a is not None and b is not None and a != b for a, b in zip(first.shape, second.shape)
    ):
        raise ValueError(
            f"{first_name} and {second_name} must have one shape, but {first_name} has "
            f"{tuple(first.shape)} and {second_name} has {tuple(second.shape)}."
        )
