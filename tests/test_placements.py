"""vaelib.placements: every placement is one objective, survives saving, and refuses bad input."""

import importlib
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from vaelib import data, networks, placements

Z_DIM, SEED = 2, 3
SPEC = networks.preset("quick", z_dim=Z_DIM, hidden=(32,), decoder_hidden=(32,))
EVERYWHERE = [(name, k) for k in (keras, tf_keras) for name in placements.names(k)]
BETAS = (0.0, 0.01, 1.0, 10.0)
every_placement = pytest.mark.parametrize(
    ("name", "keras_module"), EVERYWHERE, ids=[f"{k.__name__}-{name}" for name, k in EVERYWHERE]
)


@pytest.fixture(scope="module")
def images():
    digits = data.load("digits")
    return digits.x_train[:640]


@pytest.fixture(scope="module")
def start():
    """Weights of an untrained encoder and decoder, the heads enlarged: a KL of several nats."""
    rng = np.random.default_rng(1)
    keras.utils.set_random_seed(1)
    encoder, decoder = networks.build_encoder(SPEC), networks.build_decoder(SPEC)
    weights = encoder.get_weights()
    for number in range(2, 6):
        weights[number] = rng.normal(0, 1.5, weights[number].shape).astype("float32")
    return weights, decoder.get_weights()


def fresh(name, keras_module, start, beta=1.0, **options):
    encoder = networks.build_encoder(SPEC, keras=keras_module)
    decoder = networks.build_decoder(SPEC, keras=keras_module)
    encoder.set_weights(start[0])
    decoder.set_weights(start[1])
    options = {"optimizer": keras_module.optimizers.SGD(1e-3), "jit_compile": False, **options}
    return placements.build(
        name, encoder, decoder, beta=beta, seed=SEED, keras=keras_module, **options
    )


def weights_of(vae):
    return [
        weight.numpy() for part in (vae.encoder, vae.decoder) for weight in part.trainable_weights
    ]


# One objective, checked at chosen points ------------------------------------------------------


@pytest.fixture(scope="module")
def oracle(images, start):
    """Figures and gradients of one batch in plain TensorFlow, with nothing of vaelib in them."""
    epsilon = keras.random.normal((64, Z_DIM), seed=keras.random.SeedGenerator(SEED))
    x = tf.constant(images[:64].reshape(64, -1))
    w = [tf.Variable(array) for array in (*start[0], *start[1])]

    def at(beta):
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(x @ w[0] + w[1])
            mu, log_var = hidden @ w[2] + w[3], hidden @ w[4] + w[5]
            z = mu + tf.sqrt(tf.exp(log_var)) * epsilon
            logits = tf.nn.relu(z @ w[6] + w[7]) @ w[8] + w[9]
            bce = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)
            kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1.0 - log_var, axis=1)
            figures = {"reconstruction": tf.reduce_mean(tf.reduce_sum(bce, axis=1))}
            figures["kl"] = tf.reduce_mean(kl)
            figures["loss"] = figures["reconstruction"] + beta * figures["kl"]
        gradients = [np.array(g) for g in tape.gradient(figures["loss"], w)]
        return {key: float(value) for key, value in figures.items()}, gradients

    return {beta: at(beta) for beta in BETAS}


def disagreements(name, keras_module, beta, images, start, oracle):
    """Where one step of a placement differs from the oracle: a list, empty for a good one.

    Judged from outside: by the figures that fit reports, and by how far a step of plain
    gradient descent with rate 1 moves each weight, which is its gradient.
    """
    figures, gradients = oracle[beta]
    vae = fresh(name, keras_module, start, beta, optimizer=keras_module.optimizers.SGD(1.0))
    before = weights_of(vae)
    history = vae.fit(images[:64], batch_size=64, epochs=1, shuffle=False, verbose=0).history
    assert set(history) == {"loss", "reconstruction", "kl"}
    found = [
        f"{key}: {history[key][0]} instead of {value}"
        for key, value in figures.items()
        if not np.isclose(history[key][0], value, rtol=1e-5)
    ]
    for number, (old, new, gradient) in enumerate(zip(before, weights_of(vae), gradients)):
        off = np.linalg.norm((old - new) - gradient) / np.linalg.norm(gradient)
        if not off < 1e-4:
            found.append(f"gradient of weight {number}: off by {off:.1e}")
    return found


