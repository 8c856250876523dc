"""Encoders and decoders from a small spec, and the networks of the sources.

Everything here is Keras' Functional API; ``compress-digits`` builds the same network by hand.
A network knows nothing of losses: where the KL term enters is what the course is about.
"""

import math
import numbers
import operator
from dataclasses import dataclass, replace

import keras as keras_3

ACTIVATIONS = ("leaky_relu", "relu", "tanh", "sigmoid")


def _positive(name, value):
    """The value as a plain integer; refuses 2.5, "2", True, and what is below 1."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise ValueError(f"{name} needs positive whole numbers, but holds {value!r}.")
    return number


@dataclass(frozen=True)
class NetworkSpec:
    """An encoder and the decoder that mirrors it.

    The encoder: convolutions (padding "same"), then hidden Dense layers, then the code.
    The decoder: hidden Dense layers, a Dense layer up to the shape before flattening
    (the bridge), then transposed convolutions, of which the last has a sigmoid.
    Without convolutions the bridge itself puts out the image.

    Args:
        z_dim: dimensions of the latent space.
        input_shape: (height, width, channels).
        filters, strides: of the convolutions, one entry each.
        decoder_filters, decoder_strides: of the transposed convolutions; the last
            entry of the filters is the number of channels.
        kernel: side of every kernel.
        hidden, decoder_hidden: units of the Dense layers.
        activation: one of "leaky_relu" (slope 0.3, the default of Keras' layer), "relu",
            "tanh", "sigmoid".
        batch_norm: None, "before" or "after" the activation.
        dropout: share of units dropped after every activation.
        bridge_activation: whether the bridge is normalized and activated too.
        code_activation: activation of a plain autoencoder's code; None leaves it free.

    Raises:
        ValueError: numbers out of range, lists of different length, or a decoder that
            does not give back the shape of the input; both shapes are in the message.
    """

    z_dim: int = 2
    input_shape: tuple = (28, 28, 1)
    filters: tuple = ()
    strides: tuple = ()
    decoder_filters: tuple = ()
    decoder_strides: tuple = ()
    kernel: int = 3
    hidden: tuple = ()
    decoder_hidden: tuple = ()
    activation: str = "leaky_relu"
    batch_norm: str | None = None
    dropout: float = 0.0
    bridge_activation: bool = False
    code_activation: str | None = None

    def __post_init__(self):
        # Lists and NumPy integers are welcome; from here on they are tuples and plain integers.
        for name in ("z_dim", "kernel"):
            object.__setattr__(self, name, _positive(name, getattr(self, name)))
        for name in (
            "input_shape filters strides decoder_filters decoder_strides hidden decoder_hidden"
        ).split():
            values = getattr(self, name)
            if isinstance(values, str) or not hasattr(values, "__iter__"):
                raise ValueError(f"{name} takes one number per layer: write {name}=({values},).")
            values = tuple(_positive(name, value) for value in values)
            object.__setattr__(self, name, values)
        if len(self.input_shape) != 3:
            raise ValueError(
                f"input_shape must be (height, width, channels), but is {self.input_shape}."
            )
        for filters, strides in (("filters", "strides"), ("decoder_filters", "decoder_strides")):
            if len(getattr(self, filters)) != len(getattr(self, strides)):
                raise ValueError(
                    f"{filters} and {strides} need one entry per layer, but have "
                    f"{len(getattr(self, filters))} and {len(getattr(self, strides))}."
                )
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"There is no activation {self.activation!r} here: use one of {ACTIVATIONS}."
            )
        if self.code_activation is not None and self.code_activation not in ACTIVATIONS:
            raise ValueError(
                f"code_activation is None or one of {ACTIVATIONS}, not {self.code_activation!r}."
            )
        if self.batch_norm not in (None, "before", "after"):
            raise ValueError(
                f"batch_norm is None, 'before' or 'after' the activation, not {self.batch_norm!r}."
            )
        if not isinstance(self.dropout, numbers.Real) or not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, but is {self.dropout!r}.")
        if self.decoder_filters and not self.filters:
            raise ValueError(
                "A decoder with transposed convolutions starts from the shape that the encoder's "
                "last convolution leaves: give the encoder filters and strides, too."
            )
        if self.output_shape != self.input_shape:
            raise ValueError(
                f"This decoder gives back images of shape {self.output_shape}, but the encoder "
                f"takes {self.input_shape}: the strides of both must multiply to the same number, "
                "which divides height and width, and the last of decoder_filters must be the "
                "number of channels."
            )

    @property
    def shape_before_flattening(self):
        """Shape of the encoder's feature maps that the decoder starts from."""
        height, width, channels = self.input_shape
        for filters, stride in zip(self.filters, self.strides):
            # Padding "same" rounds up: 28 -> 14 -> 7 -> 4.
            height, width, channels = math.ceil(height / stride), math.ceil(width / stride), filters
        return height, width, channels

    @property
    def output_shape(self):
        """Shape of the decoder's images."""
        if not self.decoder_filters:
            return self.input_shape
        height, width, channels = self.shape_before_flattening
        for filters, stride in zip(self.decoder_filters, self.decoder_strides):
            height, width, channels = height * stride, width * stride, filters
        return height, width, channels


PRESETS = {
    # The anracom series, posts II to VII.
    "series": NetworkSpec(
        filters=(32, 64, 128), strides=(1, 2, 2),
        decoder_filters=(64, 32, 1), decoder_strides=(2, 2, 1),
    ),
    # MachineCurve's convolutional VAE: 26,345 parameters at z_dim 2.
    "machinecurve": NetworkSpec(
        filters=(8, 16), strides=(2, 2), hidden=(20,),
        decoder_filters=(16, 8, 1), decoder_strides=(2, 2, 1),
        activation="relu", batch_norm="after", bridge_activation=True,
    ),
    # The plain dense autoencoder of Kesler Zhu's TFP notes. Their convolutional VAE is
    # made of TensorFlow Probability's own layers; tools/claims/tfp_notes.py builds it.
    "tfp_dense": NetworkSpec(
        hidden=(256, 64), decoder_hidden=(64, 256),
        activation="sigmoid", code_activation="sigmoid",
    ),
    # Ours, for the colour images of vaelib.shapes (chapter ``beyond-digits``).
    "shapes": NetworkSpec(
        z_dim=8, input_shape=(32, 32, 3), filters=(16, 32, 64), strides=(2, 2, 2), hidden=(128,),
        decoder_filters=(32, 16, 3), decoder_strides=(2, 2, 2), decoder_hidden=(128,),
    ),
    # Burda, Grosse and Salakhutdinov (2016), one stochastic layer: whose numbers one can compare
    # with (chapter ``decoder-noise``).
    "burda": NetworkSpec(
        z_dim=50, hidden=(200, 200), decoder_hidden=(200, 200), activation="tanh",
    ),
    # Ours: the best picture for the time on two cores (the page of runs has the candidates).
    "quick": NetworkSpec(hidden=(512, 512), decoder_hidden=(512, 512), activation="relu"),
}  # fmt: skip


def preset(name, **changes):
    """The spec of a source's network, with changes such as ``z_dim=16``.

    Raises:
        ValueError: there is no preset of that name, or the changed spec is refused.
    """
    if name not in PRESETS:
        raise ValueError(f"There is no preset {name!r}: use one of {tuple(PRESETS)}.")
    return replace(PRESETS[name], **changes)


def build_encoder(spec, variational=True, keras=keras_3):
    """A model from images to ``[mu, log_var]``, or to one code if not ``variational``.

    Args:
        spec: a ``NetworkSpec``.
        variational: False gives the encoder of a plain autoencoder.
        keras: the Keras to build with, ``keras`` or ``tf_keras``.

    Returns:
        a functional model named "encoder"; mu and log_var have shape (images, z_dim).
    """
    _check_spec(spec)
    images = keras.Input(shape=spec.input_shape, name="images")
    x = images
    for number, (filters, stride) in enumerate(zip(spec.filters, spec.strides)):
        x = keras.layers.Conv2D(
            filters, spec.kernel, strides=stride, padding="same", data_format="channels_last",
            name=f"conv_{number}",
        )(x)  # fmt: skip
        x = _activate(x, spec, keras)
    x = keras.layers.Flatten(data_format="channels_last")(x)
    x = _hidden(x, spec.hidden, spec, keras)
    if variational:
        # No activation: mu may be any number, and so may the logarithm of a variance.
        outputs = [
            keras.layers.Dense(spec.z_dim, name="mu")(x),
            keras.layers.Dense(spec.z_dim, name="log_var")(x),
        ]
    else:
        outputs = keras.layers.Dense(spec.z_dim, activation=spec.code_activation, name="code")(x)
    return keras.Model(images, outputs, name="encoder")


def build_decoder(spec, keras=keras_3):
    """A model from z, shape (images, z_dim), to images in [0, 1].

    Args:
        spec: a ``NetworkSpec``.
        keras: the Keras to build with, ``keras`` or ``tf_keras``.

    Returns:
        a functional model named "decoder".
    """
    _check_spec(spec)
    z = keras.Input(shape=(spec.z_dim,), name="z")
    x = _hidden(z, spec.decoder_hidden, spec, keras)
    if not spec.decoder_filters:
        x = keras.layers.Dense(math.prod(spec.input_shape), name="pixels")(x)
        x = keras.layers.Reshape(spec.input_shape)(x)
        # The sigmoid comes last: behind it, a Reshape would hide the logits from the loss. It is of
        # float32 in mixed precision, too: float16 ends where a pixel costs more than 8 nats.
        x_hat = keras.layers.Activation("sigmoid", dtype="float32")(x)
        return keras.Model(z, x_hat, name="decoder")
    x = keras.layers.Dense(math.prod(spec.shape_before_flattening), name="bridge")(x)
    if spec.bridge_activation:
        x = _activate(x, spec, keras)
    x = keras.layers.Reshape(spec.shape_before_flattening)(x)
    last = len(spec.decoder_filters) - 1
    for number, (filters, stride) in enumerate(zip(spec.decoder_filters, spec.decoder_strides)):
        x = keras.layers.Conv2DTranspose(
            filters, spec.kernel, strides=stride, padding="same", data_format="channels_last",
            # The sigmoid keeps pixels in [0, 1], as binary cross-entropy needs them.
            activation="sigmoid" if number == last else None,
            dtype="float32" if number == last else None,
            name=f"conv_transpose_{number}",
        )(x)  # fmt: skip
        if number < last:
            x = _activate(x, spec, keras)
    return keras.Model(z, x, name="decoder")


def _check_spec(spec):
    if not isinstance(spec, NetworkSpec):
        raise ValueError(f"Pass a NetworkSpec, such as preset('quick'), and not {spec!r}.")


def _hidden(x, units, spec, keras):
    for count in units:
        x = keras.layers.Dense(count)(x)
        x = _activate(x, spec, keras)
    return x


def _activate(x, spec, keras):
    """Batch normalization, activation, dropout, in the order of the spec."""
    if spec.batch_norm == "before":
        x = keras.layers.BatchNormalization()(x)
    if spec.activation == "leaky_relu":
        x = keras.layers.LeakyReLU()(x)
    else:
        x = keras.layers.Activation(spec.activation)(x)
    if spec.batch_norm == "after":
        x = keras.layers.BatchNormalization()(x)
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout)(x)
    return x
