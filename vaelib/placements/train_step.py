"""The KL term enters in a ``train_step`` of one's own (anracom VIII; ``training-step``)."""

from vaelib import replicas
from vaelib.objectives import gaussian_kl, reconstruction
from vaelib.placements import steps


def define(keras, subclassed_vae):
    """The model, for one Keras, with the step of its backend."""

    @keras.saving.register_keras_serializable(package="vaelib")
    class TrainStepVAE(steps.of_backend(keras).Step, subclassed_vae):
        """Writes the step itself (``steps``); what is minimized stands here, once for all."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.loss_tracker = keras.metrics.Mean(name="loss")

        @property
        def metrics(self):
            # Keras resets what is listed here at the start of every epoch.
            return [self.loss_tracker, self.reconstruction_tracker, self.kl_tracker]

        def objective(self, images, training):
            """Nats per image, averaged over the batch."""
            x_hat, mu, log_var = self.encode_and_decode(images, training)
            per_image, kl = reconstruction(images, x_hat), gaussian_kl(mu, log_var)
            self.loss_tracker.update_state(per_image + self.beta * kl)
            self.reconstruction_tracker.update_state(per_image)
            self.kl_tracker.update_state(kl)
            return replicas.mean(per_image) + self.beta * replicas.mean(kl)

    return TrainStepVAE


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """A subclass of Model with its own training step (arguments: ``build``)."""
    vae = kit.TrainStepVAE(encoder, decoder, beta, seed, name="vae")
    vae.compile(**compile_options)
    return vae