def test_the_oracle_can_tell(oracle):
    """The KL term must be large enough in loss and gradient for the tolerances to see it."""
    figures, gradients = oracle[0.01]
    assert 2 < figures["kl"] < 50
    assert figures["kl"] > 10 * 1e-5 * figures["loss"], "so a wrong KL shows at beta 1"
    without = oracle[0.0][1]
    for with_kl, plain in list(zip(gradients, without))[:6]:
        assert np.linalg.norm(with_kl - plain) > 10 * 1e-4 * np.linalg.norm(plain)


@every_placement
@pytest.mark.parametrize("beta", BETAS)
def test_every_placement_is_the_same_objective(name, keras_module, beta, images, start, oracle):
    assert disagreements(name, keras_module, beta, images, start, oracle) == []


@every_placement
def test_no_placement_hides_the_logits_from_the_loss(name, keras_module, start):
    """Black images, and a decoder sure of white: a pixel costs its logit, and learns."""
    sure = [np.zeros_like(array) for array in start[1]]
    sure[-1] += 20.0
    sgd = keras_module.optimizers.SGD(1.0)
    vae = fresh(name, keras_module, (start[0], sure), optimizer=sgd)
    black = np.zeros((8, 28, 28, 1), "float32")
    history = vae.fit(black, batch_size=8, epochs=1, shuffle=False, verbose=0).history
    assert np.isclose(history["reconstruction"][0], 20 * 784)
    assert np.allclose(weights_of(vae)[-1], 19, atol=1e-4)


MUTANTS = {
    "doubled": lambda kl: 2.0 * kl,
    "dropped": lambda kl: 0.0 * kl,
    "averaged": lambda kl: kl / Z_DIM,
    "without gradient": tf.stop_gradient,
}


@every_placement
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_kl_term_is_noticed(name, keras_module, mutant, monkeypatch, images, start, oracle):
    """Deliberate mutants of every placement: the check must fail for each."""
    if name.startswith("tfp"):
        import tensorflow_probability as tfp

        layer = tfp.layers.KLDivergenceRegularizer
        honest = layer.__call__
        monkeypatch.setattr(layer, "__call__", lambda self, q: MUTANTS[mutant](honest(self, q)))
    else:
        module = importlib.import_module(f"vaelib.placements.{name}")
        if name == "custom_loop":  # takes its objective from train_step
            module = importlib.import_module("vaelib.placements.train_step")
        honest = module.gaussian_kl
        monkeypatch.setattr(module, "gaussian_kl", lambda *args: MUTANTS[mutant](honest(*args)))
    assert disagreements(name, keras_module, 1.0, images, start, oracle)


def test_histories_agree_after_ten_steps(images, start):
    histories = {}
    for name, keras_module in EVERYWHERE:
        history = (
            fresh(name, keras_module, start)
            .fit(
                images,
                batch_size=64,
                epochs=2,
                shuffle=False,
                verbose=0,
                validation_data=images[:128],
            )
            .history
        )
        histories[name, keras_module.__name__] = history
    assert len(histories) == 14
    first = histories["encoder_layer", "keras"]
    keys = {"loss", "reconstruction", "kl", "val_loss", "val_reconstruction", "val_kl"}
    assert first["loss"][1] < first["loss"][0]
    for placement, history in histories.items():
        assert set(history) == keys, placement
        for key in keys:
            assert np.allclose(history[key], first[key], rtol=1e-4), (placement, key)


def test_networks_with_batch_norm_agree_too(images):
    """The forward pass of a training step must be one with training=True in all placements."""
    spec = networks.NetworkSpec(
        z_dim=3, filters=(4, 8), strides=(2, 2), decoder_filters=(4, 1), decoder_strides=(2, 2),
        batch_norm="before",
    )  # fmt: skip
    keras.utils.set_random_seed(1)
    start = networks.build_encoder(spec).get_weights(), networks.build_decoder(spec).get_weights()
    results = {}
    for name, module in EVERYWHERE:
        encoder = networks.build_encoder(spec, keras=module)
        decoder = networks.build_decoder(spec, keras=module)
        encoder.set_weights(start[0])
        decoder.set_weights(start[1])
        vae = placements.build(
            name, encoder, decoder, seed=SEED, keras=module, run_eagerly=True,
            optimizer=module.optimizers.SGD(1e-3),
        )  # fmt: skip
        history = vae.fit(images[:64], batch_size=64, shuffle=False, verbose=0).history
        moving = [np.array(w) for w in decoder.get_weights()][-3]
        results[name, module.__name__] = (history["loss"][0], moving)
    loss, moving = results["encoder_layer", "keras"]
    assert not np.allclose(moving, start[1][-3]), "batch norm has learned its averages"
    for placement, (other_loss, other_moving) in results.items():
        assert np.isclose(other_loss, loss, rtol=1e-4), placement
        assert np.allclose(other_moving, moving, rtol=1e-3, atol=1e-5), placement


