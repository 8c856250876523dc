"""Subclassed models: layers made in __init__, the KL added in call, beta wherever it is kept."""

import tensorflow as tf

from .data import blobs, flat, stripes

BETA = 0.5


def nll_of(keras):
    """Cross-entropy summed over flat pixels."""

    def nll(x, p):
        return tf.reduce_sum(keras.backend.binary_crossentropy(x, p), axis=-1)

    def nll_of_keras_3(x, p):
        return keras.ops.sum(keras.ops.binary_crossentropy(x, p), axis=-1)

    return nll_of_keras_3 if hasattr(keras, "ops") else nll


def base(keras, pixels=64, z_dim=3):
    """A class with encode, reparameterize and decode, all three right; call is left to others."""
    Dense = keras.layers.Dense

    class Base(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.hidden = Dense(24, activation="relu")
            self.mu_layer = Dense(z_dim)
            self.log_var_layer = Dense(z_dim)
            self.decode = keras.Sequential(
                [Dense(24, activation="relu"), Dense(pixels, activation="sigmoid")]
            )

        def encode(self, x):
            h = self.hidden(x)
            return self.mu_layer(h), self.log_var_layer(h)

        def reparameterize(self, mu, log_var):
            return mu + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mu))

        def kl(self, mu, log_var):
            return tf.reduce_mean(
                0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1)
            )

    return Base


def kl_added_in_call(keras):
    class VAE(keras.Model):
        def __init__(self, latent_dim=3):
            super().__init__()
            self.latent_dim = latent_dim
            self.flatten = keras.layers.Flatten()
            self.enc = keras.layers.Dense(32, activation="relu")
            self.z_mean = keras.layers.Dense(latent_dim)
            self.z_log_var = keras.layers.Dense(latent_dim)
            self.dec = keras.layers.Dense(32, activation="relu")
            self.out = keras.layers.Dense(64, activation="sigmoid")
            self.shape_back = keras.layers.Reshape((8, 8, 1))

        def call(self, x):
            h = self.enc(self.flatten(x))
            z_mean, z_log_var = self.z_mean(h), self.z_log_var(h)
            kl = -0.5 * tf.reduce_sum(1 + z_log_var - z_mean**2 - tf.exp(z_log_var), axis=1)
            self.add_loss(tf.reduce_mean(kl))
            z = z_mean + tf.exp(0.5 * z_log_var) * tf.random.normal(tf.shape(z_mean))
            return self.shape_back(self.out(self.dec(z)))

        def get_config(self):
            return {"latent_dim": self.latent_dim}

    def loss(x, y):
        return tf.reduce_sum(keras.losses.binary_crossentropy(x, y), axis=(1, 2))

    images = stripes()
    model = VAE()
    model.compile(optimizer="adam", loss=loss)
    model(images[:1])
    return model, images, images


def encoder_and_decoder_as_layers(keras):
    class Encoder(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.project = keras.layers.Dense(32, activation="relu")
            self.mean = keras.layers.Dense(4)
            self.log_var = keras.layers.Dense(4)

        def call(self, x):
            h = self.project(x)
            mean, log_var = self.mean(h), self.log_var(h)
            return mean, log_var, mean + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mean))

    class Decoder(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.project = keras.layers.Dense(32, activation="relu")
            self.pixels = keras.layers.Dense(784, activation="sigmoid")

        def call(self, z):
            return self.pixels(self.project(z))

    class Autoencoder(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.encoder, self.decoder = Encoder(), Decoder()

        def call(self, x):
            mean, log_var, z = self.encoder(x)
            kl = tf.reduce_sum(mean**2 + tf.exp(log_var) - log_var - 1, axis=1)
            self.add_loss(0.5 * tf.reduce_mean(kl))
            return self.decoder(z)

    model = Autoencoder()
    model.compile(keras.optimizers.Adam(1e-3), loss=nll_of(keras))
    images = flat(blobs())
    model.fit(images, images, epochs=1, batch_size=32, verbose=0)
    return model, images, images


def beta_as_attribute(keras):
    class BetaVAE(base(keras)):
        def __init__(self, beta=4.0, **kwargs):
            super().__init__(**kwargs)
            self.beta = beta

        def call(self, x):
            mu, log_var = self.encode(x)
            self.add_loss(self.beta * self.kl(mu, log_var))
            return self.decode(self.reparameterize(mu, log_var))

        def get_config(self):
            return {"beta": self.beta}

    images = flat(stripes())
    model = BetaVAE()
    model.compile("adam", nll_of(keras))
    model(images[:2])
    return model, images, images


def beta_in_a_variable(keras):
    beta = tf.Variable(0.1, trainable=False, dtype="float32")

    class VAE(base(keras)):
        def call(self, x):
            mu, log_var = self.encode(x)
            self.add_loss(beta * self.kl(mu, log_var))
            return self.decode(self.reparameterize(mu, log_var))

    images = flat(stripes())
    model = VAE()
    model.compile("adam", nll_of(keras))
    model(images[:2])
    return model, images, images


def beta_in_a_global(keras):
    class VAE(base(keras)):
        def call(self, x):
            mu, log_var = self.encode(x)
            self.add_loss(BETA * self.kl(mu, log_var))
            return self.decode(self.reparameterize(mu, log_var))

    images = flat(stripes())
    model = VAE()
    model.compile("adam", nll_of(keras))
    model(images[:2])
    return model, images, images


def mean_decoded_when_not_training(keras):
    class VAE(base(keras)):
        def call(self, x, training=False):
            mu, log_var = self.encode(x)
            self.add_loss(self.kl(mu, log_var))
            z = self.reparameterize(mu, log_var) if training else mu
            return self.decode(z)

    images = flat(stripes())
    model = VAE()
    model.compile("adam", nll_of(keras))
    model(images[:2])
    return model, images, images


def reconstruction_in_call_too(keras):
    """The whole loss is added in call; compile gets none, fit gets x alone."""

    class VAE(base(keras, pixels=784)):
        def call(self, x):
            mu, log_var = self.encode(x)
            x_hat = self.decode(self.reparameterize(mu, log_var))
            cross = keras.losses.binary_crossentropy(x, x_hat)
            self.add_loss(784 * tf.reduce_mean(cross) + self.kl(mu, log_var))
            return x_hat

    images = flat(blobs())
    model = VAE()
    model.compile(optimizer="adam")
    model(images[:2])
    return model, images, None


def compute_loss_overridden(keras):
    class VAE(base(keras)):
        def call(self, x):
            mu, log_var = self.encode(x)
            return {"x_hat": self.decode(self.reparameterize(mu, log_var)), "stats": (mu, log_var)}

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            squares = tf.reduce_sum(tf.square(x - y_pred["x_hat"]), axis=-1)
            return 0.5 * tf.reduce_mean(squares) + self.kl(*y_pred["stats"])

    images = flat(stripes())
    model = VAE()
    model.compile(optimizer="adam")
    model(images[:2])
    return model, images, None
