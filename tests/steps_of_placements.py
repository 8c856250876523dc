"""Let every placement train, here: on this backend, on one device or several.

``python tests/steps_of_placements.py OUT PLACE [KERAS [PLACEMENT ...]]`` writes OUT.npz, with how
far each weight has moved, and prints the figures as JSON, by placement. PLACE is ``one``, ``two``
(logical devices under MirroredStrategy, or of JAX under DataParallel), or ``worker 0 PORT PORT``.
Gradient descent, weights and images that NumPy draws, beta 4: whoever trains the same objective
with the same noise makes the same steps.
"""

import contextlib
import json
import os
import sys

OUT, PLACE, *REST = sys.argv[1:]
BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
TWO = PLACE == "two"
if BACKEND == "jax" and TWO:
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
if PLACE.startswith("worker"):
    _, rank, *ports = PLACE.split()
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    task = {"type": "worker", "index": int(rank)}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})


def strategy():
    """The strategy of this process. Comes before anything else of TensorFlow."""
    if BACKEND == "jax" and TWO:
        import keras

        keras.distribution.set_distribution(keras.distribution.DataParallel())
    if BACKEND != "tensorflow" or PLACE == "one":
        return None
    import tensorflow as tf

    if PLACE.startswith("worker"):
        return tf.distribute.MultiWorkerMirroredStrategy()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


STRATEGY = strategy()

import importlib  # noqa: E402

import numpy as np  # noqa: E402

from vaelib import networks, placements  # noqa: E402

SPEC = networks.preset("quick", z_dim=2, hidden=(16,), decoder_hidden=(16,))


def drawn(arrays, size):
    rng = np.random.default_rng(1)
    return [rng.normal(0, size, array.shape).astype("float32") for array in arrays]


def steps(name, kit, images, valid):
    """Figures of an epoch, and by how much the weights have moved."""
    with STRATEGY.scope() if STRATEGY else contextlib.nullcontext():
        encoder = networks.build_encoder(SPEC, keras=kit)
        decoder = networks.build_decoder(SPEC, keras=kit)
        encoder.set_weights(drawn(encoder.get_weights(), 0.2))
        decoder.set_weights(drawn(decoder.get_weights(), 0.2))
        vae = placements.build(
            name, encoder, decoder, beta=4.0, seed=3, keras=kit, optimizer=kit.optimizers.SGD(1e-3)
        )
    before = [np.array(w) for part in (encoder, decoder) for w in part.get_weights()]
    options = {"batch_size": 32, "epochs": 1, "shuffle": False, "verbose": 0}
    history = vae.fit(images, validation_data=valid, **options).history
    after = [np.array(w) for part in (vae.encoder, vae.decoder) for w in part.trainable_weights]
    moved = [new - old for new, old in zip(after, before)]
    return {key: values[0] for key, values in history.items()}, moved


def main():
    kit = importlib.import_module(REST[0] if REST else "keras")
    images = np.random.default_rng(0).random((71, 28, 28, 1)).astype("float32")
    # The last batch has 7 images, that of validation 1. JAX cuts batches into equal parts only.
    images, valid = (images[:70], images[:34]) if BACKEND == "jax" else (images, images[:33])
    figures, arrays = {}, {}
    for name in REST[1:] or placements.names(kit):
        try:
            figures[name], moved = steps(name, kit, images, valid)
        except ValueError as error:
            figures[name] = str(error)
            continue
        arrays |= {f"{name} {number}": array for number, array in enumerate(moved)}
    np.savez(OUT, **arrays)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
