"""The KL term enters in a layer at the end of the encoder (anracom V; ``encoder-layer``)."""

from vaelib import replicas
from vaelib.objectives import gaussian_kl, reconstruction


def define(keras):
    """The layer, for one Keras."""

    @keras.saving.register_keras_serializable(package="vaelib")
    class AddKL(keras.layers.Layer):
        """Add ``beta * KL`` to the loss and track the KL; hand mu and log_var on unchanged."""

        def __init__(self, beta=1.0, **kwargs):
            super().__init__(**{"dtype": "float32", **kwargs})  # in mixed precision, too
            self.beta = beta
            self.kl_tracker = keras.metrics.Mean(name="kl")

        def call(self, inputs):
            kl = gaussian_kl(*inputs)
            self.add_loss(self.beta * replicas.mean(kl))
            if replicas.counting():
                self.kl_tracker.update_state(kl)
            return inputs

        def get_config(self):
            return {**super().get_config(), "beta": self.beta}

    return AddKL


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """``encoder`` gets one more layer; ``fit`` adds the reconstruction (arguments: ``build``)."""
    mu, log_var = kit.AddKL(beta, name="add_kl")(encoder.output)
    encoder = kit.keras.Model(encoder.input, [mu, log_var], name="encoder")
    mu, log_var = encoder(encoder.input)
    z = kit.Sampling(seed=seed, name="sampling")([mu, log_var])
    vae = kit.FunctionalVAE(encoder.input, decoder(z), name="vae")
    vae.compile(loss=reconstruction, metrics=[reconstruction], **compile_options)
    return vae
