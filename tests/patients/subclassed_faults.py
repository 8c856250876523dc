"""Faults in the call of a subclassed model."""

import tensorflow as tf

from .data import flat, stripes
from .subclassed import base, nll_of


def kl_only_in_training(keras):
    class VAE(base(keras)):
        def call(self, x, training=None):
            mu, log_var = self.encode(x)
            if training:
                self.add_loss(self.kl(mu, log_var))
            return self.decode(self.reparameterize(mu, log_var))

    images = flat(stripes())
    model = VAE()
    model.compile("adam", nll_of(keras))
    model(images[:2])
    return model, images, images


def kl_averaged_in_call(keras):
    from keras import ops

    class VAE(base(keras, z_dim=4)):
        def call(self, x):
            mu, log_var = self.encode(x)
            kl = -0.5 * ops.mean(1 + log_var - ops.square(mu) - ops.exp(log_var))
            self.add_loss(kl)
            return self.decode(self.reparameterize(mu, log_var))

    images = flat(stripes())
    model = VAE()
    model.compile("adam", nll_of(keras))
    model(images[:2])
    return model, images, images


def encoder_called_twice(keras):
    Dense = keras.layers.Dense

    class Encoder(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.hidden, self.mu, self.log_var = Dense(24, activation="relu"), Dense(3), Dense(3)

        def call(self, x):
            h = self.hidden(x)
            mu, log_var = self.mu(h), self.log_var(h)
            kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1)
            self.add_loss(tf.reduce_mean(kl))
            return mu, log_var, mu + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mu))

    class VAE(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.encoder = Encoder()
            self.decoder = keras.Sequential([Dense(24, "relu"), Dense(64, "sigmoid")])

        def call(self, x):
            mu, log_var, _ = self.encoder(x)
            return self.decoder(self.encoder(x)[2])

    images = flat(stripes())
    model = VAE()
    model.compile("adam", nll_of(keras))
    model(images[:2])
    return model, images, images


def mu_decoded_in_call(keras):
    class VAE(base(keras)):
        def call(self, x):
            mu, log_var = self.encode(x)
            self.add_loss(self.kl(mu, log_var))
            z = self.reparameterize(mu, log_var)  # noqa: F841
            return self.decode(mu)

    images = flat(stripes())
    model = VAE()
    model.compile("adam", nll_of(keras))
    model(images[:2])
    return model, images, images