# What a reader does with them -----------------------------------------------------------------


@every_placement
def test_fit_evaluate_predict_and_the_code(name, keras_module, images, start):
    vae = fresh(name, keras_module, start)
    odd = images[:100]  # the last batch is smaller
    figures = vae.evaluate(odd, batch_size=32)
    assert set(figures) == {"loss", "reconstruction", "kl"}
    mu, log_var = vae.encoder.predict(odd, verbose=0)
    kl = 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)
    assert np.isclose(figures["kl"], kl.mean(), rtol=1e-4)
    assert np.isclose(figures["loss"], figures["reconstruction"] + figures["kl"], rtol=1e-5)
    x_hat = vae.predict(odd, batch_size=32)
    assert x_hat.shape == odd.shape and 0 <= x_hat.min() and x_hat.max() <= 1
    assert not np.array_equal(x_hat, vae.predict(odd, batch_size=32)), "epsilon must be fresh"


@every_placement
def test_a_data_set_instead_of_an_array(name, keras_module, images, start):
    figures = fresh(name, keras_module, start).fit(
        images, batch_size=64, shuffle=False, verbose=0, validation_data=(images, images)
    )
    data_set = tf.data.Dataset.from_tensor_slices(images).batch(64)
    same = fresh(name, keras_module, start).fit(
        data_set, shuffle=False, verbose=0, validation_data=data_set
    )
    for key in ("loss", "val_loss", "kl", "val_kl"):
        assert np.allclose(figures.history[key], same.history[key], rtol=1e-4), key


@every_placement
@pytest.mark.parametrize("value", [-100.0, 100.0])
def test_the_loss_stays_finite_for_extreme_log_var(name, keras_module, value, images, start):
    vae = fresh(name, keras_module, start)
    head = vae.encoder.get_layer("log_var")
    head.set_weights([0 * head.get_weights()[0], np.full(Z_DIM, value, "float32")])
    history = vae.fit(images[:64], batch_size=64, verbose=0).history
    assert np.isfinite([history["loss"], history["reconstruction"], history["kl"]]).all()
    assert history["kl"][0] > 90


FRESH_PROCESS = """
from vaelib import quiet_tensorflow
quiet_tensorflow()
import numpy as np
import {module}
from vaelib import placements
images = np.load("images.npy")
for name in {names}:
    vae = {module}.saving.load_model(name + ".keras")
    np.save(name + ".loaded.npy", vae.predict(images))
    steps, before = int(vae.optimizer.iterations), vae.decoder.get_weights()
    history = vae.fit(images, batch_size=32, verbose=0).history
    assert steps == 2 and set(history) == {{"loss", "reconstruction", "kl"}}, (name, steps, history)
    assert np.isclose(history["loss"][0], history["reconstruction"][0] + 2 * history["kl"][0])
    assert not np.allclose(before[0], vae.decoder.get_weights()[0]), name
"""


@pytest.mark.parametrize("keras_module", [keras, tf_keras], ids=lambda module: module.__name__)
def test_saved_and_loaded_in_a_fresh_process(keras_module, images, start, tmp_path):
    """Without custom_objects and without unsafe modes: predicts bit-equal, and trains on."""
    np.save(tmp_path / "images.npy", images[:64])
    names = [name for name in placements.names(keras_module) if not name.startswith("tfp")]
    for name in names:
        vae = fresh(name, keras_module, start, beta=2.0, optimizer="adam")
        vae.fit(images[:64], batch_size=32, verbose=0)
        vae.save(tmp_path / f"{name}.keras")
        # A twin with these weights starts its draws from the seed, as a loaded model does.
        twin = fresh(name, keras_module, start)
        twin.encoder.set_weights(vae.encoder.get_weights())
        twin.decoder.set_weights(vae.decoder.get_weights())
        np.save(tmp_path / f"{name}.npy", twin.predict(images[:64]))
    code = FRESH_PROCESS.format(module=keras_module.__name__, names=names)
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    for name in names:
        first, loaded = np.load(tmp_path / f"{name}.npy"), np.load(tmp_path / f"{name}.loaded.npy")
        assert np.array_equal(first, loaded), name


