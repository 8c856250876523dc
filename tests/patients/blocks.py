"""The parts that are right in every patient, so that each script shows only what is its own.

TensorFlow's functions do in both Kerases, as long as they stand in the `call` of a layer.
"""

import tensorflow as tf


def sampling_layer(keras):
    """The class of a layer that draws z, as it should be."""

    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            z_mean, z_log_var = inputs
            epsilon = tf.random.normal(tf.shape(z_mean))
            return z_mean + tf.exp(0.5 * z_log_var) * epsilon

    return Sampling


def kl_layer(keras):
    """The class of a layer that adds weight * KL to the loss, as it should be."""

    class AddKL(keras.layers.Layer):
        def __init__(self, weight=1.0, **kwargs):
            super().__init__(**kwargs)
            self.weight = weight

        def call(self, inputs):
            mu, log_var = inputs
            kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1.0 - log_var, axis=1)
            self.add_loss(self.weight * tf.reduce_mean(kl))
            return mu, log_var

        def get_config(self):
            return {**super().get_config(), "weight": self.weight}

    return AddKL


def encoder(keras, pixels, z_dim, names=("z_mean", "z_log_var")):
    """Input, mu, log_var of a small encoder for flat images."""
    inputs = keras.Input((pixels,))
    h = keras.layers.Dense(24, activation="relu")(inputs)
    return inputs, *(keras.layers.Dense(z_dim, name=name)(h) for name in names)


def decoder(keras, pixels, z_dim, activation="sigmoid"):
    """A small decoder for flat images."""
    return keras.Sequential(
        [
            keras.Input((z_dim,)),
            keras.layers.Dense(24, activation="relu"),
            keras.layers.Dense(pixels, activation=activation),
        ],
        name="decoder",
    )


def cross_entropy(keras):
    """Cross-entropy of flat images, summed over the pixels: one number an image."""

    def nll(x, x_hat):
        return x.shape[-1] * keras.losses.binary_crossentropy(x, x_hat)

    return nll
