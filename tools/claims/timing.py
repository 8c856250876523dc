"""Processor time of a training step, for the rows that compare speed."""

import functools
import time

# One text of each model, so that it can run as a notebook's cells would, or inside a class.
TEXT = """
x = keras.Input((28, 28, 1))
h = x
for filters, strides in ((32, 1), (64, 2), (128, 2)):
    h = keras.layers.LeakyReLU()(
        keras.layers.Conv2D(filters, 3, strides=strides, padding="same")(h))
h = keras.layers.Flatten()(h)
mu = keras.layers.Dense(2, name="mu")(h)
log_var = keras.layers.Dense(2, name="log_var")(h)
if KLLayer is not None:
    mu, log_var = KLLayer()([mu, log_var])
z = Draw()([mu, log_var])
h = keras.layers.Reshape((7, 7, 128))(keras.layers.Dense(7 * 7 * 128)(z))
for filters, strides in ((64, 2), (32, 2)):
    h = keras.layers.LeakyReLU()(
        keras.layers.Conv2DTranspose(filters, 3, strides=strides, padding="same")(h))
out = keras.layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(h)
if FinalLayer is not None:
    out = FinalLayer()([mu, log_var, x, out])
vae = keras.Model(x, out)
if add_loss:
    vae.add_loss(kl_of(mu, log_var))
optimizer = keras.optimizers.Adam(5e-4)
vae.compile(optimizer=optimizer, loss=None if FinalLayer else "binary_crossentropy")
"""


def _scopes():
    """What the text finds when it runs: the parts that differ from model to model."""
    import tensorflow as tf
    import tf_keras as keras

    K, fact = keras.backend, 6.5e-4

    def with_backend(mu, log_var):
        return -fact * K.mean(1 + log_var - K.square(mu) - K.exp(log_var))

    def with_tf(mu, log_var):
        return -fact * tf.reduce_mean(1 + log_var - tf.square(mu) - tf.exp(log_var))

    class Draw(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            return mu + K.exp(log_var / 2) * K.random_normal(K.shape(mu))

    class FinalLayer(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var, x, out = inputs
            bce = K.mean(keras.losses.binary_crossentropy(x, out))
            self.add_loss(bce + with_backend(mu, log_var))
            return out

    base = {
        "keras": keras, "Draw": Draw, "KLLayer": None, "FinalLayer": None, "add_loss": False,
        "kl_of": with_tf,
    }  # fmt: skip
    return {
        "kl layer": {**base, "KLLayer": _kl_layer(keras, with_backend)},
        "kl layer, tf": {**base, "KLLayer": _kl_layer(keras, with_tf)},
        "final layer": {**base, "FinalLayer": FinalLayer},
        "add_loss, cells": {**base, "add_loss": True},
        "add_loss, class": {**base, "add_loss": True},
    }


def _kl_layer(keras, kl_of):
    class KLLayer(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(kl_of(*inputs))
            return inputs

    return KLLayer


def timed_models():
    """One model for each of the scopes, by its name."""
    import textwrap

    scopes = _scopes()
    in_a_class = scopes.pop("add_loss, class")
    models = {}
    for name, scope in scopes.items():
        exec(TEXT, scope)  # the variables stay in one namespace, as in a notebook
        models[name] = scope["vae"]
    method = "class VAE:\n    def __init__(self):\n" + textwrap.indent(
        TEXT + "self.mu, self.log_var, self.vae = mu, log_var, vae\n", " " * 8
    )
    exec(method, in_a_class)
    models["add_loss, class"] = in_a_class["VAE"]().vae
    return models


@functools.cache
def step_seconds(steps=12, rounds=8):
    """Computing time of a step of each model: the fastest of eight rounds, in turns."""
    import numpy as np
    import tensorflow as tf

    images = np.random.default_rng(1).uniform(size=(128, 28, 28, 1)).astype("float32")
    models, seconds = timed_models(), {}
    for turn in range(rounds + 1):
        for name, model in models.items():
            # A layer that holds the whole loss takes no target.
            one = images if name == "final layer" else (images, images)
            batches = tf.data.Dataset.from_tensors(one).repeat(steps)
            begin = time.process_time()
            model.fit(batches, shuffle=False, verbose=0)
            if turn:  # the first round traces the step
                seconds.setdefault(name, []).append(time.process_time() - begin)
    return {name: min(values) / steps for name, values in seconds.items()}


def ratio_of(slow, fast):
    times = step_seconds()
    return {
        "ratio": times[slow] / times[fast], "slow": 1000 * times[slow], "fast": 1000 * times[fast],
        "_from": {"steps": "8 rounds of 12 steps of 128 images, in turns, the fastest counts"},
    }  # fmt: skip


SAID_TIMES = "{slow:.0f} ms against {fast:.0f} ms of processor time a step: ratio {ratio:.2f}."
ON_A_CPU = (
    "The post timed a GTX 960 (post V switches XLA on); we timed a CPU, where the convolutions "
    "outweigh all else, so our ratio says little about that card. "
)
