"""The network itself: a deaf decoder, a way round z, heads cut off, collapse, numbers that end."""

import numpy as np
import tensorflow as tf

from . import blocks
from .data import flat, stripes


def latent(keras, mu, log_var):
    """KL and draw, both right."""
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    return blocks.sampling_layer(keras)()([mu, log_var])


def compiled(keras, inputs, outputs):
    model = keras.Model(inputs, outputs)
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def decoder_gets_zeros(keras):
    class Mask(keras.layers.Layer):
        def call(self, z):
            return tf.zeros_like(z)  # TODO: put z back

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = Mask()(latent(keras, mu, log_var))
    return compiled(keras, inputs, blocks.decoder(keras, 64, 3)(z))


def decoder_is_dead(keras):
    """A bias far below zero before a ReLU: no unit is ever on."""
    Dense = keras.layers.Dense
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = latent(keras, mu, log_var)
    low = keras.initializers.Constant(-100.0)
    h = Dense(16, activation="relu", bias_initializer=low)(z)
    return compiled(keras, inputs, Dense(64, activation="sigmoid")(h))


def skip_connection(keras):
    L = keras.layers
    image = keras.Input((8, 8, 1))
    early = L.Conv2D(4, 3, padding="same", activation="relu")(image)
    h = L.Flatten()(L.MaxPooling2D()(early))
    z = latent(keras, L.Dense(3)(h), L.Dense(3)(h))
    h = L.Reshape((8, 8, 1))(L.Dense(64, activation="relu")(z))
    out = L.Conv2D(1, 3, padding="same", activation="sigmoid")(L.Concatenate()([h, early]))
    model = keras.Model(image, out)

    def loss(x, y):
        return tf.reduce_sum(keras.losses.binary_crossentropy(x, y), axis=(1, 2))

    model.compile("adam", loss)
    images = stripes()
    return model, images, images


def hidden_layer_joins_z(keras):
    L = keras.layers
    inputs = keras.Input((64,))
    h = L.Dense(24, activation="relu")(inputs)
    z = latent(keras, L.Dense(3, name="mu")(h), L.Dense(3, name="log_var")(h))
    h = L.Dense(24, activation="relu")(L.Concatenate()([z, h]))
    return compiled(keras, inputs, L.Dense(64, activation="sigmoid")(h))


def relu_on_log_var(keras):
    L = keras.layers
    inputs = keras.Input((64,))
    h = L.Dense(24, activation="relu")(inputs)
    mu, log_var = L.Dense(4, name="mu")(h), L.Dense(4, activation="relu", name="log_var")(h)
    return compiled(keras, inputs, blocks.decoder(keras, 64, 4)(latent(keras, mu, log_var)))


def relu_on_mu(keras):
    L = keras.layers
    inputs = keras.Input((64,))
    h = L.Dense(24, activation="relu")(inputs)
    mu, log_var = L.Dense(4, activation="relu")(h), L.Dense(4)(h)
    return compiled(keras, inputs, blocks.decoder(keras, 64, 4)(latent(keras, mu, log_var)))


def relu_on_both(keras):
    L = keras.layers
    inputs = keras.Input((64,))
    h = L.Dense(24, activation="relu")(inputs)
    stats = L.Dense(2 * 3, activation="relu")(h)
    out = blocks.decoder(keras, 64, 3)(latent(keras, stats[:, :3], stats[:, 3:]))
    return compiled(keras, inputs, out)


def collapsed_by_the_decoder_variance(keras):
    """Half the squared error of pale images: one nat is more than z can save."""

    def gaussian(x, x_hat):
        return 0.5 * tf.reduce_sum((x - x_hat) ** 2, axis=1)

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = latent(keras, mu, log_var)
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile(keras.optimizers.Adam(0.01), gaussian)
    images = 0.5 + 0.1 * flat(stripes())
    many = images.repeat(100, axis=0)
    model.fit(many, many, batch_size=64, verbose=0)
    return model, images, images


def collapsed_by_beta(keras):
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)(10.0)([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile(keras.optimizers.Adam(0.01), blocks.cross_entropy(keras))
    images = flat(stripes())
    many = images.repeat(100, axis=0)
    model.fit(many, many, batch_size=64, verbose=0)
    return model, images, images


def trained_and_awake(keras):
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = latent(keras, mu, log_var)
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile(keras.optimizers.Adam(0.01), blocks.cross_entropy(keras))
    images = flat(stripes())
    many = images.repeat(100, axis=0)
    model.fit(many, many, batch_size=64, verbose=0)
    return model, images, images


def weights_are_nan(keras):
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = latent(keras, mu, log_var)
    model, x, y = compiled(keras, inputs, blocks.decoder(keras, 64, 3)(z))
    head = model.get_layer("z_mean")
    head.set_weights([np.full_like(weight, np.nan) for weight in head.get_weights()])
    return model, x, y  # as a run that blew up leaves it


def nan_hidden_by_a_relu(keras):
    """TensorFlow's ReLU makes 0 of NaN on some machines: the loss is finite, the layer is lost."""
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = latent(keras, mu, log_var)
    model, x, y = compiled(keras, inputs, blocks.decoder(keras, 64, 3)(z))
    hidden = model.layers[1]
    hidden.set_weights([np.full_like(weight, np.nan) for weight in hidden.get_weights()])
    return model, x, y


def log_of_zero(keras):
    def own_cross_entropy(x, p):
        return -tf.reduce_sum(x * tf.math.log(p) + (1 - x) * tf.math.log(1 - p), axis=1)

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = latent(keras, mu, log_var)
    h = keras.layers.Dense(24, activation="relu")(z)
    h = keras.layers.Dense(64, activation="hard_sigmoid")(100 * h)
    model = keras.Model(inputs, h)
    model.compile("adam", own_cross_entropy)
    images = flat(stripes())
    return model, images, images


def sigma_overflows(keras):
    """Rescaling(255) where 1/255 was meant: exp(log_var) is past the largest float32."""
    L = keras.layers
    inputs = keras.Input((64,))
    h = L.Dense(24, activation="relu")(L.Rescaling(255.0)(inputs))
    z = latent(keras, L.Dense(3, name="mu")(h), L.Dense(3, name="log_var")(h))
    return compiled(keras, inputs, blocks.decoder(keras, 64, 3)(z))
