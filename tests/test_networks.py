"""vaelib.networks: the sources' networks to the parameter, and specs that cannot work."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from vaelib import networks, objectives
from vaelib.networks import NetworkSpec, build_decoder, build_encoder, preset

BOTH_KERASES = pytest.mark.parametrize("flavour", [keras, tf_keras], ids=["keras", "tf_keras"])


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


@BOTH_KERASES
@pytest.mark.parametrize("name", networks.PRESETS)
def test_every_preset_gives_back_the_input_shape(name, flavour):
    spec = preset(name, z_dim=3)
    encoder = build_encoder(spec, keras=flavour)
    decoder = build_decoder(spec, keras=flavour)
    images = np.random.default_rng(1).uniform(0, 1, (2, *spec.input_shape)).astype("float32")
    mu, log_var = encoder(images)
    assert mu.shape == log_var.shape == (2, 3)
    x_hat = np.array(decoder(mu))
    assert x_hat.shape == images.shape and x_hat.min() >= 0 and x_hat.max() <= 1
    assert build_encoder(spec, variational=False, keras=flavour).output_shape == (None, 3)
    assert isinstance(encoder, flavour.Model)


def test_the_series_network():
    # 320 + 18,496 + 73,856 in the convolutions, twice 6,272 x 2 + 2 for mu and log_var.
    assert build_encoder(preset("series")).count_params() == 92_672 + 2 * 12_546
    # 18,816 in the bridge, then 73,792 + 18,464 + 289.
    assert build_decoder(preset("series")).count_params() == 111_361


@BOTH_KERASES
def test_machinecurves_network_to_the_parameter(flavour):
    spec = preset("machinecurve")
    encoder, decoder = build_encoder(spec, keras=flavour), build_decoder(spec, keras=flavour)
    assert (encoder.count_params(), decoder.count_params()) == (17_208, 9_137)
    trainable = sum(
        int(np.prod(weight.shape))
        for model in (encoder, decoder)
        for weight in model.trainable_weights
    )
    assert trainable == 24_641
    names = kinds(encoder)
    assert names.index("Activation") < names.index("BatchNormalization"), "ReLU, then batch norm"


def test_the_dense_network_of_the_notes_has_sigmoids_everywhere():
    spec = preset("tfp_dense")
    code = build_encoder(spec, variational=False).layers[-1]
    assert code.activation is keras.activations.sigmoid
    assert build_encoder(spec, variational=False).count_params() == 784 * 256 + 256 + 16_448 + 130


@BOTH_KERASES
@pytest.mark.parametrize("name", networks.PRESETS)
def test_no_decoder_hides_its_logits_from_the_loss(name, flavour):
    """Black images, and pixels of logit 20: each costs 20 nats, and learns."""
    decoder = build_decoder(preset(name), keras=flavour)
    kernel, bias = (w for w in decoder.trainable_weights[-2:])
    kernel.assign(np.zeros(kernel.shape))
    bias.assign(np.full(bias.shape, 20.0))
    black = np.zeros((2, *preset(name).input_shape), "float32")
    with tf.GradientTape() as tape:
        x_hat = decoder(np.ones((2, preset(name).z_dim), "float32"))
        cost = tf.reduce_mean(objectives.reconstruction(black, x_hat))
    gradient = tape.gradient(cost, getattr(bias, "value", bias) if flavour is keras else bias)
    assert np.isclose(cost, 20 * black[0].size) and np.isclose(np.sum(gradient), black[0].size)


def test_leaky_relu_has_the_slope_of_keras_2():
    """keras.activations.leaky_relu has 0.2; the layer, which the sources use, has 0.3."""
    layer = next(x for x in build_encoder(preset("series")).layers if "Leaky" in type(x).__name__)
    assert np.isclose(layer(np.array([-1.0], "float32"))[0], -0.3)


@pytest.mark.parametrize("activation, kind", [("relu", "Activation"), ("leaky_relu", "LeakyReLU")])
def test_batch_norm_before_activation_and_dropout_after(activation, kind):
    spec = preset("series", activation=activation, batch_norm="before", dropout=0.25)
    names = kinds(build_encoder(spec))
    assert names[1:5] == ["Conv2D", "BatchNormalization", kind, "Dropout"]
    names = kinds(build_decoder(spec))
    start = names.index("Conv2DTranspose")
    assert names[start : start + 4] == ["Conv2DTranspose", "BatchNormalization", kind, "Dropout"]
    assert names[-1] == "Conv2DTranspose", "the last layer is the image, undisturbed"


def test_color_images_and_odd_sizes():
    spec = NetworkSpec(
        input_shape=(32, 48, 3), filters=(8, 8), strides=(2, 2),
        decoder_filters=(8, 3), decoder_strides=(2, 2), z_dim=4,
    )  # fmt: skip
    assert build_decoder(spec).output_shape == (None, 32, 48, 3)
    assert spec.shape_before_flattening == (8, 12, 8)


def test_a_decoder_that_does_not_fit_is_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"\(32, 32, 1\), .* \(28, 28, 1\)"):
        NetworkSpec(
            filters=(8, 8, 8, 8), strides=(2, 2, 2, 2),
            decoder_filters=(8, 8, 8, 1), decoder_strides=(2, 2, 2, 2),
        )  # fmt: skip
    with pytest.raises(ValueError, match=r"\(28, 28, 3\), .* \(28, 28, 1\)"):
        preset("series", decoder_filters=(64, 32, 3))
    with pytest.raises(ValueError, match=r"\(14, 14, 1\), .* \(28, 28, 1\)"):
        preset("series", decoder_strides=(2, 1, 1))


def test_the_predicted_shape_is_what_keras_builds():
    """The refusal above rests on our arithmetic; here Keras has the last word."""
    for size, strides in ((28, (2, 2, 2)), (30, (2, 2)), (31, (3,)), (9, (2, 2, 2, 2))):
        factor = int(np.prod(strides))
        image = keras.Input((size, size, 1))
        x = image
        for stride in strides:
            x = keras.layers.Conv2D(2, 3, strides=stride, padding="same")(x)
        up = keras.layers.Conv2DTranspose(1, 3, strides=factor, padding="same")(x)
        predicted = NetworkSpec(
            input_shape=tuple(up.shape[1:]), filters=(2,) * len(strides), strides=strides,
            decoder_filters=(1,), decoder_strides=(factor,),
        )  # fmt: skip
        assert predicted.shape_before_flattening == tuple(x.shape[1:])
        assert predicted.output_shape == tuple(up.shape[1:])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"z_dim": 0}, "z_dim needs positive whole numbers, but holds 0"),
        ({"z_dim": 2.0}, "z_dim needs positive whole numbers, but holds 2.0"),
        ({"z_dim": "2"}, "z_dim needs positive whole numbers"),
        ({"z_dim": True}, "z_dim needs positive whole numbers"),
        ({"input_shape": (28, 28)}, r"input_shape must be \(height, width, channels\)"),
        ({"filters": (32, 64)}, "filters and strides need one entry per layer, but have 2 and 3"),
        ({"filters": (32, -64, 128)}, "filters needs positive whole numbers, but holds -64"),
        ({"activation": "selu"}, "no activation 'selu' here: use one of"),
        ({"batch_norm": True}, "batch_norm is None, 'before' or 'after'"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"dropout": "0.1"}, "dropout must be at least 0 and below 1"),
        ({"code_activation": "softmax"}, "code_activation is None or one of"),
        ({"filters": (), "strides": ()}, "give the encoder filters and strides, too"),
    ],
)
def test_nonsense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        preset("series", **changes)


@pytest.mark.parametrize("hidden", [512, "512", None])
def test_one_number_where_a_tuple_is_wanted(hidden):
    with pytest.raises(ValueError, match="hidden takes one number per layer: write hidden="):
        preset("quick", hidden=hidden)


def test_lists_and_numpy_integers_become_a_plain_spec():
    spec = NetworkSpec(
        z_dim=np.int64(2), input_shape=[28, 28, 1], filters=[np.int32(8)], strides=np.array([2]),
        decoder_filters=[1], decoder_strides=[2],
    )  # fmt: skip
    assert spec.filters == (8,) and type(spec.z_dim) is int and hash(spec)
    assert build_decoder(spec).output_shape == (None, 28, 28, 1)
    assert build_encoder(spec).output_shape == [(None, 2), (None, 2)]


def test_a_name_instead_of_a_spec():
    for build in (build_encoder, build_decoder):
        with pytest.raises(ValueError, match="Pass a NetworkSpec, such as preset"):
            build("quick")


def test_a_channels_first_configuration_changes_nothing():
    before = keras.config.image_data_format()
    try:
        keras.config.set_image_data_format("channels_first")
        assert build_decoder(preset("series")).output_shape == (None, 28, 28, 1)
        assert build_encoder(preset("series")).count_params() == 92_672 + 2 * 12_546
    finally:
        keras.config.set_image_data_format(before)


def test_unknown_preset():
    with pytest.raises(ValueError, match="no preset 'foster': use one of.*'series'"):
        preset("foster")
