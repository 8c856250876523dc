"""Does a picture look like one of the classes? A judge for decoded images (chapters 11 and 12)."""

import keras
import numpy as np
from scipy.ndimage import gaussian_filter

from vaelib.data import check_images


def train_judge(images, labels, seed=0):
    """Train a small network that tells pictures of one class from pictures of none.

    It learns the classes from real images, and "none of them" from blends of two images of
    different classes, from noise, and from images with their pixels shuffled. Half of all are
    softened and dimmed, as decoders do, so that it judges the shape and not the contrast.
    What it is worth is for you to measure, on images it has not seen: chapter 11 does.

    Args:
        images: real ones, shape (images, height, width, channels), pixels in [0, 1].
        labels: their classes, from 0 on, shape (images,).
        seed: of blends, noise and first weights. Training resets Keras' global seed.

    Returns:
        a function from images to one class each, -1 for none: an integer array.

    Raises:
        DataError: images that are no batch of pixels in [0, 1].
        ValueError: not one label for each image, or fewer than two classes.
    """
    check_images(images)
    images, labels = np.asarray(images, dtype="float32"), np.asarray(labels)
    if labels.shape != images.shape[:1] or len(np.unique(labels)) < 2:
        raise ValueError(
            f"Each image needs a label, of two classes at least, but there are {len(images)} "
            f"images and labels of shape {labels.shape} in {len(np.unique(labels))} class(es)."
        )
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, len(images), (2, 2 * len(images)))
    differ = np.flatnonzero(labels[first] != labels[second])[: len(images)]
    share = rng.uniform(0.35, 0.65, (len(differ), 1, 1, 1)).astype("float32")
    blends = share * images[first[differ]] + (1 - share) * images[second[differ]]
    few = images[: len(images) // 5]
    noise = rng.uniform(0, 1, few.shape).astype("float32")
    shuffled = rng.permuted(few.reshape(len(few), -1), axis=1).reshape(few.shape)
    none = int(labels.max()) + 1
    real = [images, _softened(images, rng)]
    fake = [blends, _softened(blends, rng), noise, shuffled]
    x = np.concatenate(real + fake)
    y = np.concatenate([labels, labels, np.full(sum(map(len, fake)), none)])
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(none + 1, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy")
    # As many steps for few images as for many.
    network.fit(x, y, batch_size=128, epochs=max(1, round(400_000 / len(x))), verbose=0)

    def judge(pictures):
        check_images(pictures, "pictures", images.shape[1:])
        verdict = network.predict(np.asarray(pictures), batch_size=500, verbose=0).argmax(axis=1)
        return np.where(verdict == none, -1, verdict)

    return judge


def _softened(images, rng):
    """Copies, blurred by up to 1.4 pixels and dimmed by up to a half."""
    soft = images.copy()
    for part, blur in zip(np.array_split(rng.permutation(len(images)), 4), (0, 0.6, 1.0, 1.4)):
        soft[part] = gaussian_filter(soft[part], (0, blur, blur, 0))
    return soft * rng.uniform(0.5, 1, (len(images), 1, 1, 1)).astype("float32")
