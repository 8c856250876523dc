"""A reader's own folder of images, however many: streamed, so that memory does not grow with it.

Only the names are kept; pictures are read, cropped and scaled while a model trains
(chapter ``beyond-digits``).
"""

import collections
import operator
import os
from typing import NamedTuple

import numpy as np

from vaelib.data.archives import DataError, short

# What Pillow cannot read, such as HEIC, is among them to be named and not passed over.
ENDINGS = ".avif .bmp .gif .heic .heif .jfif .jpeg .jpg .png .tif .tiff .webp".split()
_PACKED = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
# What is missing if a file was cut off; MPO is the JPEG of many a telephone.
_LAST_BYTES = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_WORDS = {"L": "grey", "RGB": "in colour", "1": "black and white", "P": "with a palette"}


class Files(NamedTuple):
    """Images that were looked at: their paths, sorted; channels to read; unreadable files."""

    paths: list
    channels: int
    skipped: list


def find(folder, channels=None, at_least=64, skip_unreadable=False, decode_all=False):
    """Look for images in a folder and all folders in it, and check that each can be read.

    Other files and hidden ones are passed over. A check reads the header and the end of a file,
    which finds those that are cut off; only if these are unusual, the picture is decoded.

    Args:
        folder: its path.
        channels: 1 for grey, 3 for colour; any image is brought to that. None takes what the
            images are, if all are grey or all in colour, with 8 bits and nothing transparent.
        at_least: how many images there must be.
        skip_unreadable: leave out files that cannot be read.
        decode_all: decode every picture once, which finds damage in the middle of a file, too.

    Returns:
        ``Files``, for ``stream`` and ``split``.

    Raises:
        DataError: no such folder, or no images, or too few; unreadable files; images of different
            kinds; channels that are neither 1 nor 3.
    """
    if channels not in (None, 1, 3):
        raise DataError(f"channels is 1 for grey or 3 for colour images, and not {channels!r}.")
    paths = _images_below(os.path.expanduser(folder))
    kinds, skipped = collections.Counter(), {}
    for path in paths:
        try:
            kinds[_kind(path, decode_all)] += 1
        except Exception as error:  # Pillow has many, from SyntaxError to DecompressionBombError
            skipped[path] = _reason(error)
    if skipped and not skip_unreadable:
        path, reason = next(iter(skipped.items()))
        raise DataError(
            f"{len(skipped):,} of {len(paths):,} images cannot be read, first {path} ({reason}): "
            "convert or delete them, or leave them out by folders.find(..., skip_unreadable=True)."
        )
    paths = [path for path in paths if path not in skipped]
    if len(paths) < max(1, at_least):
        raise DataError(
            f"{folder} holds only {len(paths):,} images that can be read, fewer than {at_least:,}: "
            "add more, or pass a smaller at_least."
        )
    if channels is None:
        channels = {"grey": 1, "in colour": 3}.get(next(iter(kinds)))
        if len(kinds) > 1 or channels is None:
            found = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
            raise DataError(
                f"The images are not all plain grey or all in colour ({found}): bring them to one "
                "kind by folders.find(..., channels=3), or channels=1 for grey."
            )
    return Files(paths, channels, list(skipped))


def split(files, share=0.1, seed=0):
    """Hold some images out, drawn at random.

    Args:
        files: of ``find``.
        share: of the images to hold out, between 0 and 1.
        seed: of the draw.

    Returns:
        two ``Files``: for training, and held out.

    Raises:
        DataError: one of the two would be empty.
    """
    held = round(share * len(files.paths))
    if not 0 < held < len(files.paths):
        raise DataError(f"A share of {share} of {len(files.paths):,} images leaves one side empty.")
    order = np.random.default_rng(seed).permutation(len(files.paths))
    parts = (sorted(files.paths[n] for n in part) for part in (order[held:], order[:held]))
    return tuple(files._replace(paths=paths) for paths in parts)


