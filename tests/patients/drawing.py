"""What is drawn: the wrong sigma, the wrong noise, the same noise, no noise; functional models."""

import numpy as np
import tensorflow as tf

from . import blocks
from .data import flat, stripes


def with_draw(keras, Draw, z_dim=3, names=("z_mean", "z_log_var")):
    """A VAE that draws by the layer `Draw`, all else right: (model, x, y)."""
    inputs, mu, log_var = blocks.encoder(keras, 64, z_dim, names)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, z_dim)(Draw()([mu, log_var])))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def variance_taken_for_sigma(keras):
    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            z_mean, z_log_var = inputs
            return z_mean + tf.exp(z_log_var) * tf.random.normal(tf.shape(z_mean))

    return with_draw(keras, Sampling)


def half_outside_the_exponential(keras):
    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            z_mean, z_log_var = inputs
            return z_mean + 0.5 * tf.exp(z_log_var) * tf.random.normal(tf.shape(z_mean))

    return with_draw(keras, Sampling)


def log_var_taken_for_sigma(keras):
    class Reparameterize(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            eps = tf.random.normal(tf.shape(mu), mean=0.0, stddev=1.0)
            return mu + log_var * eps

    return with_draw(keras, Reparameterize, z_dim=4, names=("mu", "log_var"))


def exponential_of_a_sigma(keras):
    """The head is sigma and the KL knows it; the line that draws was copied from another VAE."""

    class Latent(keras.layers.Layer):
        def call(self, inputs):
            mu, sigma = inputs
            kl = 0.5 * (tf.square(mu) + tf.square(sigma) - 1) - tf.math.log(sigma)
            self.add_loss(tf.reduce_mean(tf.reduce_sum(kl, axis=1)))
            return mu + tf.exp(0.5 * sigma) * tf.random.normal(tf.shape(mu))

    inputs = keras.Input((64,))
    h = keras.layers.Dense(24, activation="relu")(inputs)
    mu = keras.layers.Dense(3, name="mu")(h)
    sigma = keras.layers.Dense(3, activation="softplus", name="sigma")(h)
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(Latent()([mu, sigma])))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def uniform_noise(keras):
    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            return mu + tf.exp(log_var / 2) * tf.random.uniform(tf.shape(mu))

    return with_draw(keras, Sampling)


def noise_of_a_tenth(keras):
    epsilon_std = 0.1

    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            return mu + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mu), stddev=epsilon_std)

    return with_draw(keras, Sampling)


def numpy_noise_in_call(keras):
    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            epsilon = np.random.normal(size=(mu.shape[1],)).astype("float32")  # noqa: NPY002
            return mu + tf.exp(log_var / 2) * epsilon

    return with_draw(keras, Sampling)


def noise_drawn_in_init(keras):
    class Sampling(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.epsilon = tf.random.normal((1, 3))

        def call(self, inputs):
            mu, log_var = inputs
            return mu + tf.exp(0.5 * log_var) * self.epsilon

    return with_draw(keras, Sampling)


def noise_with_an_integer_seed(keras):
    from keras import ops

    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            z_mean, z_log_var = inputs
            epsilon = keras.random.normal(ops.shape(z_mean), seed=42)
            return z_mean + ops.exp(0.5 * z_log_var) * epsilon

    return with_draw(keras, Sampling)


def stateless_noise(keras):
    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            z_mean, z_log_var = inputs
            epsilon = tf.random.stateless_normal(tf.shape(z_mean), seed=(1, 2))
            return z_mean + tf.exp(0.5 * z_log_var) * epsilon

    return with_draw(keras, Sampling, z_dim=2)


def one_draw_for_the_batch(keras):
    latent_dim = 3

    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            return mu + tf.exp(0.5 * log_var) * tf.random.normal(shape=(latent_dim,))

    return with_draw(keras, Sampling)


def no_noise_in_the_last_batch(keras):
    """Meant to pad: the rest of a batch of 32 is not there in the last one, and all noise goes."""

    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            full = tf.cast(tf.equal(tf.shape(mu)[0] % 32, 0), mu.dtype)
            return mu + full * tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mu))

    return with_draw(keras, Sampling)


def one_row_for_the_batch(keras):
    from keras import ops

    class Sampling(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seed = keras.random.SeedGenerator(7)

        def call(self, inputs):
            mu, log_var = inputs
            return mu + ops.exp(log_var / 2) * keras.random.normal((1, mu.shape[1]), seed=self.seed)

    return with_draw(keras, Sampling, z_dim=4)


def one_draw_for_all_dimensions(keras):
    class Sampling(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            return mu + tf.exp(0.5 * log_var) * tf.random.normal((tf.shape(mu)[0], 1))

    return with_draw(keras, Sampling)


def z_drawn_and_not_used(keras):
    inputs, z_mean, z_log_var = blocks.encoder(keras, 64, 3)
    z_mean, z_log_var = blocks.kl_layer(keras)()([z_mean, z_log_var])
    z = blocks.sampling_layer(keras)(name="z")([z_mean, z_log_var])
    encoder = keras.Model(inputs, [z_mean, z_log_var, z], name="encoder")
    codes = encoder(inputs)
    vae = keras.Model(inputs, blocks.decoder(keras, 64, 3)(codes[0]), name="vae")
    vae.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return vae, images, images


def nothing_drawn(keras):
    inputs, mu, log_var = blocks.encoder(keras, 64, 4, names=("mu", "log_var"))
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 4)(mu))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images