@pytest.mark.parametrize("name", ["tfp_add_loss", "tfp_regularizer"])
def test_tfp_placements_are_rebuilt_and_their_weights_loaded(name, images, start, tmp_path):
    vae = fresh(name, tf_keras, start)
    vae.fit(images[:64], batch_size=32, verbose=0)
    vae.save_weights(tmp_path / "vae.weights.h5")
    again = fresh(name, tf_keras, start)
    again.load_weights(tmp_path / "vae.weights.h5")
    for saved, loaded in zip(weights_of(vae), weights_of(again)):
        assert np.array_equal(saved, loaded)
    assert again.fit(images[:64], batch_size=32, verbose=0).history["loss"][0] > 0


@pytest.mark.parametrize(
    ("name", "keras_module"), [pair for pair in EVERYWHERE if not pair[0].startswith("tfp")]
)
def test_an_untrained_model_is_loaded_without_a_warning(
    name, keras_module, start, tmp_path, recwarn, caplog
):
    fresh(name, keras_module, start, optimizer="adam").save(tmp_path / "vae.keras")
    loaded = keras_module.saving.load_model(tmp_path / "vae.keras")
    assert loaded.encoder.count_params() > 0
    messages = [str(warning.message) for warning in recwarn.list] + caplog.messages
    assert not [text for text in messages if "ariable" in text or "built" in text]


def test_the_hand_written_loop_serves_callbacks_and_shows_progress(images, start, capsys):
    vae = fresh("custom_loop", keras, start)
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=1e9, patience=1)
    history = vae.fit(
        images, batch_size=64, epochs=5, verbose=2, callbacks=[stop], validation_data=images[:64]
    )
    assert len(history.history["loss"]) == 2, "stopped early"
    assert "val_kl" in capsys.readouterr().out


# Bad input ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vae(start):
    return fresh("encoder_layer", keras, start)


