"""Where data sets lie: a reader's folder, Keras' cache, the network; and how each is checked."""

import contextlib
import gzip
import hashlib
import io
import os
import pickle
import shutil
import socket
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

SOCKET_TIMEOUT = 15  # seconds without a byte before a download counts as failed


class DataError(ValueError):
    """The data cannot be used. The message names the cause and the repair."""


class Source(NamedTuple):
    """A data set that Keras can fetch: where it lies, and how to tell it from others."""

    title: str
    file: str  # in the folder that VAELIB_DATA names: an npz with the four arrays
    image: tuple  # height, width and, for colours, channels
    counts: tuple  # of training and of test images
    cached: tuple  # files in Keras' cache: name, address, published checksum (MD5 or SHA-256)
    fallback: str  # the data set that takes its place
    arrays_sha256: str | None = None  # of the arrays: the same pixels may be zipped in many ways
    # Of the training images, by channel. Where only the original files have published checksums,
    # these means are all that tells their pixels from others.
    means: tuple = ()

    @property
    def shapes(self):
        train, test = self.counts
        x_train, x_test = (train, *self.image), (test, *self.image)
        return {"x_train": x_train, "y_train": (train,), "x_test": x_test, "y_test": (test,)}


_STORE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
SOURCES = {
    "mnist": Source(
        "MNIST", "mnist.npz", (28, 28), (60_000, 10_000),
        (("mnist.npz", f"{_STORE}/mnist.npz",
          "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"),),
        "digits", arrays_sha256="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    ),
    "fashion_mnist": Source(
        "Fashion-MNIST", "fashion_mnist.npz", (28, 28), (60_000, 10_000),
        tuple((f"fashion-mnist/{file}.gz", f"{_STORE}/{file}.gz", md5) for file, md5 in (
            ("train-images-idx3-ubyte", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe"),
            ("t10k-images-idx3-ubyte", "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310"),
        )),
        "digits", means=(0.2860,),
    ),
    "cifar10": Source(
        "CIFAR-10", "cifar10.npz", (32, 32, 3), (50_000, 10_000),
        (("cifar-10-batches-py-target_archive",
          "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
          "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"),),
        "shapes", means=(0.4914, 0.4822, 0.4465),
    ),
}  # fmt: skip


def mnist_location():
    """Where ``find`` would find MNIST, in words: checked, but nothing is downloaded."""
    source = SOURCES["mnist"]
    if os.environ.get("VAELIB_DATA"):
        try:
            _from_folder(source)
        except DataError as error:
            return f"nowhere yet: {error}"
        return f"VAELIB_DATA ({source.file} is there, its checksum is right)"
    download = "download by Keras (11 MB); without a network, scikit-learn's digits"
    if all(map(_is_file, _cached(source))):
        try:
            _read(source, _cached(source))
        except DataError:
            return f"{download} (the file in Keras' cache is damaged)"
        return "Keras' cache (the checksum is right)"
    return download


def find(source):
    """Take a data set from the first place that has it: VAELIB_DATA, Keras' cache, the network.

    Args:
        source: a ``Source``.

    Returns:
        the four arrays by name, as they were stored, and where they came from; without a
        network, None and what went wrong.

    Raises:
        DataError: VAELIB_DATA is set, but its folder or file is missing or damaged.
    """
    title = source.title
    if os.environ.get("VAELIB_DATA"):
        # Whoever names a folder wants that folder: no silent second choice.
        return _from_folder(source), f"{title}, from the folder in VAELIB_DATA"
    if all(map(_is_file, _cached(source))):
        try:
            return _read(source, _cached(source)), f"{title}, from Keras' cache"
        except DataError as error:
            print(f"Keras' cached {title} is not used, a new download is tried: {error}")
    try:
        return _download(source), f"{title}, downloaded by Keras"
    # Keras reports a failed download as a bare Exception.
    except Exception as error:
        return None, short(str(error).rsplit(" -- ", 1)[-1])  # Keras puts the address in front


def _from_folder(source):
    name = os.environ["VAELIB_DATA"]
    try:
        folder = Path(name).expanduser()
    except RuntimeError:  # ~somebody, and there is no such user
        folder = Path(name)
    path = folder / source.file
    if _is_file(folder):
        raise DataError(
            "VAELIB_DATA names a file: set it to the folder that holds "
            f"{source.file}, or unset it to let Keras fetch {source.title}."
        )
    if not _is_file(path):
        lack = f"no {source.file} that may be read"
        if not _is_folder(folder):
            lack = "no folder of that name"
        shown = str(path) if len(str(path)) < 200 else f"...{str(path)[-190:]}"
        raise DataError(
            f"VAELIB_DATA is set, but there is {lack} ({shown}): put the file there, "
            f"or unset VAELIB_DATA to let Keras fetch {source.title}."
        )
    return _read(source, [path])


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


def _cached(source):
    return [_cache() / name for name, _, _ in source.cached]


def _cache():
    # Read Keras' rule for its cache without importing Keras, which takes seconds.
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "datasets"


def _download(source):
    """Fetch a data set into Keras' cache, never leaving half a file there; return its arrays."""
    import keras

    targets = _cached(source)
    try:
        _cache().mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=_cache())
    except OSError:  # a read-only cache: the data is used, but not kept
        scratch = tempfile.mkdtemp()
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SOCKET_TIMEOUT)  # urlretrieve, inside Keras, has none
    options = {"cache_dir": scratch, "cache_subdir": ""}
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # no progress bar among the results
            paths = [
                Path(keras.utils.get_file(target.name, url, file_hash=checksum, **options))
                for target, (_, url, checksum) in zip(targets, source.cached)
            ]
        arrays = _read(source, paths)
        with contextlib.suppress(OSError):  # not kept, but at hand
            for path, target in zip(paths, targets):
                target.parent.mkdir(exist_ok=True)
                os.replace(path, target)
        return arrays
    finally:
        socket.setdefaulttimeout(timeout)
        shutil.rmtree(scratch, ignore_errors=True)


