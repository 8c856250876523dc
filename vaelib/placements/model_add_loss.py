"""The KL term enters by ``model.add_loss`` on symbols (anracom VII; ``model-loss``). Keras 2.

Keras 3 has dropped it; ``model_call`` and ``compute_loss`` are its successors.
"""

import tensorflow as tf

from vaelib.objectives import gaussian_kl, reconstruction


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """The finished functional model is handed its KL term (arguments: ``build``)."""
    mu, log_var = encoder(encoder.input)
    z = kit.Sampling(seed=seed, name="sampling")([mu, log_var])
    vae = kit.FunctionalVAE(encoder.input, decoder(z), name="vae")
    kl = gaussian_kl(mu, log_var)
    # Their mean; 0 for a replica that has no image left.
    n = tf.cast(tf.shape(kl)[0], kl.dtype)
    vae.add_loss(beta * tf.math.divide_no_nan(tf.reduce_sum(kl), n))
    vae.add_metric(kl, name="kl")
    # The reconstruction stays with fit: given no loss of its own, tf_keras would report a mean
    # of batches instead of images.
    vae.compile(loss=reconstruction, metrics=[reconstruction], **compile_options)
    return vae
