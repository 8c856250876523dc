"""Faults in a train_step or a test_step."""

import tensorflow as tf

from . import blocks
from .data import blobs, flat, stripes
from .train_steps import flat_models, trained_by_hand


def losses_of_layers_ignored(keras):
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])

    loss_tracker = keras.metrics.Mean(name="loss")

    class VAE(keras.Model):
        @property
        def metrics(self):
            return [loss_tracker]

        def train_step(self, data):
            x, _ = data
            with tf.GradientTape() as tape:
                x_hat = self(x, training=True)
                loss = 64 * tf.reduce_mean(keras.losses.binary_crossentropy(x, x_hat))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            loss_tracker.update_state(loss)
            return {"loss": loss_tracker.result()}

        def test_step(self, data):
            x, _ = data
            loss_tracker.update_state(64 * keras.losses.binary_crossentropy(x, self(x)))
            return {"loss": loss_tracker.result()}

    vae = VAE(inputs, blocks.decoder(keras, 64, 3)(z))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    return vae, images, images


def kl_averaged_by_hand(keras):
    class VAE(trained_by_hand(keras)):
        def losses_of(self, x):
            reconstruction, _ = super().losses_of(x)
            z_mean, z_log_var, _ = self.encoder(x)
            kl_loss = 1 + z_log_var - tf.square(z_mean) - tf.exp(z_log_var)
            return reconstruction, -0.5 * tf.reduce_mean(kl_loss)

    vae = VAE(*flat_models(keras, z_dim=4))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def kl_reported_and_not_trained(keras):
    class VAE(trained_by_hand(keras)):
        def train_step(self, x):
            with tf.GradientTape() as tape:
                reconstruction, kl = self.losses_of(x)
            gradients = tape.gradient(reconstruction, self.trainable_weights)
            pairs = [(g, w) for g, w in zip(gradients, self.trainable_weights) if g is not None]
            self.optimizer.apply_gradients(pairs)
            return self.report(reconstruction + kl, reconstruction, kl)

    vae = VAE(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def kl_by_numpy(keras):
    class VAE(trained_by_hand(keras)):
        def losses_of(self, x):
            reconstruction, _ = super().losses_of(x)
            mu, log_var, _ = (t.numpy() for t in self.encoder(x))
            kl = 0.5 * (mu**2 + 2.718281828**log_var - 1 - log_var).sum(axis=1).mean()
            return reconstruction, kl

    vae = VAE(*flat_models(keras))
    vae.compile(optimizer="adam", run_eagerly=True)
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def kl_in_step_and_in_layer(keras):
    """The encoder adds it, and the step adds self.losses to its own KL."""
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    encoder = keras.Model(inputs, [mu, log_var, z])

    class VAE(trained_by_hand(keras)):
        def losses_of(self, x):
            reconstruction, kl = super().losses_of(x)
            return reconstruction, kl + sum(self.encoder.losses)

    vae = VAE(encoder, blocks.decoder(keras, 64, 3))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def kl_summed_by_hand(keras):
    class VAE(trained_by_hand(keras)):
        def losses_of(self, x):
            reconstruction, _ = super().losses_of(x)
            mu, log_var, _ = self.encoder(x)
            kl = -0.5 * tf.reduce_sum(1 + log_var - tf.square(mu) - tf.exp(log_var))
            return reconstruction, kl

    vae = VAE(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def kl_missing_in_test_step(keras):
    class VAE(trained_by_hand(keras)):
        def test_step(self, x):
            reconstruction, _ = self.losses_of(x)
            return {"loss": reconstruction}

    vae = VAE(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def mean_over_pixels_by_hand(keras):
    class VAE(trained_by_hand(keras)):
        def losses_of(self, x):
            _, kl = super().losses_of(x)
            x_hat = self.decoder(self.encoder(x)[2])
            return tf.reduce_mean(keras.losses.binary_crossentropy(x, x_hat)), kl

    vae = VAE(*flat_models(keras, z_dim=2, pixels=784))
    vae.compile(optimizer="adam")
    images = flat(blobs())
    vae(images[:1])
    return vae, images, None
