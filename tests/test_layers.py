"""vaelib.layers.Sampling: the right distribution, gradients, seeds, saving."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tf_keras
from keras import ops

from vaelib.layers import Sampling


def test_draws_have_the_asked_distribution():
    mu = np.tile([1.5, -0.5], (50_000, 1)).astype("float32")
    log_var = np.tile([-2.0, 1.0], (50_000, 1)).astype("float32")
    z = np.array(Sampling(seed=1)([mu, log_var]))
    for axis, (mean, lv) in enumerate(((1.5, -2.0), (-0.5, 1.0))):
        fit = scipy.stats.kstest(z[:, axis], scipy.stats.norm(mean, np.exp(lv / 2)).cdf)
        assert fit.pvalue > 1e-3
    # A sampler that took the variance for the standard deviation must not pass.
    wrong = scipy.stats.kstest(z[:, 0], scipy.stats.norm(1.5, np.exp(-2.0)).cdf)
    assert wrong.pvalue < 1e-6
    assert abs(np.corrcoef(z.T)[0, 1]) < 0.02, "the axes are independent"


def test_gradients_reach_both_inputs():
    mu, log_var = tf.Variable([[0.3, -1.0]]), tf.Variable([[0.5, -2.0]])
    with tf.GradientTape(persistent=True) as tape:
        z = Sampling(seed=2)([mu, log_var])
    assert np.allclose(tape.gradient(z, mu), 1.0)
    assert np.allclose(tape.gradient(z, log_var), 0.5 * (z - mu), atol=1e-6)


def test_epsilon_is_fresh_at_every_call_and_repeatable_by_seed():
    inputs = [np.zeros((4, 2), "float32")] * 2
    first, twin, other = Sampling(seed=3), Sampling(seed=3), Sampling(seed=4)
    a, b = np.array(first(inputs)), np.array(first(inputs))
    assert not np.allclose(a, b), "a frozen epsilon would make the VAE an autoencoder"
    assert np.allclose(a, twin(inputs)) and np.allclose(b, twin(inputs))
    assert not np.allclose(a, other(inputs))


def test_epsilon_is_fresh_inside_a_compiled_function():
    layer, inputs = Sampling(seed=5), [tf.zeros((4, 2)), tf.zeros((4, 2))]
    draw = tf.function(lambda: layer(inputs))
    assert not np.allclose(draw(), draw())


def test_extreme_log_var_stays_finite():
    for value in (-100.0, 100.0):
        z = Sampling(seed=1)([np.zeros((10, 2), "f"), np.full((10, 2), value, "f")])
        assert np.all(np.isfinite(z))


@pytest.mark.parametrize("shapes", [[(3, 2), (3, 1)], [(3, 2)], [(3, 2)] * 3])
def test_wrong_inputs(shapes):
    with pytest.raises(ValueError, match=r"Sampling takes \[mu, log_var\]"):
        Sampling()([np.zeros(shape, "float32") for shape in shapes])


def test_shapes_are_checked_at_every_call():
    """A layer is built once; a log_var for one image must not serve all of them later."""
    layer, good = Sampling(), np.zeros((3, 2), "float32")
    layer([good, good])
    for bad in (good[:1], good[:, :1]):
        with pytest.raises(ValueError, match=r"two tensors of one shape, but got \(3, 2\)"):
            layer([good, bad])


def test_inside_a_tf_keras_model_it_is_refused():
    """There its epsilon would be a constant: the VAE would silently be an autoencoder."""
    z = tf_keras.Input((2,))
    with pytest.raises(Exception, match="Sampling is a layer of Keras 3"):
        Sampling()([z, z])


def test_one_tensor_instead_of_two():
    with pytest.raises(ValueError, match=r"Sampling takes \[mu, log_var\]"):
        Sampling()(np.zeros((3, 2), "float32"))


def test_saved_and_loaded_in_a_fresh_process(tmp_path):
    """No custom_objects, no unsafe mode: importing the module is enough."""
    mu, log_var = keras.Input((2,)), keras.Input((2,))
    model = keras.Model([mu, log_var], Sampling(seed=6, name="draw")([mu, log_var]))
    path = tmp_path / "sampler.keras"
    model.save(path)
    expected = model.predict([np.zeros((3, 2)), np.zeros((3, 2))], verbose=0)
    code = (
        "import sys, numpy as np, keras, vaelib.layers\n"
        "model = keras.models.load_model(sys.argv[1])\n"
        "assert model.get_layer('draw').seed == 6\n"
        "z = model.predict([np.zeros((3, 2)), np.zeros((3, 2))], verbose=0)\n"
        "print(z.tolist())"
    )
    result = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert np.array_equal(np.array(eval(result.stdout)), expected)


def test_symbolic_shape_and_saving_in_float16():
    z = Sampling(dtype="float16")([keras.KerasTensor((None, 3), "float16")] * 2)
    assert z.shape == (None, 3) and z.dtype == "float16"
    assert ops.shape(Sampling()([np.zeros((5, 3), "f")] * 2)) == (5, 3)
