"""Reconstructions: squared errors and logits, what fits and what does not; ranges of pixels."""

import tensorflow as tf

from . import blocks
from .data import blobs, flat, stripes


def assemble(keras, images, loss, weight=1.0, activation="sigmoid", z_dim=3):
    """A VAE that is right but for its reconstruction: (model, x, y)."""
    pixels = images.shape[1]
    inputs, mu, log_var = blocks.encoder(keras, pixels, z_dim)
    mu, log_var = blocks.kl_layer(keras)(weight)([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, pixels, z_dim, activation)(z))
    model.compile(optimizer="adam", loss=loss)
    return model, images, images


def squared_error_summed(keras):
    def sse(x, x_hat):
        return tf.reduce_sum(tf.square(x - x_hat), axis=-1)

    return assemble(keras, flat(stripes()), sse)


def half_squared_error_linear_output(keras):
    def gaussian_nll(x, x_hat):
        return 0.5 * tf.reduce_sum((x - x_hat) ** 2, axis=-1)

    return assemble(keras, flat(blobs()), gaussian_nll, activation=None)


def mean_squared_error_small_weight(keras):
    return assemble(keras, flat(blobs()), "mse", weight=0.001)


def mean_cross_entropy_weight_of_one_pixel(keras):
    return assemble(keras, flat(stripes()), "binary_crossentropy", weight=1 / 64)


def logits_summed(keras):
    bce = keras.losses.BinaryCrossentropy(from_logits=True, reduction="none")

    def from_logits(x, logits):
        return 64 * bce(x, logits)

    return assemble(keras, flat(stripes()), from_logits, activation=None)


def logits_of_tensorflow(keras):
    def nll(x, logits):
        cross = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)
        return tf.reduce_sum(cross, axis=[1, 2, 3])

    L = keras.layers
    image = keras.Input((8, 8, 1))
    h = L.Conv2D(8, 3, strides=2, activation="relu")(image)
    stats = L.Dense(4 + 4)(L.Flatten()(h))
    mu, log_var = blocks.kl_layer(keras)()([stats[:, :4], stats[:, 4:]])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    h = L.Reshape((4, 4, 2))(L.Dense(32, activation="relu")(z))
    model = keras.Model(image, L.Conv2DTranspose(1, 3, strides=2, padding="same")(h))
    model.compile("adam", nll)
    images = stripes()
    return model, images, images


def tanh_and_pixels_from_minus_one(keras):
    def half_sse(x, x_hat):
        return tf.reduce_sum(tf.square(x - x_hat), axis=1) / 2

    return assemble(keras, 2 * flat(stripes()) - 1, half_sse, activation="tanh")


def for_pixels_to_255(keras, loss, activation):
    """BatchNormalization makes the first layer accept any range, so that nothing overflows."""
    L = keras.layers
    inputs = keras.Input((64,))
    h = L.Dense(24, activation="relu")(L.BatchNormalization(momentum=0.5)(inputs))
    mu, log_var = L.Dense(3, name="mu")(h), L.Dense(3, kernel_initializer="zeros")(h)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3, activation)(z))
    model.compile("adam", loss)
    images = (255 * flat(stripes())).round()
    return model, images, images


def pixels_to_255_cross_entropy(keras):
    return for_pixels_to_255(keras, blocks.cross_entropy(keras), "sigmoid")


def pixels_to_255_squared_error(keras):
    def sse(x, x_hat):
        return tf.reduce_sum((x - x_hat) ** 2, axis=1)

    return for_pixels_to_255(keras, sse, "relu")


def tanh_with_cross_entropy(keras):
    return assemble(keras, flat(stripes()), blocks.cross_entropy(keras), activation="tanh")


def linear_output_with_cross_entropy(keras):
    return assemble(keras, flat(stripes()), blocks.cross_entropy(keras), activation=None)


def from_logits_on_a_sigmoid(keras):
    def loss(x, x_hat):
        return 64 * keras.losses.binary_crossentropy(x, x_hat, from_logits=True)

    return assemble(keras, flat(stripes()), loss)


def arguments_swapped(keras):
    def loss(x, x_hat):
        return 64 * keras.losses.binary_crossentropy(x_hat, x)

    return assemble(keras, flat(stripes()), loss)


def arguments_swapped_in_a_formula(keras):
    def loss(y_pred, y_true):
        """Keras hands over (truth, prediction): here they have the wrong names."""
        p = tf.clip_by_value(y_pred, 1e-6, 1 - 1e-6)
        cross = y_true * tf.math.log(p) + (1 - y_true) * tf.math.log(1 - p)
        return -tf.reduce_sum(cross, axis=-1)

    return assemble(keras, flat(blobs()), loss)


def mean_cross_entropy_784_pixels(keras):
    return assemble(keras, flat(blobs()), "binary_crossentropy", z_dim=2)


def mean_cross_entropy_64_pixels(keras):
    return assemble(keras, flat(stripes()), keras.losses.BinaryCrossentropy(), z_dim=4)


def mean_squared_error_784_pixels(keras):
    return assemble(keras, flat(blobs()), keras.losses.MeanSquaredError())
