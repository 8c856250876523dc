"""Keras layers that the chapters share. Registered, so saved models load without help."""

import operator

import keras as keras_3
from keras import ops

from vaelib import replicas


def define_sampling(keras):
    """The layer ``Sampling`` for one Keras: ``vaelib.layers.Sampling`` is that of Keras 3."""

    @keras.saving.register_keras_serializable(package="vaelib")
    class Sampling(keras.layers.Layer):
        """Draw ``z = mu + exp(log_var / 2) * epsilon`` with ``epsilon ~ N(0, I)``.

        The reparameterization trick of Kingma and Welling (2013); derived in chapter
        ``points-to-distributions``.

        Args:
            seed: an integer makes the sequence of draws repeatable. A seeded layer draws
                a new epsilon at every call all the same.

        Call it on ``[mu, log_var]``, both of shape (images, z_dim); it returns z of that shape.

        Raises:
            ValueError: it did not get two tensors of one shape, or tensors of tf_keras.
        """

        def __init__(self, seed=None, **kwargs):
            super().__init__(**kwargs)
            self.seed = None if seed is None else operator.index(seed)
            # Keras does not save the generator's state: a loaded model starts its draws again.
            self.seed_generator = keras_3.random.SeedGenerator(self.seed)

        def call(self, inputs):
            if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
                raise ValueError("Sampling takes [mu, log_var], a list of two tensors.")
            mu, log_var = inputs
            if type(mu).__module__.startswith("tf_keras"):
                raise ValueError(
                    "Sampling is a layer of Keras 3: inside a tf_keras model its epsilon would be "
                    "drawn once and frozen, so build the model with keras instead."
                )
            # In call, not in build: Keras builds a layer once, but a batch of one log_var for all
            # images would be stretched at any call.
            if len(mu.shape) != len(log_var.shape) or any(
                None not in (a, b) and a != b for a, b in zip(mu.shape, log_var.shape)
            ):
                raise ValueError(
                    "Sampling takes [mu, log_var], two tensors of one shape, but got "
                    f"{tuple(mu.shape)} and {tuple(log_var.shape)}."
                )
            epsilon = replicas.normal(ops.shape(mu), self.seed_generator)
            if mu.dtype == epsilon.dtype:
                return mu + ops.exp(0.5 * log_var) * epsilon
            # In float32, too: the exponential leaves float16 at a log_var of 22.
            sigma = ops.exp(0.5 * ops.cast(log_var, "float32"))
            return ops.cast(ops.cast(mu, "float32") + sigma * epsilon, mu.dtype)

        def compute_output_shape(self, input_shape):
            return input_shape[0]

        def get_config(self):
            return {**super().get_config(), "seed": self.seed}

    return Sampling


Sampling = define_sampling(keras_3)
Sampling.__module__ = __name__
