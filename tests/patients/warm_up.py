"""A beta that rises while training, heard and not heard; callbacks that watch a name.

Each patient has a function for its callbacks beside it: (keras, model) -> list.
"""

import tensorflow as tf

from . import blocks
from .data import flat, stripes
from .train_steps import flat_models, trained_by_hand


def kl_layer_with_variable(keras, start):
    class KL(keras.layers.Layer):
        def build(self, input_shape):
            self.beta = self.add_weight(
                name="beta", shape=(), initializer=lambda s, dtype=None: start, trainable=False
            )

        def call(self, inputs):
            mu, log_var = inputs
            kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1)
            self.add_loss(self.beta * tf.reduce_mean(kl))
            return mu, log_var

    return KL


def model_with_variable(keras, start):
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = kl_layer_with_variable(keras, start)(name="kl")([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def variable_warmed_up(keras):
    return model_with_variable(keras, 1.0)


def variable_warmed_up_from_zero(keras):
    return model_with_variable(keras, 0.0)


def assigns_the_variable(keras, model):
    class WarmUp(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.get_layer("kl").beta.assign(min(1.0, (epoch + 1) / 4))

    return [WarmUp()]


def number_in_the_object(keras):
    class AnnealedVAE(trained_by_hand(keras)):
        beta = 1.0

        def losses_of(self, x):
            reconstruction, kl = super().losses_of(x)
            return reconstruction, self.beta * kl

    vae = AnnealedVAE(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def sets_the_number(keras, model):
    class Anneal(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.beta = min(1.0, 0.25 * (epoch + 1))

    return [Anneal()]


def number_in_a_layer(keras):
    """The layer keeps its weight as a Python number; the callback sets it."""
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)(weight=1.0, name="kl")([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def sets_the_weight_of_the_layer(keras, model):
    layer = model.get_layer("kl")

    def on_epoch_begin(epoch, logs=None):
        layer.weight = min(1.0, epoch / 3)

    return [keras.callbacks.LambdaCallback(on_epoch_begin=on_epoch_begin)]


def value_taken_out_of_a_variable(keras):
    """tf_keras: K.get_value makes a number of the variable when the step is compiled."""
    K = keras.backend

    class VAE(trained_by_hand(keras)):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.kl_weight = K.variable(1.0)

        def losses_of(self, x):
            reconstruction, kl = super().losses_of(x)
            return reconstruction, K.get_value(self.kl_weight) * kl

    vae = VAE(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def sets_the_value(keras, model):
    class KLAnnealing(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            keras.backend.set_value(self.model.kl_weight, min(1.0, (epoch + 1) / 10))

    return [KLAnnealing()]


def watched_name_is_missing(keras):
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def stops_early_by_kl_loss(keras, model):
    return [keras.callbacks.EarlyStopping(monitor="kl_loss", mode="min", patience=3)]


def step_returns_total_loss(keras):
    class VAE(trained_by_hand(keras)):
        def report(self, *values):
            result = super().report(*values)
            return {"total_loss": result["loss"], "kl_loss": result["kl_loss"]}

    vae = VAE(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def lowers_the_rate_by_loss(keras, model):
    return [keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=2)]


def watched_name_is_there(keras):
    vae = trained_by_hand(keras)(*flat_models(keras))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def stops_early_by_loss(keras, model):
    return [
        keras.callbacks.EarlyStopping(monitor="loss", patience=3),
        keras.callbacks.ReduceLROnPlateau(monitor="kl_loss", mode="min"),
    ]
