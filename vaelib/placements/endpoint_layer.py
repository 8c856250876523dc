"""The KL term enters in a final layer that is given all it needs (anracom IV; ``two-rules``)."""

from keras import ops

from vaelib import replicas
from vaelib.objectives import gaussian_kl, reconstruction


def nothing(target, x_hat):
    """Zero for each image: the loss of a model whose last layer holds the objective.

    Without any loss in ``compile``, tf_keras would report a mean of batches, not of images.
    """
    return ops.zeros_like(x_hat[:, 0, 0, 0])


def define(keras):
    """The layer, for one Keras."""
    keras.saving.register_keras_serializable(package="vaelib")(nothing)

    @keras.saving.register_keras_serializable(package="vaelib")
    class AddObjective(keras.layers.Layer):
        """Add the whole objective to the loss; hand the reconstruction on unchanged.

        Call it on ``[mu, log_var, x, x_hat]``: a layer may only use tensors that it is given.
        """

        def __init__(self, beta=1.0, **kwargs):
            super().__init__(**{"dtype": "float32", **kwargs})  # in mixed precision, too
            self.beta = beta
            self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction")
            self.kl_tracker = keras.metrics.Mean(name="kl")

        def call(self, inputs):
            mu, log_var, x, x_hat = inputs
            per_image, kl = reconstruction(x, x_hat), gaussian_kl(mu, log_var)
            self.add_loss(replicas.mean(per_image) + self.beta * replicas.mean(kl))
            if replicas.counting():
                self.reconstruction_tracker.update_state(per_image)
                self.kl_tracker.update_state(kl)
            return x_hat

        def compute_output_shape(self, input_shapes):
            return input_shapes[-1]

        def get_config(self):
            return {**super().get_config(), "beta": self.beta}

    return AddObjective


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """The last layer holds the objective, and ``compile`` nothing of it (arguments: ``build``)."""
    images = encoder.input
    mu, log_var = encoder(images)
    x_hat = decoder(kit.Sampling(seed=seed, name="sampling")([mu, log_var]))
    x_hat = kit.AddObjective(beta, name="add_objective")([mu, log_var, images, x_hat])
    vae = kit.FunctionalVAE(images, x_hat, name="vae")
    vae.compile(loss=nothing, **compile_options)
    return vae
