"""The KL term enters by TFP's ``KLDivergenceRegularizer`` (Zhu; ``distributions``). Keras 2."""

import tensorflow_probability as tfp

from vaelib.placements.tfp_add_loss import assemble, posterior_layer, prior


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """The KL regularizes the activity of the posterior's layer (arguments: ``build``)."""
    regularizer = tfp.layers.KLDivergenceRegularizer(
        prior(encoder.output[0].shape[-1]),
        use_exact_kl=True,
        # tf_keras divides an activity regularizer by the batch size, but applies it to both
        # things that the layer puts out, the distribution and the draw.
        weight=beta / 2,
    )
    posterior = posterior_layer(seed, activity_regularizer=regularizer)
    return assemble(encoder, decoder, kit, posterior, **compile_options)
