"""The KL term enters by TFP's ``KLDivergenceAddLoss`` (Zhu; ``distributions``). Keras 2."""

import keras as keras_3
import tensorflow as tf
import tensorflow_probability as tfp

from vaelib import replicas
from vaelib.objectives import MAX_LOG_VAR, gaussian_kl, reconstruction


class KLPerImage(tfp.layers.KLDivergenceAddLoss):
    """TFP's layer adds the sum over the batch; the objective wants the mean."""

    def call(self, posterior):
        # At least 1: of a small batch, a replica may have no image.
        images = tf.cast(tf.maximum(tf.shape(posterior)[0], 1), posterior.dtype)
        self.add_loss(self._regularizer(posterior) / images)
        return posterior


def prior(z_dim):
    """N(0, I) as a distribution."""
    return tfp.distributions.MultivariateNormalDiag(loc=tf.zeros(z_dim))


def posterior_layer(seed, **options):
    """A layer from [mu, log_var] to the distribution N(mu, sigma^2), which draws when asked."""
    generator = keras_3.random.SeedGenerator(seed)

    def distribution(parameters):
        mu, log_var = parameters
        # TFP's exact KL is infinite for float32 from 88 on; ours follows the tangent from 60 on.
        sigma = tf.exp(0.5 * tf.minimum(log_var, MAX_LOG_VAR))
        return tfp.distributions.MultivariateNormalDiag(mu, sigma)

    def draw(posterior):
        epsilon = replicas.normal(keras_3.ops.shape(posterior.mean()), generator)
        return posterior.mean() + posterior.stddev() * epsilon

    # Of float32, in mixed precision, too.
    return tfp.layers.DistributionLambda(
        distribution, draw, name="posterior", dtype="float32", **options
    )


def assemble(encoder, decoder, kit, to_z, **compile_options):
    """The model around ``to_z``, which turns [mu, log_var] into z and adds the KL term."""
    mu, log_var = encoder(encoder.input)
    vae = kit.FunctionalVAE(encoder.input, decoder(to_z([mu, log_var])), name="vae")
    vae.add_metric(gaussian_kl(mu, log_var), name="kl")
    vae.compile(loss=reconstruction, metrics=[reconstruction], **compile_options)
    return vae


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """The posterior is a distribution, a layer behind it adds its KL (arguments: ``build``)."""
    z_dim = encoder.output[0].shape[-1]
    posterior = posterior_layer(seed)
    add_loss = KLPerImage(
        prior(z_dim), use_exact_kl=True, weight=beta, name="add_kl", dtype="float32"
    )
    return assemble(
        encoder, decoder, kit, lambda parameters: add_loss(posterior(parameters)), **compile_options
    )
