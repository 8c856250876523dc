"""Codes of a data set, and how far they spread (chapters 1, 2 and 11)."""

from typing import NamedTuple

import numpy as np

from vaelib.data import check_images


def encode(encoder, images, batch_size=200):
    """The code of every image: one array of shape (images, z_dim).

    Args:
        encoder: a Keras model. If it puts out several tensors (mu, log_var, ...), the
            first one, mu, is the code.
        images: shape (images, height, width, channels), pixels in [0, 1].
        batch_size: images per step; one batched call is far faster than many single ones.

    Raises:
        DataError: images that are not a batch of pixels in [0, 1], or not of the shape
            that the encoder takes.
    """
    # Keras' predict looks at shapes only the first time.
    check_images(images, shape=encoder.input_shape[1:])
    images = np.asarray(images)
    outputs = encoder.predict(images, batch_size=batch_size, verbose=0)
    return np.asarray(outputs[0] if isinstance(outputs, (list, tuple)) else outputs)


class Extents(NamedTuple):
    """How far codes spread; every array has shape (z_dim,).

    ``low`` and ``high`` bound all codes, ``robust_low`` and ``robust_high`` all but
    the outermost codes on each side of each axis. Chapter 1 says why one wants both.
    """

    low: np.ndarray
    high: np.ndarray
    robust_low: np.ndarray
    robust_high: np.ndarray

    @property
    def area(self):
        """Area of the bounding box (volume, for more than two dimensions)."""
        return float(np.prod(self.high - self.low))

    @property
    def robust_area(self):
        """Area of the robust box."""
        return float(np.prod(self.robust_high - self.robust_low))


def extents(codes, coverage=0.98):
    """Measure the bounding box of codes, and a robust box that a few outliers cannot stretch.

    Args:
        codes: shape (images, z_dim).
        coverage: share of the codes that the robust box holds along each axis;
            0.98 leaves out one per cent at either end.

    Raises:
        ValueError: no codes, NaN among them, wrong rank, or a coverage outside (0, 1].
    """
    codes = np.asarray(codes, dtype=float)
    if codes.ndim != 2 or not codes.size:
        raise ValueError(f"codes must have shape (images, z_dim), but have {codes.shape}.")
    if not np.isfinite(codes).all():
        raise ValueError("codes hold NaN or infinite values: the encoder's training has diverged.")
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage must be above 0 and at most 1, but is {coverage}.")
    tail = (1 - coverage) / 2
    robust_low, robust_high = np.quantile(codes, [tail, 1 - tail], axis=0)
    return Extents(codes.min(axis=0), codes.max(axis=0), robust_low, robust_high)


def class_centres(codes, labels):
    """The median code of every class: a dict from label to an array of shape (z_dim,).

    The median, not the mean: a few stray codes must not pull a centre out of its cloud.

    Raises:
        ValueError: not one label for each code.
    """
    codes, labels = np.asarray(codes), np.asarray(labels)
    if labels.shape != codes.shape[:1]:
        raise ValueError(
            f"Each code needs one label, but there are {len(codes)} codes and labels of shape "
            f"{labels.shape}."
        )
    return {int(label): np.median(codes[labels == label], axis=0) for label in np.unique(labels)}
