"""The KL term enters by ``add_loss`` in the ``call`` of a model (``model-loss``). Keras 3."""

from vaelib import replicas
from vaelib.objectives import gaussian_kl, reconstruction


def define(keras, subclassed_vae):
    """The model, for one Keras."""

    @keras.saving.register_keras_serializable(package="vaelib")
    class CallVAE(subclassed_vae):
        """Adds ``beta * KL`` where all tensors are at hand; ``fit`` adds the reconstruction."""

        needs_loss = True

        def call(self, images, training=None):
            x_hat, mu, log_var = self.encode_and_decode(images, training)
            kl = gaussian_kl(mu, log_var)
            self.add_loss(self.beta * replicas.mean(kl))
            self.kl_tracker.update_state(kl)
            self.reconstruction_tracker.update_state(reconstruction(images, x_hat))
            return x_hat

    return CallVAE


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """A subclass of Model with its own ``call`` (arguments: ``build``)."""
    vae = kit.CallVAE(encoder, decoder, beta, seed, name="vae")
    vae.compile(loss=reconstruction, **compile_options)
    return vae
