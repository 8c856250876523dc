"""Measure the likelihood of binarized MNIST as the literature does.

``python tools/likelihood_record.py`` writes book/_data/likelihood.json: the importance-weighted
bound of the checkpoint ``burda-binarized`` on all 10,000 test images, with 1, 200 and 5,000 draws
from the encoder's own clouds, and on as many training images with 200. Chapter ``decoder-noise``
shows it, and the ledger judges by it. Takes a quarter of an hour on two cores;
``.backends/jax/bin/python`` is the fastest.
"""

import json
import platform
import sys
import time
from importlib.metadata import version

import numpy as np
from train_checkpoints import ROOT

RECORD = ROOT / "book" / "_data" / "likelihood.json"
NAME = "burda-binarized"
DRAWS, COUNTS = 5_000, (1, 200, 5_000)
IMAGES_AT_ONCE, DRAWS_AT_ONCE = 100, 50
SEED = 0  # of the binarization and of the draws


def log_weight_model(encoder, decoder, n_draws):
    """From images and noise, shape (images, n_draws, z_dim), to log weights (images, n_draws)."""
    import keras
    from keras import ops

    images = keras.Input(encoder.input_shape[1:])
    epsilon = keras.Input((n_draws, encoder.output_shape[0][-1]))
    mu, log_var = (ops.expand_dims(output, 1) for output in encoder(images))
    z = mu + ops.exp(log_var / 2) * epsilon
    # The logits: a sigmoid rounds to 1 where a pixel is sure.
    logits_of = keras.Model(decoder.input, decoder.get_layer("pixels").output)
    logits = ops.reshape(
        logits_of(ops.reshape(z, (-1, z.shape[-1]))), (-1, n_draws, logits_of.output_shape[-1])
    )
    x = ops.reshape(images, (-1, 1, logits_of.output_shape[-1]))
    log_likelihood = ops.sum(x * logits - ops.softplus(logits), axis=-1)
    # The constants ln 2 pi of p(z) and q(z | x) cancel.
    log_prior = -0.5 * ops.sum(z**2, axis=-1)
    log_q = -0.5 * ops.sum(log_var + epsilon**2, axis=-1)
    return keras.Model([images, epsilon], log_likelihood + log_prior - log_q)


def bounds(model, images, n_draws, counts, seed=SEED, tell=None):
    """-L_k of every image for each k in counts: a dict of arrays, nats."""
    from scipy.special import logsumexp

    z_dim, at_once = model.inputs[1].shape[-1], model.inputs[1].shape[1]
    found = {count: [] for count in counts}
    for first in range(0, len(images), IMAGES_AT_ONCE):
        x = images[first : first + IMAGES_AT_ONCE]
        rng = np.random.default_rng([seed, first])
        pieces = [
            model.predict_on_batch(
                [x, rng.standard_normal((len(x), at_once, z_dim), dtype="float32")]
            )
            for _ in range(n_draws // at_once)
        ]
        log_w = np.concatenate(pieces, axis=1).astype("float64")
        for count in counts:
            groups = log_w.reshape(len(x), -1, count)
            found[count].append(-(logsumexp(groups, axis=-1) - np.log(count)).mean(axis=1))
        if tell:
            tell(first + len(x), {k: np.concatenate(v).mean() for k, v in found.items()})
    return {count: np.concatenate(parts) for count, parts in found.items()}


def summary(found):
    """Mean and standard error over the images, in nats."""
    return {
        str(count): {
            "mean": round(float(values.mean()), 3),
            "error": round(float(values.std() / np.sqrt(len(values))), 3),
        }
        for count, values in found.items()
    }


def main():
    import keras

    from vaelib import checkpoints, data

    mnist = data.load("mnist")
    if mnist.name != "mnist":
        sys.exit("The record needs MNIST: set VAELIB_DATA to a folder with mnist.npz.")
    encoder, decoder, manifest = checkpoints.load(NAME)
    model = log_weight_model(encoder, decoder, DRAWS_AT_ONCE)
    start = time.perf_counter()

    def tell(n, means):
        if n % 500 == 0:
            print(n, {k: round(float(v), 2) for k, v in means.items()}, flush=True)

    test = bounds(model, data.binarize(mnist.x_test, seed=SEED), DRAWS, COUNTS, tell=tell)
    some = data.binarize(mnist.x_train[:10_000], seed=SEED)
    train = bounds(model, some, 200, (1, 200))
    record = {
        "checkpoint": NAME,
        "sha256": manifest["sha256"],
        "images": {"test": len(mnist.x_test), "train": len(some)},
        "binarized with seed": SEED,
        "minus bound": {"test": summary(test), "train": summary(train)},
        "seconds": round(time.perf_counter() - start),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", keras.backend.backend(), "numpy")},
        },
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    print(record["minus bound"])


if __name__ == "__main__":
    main()
