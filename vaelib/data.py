"""Images in [0, 1], their labels, and where they came from (chapter 1)."""

import contextlib
import hashlib
import io
import operator
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

SOCKET_TIMEOUT = 15  # seconds without a byte before a download counts as failed

_MNIST_FILE = "mnist.npz"
_MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_MNIST_ARCHIVE_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
# Of the arrays, not of the archive: the same pixels may be zipped in many ways.
_MNIST_ARRAYS_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
_MNIST_SHAPES = {
    "x_train": (60_000, 28, 28),
    "y_train": (60_000,),
    "x_test": (10_000, 28, 28),
    "y_test": (10_000,),
}
_DIGITS_TRAIN = 1_500  # of scikit-learn's 1,797; the rest, by other writers, is for testing


class DataError(ValueError):
    """The data cannot be used. The message names the cause and the repair."""


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

    ``"mnist"`` (LeCun et al. 1998; 60,000 + 10,000 images of 28 x 28) is looked for in

    1. the folder that the environment variable ``VAELIB_DATA`` names, as ``mnist.npz``,
    2. Keras' cache,
    3. the network, through Keras (11 MB, kept in the cache).

    If none of them has it, the 1,797 digits that ship with scikit-learn take its
    place, brought to 28 x 28, and one printed line says so. ``"digits"`` asks for
    them directly.

    Args:
        name: ``"mnist"`` or ``"digits"``.
        n_train, n_test: take at most that many images, the first ones.

    Returns:
        a ``Dataset``.

    Raises:
        DataError: an unknown name; ``VAELIB_DATA`` is set, but its folder or file is
            missing, damaged, or not MNIST; a limit that is not a positive integer.
    """
    if name not in ("mnist", "digits"):
        raise DataError(f"There is no data set {name!r}: load 'mnist' or 'digits'.")
    n_train, n_test = _limit("n_train", n_train), _limit("n_test", n_test)
    arrays = None
    if name == "mnist":
        arrays, source = _mnist()
    if arrays is None:
        name, source = "digits", "the digits that ship with scikit-learn, brought to 28 x 28"
        arrays = _digits()
    return Dataset(
        x_train=_as_images(arrays["x_train"][:n_train]),
        y_train=arrays["y_train"][:n_train].astype("int64"),
        x_test=_as_images(arrays["x_test"][:n_test]),
        y_test=arrays["y_test"][:n_test].astype("int64"),
        name=name,
        source=source,
    )


def check_images(images, what="images", shape=None):
    """Refuse anything that is not a batch of images in [0, 1], before it costs a training run.

    Args:
        images: what should be an array of shape (images, height, width, channels).
        what: the word for it in the message.
        shape: (height, width, channels) that an encoder takes; None entries take any.

    Raises:
        DataError: not numbers, wrong rank, empty, NaN or infinite, outside [0, 1], or
            not of the wanted shape.
    """
    try:
        images = np.asarray(images)
    except Exception as error:  # ragged lists, symbolic tensors: each library has its own
        raise DataError(f"The {what} are no array of numbers ({_short(error)}).") from error
    if images.dtype.kind not in "biuf" and images.dtype.name != "bfloat16":
        raise DataError(f"The {what} hold {images.dtype} values: pass an array of numbers.")
    if images.ndim == 1:
        raise DataError(
            f"The {what} have shape {images.shape}, like a list of labels: "
            "pass the images, of shape (images, height, width, channels)."
        )
    if images.ndim != 4:
        raise DataError(
            f"The {what} have shape {images.shape}: bring them to "
            "(images, height, width, channels), with one channel for grey images."
        )
    if images.size == 0:
        raise DataError(f"The {what} are empty, shape {images.shape}: pass at least one image.")
    low, high = images.min(), images.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"The {what} hold NaN or infinite pixels: repair or drop these images.")
    if low < 0 or high > 1:
        # From 0 to 255 means raw bytes; scikit-learn's digits, say, end at 16.
        repair = "divide them by 255" if low >= 0 and 16 < high <= 255 else "rescale them"
        raise DataError(
            f"The {what} have pixels from {low:.9g} to {high:.9g}, but binary cross-entropy needs "
            f"them between 0 and 1: {repair}."
        )
    if shape and any(None not in (a, b) and a != b for a, b in zip(shape, images.shape[1:])):
        raise DataError(
            f"The encoder takes images of shape {tuple(shape)}, but these have "
            f"{images.shape[1:]}: crop or resize them, or build an encoder for them."
        )


def mnist_location():
    """Where ``load("mnist")`` would find MNIST, in words: checked, but nothing is downloaded."""
    folder = os.environ.get("VAELIB_DATA")
    if folder:
        try:
            _from_folder(folder)
        except DataError as error:
            return f"nowhere yet: {error}"
        return f"VAELIB_DATA ({_MNIST_FILE} is there, its checksum is right)"
    download = "download by Keras (11 MB); without a network, scikit-learn's digits"
    if _is_file(_cached_mnist()):
        try:
            _read_mnist(_cached_mnist())
        except DataError:
            return f"{download} (the file in Keras' cache is damaged)"
        return "Keras' cache (the checksum is right)"
    return download


def _mnist():
    """The arrays of MNIST and a word on their source, or (None, None) if there are none."""
    folder = os.environ.get("VAELIB_DATA")
    if folder:
        # Whoever names a folder wants that folder: no silent second choice.
        return _from_folder(folder), "MNIST, from the folder in VAELIB_DATA"
    cached = _cached_mnist()
    if _is_file(cached):
        try:
            return _read_mnist(cached), "MNIST, from Keras' cache"
        except DataError as error:
            print(f"Keras' cached MNIST is not used, a new download is tried: {error}")
    try:
        return _download_mnist(cached), "MNIST, downloaded by Keras"
    # Keras reports a failed download as a bare Exception.
    except Exception as error:
        reason = str(error).rsplit(" -- ", 1)[-1]  # Keras puts the address in front
        print(
            f"MNIST cannot be downloaded ({_short(reason)}): using the 1,797 digits of "
            f"scikit-learn instead. For MNIST, set VAELIB_DATA to a folder with {_MNIST_FILE}."
        )
        return None, None


def _from_folder(name):
    try:
        folder = Path(name).expanduser()
    except RuntimeError:  # ~somebody, and there is no such user
        folder = Path(name)
    path = folder / _MNIST_FILE
    if _is_file(folder):
        raise DataError(
            "VAELIB_DATA names a file: set it to the folder that holds "
            f"{_MNIST_FILE}, or unset it to let Keras fetch MNIST."
        )
    if not _is_file(path):
        lack = (
            f"no {_MNIST_FILE} that may be read" if _is_folder(folder) else "no folder of that name"
        )
        shown = str(path) if len(str(path)) < 200 else f"...{str(path)[-190:]}"
        raise DataError(
            f"VAELIB_DATA is set, but there is {lack} ({shown}): put the file there, "
            "or unset VAELIB_DATA to let Keras fetch MNIST."
        )
    return _read_mnist(path)


def _is_file(path):
    try:
        return path.is_file() and os.access(path, os.R_OK)
    except OSError:  # a folder that may not be entered, a name too long
        return False


def _is_folder(path):
    try:
        return path.is_dir()
    except OSError:
        return False


def _cached_mnist():
    # Read Keras' rule for its cache without importing Keras, which takes seconds.
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "datasets" / _MNIST_FILE


def _download_mnist(target):
    """Fetch MNIST to ``target``, never leaving half a file there; return its arrays."""
    import keras

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=target.parent)
    except OSError:  # a read-only cache: MNIST is used, but not kept
        scratch = tempfile.mkdtemp()
        target = None
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SOCKET_TIMEOUT)  # urlretrieve, inside Keras, has none
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # no progress bar among the results
            path = keras.utils.get_file(
                _MNIST_FILE,
                _MNIST_URL,
                file_hash=_MNIST_ARCHIVE_SHA256,
                cache_dir=scratch,
                cache_subdir="",
            )
        arrays = _read_mnist(path)
        if target is not None:
            with contextlib.suppress(OSError):  # not kept, but at hand
                os.replace(path, target)
        return arrays
    finally:
        socket.setdefaulttimeout(timeout)
        shutil.rmtree(scratch, ignore_errors=True)


def _read_mnist(path):
    """The four arrays of an MNIST archive, checked down to the pixels."""
    repair = "replace the file with the original mnist.npz of Keras"
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in _MNIST_SHAPES if key not in archive.files]
            arrays = {key: np.asarray(archive[key]) for key in _MNIST_SHAPES if key not in missing}
    # A damaged zip archive can raise nearly anything, from zlib.error to MemoryError.
    except Exception as error:
        raise DataError(
            f"{_MNIST_FILE} is damaged or incomplete and cannot be read ({_short(error)}): "
            f"{repair}."
        ) from error
    if missing:
        raise DataError(f"{_MNIST_FILE} lacks the array {missing[0]}: {repair}.")
    for key, shape in _MNIST_SHAPES.items():
        array = arrays[key]
        if array.shape != shape:
            raise DataError(
                f"{key} in {_MNIST_FILE} has shape {array.shape} instead of {shape}: {repair}."
            )
        if array.dtype != np.uint8:
            raise DataError(f"{key} in {_MNIST_FILE} is {array.dtype} instead of uint8: {repair}.")
    for key, top in (("x_train", 255), ("x_test", 255), ("y_train", 9), ("y_test", 9)):
        if arrays[key].max() != top:
            raise DataError(
                f"{key} in {_MNIST_FILE} reaches up to {arrays[key].max()} instead of {top}: "
                f"{repair}."
            )
    digest = hashlib.sha256()
    for key in _MNIST_SHAPES:
        digest.update(np.ascontiguousarray(arrays[key]))
    if digest.hexdigest() != _MNIST_ARRAYS_SHA256:
        raise DataError(
            f"{_MNIST_FILE} has the shape of MNIST, but not its pixels and labels "
            f"(their checksum differs): {repair}."
        )
    return arrays


def _digits():
    """scikit-learn's 8 x 8 digits, enlarged to 20 x 20 in a frame of 4, as MNIST has them."""
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = zoom(digits.images / 16.0, (1, 2.5, 2.5), order=1, mode="nearest", grid_mode=True)
    images = np.pad(images, ((0, 0), (4, 4), (4, 4)))
    return {
        "x_train": images[:_DIGITS_TRAIN],
        "y_train": digits.target[:_DIGITS_TRAIN],
        "x_test": images[_DIGITS_TRAIN:],
        "y_test": digits.target[_DIGITS_TRAIN:],
    }


def _as_images(array):
    images = array[..., np.newaxis].astype("float32")
    if array.dtype == np.uint8:
        images /= 255.0  # in place: 60,000 images are 188 MB in float32
    return images


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


def _short(error):
    """The first line of an error, cut to a length that fits into a sentence."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return text if len(text) <= 80 else text[:77] + "..."
