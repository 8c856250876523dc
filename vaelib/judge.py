"""Does a picture look like one of the classes? A judge for decoded images."""

import keras
import numpy as np
from keras import layers
from scipy.ndimage import gaussian_filter

from vaelib.data import check_images

IMAGES_SEEN = 250_000  # in training: some seconds on two cores, for few images as for many


def train_judge(images, labels, seed=0):
    """Train a small network that tells pictures of one class from pictures of none.

    It learns the classes from real images. What shows no class it learns from blends of two
    images of different classes, from the half of one beside the half of the other, from fragments,
    from noise, and from shuffled pixels. Half of all are softened and dimmed, as decoders do, so
    that it judges the shape and not the contrast. What its verdict is worth is for you to measure,
    on images it has not seen: chapter ``measure-latent-space`` does.

    Args:
        images: real ones, shape (images, height, width, channels), pixels in [0, 1].
        labels: their classes, from 0 on, shape (images,).
        seed: of the fakes and the first weights; it becomes Keras' global seed.

    Returns:
        a function from images to an integer array: a class for each, or -1 for none.

    Raises:
        DataError: images that are no batch of pixels in [0, 1].
        ValueError: not one label for each image, or fewer than two classes.
    """
    check_images(images)
    images, labels = np.asarray(images, dtype="float32"), np.asarray(labels)
    if labels.shape != images.shape[:1] or len(np.unique(labels)) < 2:
        raise ValueError(
            "The judge needs one label for each image, and two classes at least, but there are "
            f"{len(images)} images and labels of shape {labels.shape}."
        )
    none = int(labels.max()) + 1
    rng = np.random.default_rng(seed)
    # As bytes the pixels take a quarter of the memory; the network scales them back.
    parts = [images, _softened(images, rng), *_fakes(images, labels, rng)]
    x = np.concatenate([np.round(255 * part).astype("uint8") for part in parts])
    y = np.concatenate([labels, labels, np.full(len(x) - 2 * len(labels), none)])
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 5, strides=2, activation="relu", data_format="channels_last"),
            layers.Conv2D(32, 3, strides=2, activation="relu", data_format="channels_last"),
            layers.Flatten(data_format="channels_last"),
            layers.Dropout(0.3),
            layers.Dense(128, activation="relu"),
            layers.Dense(none + 1, activation="softmax"),
        ]
    )
    compiled = keras.backend.backend() == "jax"  # elsewhere XLA costs more than it saves
    network.compile("adam", "sparse_categorical_crossentropy", jit_compile=compiled)
    network.fit(x, y, batch_size=128, epochs=max(1, round(IMAGES_SEEN / len(x))), verbose=0)

    def judge(pictures):
        check_images(pictures, "pictures", images.shape[1:])
        shares = network.predict(255 * np.asarray(pictures), batch_size=500, verbose=0)
        # A 3 that might be an 8 is a digit all the same.
        return np.where(shares[:, none] > 0.5, -1, shares[:, :none].argmax(axis=1))

    return judge


def _fakes(images, labels, rng):
    """Pictures of no class, about twice as many as there are images, half of them soft."""
    count, height, width, _ = images.shape
    first, second = rng.integers(0, count, (2, 2 * count))
    differ = np.flatnonzero(labels[first] != labels[second])[:count]
    first, second = images[first[differ]], images[second[differ]]
    share = rng.uniform(0.3, 0.7, (len(differ), 1, 1, 1)).astype("float32")
    blends = share * first + (1 - share) * second
    row, column = np.ogrid[:height, :width]
    halves = np.where((row < height // 2)[..., None], first, second)
    halves[::2] = np.where((column < width // 2)[..., None], first[::2], second[::2])
    # A window, about two fifths of the image high and wide; all around it nothing.
    top, left = (rng.integers(0, 1 + side * 3 // 5, (count, 1, 1)) for side in (height, width))
    inside = (row >= top) & (row < top + height * 2 // 5)
    inside = inside & (column >= left) & (column < left + width * 2 // 5)
    fragments = images * inside[..., None]
    few = images[: 1 + count // 10]
    noise = rng.uniform(0, 1, few.shape).astype("float32")
    shuffled = rng.permuted(few.reshape(len(few), -1), axis=1).reshape(few.shape)
    soft = [_softened(fakes[::2], rng) for fakes in (blends, halves)]
    return [*soft, blends[1::2], halves[1::2], fragments[::2], noise, shuffled]


def _softened(images, rng):
    """Copies, blurred by up to 1.4 pixels and dimmed by up to a half."""
    soft = images.copy()
    for part, blur in zip(np.array_split(rng.permutation(len(images)), 4), (0, 0.6, 1.0, 1.4)):
        soft[part] = gaussian_filter(soft[part], (0, blur, blur, 0))
    return soft * rng.uniform(0.5, 1, (len(images), 1, 1, 1)).astype("float32")
