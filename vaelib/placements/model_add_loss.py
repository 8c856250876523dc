"""The KL term enters by ``model.add_loss`` on symbolic tensors (anracom VII; chapter 7). Keras 2.

Keras 3 has dropped it; ``model_call`` and ``compute_loss`` are its successors.
"""

import tensorflow as tf

from vaelib.objectives import gaussian_kl


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """The finished functional model is handed its objective (arguments: ``build``)."""
    images = encoder.input
    mu, log_var = encoder(images)
    x_hat = decoder(kit.Sampling(seed=seed, name="sampling")([mu, log_var]))
    vae = kit.FunctionalVAE(images, x_hat, name="vae")
    # objectives.reconstruction cannot take symbolic tensors of Keras 2; this is the same sum.
    per_pixel = kit.keras.backend.binary_crossentropy(images, x_hat)
    per_image, kl = tf.reduce_sum(per_pixel, axis=(1, 2, 3)), gaussian_kl(mu, log_var)
    vae.add_loss(tf.reduce_mean(per_image) + beta * tf.reduce_mean(kl))
    vae.add_metric(per_image, name="reconstruction")
    vae.add_metric(kl, name="kl")
    vae.compile(**compile_options)
    return vae
