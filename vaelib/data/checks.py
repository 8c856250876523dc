"""One clear sentence about images that cannot be used, before they cost a training run."""

import numpy as np

from vaelib.data.archives import DataError, short


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
        raise DataError(f"The {what} are no array of numbers ({short(error)}).") from error
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
