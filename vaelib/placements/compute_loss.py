"""The KL term enters in ``compute_loss``, which Keras 3 lets a model override (``model-loss``)."""

from keras import ops

from vaelib import replicas
from vaelib.objectives import gaussian_kl, reconstruction


def define(keras, subclassed_vae):
    """The model, for one Keras."""

    @keras.saving.register_keras_serializable(package="vaelib")
    class ComputeLossVAE(subclassed_vae):
        """Puts out what the objective needs, and computes it from that."""

        def call(self, images, training=None):
            x_hat, mu, log_var = self.encode_and_decode(images, training)
            return {"reconstruction": x_hat, "mu": mu, "log_var": log_var}

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            per_image = reconstruction(x, y_pred["reconstruction"])
            kl = gaussian_kl(y_pred["mu"], y_pred["log_var"])
            self.reconstruction_tracker.update_state(per_image)
            self.kl_tracker.update_state(kl)
            loss = replicas.mean(per_image) + self.beta * replicas.mean(kl)
            # Keras divides its own losses by the number of replicas, but not what stands here.
            return replicas.scaled(loss, ops.shape(x)[0])

    return ComputeLossVAE


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """A subclass of Model with its own ``compute_loss`` (arguments: ``build``)."""
    vae = kit.ComputeLossVAE(encoder, decoder, beta, seed, name="vae")
    vae.compile(**compile_options)
    return vae
