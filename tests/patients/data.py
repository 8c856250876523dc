"""Images for the patients: made, small, with something to be learnt, the same in every run."""

import numpy as np


def stripes(n=64, size=8):
    """Two bars each, upright or level; shape (n, size, size, 1), float32 in [0, 1]."""
    rng = np.random.default_rng(0)
    images = np.zeros((n, size, size, 1), "float32")
    for image in images:
        bars = image if rng.random() < 0.5 else image.transpose(1, 0, 2)
        for place in rng.choice(size, 2, replace=False):
            bars[place] = rng.uniform(0.6, 1.0)
    return images


def blobs(n=64, size=28):
    """One round spot each; shape (n, size, size, 1), float32 in [0, 1]."""
    rng = np.random.default_rng(1)
    row, column = rng.uniform(0.2 * size, 0.8 * size, (2, n, 1, 1))
    width = rng.uniform(0.08 * size, 0.2 * size, (n, 1, 1))
    grid = np.arange(size)
    square = (grid[:, None] - row) ** 2 + (grid[None, :] - column) ** 2
    return np.exp(-square / (2 * width**2))[..., None].astype("float32")


def flat(images):
    """(n, height, width, channels) -> (n, pixels)."""
    return images.reshape(len(images), -1)
