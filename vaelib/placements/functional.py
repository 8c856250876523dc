"""A VAE in Keras' Functional API: the model of the placements that need no class of their own."""

from vaelib.placements import steps
from vaelib.placements.checked import Checked


def define(keras):
    """The class for one Keras."""

    @keras.saving.register_keras_serializable(package="vaelib")
    class FunctionalVAE(steps.of_backend(keras).OfKeras, Checked, keras.Model):
        """A functional model with two parts, named "encoder" and "decoder"."""

        needs_loss = True

        @property
        def autocast(self):
            """Keras asks. The images may be the target, too: never float16."""
            return False

        @autocast.setter
        def autocast(self, value):
            """Keras sets it when it builds the model."""

        @property
        def encoder(self):
            return self.get_layer("encoder")

        @property
        def decoder(self):
            return self.get_layer("decoder")

    return FunctionalVAE