BAD_IMAGES = {
    "bytes": (lambda x: x * 255, "divide them by 255"),
    "negative": (lambda x: x - 0.5, "rescale them"),
    "NaN": (lambda x: np.where(x > 0.5, np.nan, x), "NaN or infinite"),
    "no channel": (lambda x: x[..., 0], "with one channel"),
    "colour": (lambda x: np.repeat(x, 3, axis=-1), r"takes images of shape \(28, 28, 1\)"),
    "too small": (lambda x: x[:, ::2, ::2], r"but these have \(14, 14, 1\)"),
    "labels": (lambda x: np.arange(len(x)), "like a list of labels"),
    "nothing": (lambda x: x[:0], "are empty"),
    "None": (lambda x: None, "pass an array of numbers"),
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_bad_images_are_refused_before_anything_is_trained(kind, vae, images):
    spoil, message = BAD_IMAGES[kind]
    before, bad = weights_of(vae), spoil(images[:64])
    for act in (vae.fit, vae.evaluate, vae.predict):
        with pytest.raises(data.DataError, match=message):
            act(bad, verbose=0)
    if bad is not None:
        with pytest.raises(data.DataError, match=message):
            vae.fit(images[:64], validation_data=bad, verbose=0)
    assert all(np.array_equal(old, new) for old, new in zip(before, weights_of(vae)))


def test_validation_images_are_named(vae, images):
    with pytest.raises(data.DataError, match="The validation images have pixels from 0 to 255"):
        vae.fit(images, validation_data=images * 255, verbose=0)


def test_labels_as_targets(vae, images):
    with pytest.raises(data.DataError, match="targets of the images are something else, labels"):
        vae.fit(images, np.arange(len(images)), verbose=0)
    with pytest.raises(data.DataError, match="targets of the validation images"):
        vae.fit(images, images, validation_data=(images, images[::-1]), verbose=0)


@pytest.mark.parametrize("size", [641, 0, -1, 1.5, True, "many"])
def test_batch_size(size, vae, images):
    message = "A batch of 641 is larger than the data, 640 images" if size == 641 else "batch_size"
    with pytest.raises(data.DataError, match=message):
        vae.fit(images, batch_size=size, verbose=0)


@pytest.mark.parametrize("spoil", [lambda x: x, lambda x: x[:, :14], lambda x: x[0, 0, 0, 0]])
def test_a_data_set_of_the_wrong_shape(spoil, vae, images):
    data_set = tf.data.Dataset.from_tensor_slices(images)  # not batched
    if spoil(images) is not images:
        data_set = data_set.batch(10).map(spoil)
    with pytest.raises(data.DataError, match=r"then call \.batch"):
        vae.fit(data_set, verbose=0)


def networks_of(keras_module=keras, **changes):
    spec = networks.preset("quick", hidden=(8,), decoder_hidden=(8,), **changes)
    return (
        networks.build_encoder(spec, keras=keras_module),
        networks.build_decoder(spec, keras=keras_module),
    )


def test_an_unknown_placement():
    for name in ("lambda", ["outputs"], None):
        with pytest.raises(ValueError, match="There is no placement .*: use one of"):
            placements.build(name, *networks_of())


@pytest.mark.parametrize(
    ("name", "keras_module"),
    [("model_add_loss", keras), ("tfp_add_loss", keras), ("model_call", tf_keras)],
)
def test_a_placement_of_the_other_keras(name, keras_module):
    with pytest.raises(ValueError, match=f"The placement '{name}' does not exist in Keras"):
        placements.build(name, *networks_of(keras_module), keras=keras_module)


@pytest.mark.parametrize("beta", [-1, float("nan"), float("inf"), 10**400, "1", None, True])
def test_beta(beta):
    with pytest.raises(ValueError, match="beta must be a finite number of at least 0"):
        placements.build("outputs", *networks_of(), beta=beta)


@pytest.mark.parametrize("seed", [1.5, "1", True, -1, 2**32])
def test_seed(seed):
    with pytest.raises(ValueError, match="seed must be None or a whole number from 0"):
        placements.build("outputs", *networks_of(), seed=seed)


@pytest.mark.parametrize("z_dim", [0, -1, 2.5, "2", None])
def test_z_dim(z_dim):
    with pytest.raises(ValueError, match="z_dim needs positive whole numbers"):
        networks_of(z_dim=z_dim)


def test_networks_that_do_not_fit():
    encoder, decoder = networks_of(z_dim=2)
    other_encoder, other_decoder = networks_of(z_dim=3)
    with pytest.raises(ValueError, match="give both the same z_dim"):
        placements.build("outputs", encoder, other_decoder)
    small = networks_of(input_shape=(14, 14, 1))[1]
    with pytest.raises(ValueError, match=r"gives back images of shape \(14, 14, 1\)"):
        placements.build("outputs", encoder, small)
    spec = networks.preset("quick", hidden=(8,), decoder_hidden=(8,))
    plain = networks.build_encoder(spec, variational=False)
    with pytest.raises(ValueError, match="variational=True"):
        placements.build("outputs", plain, decoder)
    with pytest.raises(ValueError, match="named 'decoder': build it with name='encoder'"):
        placements.build("outputs", decoder, encoder)
    with pytest.raises(ValueError, match="The encoder is no model of keras"):
        placements.build("outputs", SPEC, decoder)


def test_networks_of_the_other_keras():
    with pytest.raises(ValueError, match="The encoder is no model of keras but a tf_keras"):
        placements.build("outputs", *networks_of(tf_keras))
    with pytest.raises(ValueError, match="The encoder is no model of tf_keras"):
        placements.build("outputs", *networks_of(), keras=tf_keras)


def test_a_keras_that_is_none():
    with pytest.raises(ValueError, match="keras must be the module keras or tf_keras"):
        placements.build("outputs", *networks_of(), keras="keras")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": None}, "optimizer must be a name or an optimizer of keras, but is None"),
        ({"optimizer": tf_keras.optimizers.SGD()}, "an optimizer of keras, but is a tf_keras"),
        ({"loss": "mse"}, "sets loss itself: leave it away"),
        ({"metrics": ["mse"], "loss": "mse"}, "sets loss, metrics itself"),
    ],
)
def test_compile_options(options, message):
    with pytest.raises(ValueError, match=message):
        placements.build("outputs", *networks_of(), **options)


def test_a_network_that_was_never_called():
    unknown = keras.Sequential([keras.layers.Flatten()], name="encoder")
    with pytest.raises(ValueError, match="The encoder has no known shapes"):
        placements.build("outputs", unknown, networks_of()[1])


