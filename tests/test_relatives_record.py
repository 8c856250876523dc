"""The record of chapter ``other-priors``: the chapter's own terms and trainings."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import relatives_record as tool  # noqa: E402
from collapse_record import fingerprint  # noqa: E402

RECORD = json.loads(tool.RECORD.read_text())


@pytest.fixture(scope="module")
def defined():
    return tool.chapter(tool.chapter_cells())


def test_the_record_was_made_with_the_cells_of_the_chapter():
    assert RECORD["definitions"] == fingerprint(tool.chapter_cells())


def test_the_record_is_whole(defined):
    assert {(run["term"], run["seed"]) for run in RECORD["runs"]} == {
        (term, seed) for term in tool.terms(defined) for seed in tool.SEEDS
    }
    assert set(RECORD["versions"]) == {"python", "tensorflow", "keras", "numpy", "scikit-learn"}
    for run in RECORD["runs"]:
        assert run["reconstruction"] > 50 and run["kl"] > 0 and 0 <= run["used"] <= tool.Z_DIM
        assert 0 <= run["digits from the prior"] <= 1
        learned = run["term"] == "learned prior"
        assert (run["kl to the learned prior"] is not None) == learned
        if learned:  # it has learned to charge less than N(0, I) does
            assert run["kl to the learned prior"] < run["kl"]


def clouds(n=400, z_dim=2, seed=0):
    """mu, log_var and one draw each."""
    rng = np.random.default_rng(seed)
    mu = rng.normal(size=(n, z_dim)).astype("float32")
    log_var = rng.uniform(-3, 0, (n, z_dim)).astype("float32")
    noise = rng.normal(size=(n, z_dim)).astype("float32")
    return mu, log_var, mu + np.exp(log_var / 2) * noise


def test_the_kl_term_and_the_target_are_those_of_the_library(defined):
    from vaelib import objectives

    mu, log_var, z = clouds()
    wanted = float(np.mean(objectives.gaussian_kl(mu, log_var)))
    assert np.isclose(float(defined["kl_term"](mu, log_var, z)), wanted, rtol=1e-5)
    found = float(defined["target_rate"](mu, log_var, z, C=wanted + 2, gamma=3.0))
    assert np.isclose(found, 6, rtol=1e-4)


def test_total_correlation_against_a_loop(defined):
    mu, log_var, z = clouds(n=30)
    log_q = np.zeros((30, 30, 2))
    for i in range(30):
        for j in range(30):
            log_q[i, j] = -0.5 * ((z[i] - mu[j]) ** 2 / np.exp(log_var[j]) + log_var[j])
    together = np.log(np.exp(log_q.sum(-1)).mean(axis=1))
    apart = np.log(np.exp(log_q).mean(axis=1)).sum(axis=-1)
    found = float(defined["total_correlation"](mu, log_var, z, beta=2.0))
    found -= float(defined["kl_term"](mu, log_var, z))
    assert np.isclose(found, np.mean(together - apart), rtol=1e-4)


def test_mmd_is_small_for_the_prior_and_grows_with_the_distance(defined):
    rng = np.random.default_rng(1)
    z = rng.normal(size=(1_000, 2)).astype("float32")
    near, far, further = (float(defined["mmd"](None, None, z + shift)) for shift in (0, 1, 2))
    assert near < 0.5 < 3 < far < further


def test_a_mixture_that_learns_is_a_kl_term_and_draws_what_it_charges_for(defined):
    prior = defined["MixturePrior"](z_dim=2, n=2)
    # Nearly all of the mixture in its first part, a Gaussian at (3, 0) with sigma 2 and 1.
    widths = np.log([[4.0, 1.0], [1.0, 1.0]])
    prior.set_weights([np.array([[3.0, 0.0], [9.0, 9.0]]), widths, np.array([20.0, -20.0])])
    mu, log_var, _ = clouds(n=20_000)
    rng = np.random.default_rng(2)
    z = mu + np.exp(log_var / 2) * rng.normal(size=mu.shape).astype("float32")
    share = (np.exp(log_var) + (mu - [3, 0]) ** 2) / [4, 1]
    wanted = 0.5 * np.mean(np.sum(share - 1 + np.log([4, 1]) - log_var, axis=-1))
    assert np.isclose(float(prior(mu, log_var, z)), wanted, rtol=0.02)
    drawn = prior.draw(20_000, rng)
    assert np.allclose(drawn.mean(axis=0), [3, 0], atol=0.06)
    assert np.allclose(drawn.std(axis=0), [2, 1], atol=0.04)


def test_a_short_training_and_its_measurement(defined):
    import keras

    from vaelib import data

    digits = data.load("digits", n_train=120, n_test=40)
    for name in ("learned prior", "MMD"):
        keras.utils.set_random_seed(1)
        term = tool.terms(defined)[name]()
        parts = defined["train_with"](term, digits.x_train, epochs=1, z_dim=tool.Z_DIM)
        found = tool.measured(parts, term, digits.x_test, lambda x: np.zeros(len(x)), seed=1)
        assert set(found) | {"term", "seed"} == set(RECORD["runs"][0])
        assert found["digits from the prior"] == 1 and np.isfinite(found["reconstruction"])
        if name == "learned prior":  # its weights are trained
            assert parts[0].trainable_weights and any(
                weight is term.mean for weight in parts[0].trainable_weights
            )
