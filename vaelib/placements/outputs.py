"""The KL term enters as the loss of an output of its own (anracom VI; chapter ``outputs``)."""

from keras import ops

from vaelib.objectives import gaussian_kl, reconstruction

# Keras joins the names of output and metric.
NAMES = {"loss": "loss", "reconstruction_reconstruction": "reconstruction", "kl_kl_of_output": "kl"}


def kl_of_output(target, mu_and_log_var):
    """KL term of the output that carries mu and log_var side by side: nats per image.

    Args:
        target: anything with a first dimension; a loss gets one, and this loss needs none.
        mu_and_log_var: shape (images, 2 * z_dim).
    """
    return gaussian_kl(*ops.split(mu_and_log_var, 2, axis=-1))


def define(keras, functional_vae):
    """The model, for one Keras."""
    keras.saving.register_keras_serializable(package="vaelib")(kl_of_output)

    @keras.saving.register_keras_serializable(package="vaelib")
    class TwoOutputVAE(functional_vae):
        """Gives Keras a second target that nobody reads, and shortens the names of the figures."""

        def _targets(self, images):
            return {"reconstruction": images, "kl": images[:, 0, 0, 0]}

        def get_metrics_result(self):
            figures = super().get_metrics_result()
            return {NAMES[name]: value for name, value in figures.items() if name in NAMES}

    return TwoOutputVAE


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """mu and log_var become the output "kl" beside "reconstruction" (arguments: ``build``)."""
    mu, log_var = encoder(encoder.input)
    z = kit.Sampling(seed=seed, name="sampling")([mu, log_var])
    outputs = {
        # tf_keras calls an output by the name of its layer, so that has to be right, too.
        "reconstruction": kit.keras.layers.Activation(
            "linear", name="reconstruction", dtype="float32"
        )(decoder(z)),
        "kl": kit.keras.layers.Concatenate(name="kl", dtype="float32")([mu, log_var]),
    }
    vae = kit.TwoOutputVAE(encoder.input, outputs, name="vae")
    vae.compile(
        loss={"reconstruction": reconstruction, "kl": kl_of_output},
        # Keras tracks the loss of each output, too, but as a mean of batches, not of images.
        metrics={"reconstruction": [reconstruction], "kl": [kl_of_output]},
        loss_weights={"reconstruction": 1.0, "kl": beta},
        **compile_options,
    )
    return vae