def test_old_optimizers_of_tf_keras_work(images):
    vae = placements.build(
        "encoder_layer", *networks_of(tf_keras), keras=tf_keras,
        optimizer=tf_keras.optimizers.legacy.SGD(1e-3),
    )  # fmt: skip
    assert vae.fit(images[:64], verbose=0).history["loss"][0] > 0


def test_lists_of_pixels(vae, images):
    few = images[:2].tolist()
    try:
        shape = vae.predict(few).shape
        figures = vae.evaluate(few)
    except Exception as error:  # pytest would print all the pixels
        raise AssertionError(str(error)[:100]) from None
    assert shape == (2, 28, 28, 1) and figures["loss"] > 0


@pytest.mark.parametrize("pair", [(), (1, 2, 3)])
def test_validation_data_of_the_wrong_length(pair, vae, images):
    with pytest.raises(data.DataError, match="images, or a pair of them twice"):
        vae.fit(images, validation_data=pair, verbose=0)


BAD_DATA_SETS = {
    "NaN": (lambda x: x * np.nan, "NaN or infinite"),
    "bytes": (lambda x: x * 255, "divide them by 255"),
    "dicts": (lambda x: {"images": x}, "but this data set gives"),
}


@pytest.mark.parametrize("kind", BAD_DATA_SETS)
def test_the_first_batch_of_a_data_set_is_checked(kind, vae, images):
    spoil, message = BAD_DATA_SETS[kind]
    bad = tf.data.Dataset.from_tensor_slices(images).batch(64).map(spoil)
    for act in (vae.fit, vae.evaluate, vae.predict):
        with pytest.raises(data.DataError, match=message):
            act(bad, verbose=0)


def test_an_empty_data_set(vae, images):
    with pytest.raises(data.DataError, match="empty data set"):
        vae.fit(tf.data.Dataset.from_tensor_slices(images).batch(64).take(0), verbose=0)


@every_placement
def test_data_sets_of_another_type(name, keras_module, images, start):
    data_set = tf.data.Dataset.from_tensor_slices(images.astype("float64")).batch(64)
    assert fresh(name, keras_module, start).fit(data_set, verbose=0).history["loss"][0] > 0


@every_placement
def test_compiling_again_never_loses_the_reconstruction(name, keras_module, images, start):
    vae = fresh(name, keras_module, start)
    vae.compile(optimizer=keras_module.optimizers.SGD(1e-3))
    try:
        history = vae.fit(images[:64], batch_size=64, verbose=0).history
    except ValueError as error:
        assert "build the placement anew" in str(error)
    else:
        assert history["loss"][0] > 100


@pytest.mark.parametrize("option", ["sample_weight", "class_weight"])
def test_weights_of_images(option, vae, images):
    with pytest.raises(ValueError, match=f"weighs all images alike: leave {option} away"):
        vae.fit(images, **{option: np.ones(len(images))}, verbose=0)


def test_an_optimizer_serves_one_model(images):
    optimizer = keras.optimizers.Adam()
    placements.build("outputs", *networks_of(), optimizer=optimizer)
    with pytest.raises(ValueError, match="make a new one for each"):
        placements.build("outputs", *networks_of(), optimizer=optimizer)


@pytest.mark.parametrize("name", ["tfp_add_loss", "train_step"])
def test_numbers_of_numpy(name, images):
    vae = placements.build(
        name, *networks_of(tf_keras), keras=tf_keras, seed=np.int64(3), beta=np.float32(0.5)
    )
    assert vae.fit(images, batch_size=np.uint8(64), verbose=0).history["loss"][0] > 0


def test_the_hand_written_loop_evaluates_a_number_of_steps(images, start):
    endless = tf.data.Dataset.from_tensor_slices(images).batch(64).repeat()
    vae = fresh("custom_loop", keras, start)
    assert vae.evaluate(endless, steps=2)["loss"] > 0
    with pytest.raises(TypeError, match="nonsense"):
        vae.evaluate(images, nonsense=1)


def test_names_are_the_table_of_the_docstring():
    for name, versions in placements.PLACEMENTS.items():
        line = next(text for text in placements.__doc__.splitlines() if f"``{name}``" in text)
        assert all(str(version) in line.split(")")[-1] for version in versions)
    assert placements.names(keras) != placements.names(tf_keras)
