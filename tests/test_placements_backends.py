"""One objective on every backend: same weights, images and noise, same loss and same gradients."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from backends import needs, run_on

from vaelib import data, placements

SCRIPT = Path(__file__).with_name("equality_on_backend.py")
BETAS = ("0", "0.01", "1", "10")
MUTANTS = ("doubled", "dropped", "averaged", "without gradient")
BACKENDS = [pytest.param(name, marks=needs(name), id=name) for name in ("jax", "torch")]


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A folder with weights of an encoder and a decoder, images and noise; and the arrays."""
    rng = np.random.default_rng(1)
    shapes = [(784, 32), (32,), (32, 2), (2,), (32, 2), (2,), (2, 32), (32,), (32, 784), (784,)]
    sizes = [0.05, 0.05, 0.5, 0.5, 0.5, 0.5, 0.3, 0.05, 0.3, 0.05]
    arrays = {
        f"weight {n}": rng.normal(0, size, shape).astype("float32")
        for n, (shape, size) in enumerate(zip(shapes, sizes))
    }
    arrays["images"] = data.load("digits").x_train[:64]
    arrays["epsilon"] = rng.normal(size=(64, 2)).astype("float32")
    folder = tmp_path_factory.mktemp("equality")
    np.savez(folder / "given.npz", **arrays)
    return folder, arrays


def by_hand(arrays, beta):
    """Figures and gradients in plain TensorFlow, with nothing of vaelib in them."""
    w = [tf.Variable(arrays[f"weight {n}"]) for n in range(10)]
    x = tf.constant(arrays["images"].reshape(64, -1))
    with tf.GradientTape() as tape:
        hidden = tf.nn.relu(x @ w[0] + w[1])
        mu, log_var = hidden @ w[2] + w[3], hidden @ w[4] + w[5]
        z = mu + tf.sqrt(tf.exp(log_var)) * arrays["epsilon"]
        logits = tf.nn.relu(z @ w[6] + w[7]) @ w[8] + w[9]
        bce = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)
        kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1.0 - log_var, axis=1)
        terms = [tf.reduce_mean(tf.reduce_sum(bce, axis=1)), tf.reduce_mean(kl)]
        loss = terms[0] + beta * terms[1]
    gradients = [gradient.numpy() for gradient in tape.gradient(loss, w)]
    return [np.array([loss, *terms]), *gradients]


def differences(wanted, found):
    """Numbers of the arrays that differ: 0 is the figures, then one for each weight."""
    off = [np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in zip(wanted, found)]
    exact = np.allclose(found[0], wanted[0], rtol=1e-5)
    return [] if exact and max(off[1:]) < 1e-4 else [n for n, part in enumerate(off) if part > 1e-5]


def of_steps(path, key):
    arrays = np.load(path)
    return [arrays[f"{key} {n}"] for n in range(11)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_placement_is_the_same_objective_on_every_backend(backend, given):
    folder, arrays = given
    done = run_on(backend, SCRIPT, folder)
    names = placements.names()
    assert len(names) == 7 and len(done) == 7 * (len(BETAS) + len(MUTANTS))
    for name in names:
        for beta in BETAS:
            found = of_steps(folder / f"{backend}.npz", f"{name}, beta {beta}")
            assert differences(by_hand(arrays, float(beta)), found) == [], (name, beta)
        for mutant in MUTANTS:
            found = of_steps(folder / f"{backend}.npz", f"{name}, {mutant}")
            assert differences(by_hand(arrays, 1.0), found), (name, mutant)