def _read(source, paths):
    """The four arrays of a data set from its files, checked as far as checksums are known."""
    file = paths[0].name if len(paths) == 1 else source.title
    repair = f"replace the file with the original {source.file} of Keras"
    if source.arrays_sha256 is None:
        repair = f"replace the file with what keras.datasets.{source.file[:-4]} loads, as an npz"
    try:
        arrays = _open(source, paths)
    # A damaged archive can raise nearly anything, from zlib.error to MemoryError.
    except Exception as error:
        raise DataError(
            f"{file} is damaged or incomplete and cannot be read ({short(error)}): {repair}."
        ) from error
    for key, shape in source.shapes.items():
        if key not in arrays:
            raise DataError(f"{file} lacks the array {key}: {repair}.")
        if arrays[key].shape == (*shape, 1):  # Keras' labels of CIFAR-10 stand in a column
            arrays[key] = arrays[key][..., 0]
        array, top = arrays[key], 255 if key.startswith("x") else 9
        if array.shape != shape:
            fault = f"has shape {array.shape} instead of {shape}"
        elif array.dtype != np.uint8:
            fault = f"is {array.dtype} instead of uint8"
        elif array.max() != top:
            fault = f"reaches up to {array.max()} instead of {top}"
        elif top == 9 and source.arrays_sha256 is None and np.ptp(np.bincount(array)):
            fault = f"has not {len(array) // 10:,} images of each class"
        else:
            continue
        raise DataError(f"{key} in {file} {fault}: {repair}.")
    if source.arrays_sha256:
        pixels = b"".join(np.ascontiguousarray(arrays[key]) for key in source.shapes)
        sign, right = "checksum differs", hashlib.sha256(pixels).hexdigest() == source.arrays_sha256
    else:
        means = arrays["x_train"].reshape(-1, len(source.means)).mean(axis=0) / 255
        sign, right = "means differ", np.allclose(means, source.means, rtol=0, atol=5e-4)
    if not right:
        raise DataError(
            f"{file} has the shape of {source.title}, but not its pixels and labels "
            f"(their {sign}): {repair}."
        )
    return arrays


def _open(source, paths):
    """Arrays by name from an npz, from four files as MNIST's, or from CIFAR-10's archive."""
    if paths[0].suffix == ".npz":
        with np.load(paths[0], allow_pickle=False) as archive:
            return {key: archive[key] for key in source.shapes if key in archive.files}
    for path, (_, _, checksum) in zip(paths, source.cached):  # before anything is unpickled
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "md5" if len(checksum) == 32 else "sha256")
        if digest.hexdigest() != checksum:
            raise ValueError(f"the checksum of {path.name} differs")
    arrays = {}
    if len(paths) == 4:
        for path, (key, shape) in zip(paths, source.shapes.items()):
            with gzip.open(path) as file:  # a header of 4 bytes and 4 for each axis
                content = np.frombuffer(file.read(), np.uint8, offset=4 + 4 * len(shape))
            arrays[key] = content.reshape(shape)
        return arrays
    batches = {}
    with tarfile.open(paths[0]) as archive:
        for member in archive:
            if "_batch" in member.name:
                batch = pickle.load(archive.extractfile(member), encoding="bytes")
                batches[Path(member.name).name] = batch
    for part in ("train", "test"):  # data_batch_1 to data_batch_5 in this order, and test_batch
        mine = [batches[name] for name in sorted(batches) if ("test" in name) == (part == "test")]
        images = np.concatenate([batch[b"data"] for batch in mine])
        arrays[f"x_{part}"] = images.reshape(-1, 3, *source.image[:2]).transpose(0, 2, 3, 1)
        arrays[f"y_{part}"] = np.concatenate([batch[b"labels"] for batch in mine]).astype("uint8")
    return arrays


def short(error):
    """The first line of an error, cut to a length that fits into a sentence."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return text if len(text) <= 80 else text[:77] + "..."
