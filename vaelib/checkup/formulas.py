"""Formulas that a loss may follow, in NumPy: the KL term's and the reconstruction's.

Everything is in nats: the divergence of one latent dimension as a function of what the second head
puts out, and the reconstruction of one image, summed over its pixels.
"""

import numpy as np


def softplus(s):
    """log(1 + exp(s))."""
    return np.logaddexp(0.0, s)


def divergence(variance):
    """KL divergence of N(0, variance) from N(0, 1)."""
    return 0.5 * (variance - 1 - np.log(variance))


# What the second head may be, and the variance that belongs to it.
VARIANCE = {
    "log_var": np.exp,
    "log_sigma": lambda s: np.exp(2 * s),
    "sigma": np.square,
    "variance": lambda s: s,
    "log precision": lambda s: np.exp(-s),
    "softplus(s) as sigma": lambda s: softplus(s) ** 2,
    "softplus(s) as variance": softplus,
}

# Forms that are no divergence, with the slip that makes them.
SLIPS = {
    "exp(log_var) is missing": lambda s: -0.5 * s,
    "log_var is missing": lambda s: 0.5 * np.exp(s),
    "exp(log_var) has the wrong sign": lambda s: -0.5 * (np.exp(s) + s),
    "log_var has the wrong sign": lambda s: 0.5 * (np.exp(s) + s),
    "exp(log_var / 2) stands for exp(log_var)": lambda s: 0.5 * (np.exp(s / 2) - s),
    "exp(2 log_var) stands for exp(log_var)": lambda s: 0.5 * (np.exp(2 * s) - s),
    "log_var^2 stands for exp(log_var)": lambda s: 0.5 * (s**2 - s),
    "the root of exp(log_var) is taken twice": lambda s: 0.5 * (np.exp(s / 4) - s),
    "only the square of the second head is there": lambda s: 0.5 * s**2,
    "log sigma has the weight of log_var": lambda s: 0.5 * (np.exp(2 * s) - s - 1),
    "sigma stands for sigma^2": lambda s: 0.5 * (np.exp(s) - 2 * s),
    "sigma^2 without its logarithm": lambda s: 0.5 * s**2,
}

# What may be drawn: sigma as a function of what the second head puts out.
DRAWN = {
    "exp(s / 2)": lambda s: np.exp(s / 2),
    "exp(s)": np.exp,
    "0.5 * exp(s)": lambda s: 0.5 * np.exp(s),
    "exp(2 s)": lambda s: np.exp(2 * s),
    "s": np.abs,
    "s^2": np.square,
    "sqrt(s)": lambda s: np.sqrt(np.abs(s)),
    "s / 2": lambda s: np.abs(s) / 2,
    "softplus(s)": softplus,
    "sqrt(softplus(s))": lambda s: np.sqrt(softplus(s)),
    "exp(-s / 2)": lambda s: np.exp(-s / 2),
    "exp(s / 4)": lambda s: np.exp(s / 4),
    "exp(softplus(s))": lambda s: np.exp(softplus(s)),
    "1": np.ones_like,
}

EPSILON = 1e-7  # where Keras cuts probabilities off


def cross_entropy(x, p):
    """Binary cross-entropy, summed over the pixels; p cut off as Keras does."""
    # in float32, for 1 - 1e-7 is not the same number there
    p = np.clip(np.asarray(p, "float32"), np.float32(EPSILON), np.float32(1 - EPSILON))
    p = p.astype(float)
    return -np.sum(x * np.log(p) + (1 - x) * np.log1p(-p), axis=1)


def cross_entropy_of_keras_2(x, p):
    """The same as Keras 2 has it: cut off, and then once more away from 0."""
    p = np.clip(np.asarray(p, "float32"), np.float32(EPSILON), np.float32(1 - EPSILON))
    p = p.astype(float)
    return -np.sum(x * np.log(p + EPSILON) + (1 - x) * np.log(1 - p + EPSILON), axis=1)


def cross_entropy_of_logits(x, logits):
    """Binary cross-entropy from logits, summed over the pixels."""
    return np.sum(np.logaddexp(0.0, logits) - x * logits, axis=1)


RECONSTRUCTIONS = {
    "cross-entropy": cross_entropy,
    "cross-entropy, as Keras 2 cuts it off": cross_entropy_of_keras_2,
    "cross-entropy from logits": cross_entropy_of_logits,
    "cross-entropy with its arguments swapped": lambda x, p: cross_entropy(p, x),
    "squared error": lambda x, p: 0.5 * np.sum((x - p) ** 2, axis=1),
    "absolute error": lambda x, p: np.sum(np.abs(x - p), axis=1),
}


def best(forms, points, measured, tolerance):
    """The form that a measured curve follows, and its factor; (None, None) if none does.

    Args:
        forms: name -> function.
        points: where was measured; the first one is the origin of the differences.
        measured: differences from the value at the first point.
        tolerance: of the largest difference, relative to the curve.
    """
    found = []
    for name, form in forms.items():
        with np.errstate(all="ignore"):
            curve = np.array([form(p) for p in points], float)
            curve = curve - curve[0]
        if not np.isfinite(curve).all() or not np.abs(curve).max() > 0:
            continue
        factor = float(curve @ measured / (curve @ curve))
        if factor == 0:
            continue
        miss = float(np.abs(measured - factor * curve).max() / np.abs(measured).max())
        if miss < tolerance:
            found.append((miss, name, factor))
    if not found:
        return None, None
    enough = max(2 * min(found)[0], 1e-5)  # of several that fit, the first
    return next(row[1:] for row in found if row[0] <= enough)
