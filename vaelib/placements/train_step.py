"""The KL term enters in ``train_step``, under a tape (anracom VIII; ``training-step``)."""

import tensorflow as tf
from keras import ops

from vaelib.objectives import gaussian_kl, reconstruction


def define(keras, subclassed_vae):
    """The model, for one Keras."""

    @keras.saving.register_keras_serializable(package="vaelib")
    class TrainStepVAE(subclassed_vae):
        """Writes the step itself; ``test_step`` and ``call`` belong to it."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.loss_tracker = keras.metrics.Mean(name="loss")

        @property
        def metrics(self):
            # Keras resets what is listed here at the start of every epoch.
            return [self.loss_tracker, self.reconstruction_tracker, self.kl_tracker]

        def objective(self, images, training):
            """Nats per image, averaged over the batch."""
            x_hat, mu, log_var = self.forward(images, training)
            per_image, kl = reconstruction(images, x_hat), gaussian_kl(mu, log_var)
            loss = ops.mean(per_image) + self.beta * ops.mean(kl)
            self.loss_tracker.update_state(loss, sample_weight=ops.shape(images)[0])
            self.reconstruction_tracker.update_state(per_image)
            self.kl_tracker.update_state(kl)
            return loss

        def train_step(self, data):
            images = _images(data)
            with tf.GradientTape() as tape:
                loss = self.objective(images, training=True)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            return {metric.name: metric.result() for metric in self.metrics}

        def test_step(self, data):
            self.objective(_images(data), training=False)
            return {metric.name: metric.result() for metric in self.metrics}

    return TrainStepVAE


def _images(data):
    return data[0] if isinstance(data, (tuple, list)) else data


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """A subclass of Model with its own training step (arguments: ``build``)."""
    vae = kit.TrainStepVAE(encoder, decoder, beta, seed, name="vae")
    vae.compile(**compile_options)
    return vae
