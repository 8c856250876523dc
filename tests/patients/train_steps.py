"""Models with a train_step of their own, after the pattern of the known Keras example."""

import tensorflow as tf

from . import blocks
from .data import blobs, flat, stripes


def three_models(keras, z_dim=2):
    """An encoder with three outputs and a decoder for 28 x 28 images."""
    L = keras.layers
    image = keras.Input((28, 28, 1))
    h = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    h = L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(h)
    h = L.Dense(16, activation="relu")(L.Flatten()(h))
    z_mean, z_log_var = L.Dense(z_dim, name="z_mean")(h), L.Dense(z_dim, name="z_log_var")(h)
    z = blocks.sampling_layer(keras)()([z_mean, z_log_var])
    encoder = keras.Model(image, [z_mean, z_log_var, z], name="encoder")

    code = keras.Input((z_dim,))
    h = L.Reshape((7, 7, 4))(L.Dense(7 * 7 * 4, activation="relu")(code))
    h = L.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(h)
    h = L.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(h)
    return encoder, keras.Model(code, h, name="decoder")


def flat_models(keras, z_dim=3, pixels=64):
    inputs, mu, log_var = blocks.encoder(keras, pixels, z_dim)
    z = blocks.sampling_layer(keras)()([mu, log_var])
    encoder = keras.Model(inputs, [mu, log_var, z], name="encoder")
    return encoder, blocks.decoder(keras, pixels, z_dim)


def trained_by_hand(keras):
    """The class most fault scripts below start from: trackers, train_step, test_step, call."""

    class VAE(keras.Model):
        def __init__(self, encoder, decoder, **kwargs):
            super().__init__(**kwargs)
            self.encoder, self.decoder = encoder, decoder
            names = ("loss", "reconstruction_loss", "kl_loss")
            self.trackers = [keras.metrics.Mean(name=name) for name in names]

        @property
        def metrics(self):
            return self.trackers

        def call(self, x):
            return self.decoder(self.encoder(x)[2])

        def losses_of(self, x):
            z_mean, z_log_var, z = self.encoder(x)
            cross = keras.losses.binary_crossentropy(x, self.decoder(z))
            reconstruction = tf.reduce_mean(x.shape[-1] * cross)
            kl = 0.5 * tf.reduce_sum(z_mean**2 + tf.exp(z_log_var) - 1 - z_log_var, axis=1)
            return reconstruction, tf.reduce_mean(kl)

        def report(self, *values):
            for tracker, value in zip(self.trackers, values):
                tracker.update_state(value)
            return {tracker.name: tracker.result() for tracker in self.trackers}

        def train_step(self, x):
            with tf.GradientTape() as tape:
                reconstruction, kl = self.losses_of(x)
                loss = reconstruction + kl
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
            return self.report(loss, reconstruction, kl)

        def test_step(self, x):
            reconstruction, kl = self.losses_of(x)
            return self.report(reconstruction + kl, reconstruction, kl)

        def get_config(self):
            parts = {"encoder": self.encoder, "decoder": self.decoder}
            serialize = keras.saving.serialize_keras_object
            return {name: serialize(part) for name, part in parts.items()}

        @classmethod
        def from_config(cls, config, custom_objects=None):
            revive = keras.saving.deserialize_keras_object
            return cls(**{k: revive(v, custom_objects=custom_objects) for k, v in config.items()})

    return VAE


def three_trackers(keras):
    class VAE(keras.Model):
        def __init__(self, encoder, decoder, **kwargs):
            super().__init__(**kwargs)
            self.encoder = encoder
            self.decoder = decoder
            self.total_loss_tracker = keras.metrics.Mean(name="total_loss")
            self.reconstruction_loss_tracker = keras.metrics.Mean(name="reconstruction_loss")
            self.kl_loss_tracker = keras.metrics.Mean(name="kl_loss")

        @property
        def metrics(self):
            return [
                self.total_loss_tracker,
                self.reconstruction_loss_tracker,
                self.kl_loss_tracker,
            ]

        def train_step(self, data):
            with tf.GradientTape() as tape:
                z_mean, z_log_var, z = self.encoder(data)
                reconstruction = self.decoder(z)
                reconstruction_loss = tf.reduce_mean(
                    tf.reduce_sum(
                        keras.losses.binary_crossentropy(data, reconstruction), axis=(1, 2)
                    )
                )
                kl_loss = 1 + z_log_var - tf.square(z_mean) - tf.exp(z_log_var)
                kl_loss = tf.reduce_mean(tf.reduce_sum(-0.5 * kl_loss, axis=1))
                total_loss = reconstruction_loss + kl_loss
            grads = tape.gradient(total_loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(grads, self.trainable_weights))
            self.total_loss_tracker.update_state(total_loss)
            self.reconstruction_loss_tracker.update_state(reconstruction_loss)
            self.kl_loss_tracker.update_state(kl_loss)
            return {m.name: m.result() for m in self.metrics}

    vae = VAE(*three_models(keras))
    vae.compile(optimizer=keras.optimizers.Adam())
    return vae, blobs(), None


def train_and_test_steps(keras):
    vae = trained_by_hand(keras)(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def shared_step_and_closure(keras):
    """One function for both steps, beta from the closure, (x, x) handed over, squared error."""
    beta = 0.5

    class VAE(trained_by_hand(keras)):
        def losses_of(self, data):
            x, y = data
            mu, log_var, z = self.encoder(x)
            squares = tf.reduce_sum(tf.square(y - self.decoder(z)), axis=1)
            kl = tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1)
            return tf.reduce_mean(squares) / 2, beta * tf.reduce_mean(kl) / 2

    vae = VAE(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, images


def beta_of_the_object(keras):
    class BetaVAE(trained_by_hand(keras)):
        beta = 3.0

        def losses_of(self, x):
            reconstruction, kl = super().losses_of(x)
            return reconstruction, self.beta * kl

    vae = BetaVAE(*flat_models(keras, z_dim=4))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def keras_3_step_with_losses_of_layers(keras):
    """compute_loss of Keras collects what the layers added; train_step calls it."""

    class VAE(keras.Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
            return {metric.name: metric.result() for metric in self.metrics}

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    vae = VAE(inputs, blocks.decoder(keras, 64, 3)(z))
    vae.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return vae, images, images
