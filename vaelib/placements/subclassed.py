"""An encoder, a decoder and a draw between them: the base of the placements that subclass Model."""

from vaelib.placements import steps
from vaelib.placements.checked import Checked


def define(keras, sampling):
    """The class for one Keras, with the ``Sampling`` layer of that Keras."""

    class SubclassedVAE(steps.of_backend(keras).OfKeras, Checked, keras.Model):
        """Holds the parts and the KL weight; where the KL term enters, a subclass says."""

        def __init__(self, encoder, decoder, beta=1.0, seed=None, **kwargs):
            # In mixed precision the networks are, the model is not: its images are the target, and
            # its metrics add up more than float16 holds.
            whole = {"dtype": "float32"} if hasattr(keras, "ops") else {"autocast": False}
            super().__init__(**{**whole, **kwargs})
            self.encoder, self.decoder = encoder, decoder
            self.sampling = sampling(seed=seed, name="sampling")
            self.beta = beta
            self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction")
            self.kl_tracker = keras.metrics.Mean(name="kl")
            self.built = True  # encoder and decoder bring their weights along

        def compile(self, optimizer="adam", **options):
            mixed = getattr(self.encoder, "dtype_policy", None)
            if hasattr(keras, "ops") and getattr(mixed, "name", "") == "mixed_float16":
                optimizer = keras.optimizers.get(optimizer)
                if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                    # Keras does it for a model that is mixed itself.
                    optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            super().compile(optimizer=optimizer, **options)

        def compile_from_config(self, config):
            """When a model is loaded: both Kerases leave it to a class that has its own compile."""
            self.compile(**keras.saving.deserialize_keras_object(config))
            if hasattr(self.optimizer, "build"):  # a legacy optimizer of Keras 2 has none
                self.optimizer.build(self.trainable_variables)

        def encode_and_decode(self, images, training=None):
            """Reconstruction, mu and log_var of a batch."""
            mu, log_var = self.encoder(images, training=training)
            return self.decoder(self.sampling([mu, log_var]), training=training), mu, log_var

        def call(self, images, training=None):
            return self.encode_and_decode(images, training)[0]

        def get_config(self):
            parts = {"encoder": self.encoder, "decoder": self.decoder}
            return {
                **{name: keras.saving.serialize_keras_object(part) for name, part in parts.items()},
                "beta": self.beta,
                "seed": self.sampling.seed,
                "name": self.name,
            }

        @classmethod
        def from_config(cls, config, custom_objects=None):
            parts = {
                name: keras.saving.deserialize_keras_object(config[name], custom_objects)
                for name in ("encoder", "decoder")
            }
            return cls(**{**config, **parts})

    return SubclassedVAE
