"""VAEs that are right on one device; built in the scope of a strategy, each in a way of its own.

Not in the table, for devices must be set before TensorFlow starts: `tests/test_checkup_devices.py`
examines them in processes of their own. `beta` is that of two replicas.
"""

import tensorflow as tf

from . import blocks
from .data import flat, stripes
from .record import NEW, Patient
from .train_steps import flat_models, trained_by_hand


def compiled(keras, kind=None, loss=blocks.cross_entropy, sampling=blocks.sampling_layer):
    """Encoder, a layer that adds the KL unless `kind` is given, a drawing layer, decoder."""
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    if kind is None:
        mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    x_hat = blocks.decoder(keras, 64, 3)(sampling(keras)()([mu, log_var]))
    if kind is None:
        model = keras.Model(inputs, x_hat)
    else:
        model = kind(inputs, {"x_hat": x_hat, "mu": mu, "log_var": log_var})
    model.compile("adam", loss(keras))
    images = flat(stripes())
    return model, images, images


def kl_of(outputs):
    mu, log_var = outputs["mu"], outputs["log_var"]
    return 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1.0 - log_var, axis=1)


def layer_and_loss_per_image(keras):
    return compiled(keras)


def loss_of_one_number(keras):
    """The loss function averages over the images itself."""

    def loss(keras):
        return lambda x, x_hat: tf.reduce_mean(blocks.cross_entropy(keras)(x, x_hat))

    return compiled(keras, loss=loss)


def kl_beside_compute_loss_of_keras(keras):
    class VAE(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            loss = super().compute_loss(x, y, y_pred["x_hat"], sample_weight, training)
            return loss + tf.reduce_mean(kl_of(y_pred))

    return compiled(keras, VAE)


def whole_compute_loss(keras):
    class VAE(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            cross = blocks.cross_entropy(keras)(y, y_pred["x_hat"])
            return tf.reduce_mean(cross + kl_of(y_pred))

    return compiled(keras, VAE, loss=lambda keras: None)


def step_of_its_own(keras):
    vae = trained_by_hand(keras)(*flat_models(keras))
    vae.compile("adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def step_divided_by_the_replicas(keras):
    class VAE(trained_by_hand(keras)):
        def train_step(self, x):
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            with tf.GradientTape() as tape:
                reconstruction, kl = self.losses_of(x)
                loss = (reconstruction + kl) / replicas
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
            return self.report(reconstruction + kl, reconstruction, kl)

    vae = VAE(*flat_models(keras))
    vae.compile("adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def noise_of_a_seed_generator(keras):
    def sampling(keras):
        class Sampling(keras.layers.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.seed = keras.random.SeedGenerator(1)

            def call(self, pair):
                mu, log_var = pair
                epsilon = keras.random.normal(tf.shape(mu), seed=self.seed)
                return mu + tf.exp(log_var / 2) * epsilon

        return Sampling

    return compiled(keras, sampling=sampling)


def loop_on_one_device(keras):
    """`fit` is written by hand and calls its step outside the strategy."""

    class VAE(trained_by_hand(keras)):
        def fit(self, x, y=None, batch_size=32, epochs=1, shuffle=True, verbose=0, **more):
            step = tf.function(self.train_step)
            history = keras.callbacks.History()
            history.set_model(self)
            history.on_train_begin()
            for epoch in range(epochs):
                for start in range(0, len(x), batch_size):
                    logs = step(tf.constant(x[start : start + batch_size]))
                history.on_epoch_end(epoch, {name: float(value) for name, value in logs.items()})
            return history

    vae = VAE(*flat_models(keras))
    vae.compile("adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


REPLICAS = (
    Patient(layer_and_loss_per_image, NEW),
    Patient(loss_of_one_number, NEW, ("replica-changes-beta",), 0.5),
    Patient(kl_beside_compute_loss_of_keras, NEW, ("replica-changes-beta",), 2.0),
    Patient(whole_compute_loss, NEW, ("replica-changes-step",)),
    Patient(step_of_its_own, NEW, ("replica-changes-step",)),
    Patient(step_divided_by_the_replicas, NEW),
    Patient(noise_of_a_seed_generator, NEW, ("replica-shares-noise",)),
    Patient(loop_on_one_device, NEW, ("replica-unused",)),
)
