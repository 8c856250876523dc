"""Images in [0, 1], their labels, and where they came from (chapter ``compress-digits``)."""

import operator
from typing import NamedTuple

import numpy as np

from vaelib.data import archives
from vaelib.data.archives import SOURCES, DataError

_DIGITS_TRAIN = 1_500  # of scikit-learn's 1,797; the rest, by other writers, is for testing
_AT_HAND = {  # without files or network
    "digits": "the 1,797 digits of scikit-learn",
    "shapes": "6,000 coloured shapes that the course draws itself",
}


class Dataset(NamedTuple):
    """Images float32 of shape (images, height, width, channels) in [0, 1]; labels int64.

    ``name`` is what was really loaded (``"digits"`` after a fallback), ``source``
    says in words where it came from.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    name: str
    source: str


def load(name="mnist", n_train=None, n_test=None):
    """Load a data set: images in [0, 1], labels, and where they came from.

    ``"mnist"`` (LeCun et al. 1998; 60,000 + 10,000 images of 28 x 28), ``"fashion_mnist"``
    (Xiao et al. 2017; as many, as large, of clothes) and ``"cifar10"`` (Krizhevsky 2009;
    50,000 + 10,000 colour images of 32 x 32) are looked for in

    1. the folder that the environment variable ``VAELIB_DATA`` names, as ``mnist.npz``,
       ``fashion_mnist.npz`` or ``cifar10.npz``,
    2. Keras' cache,
    3. the network, through Keras (11, 31 or 170 MB, kept in the cache).

    If none of them has it, data that is always at hand takes its place, and one printed
    line says so. For images of 28 x 28 these are the 1,797 digits that ship with
    scikit-learn, enlarged; for CIFAR-10, 5,000 + 1,000 pictures of
    ``vaelib.data.shapes``, with the shape as the label. ``"digits"`` and ``"shapes"`` ask for them
    directly.

    Args:
        name: ``"mnist"``, ``"fashion_mnist"``, ``"cifar10"``, ``"digits"`` or ``"shapes"``.
        n_train, n_test: take at most that many images, the first ones. All of CIFAR-10 are
            0.7 GB.

    Returns:
        a ``Dataset``.

    Raises:
        DataError: an unknown name; ``VAELIB_DATA`` is set, but its folder or file is
            missing, damaged, or not that data set; a limit that is not a positive integer.
    """
    names = (*SOURCES, *_AT_HAND)
    if name not in names:
        choice = ", ".join(map(repr, names[:-1]))
        raise DataError(f"There is no data set {name!r}: load {choice} or {names[-1]!r}.")
    n_train, n_test = _limit("n_train", n_train), _limit("n_test", n_test)
    arrays = None
    if name in SOURCES:
        archive = SOURCES[name]
        arrays, source = archives.find(archive)
        if arrays is None:
            name = archive.fallback
            print(
                f"{archive.title} cannot be downloaded ({source}): using {_AT_HAND[name]} instead. "
                f"For {archive.title}, set VAELIB_DATA to a folder with {archive.file}."
            )
    if arrays is None:
        arrays, source = _digits() if name == "digits" else _shapes()
    return Dataset(
        x_train=_as_images(arrays["x_train"][:n_train]),
        y_train=arrays["y_train"][:n_train].astype("int64"),
        x_test=_as_images(arrays["x_test"][:n_test]),
        y_test=arrays["y_test"][:n_test].astype("int64"),
        name=name,
        source=source,
    )


def mnist_location():
    """Where ``load("mnist")`` would find MNIST, in words: checked, but nothing is downloaded."""
    return archives.mnist_location()


def _digits():
    """scikit-learn's 8 x 8 digits, enlarged to 20 x 20 in a frame of 4, as MNIST has them."""
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = zoom(digits.images / 16.0, (1, 2.5, 2.5), order=1, mode="nearest", grid_mode=True)
    images = np.pad(images, ((0, 0), (4, 4), (4, 4)))
    arrays = {
        "x_train": images[:_DIGITS_TRAIN],
        "y_train": digits.target[:_DIGITS_TRAIN],
        "x_test": images[_DIGITS_TRAIN:],
        "y_test": digits.target[_DIGITS_TRAIN:],
    }
    return arrays, "the digits that ship with scikit-learn, brought to 28 x 28"


def _shapes():
    """Colour pictures for a reader without CIFAR-10; their label is the shape."""
    from vaelib.data import shapes

    arrays = {}
    for part, n, seed in (("train", 5_000, 0), ("test", 1_000, 1)):
        arrays[f"x_{part}"], factors = shapes.generate(n, seed=seed)
        arrays[f"y_{part}"] = factors["shape"]
    return arrays, "coloured shapes that the course draws itself"


def _as_images(array):
    images = array.astype("float32")
    if array.dtype == np.uint8:
        images /= 255.0  # in place: 60,000 images are 188 MB in float32
    return images if images.ndim == 4 else images[..., np.newaxis]


def _limit(name, value):
    if value is None:
        return None
    try:
        value = operator.index(value)
    except TypeError:
        value = 0
    if value < 1:
        raise DataError(f"{name} must be a positive whole number, or None for all images.")
    return value
