"""Models that cannot be saved, or not loaded, or take batches of one size only."""

import tensorflow as tf

from . import blocks
from .data import flat, stripes
from .train_steps import flat_models, trained_by_hand


def finished(keras, inputs, z, z_dim=3):
    model = keras.Model(inputs, blocks.decoder(keras, 64, z_dim)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def layer_takes_a_function(keras):
    """No get_config, and an argument that Keras cannot write down."""

    class Sampling(keras.layers.Layer):
        def __init__(self, noise, **kwargs):
            super().__init__(**kwargs)
            self.noise = noise

        def call(self, inputs):
            mu, log_var = inputs
            return mu + tf.exp(log_var / 2) * self.noise(tf.shape(mu))

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    return finished(keras, inputs, Sampling(tf.random.normal)([mu, log_var]))


def config_forgets_an_argument(keras):
    class AddKL(keras.layers.Layer):
        def __init__(self, weight, **kwargs):
            super().__init__(**kwargs)
            self.weight = weight

        def call(self, inputs):
            mu, log_var = inputs
            kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1)
            self.add_loss(self.weight * tf.reduce_mean(kl))
            return mu, log_var

        def get_config(self):
            return super().get_config()

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = AddKL(1.0)([mu, log_var])
    return finished(keras, inputs, blocks.sampling_layer(keras)()([mu, log_var]))


def lambda_over_a_closure(keras):
    """The function that is written down remembers neither the module nor the number."""
    scale = tf.constant(0.5)
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    draw = lambda t: t[0] + tf.exp(scale * t[1]) * tf.random.normal(tf.shape(t[0]))  # noqa: E731
    return finished(keras, inputs, keras.layers.Lambda(draw, output_shape=(3,))([mu, log_var]))


def config_of_the_parent_class(keras):
    """encoder and decoder in __init__, and a get_config that does not name them."""

    class VAE(trained_by_hand(keras)):
        def get_config(self):
            return keras.Model.get_config(self)

    vae = VAE(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def noise_for_a_fixed_batch(keras):
    batch_size = 32

    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            return mu + tf.exp(log_var / 2) * tf.random.normal((batch_size, 3))

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    return finished(keras, inputs, Sampling()([mu, log_var]))


def input_for_a_fixed_batch(keras):
    """An Input with its batch size, and a Reshape by hand that counts on it."""

    class Rows(keras.layers.Layer):
        def call(self, x):
            return tf.reshape(x, (16, 64))

    inputs = keras.Input(batch_shape=(16, 8, 8, 1))
    h = keras.layers.Dense(24, activation="relu")(Rows()(inputs))
    mu, log_var = keras.layers.Dense(3)(h), keras.layers.Dense(3)(h)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    h = blocks.decoder(keras, 64, 3)(z)
    model = keras.Model(inputs, keras.layers.Reshape((8, 8, 1))(h))

    def loss(x, y):
        return tf.reduce_sum(keras.losses.binary_crossentropy(x, y), axis=(1, 2))

    model.compile("adam", loss)
    images = stripes()
    return model, images, images
