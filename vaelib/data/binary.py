"""Binary images: what a Bernoulli decoder is a probability of (chapter ``decoder-noise``)."""

import numpy as np

from vaelib.data.checks import check_images


def binarize(images, seed=0):
    """Draw every pixel as 0 or 1, with its grey value as the probability of 1.

    The binarization of Salakhutdinov and Murray (2008). One draw that is kept is called static,
    a fresh one for every epoch dynamic. The same seed gives the same images on every machine.

    Args:
        images: shape (images, height, width, channels), pixels in [0, 1].
        seed: of the draws, an integer or a list of them.

    Returns:
        float32 zeros and ones, of the same shape.

    Raises:
        DataError: images that are not a batch of pixels in [0, 1].
    """
    check_images(images)
    rng = np.random.default_rng(seed)
    images = np.asarray(images, "float32")
    # By rows: 60,000 images need no second copy in float64 for their random numbers.
    drawn = [rng.random(image.shape, "float32") < image for image in images]
    return np.array(drawn, "float32")
