"""The KL term is missing, of the wrong size or of the wrong form; functional models."""

import tensorflow as tf

from . import blocks
from .data import blobs, flat, stripes


def with_kl(keras, kl_loss, z_dim=4):
    """A VAE whose KL is `kl_loss(mu, log_var)`, all else right: (model, x, y)."""

    class KLLoss(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(kl_loss(*inputs))
            return inputs

    inputs, mu, log_var = blocks.encoder(keras, 64, z_dim, names=("mu", "log_var"))
    mu, log_var = KLLoss()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, z_dim)(z))
    model.compile(optimizer="adam", loss=blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def kl_forgotten(keras):
    inputs, mu, log_var = blocks.encoder(keras, 784, 2)
    z = blocks.sampling_layer(keras)(name="z")([mu, log_var])
    vae = keras.Model(inputs, blocks.decoder(keras, 784, 2)(z))
    vae.compile("adam", blocks.cross_entropy(keras))
    images = flat(blobs())
    return vae, images, images


def kl_added_outside_call(keras):
    from keras import ops

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    z = blocks.sampling_layer(keras)()([mu, log_var])

    class VAE(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.encoder = keras.Model(inputs, [mu, log_var, z])
            self.decoder = blocks.decoder(keras, 64, 3)

        def call(self, x):
            return self.decoder(self.encoder(x)[2])

    images = flat(stripes())
    vae = VAE()
    # A symbol is refused by Keras 3, so it is computed from the data. The next call clears it.
    m, v, _ = vae.encoder(images)
    vae.add_loss(ops.mean(-0.5 * ops.sum(1 + v - ops.square(m) - ops.exp(v), axis=1)))
    vae.compile("adam", blocks.cross_entropy(keras))
    return vae, images, images


def kl_weight_zero(keras):
    KL_WEIGHT = 0.0  # from a sweep
    return with_kl(
        keras,
        lambda m, v: KL_WEIGHT * tf.reduce_mean(tf.reduce_sum(m**2 + tf.exp(v) - 1 - v, 1) / 2),
    )


def kl_is_only_a_metric(keras):
    class KLMetric(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.tracker = keras.metrics.Mean(name="kl_loss")

        def call(self, inputs):
            mu, log_var = inputs
            kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1)
            self.tracker.update_state(kl)
            return mu, log_var

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = KLMetric()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def kl_behind_stop_gradient(keras):
    def kl_loss(mu, log_var):
        kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1)
        return tf.stop_gradient(tf.reduce_mean(kl))

    return with_kl(keras, kl_loss)


def kl_layer_called_twice(keras):
    AddKL, Sampling = blocks.kl_layer(keras), blocks.sampling_layer(keras)
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    kl_layer = AddKL(name="kl")
    mu, log_var = kl_layer([mu, log_var])
    z = Sampling()(kl_layer([mu, log_var]))
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def kl_in_two_layers(keras):
    """The sampling layer adds it, and so does a layer found elsewhere."""

    class SamplingWithKL(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            kl = -0.5 * tf.reduce_sum(1 + log_var - mu**2 - tf.exp(log_var), axis=1)
            self.add_loss(tf.reduce_mean(kl))
            return mu + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mu))

    inputs, mu, log_var = blocks.encoder(keras, 64, 4)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = SamplingWithKL()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 4)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def kl_summed_over_the_batch(keras):
    def kl_loss(mu, log_var):
        return -0.5 * tf.reduce_sum(1 + log_var - tf.square(mu) - tf.exp(log_var))

    return with_kl(keras, kl_loss)


def kl_divided_by_a_fixed_batch_size(keras):
    batch_size = 32

    def kl_loss(mu, log_var):
        return tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var) / 2 / batch_size

    return with_kl(keras, kl_loss)


def kl_dropped_on_a_partial_batch(keras):
    batch_size = 32

    def kl_loss(mu, log_var):
        kl = tf.reduce_mean(tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, 1)) / 2
        return tf.cond(tf.shape(mu)[0] < batch_size, lambda: tf.zeros(()), lambda: kl)

    return with_kl(keras, kl_loss)


def kl_averaged(keras):
    def kl_loss(mu, log_var):
        return -0.5 * tf.reduce_mean(1 + log_var - tf.square(mu) - tf.exp(log_var))

    return with_kl(keras, kl_loss)


def kl_averaged_along_the_last_axis(keras):
    def kl_loss(mu, log_var):
        kl = -0.5 * tf.reduce_mean(1 + log_var - mu**2 - tf.exp(log_var), axis=-1)
        return tf.reduce_mean(kl)

    return with_kl(keras, kl_loss, z_dim=8)


def kl_without_half(keras):
    def kl_loss(mu, log_var):
        return tf.reduce_mean(tf.reduce_sum(mu**2 + tf.exp(log_var) - log_var - 1, axis=1))

    return with_kl(keras, kl_loss, z_dim=3)


def kl_with_the_wrong_sign(keras):
    def kl_loss(mu, log_var):
        kl = 0.5 * tf.reduce_sum(1 + log_var - mu**2 - tf.exp(log_var), axis=1)
        return tf.reduce_mean(kl)

    return with_kl(keras, kl_loss, z_dim=3)


def mu_not_squared(keras):
    def kl_loss(mu, log_var):
        return tf.reduce_mean(-0.5 * tf.reduce_sum(1 + log_var - mu - tf.exp(log_var), axis=1))

    return with_kl(keras, kl_loss)


def exponential_halved_in_the_kl(keras):
    def kl_loss(mu, log_var):
        kl = 1 + log_var - tf.square(mu) - tf.exp(log_var / 2)
        return tf.reduce_mean(-0.5 * tf.reduce_sum(kl, axis=1))

    return with_kl(keras, kl_loss)


def log_var_missing_in_the_kl(keras):
    def kl_loss(mu, log_var):
        return tf.reduce_mean(0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1, axis=1))

    return with_kl(keras, kl_loss)


def log_var_squared_in_the_kl(keras):
    def kl_loss(mu, log_var):
        kl = 1 + log_var - tf.square(mu) - tf.square(log_var)
        return tf.reduce_mean(-0.5 * tf.reduce_sum(kl, axis=1))

    return with_kl(keras, kl_loss)
