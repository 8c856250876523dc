"""The KL as the loss of an output: mu and log_var leave the model beside the reconstruction."""

import numpy as np
import tensorflow as tf

from . import blocks
from .data import blobs, flat, stripes


def two_outputs(keras, pixels, z_dim):
    """A model images -> [reconstruction, mu and log_var side by side], not compiled."""
    inputs, mu, log_var = blocks.encoder(keras, pixels, z_dim)
    z = blocks.sampling_layer(keras)()([mu, log_var])
    stats = keras.layers.Concatenate(name="stats")([mu, log_var])
    return keras.Model(inputs, [blocks.decoder(keras, pixels, z_dim)(z), stats])


def kl_of_an_output(keras):
    model = two_outputs(keras, 64, 3)

    def kl_loss(_, stats):
        mu, log_var = tf.split(stats, 2, axis=-1)
        return -0.5 * tf.reduce_sum(1 + log_var - mu**2 - tf.exp(log_var), axis=-1)

    model.compile("adam", loss=[blocks.cross_entropy(keras), kl_loss])
    images = flat(stripes())
    return model, images, [images, np.zeros((64, 6), "float32")]


def outputs_weighted_by_pixels(keras):
    model = two_outputs(keras, 784, 2)

    def kl_loss(unused, stats):
        mu, log_var = stats[:, :2], stats[:, 2:]
        return tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=-1) / 2

    model.compile("adam", loss=["binary_crossentropy", kl_loss], loss_weights=[784, 1])
    images = flat(blobs())
    return model, images, [images, images]


def outputs_in_a_dictionary(keras):
    from keras import ops

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = blocks.sampling_layer(keras)()([mu, log_var])
    image = blocks.decoder(keras, 64, 3)(z)
    code = keras.layers.Concatenate()([mu, log_var])
    model = keras.Model(inputs, {"image": image, "code": code})

    def kl(_, code):
        mu, log_var = ops.split(code, 2, axis=1)
        return 0.5 * ops.sum(ops.square(mu) + ops.exp(log_var) - 1 - log_var, axis=1)

    def bernoulli(x, p):
        return ops.sum(ops.binary_crossentropy(x, p), axis=1)

    model.compile(
        optimizer="adam",
        loss={"image": bernoulli, "code": kl},
        loss_weights={"image": 1.0, "code": 0.25},
    )
    x = flat(stripes())
    return model, x, {"image": x, "code": np.zeros((64, 6), "float32")}


def everything_in_one_output(keras):
    """Pixels, mu and log_var in one row; the loss takes it apart."""
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = blocks.sampling_layer(keras)()([mu, log_var])
    x_hat = blocks.decoder(keras, 64, 3)(z)
    model = keras.Model(inputs, keras.layers.Concatenate()([x_hat, mu, log_var]))

    def vae_loss(x, row):
        x_hat, mu, log_var = row[:, :64], row[:, 64:67], row[:, 67:]
        reconstruction = 64 * keras.losses.binary_crossentropy(x, x_hat)
        return reconstruction + tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1) / 2

    model.compile("adam", vae_loss)
    images = flat(stripes())
    return model, images, images


def output_of_weight_zero(keras):
    model = two_outputs(keras, 64, 3)

    def kl_loss(_, stats):
        mu, log_var = tf.split(stats, 2, axis=-1)
        return 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=-1)

    model.compile("adam", loss=[blocks.cross_entropy(keras), kl_loss], loss_weights=[1.0, 0.0])
    images = flat(stripes())
    return model, images, [images, images]


def output_with_a_mean(keras):
    model = two_outputs(keras, 64, 4)

    def kl_loss(_, stats):
        """One number a dimension; Keras takes the mean of all."""
        mu, log_var = tf.split(stats, 2, axis=-1)
        return 0.5 * (mu**2 + tf.exp(log_var) - 1 - log_var)

    model.compile("adam", loss=[blocks.cross_entropy(keras), kl_loss])
    images = flat(stripes())
    return model, images, [images, np.zeros((64, 8), "float32")]


def kl_of_an_output_and_of_a_layer(keras):
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    stats = keras.layers.Concatenate()([mu, log_var])
    model = keras.Model(inputs, [blocks.decoder(keras, 64, 3)(z), stats])

    def kl_loss(_, stats):
        mu, log_var = stats[:, :3], stats[:, 3:]
        return -0.5 * tf.reduce_sum(1 + log_var - tf.square(mu) - tf.exp(log_var), axis=1)

    model.compile("adam", loss=[blocks.cross_entropy(keras), kl_loss])
    images = flat(stripes())
    return model, images, [images, np.zeros((64, 6), "float32")]


def output_with_the_wrong_sign(keras):
    inputs, mu, log_var = blocks.encoder(keras, 64, 3, names=("mean", "logvar"))
    z = blocks.sampling_layer(keras)()([mu, log_var])
    stats = keras.layers.Concatenate()([mu, log_var])
    model = keras.Model(inputs, [blocks.decoder(keras, 64, 3)(z), stats])

    def kl_loss(_, stats):
        mu, log_var = tf.split(stats, 2, axis=-1)
        return 0.5 * tf.reduce_sum(1 + log_var - mu**2 - tf.exp(log_var), axis=-1)

    model.compile("adam", loss=[blocks.cross_entropy(keras), kl_loss])
    images = flat(stripes())
    return model, images, [images, images]