def stream(files, size=64, batch_size=64, seed=0):
    """The images as batches for ``fit``, each cropped to its central square and scaled.

    Transparent pictures are laid on white, sixteen bits become eight, of an animation the first
    frame is taken, and photographs are turned as their EXIF note says.

    Args:
        files: of ``find`` or ``split``, or a folder, which ``find`` then looks at.
        size: height and width in pixels.
        batch_size: images in a batch; the last one may be smaller.
        seed: a whole number, for another order in each epoch, the same in each run; None keeps
            the order of the names.

    Returns:
        a ``tf.data.Dataset`` of float32 batches, shape (images, size, size, channels), in [0, 1].

    Raises:
        DataError: as ``find``; sizes or a seed that are no such numbers; less than one batch; no
            TensorFlow. With it, Keras takes the stream on every backend.
    """
    try:
        import tensorflow as tf
    except ImportError as error:
        raise DataError(
            "folders.stream reads by tf.data: install tensorflow, which need not be the backend of "
            "Keras, or hand fit() arrays or a keras.utils.PyDataset of your own."
        ) from error
    size, batch_size = _positive("size", size), _positive("batch_size", batch_size)
    seed = seed if seed is None else _positive("seed", seed, low=0)
    if not isinstance(files, Files):
        files = find(files, at_least=1)
    paths, channels, _ = files
    if len(paths) < batch_size:
        raise DataError(
            f"{len(paths):,} images are less than one batch of {batch_size:,}: pass a batch_size "
            "of at most their number, or add images."
        )

    def read(number):
        # TensorFlow hands numbers around, never the pictures of an epoch: shuffling stays small.
        image = tf.numpy_function(lambda n: _read(paths[n], size, channels), [number], tf.float32)
        return tf.ensure_shape(image, (size, size, channels))

    numbers = tf.data.Dataset.range(len(paths))
    if seed is not None:
        numbers = numbers.shuffle(len(paths), seed=seed)
    return numbers.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size).prefetch(2)


def _images_below(folder):
    if not os.path.isdir(folder):
        what = "is a file" if os.path.isfile(folder) else "does not exist"
        raise DataError(f"{folder} {what}: pass the path of a folder with images in it.")
    paths, packed = [], []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            ending = os.path.splitext(name)[1].lower()
            if ending in ENDINGS and not name.startswith("."):
                paths.append(os.path.join(place, name))
            elif ending in _PACKED:
                packed.append(name)
    if not paths:
        repair = f"unpack {packed[0]} first" if packed else "pass the folder that holds them"
        raise DataError(
            f"There are no images in {folder}, no file that ends in {', '.join(ENDINGS)}: {repair}."
        )
    return sorted(paths)


def _kind(path, decode):
    """What an image is, in a word; an error if it cannot be read."""
    from PIL import Image

    with Image.open(path) as image:
        if image.mode == "F":
            raise ValueError("its pixels are fractions of an unknown range")
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 8))
            end = file.read()
        if decode or not end.endswith(_LAST_BYTES.get(image.format, b"never")):
            image.load()
        if end.endswith(b"\xff\xd9"):  # of other formats, this would decode the picture
            image.getexif()  # which _read needs, too
        if image.has_transparency_data:
            return "with transparency"
        return "of 16 bits" if image.mode.startswith("I") else _WORDS.get(image.mode, image.mode)


def _read(path, size, channels):
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            file.draft(file.mode, (2 * size, 2 * size))  # a large JPEG is not decoded in full
            image = ImageOps.exif_transpose(file)
    except Exception as error:
        raise DataError(
            f"{path} cannot be read any more ({_reason(error)}): look through the folder again by "
            "folders.find(..., decode_all=True)."
        ) from error
    if image.mode.startswith("I"):
        image = Image.fromarray((np.clip(np.asarray(image) / 257, 0, 255)).astype("uint8"))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = ImageOps.fit(image.convert("L" if channels == 1 else "RGB"), (size, size))
    return np.asarray(image, "float32").reshape(size, size, channels) / 255


def _positive(name, value, low=1):
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if number < low or isinstance(value, bool):
        raise DataError(f"{name} must be a whole number of at least {low}, but is {value!r}.")
    return number


def _reason(error):
    return short(error).split(" '")[0].rstrip(":")  # Pillow repeats the path
