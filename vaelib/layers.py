"""Keras layers that the chapters share. Registered, so saved models load without help."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="vaelib")
class Sampling(keras.layers.Layer):
    """Draw ``z = mu + exp(log_var / 2) * epsilon`` with ``epsilon ~ N(0, I)``.

    The reparameterisation trick of Kingma and Welling (2013); derived in chapter 2.

    Args:
        seed: an integer makes the sequence of draws repeatable. A seeded layer draws
            a new epsilon at every call all the same.

    Call it on ``[mu, log_var]``, both of shape (images, z_dim); it returns z of that shape.

    Raises:
        ValueError: it did not get two tensors of one shape.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        # Keras keeps the state of the generator with the weights, so a saved model
        # goes on drawing where it stopped.
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        shapes = [tuple(shape) for shape in input_shape if isinstance(shape, (tuple, list))]
        if len(shapes) != 2 or shapes[0] != shapes[1]:
            raise ValueError(
                f"Sampling takes [mu, log_var], two tensors of one shape, but got {input_shape}."
            )

    def call(self, inputs):
        mu, log_var = inputs
        epsilon = keras.random.normal(ops.shape(mu), dtype=mu.dtype, seed=self.seed_generator)
        return mu + ops.exp(0.5 * log_var) * epsilon

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
