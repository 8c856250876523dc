"""The terms of the objective, in nats per image (derived in chapter 2).

Every function here works on NumPy arrays and on tensors, eagerly and inside a
training step, and keeps one value per image: how to average over a batch is the
caller's decision, and chapter 12 shows what depends on it.
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
    dimensions (Kingma and Welling 2013, appendix B; derived in chapter 2).

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
    ``-log p(x | z)`` of a Bernoulli decoder. Keras clips ``x_hat`` to
    [1e-7, 1 - 1e-7], which bounds each pixel at 16.1 nats.

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
    of the ELBO (Kingma and Welling 2013; chapter 2). Training minimises its negative.

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


def beta_from_fact(fact, n_pixels, z_dim):
    """The KL weight beta of a loss written as the anracom series writes it.

    The series adds ``fact * -mean(1 + log_var - mu^2 - exp(log_var))`` to a binary
    cross-entropy averaged over pixels. Both means shrink their term, and the factor
    1/2 of the KL is missing, so ``beta = 2 * n_pixels * fact / z_dim``. For 784
    pixels and z_dim 2, fact 6.5e-4 is beta 0.51 (chapter 2; all conversions in
    chapter 12).

    Raises:
        ValueError: ``fact`` is negative or not a number, ``n_pixels`` or ``z_dim``
            is not a positive integer.
    """
    return 2.0 * _weight("fact", fact) * _count("n_pixels", n_pixels) / _count("z_dim", z_dim)


def fact_from_beta(beta, n_pixels, z_dim):
    """The series' ``fact`` that weighs the KL term like ``beta``: inverse of ``beta_from_fact``.

    Raises:
        ValueError: as ``beta_from_fact``.
    """
    return _weight("beta", beta) * _count("z_dim", z_dim) / (2.0 * _count("n_pixels", n_pixels))


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
