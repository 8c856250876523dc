"""vaelib.latent: codes and their extents."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow_probability as tfp

from vaelib import latent, networks, objectives
from vaelib.data import DataError

IMAGES = np.random.default_rng(1).uniform(0, 1, (37, 28, 28, 1)).astype("float32")


@pytest.mark.parametrize("variational", [True, False])
def test_encode_gives_one_code_per_image(variational):
    encoder = networks.build_encoder(networks.preset("quick", z_dim=3), variational=variational)
    codes = latent.encode(encoder, IMAGES, batch_size=10)
    assert codes.shape == (37, 3)
    one_by_one = encoder(IMAGES[:1])
    assert np.allclose(codes[0], one_by_one[0] if variational else one_by_one, atol=1e-5)


def test_encode_takes_mu_and_not_log_var():
    image = keras.Input((28, 28, 1))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    encoder = keras.Model(image, [mean, -mean])
    assert np.allclose(latent.encode(encoder, IMAGES)[:, 0], IMAGES.mean(axis=(1, 2, 3)), atol=1e-5)


def test_encode_refuses_raw_pixels():
    encoder = networks.build_encoder(networks.preset("quick"))
    with pytest.raises(DataError, match="divide them by 255"):
        latent.encode(encoder, IMAGES * 255)


def test_encode_refuses_images_of_another_shape_even_after_good_ones():
    """Keras' predict looks at shapes only the first time; a dense encoder then swallows 14 x 56."""
    encoder = networks.build_encoder(networks.preset("quick"))
    latent.encode(encoder, IMAGES)
    for shape in ((2, 14, 56, 1), (2, 28, 28, 3)):
        with pytest.raises(DataError, match=r"takes images of shape \(28, 28, 1\), but these have"):
            latent.encode(encoder, np.zeros(shape))
    assert latent.encode(encoder, IMAGES[:2].tolist()).shape == (2, 2)


def test_class_centers_need_a_label_for_each_code():
    with pytest.raises(ValueError, match="3 codes and labels of shape"):
        latent.class_centers(np.zeros((3, 2)), [1, 2])


def test_extents_of_known_codes():
    codes = np.stack([np.linspace(-2, 4, 101), np.linspace(10, 11, 101)], axis=1)
    extents = latent.extents(codes, coverage=0.9)
    assert np.allclose(extents.low, [-2, 10]) and np.allclose(extents.high, [4, 11])
    assert np.isclose(extents.area, 6)
    assert np.allclose(extents.robust_low, [-1.7, 10.05])
    assert np.isclose(extents.robust_area, 6 * 0.9**2)


def test_the_robust_box_ignores_a_stray():
    codes = np.random.default_rng(2).normal(size=(5_000, 2))
    stray = np.vstack([codes, [[1_000.0, -1_000.0]]])
    clean, dirty = latent.extents(codes), latent.extents(stray)
    assert dirty.area > 1_000 * clean.area
    assert np.isclose(dirty.robust_area, clean.robust_area, rtol=0.02)
    assert np.allclose(clean.robust_high, 2.326, atol=0.1), "98 % of a Gaussian"


def test_extents_in_more_dimensions():
    codes = np.random.default_rng(3).uniform(0, 2, (10_000, 4))
    assert np.isclose(latent.extents(codes).area, 16, rtol=0.02)


@pytest.mark.parametrize(
    ("codes", "coverage", "message"),
    [
        (np.zeros(5), 0.98, r"shape \(images, z_dim\), but have \(5,\)"),
        (np.zeros((0, 2)), 0.98, r"but have \(0, 2\)"),
        (np.array([[0.0, np.nan]]), 0.98, "training has diverged"),
        (np.zeros((3, 2)), 0.0, "coverage must be"),
        (np.zeros((3, 2)), 98, "coverage must be"),
    ],
)
def test_extents_refuse_nonsense(codes, coverage, message):
    with pytest.raises(ValueError, match=message):
        latent.extents(codes, coverage)


def test_class_centers_are_medians():
    codes = np.array([[0.0, 0], [1, 1], [100, 2], [5, 5]])
    centers = latent.class_centers(codes, [3, 3, 3, 7])
    assert list(centers) == [3, 7]
    assert np.allclose(centers[3], [1, 1]) and np.allclose(centers[7], [5, 5])


# Measures, against formulas and against TFP ----------------------------------------------------


def gaussian_cloud(n=20_000, seed=4):
    """Codes from a Gaussian that is neither centred nor round, and its moments."""
    mean, covariance = np.array([1.0, -0.5]), np.array([[2.0, 0.6], [0.6, 0.5]])
    return np.random.default_rng(seed).multivariate_normal(mean, covariance, n), mean, covariance


def test_log_volume_is_the_determinant_and_does_not_care_for_the_axes():
    codes, _, covariance = gaussian_cloud()
    assert np.isclose(latent.log_volume(codes), 0.5 * np.log(np.linalg.det(covariance)), atol=0.03)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert np.isclose(latent.log_volume(codes @ turn), latent.log_volume(codes))
    tripled = latent.log_volume(3 * codes) - latent.log_volume(codes)
    assert np.isclose(np.exp(tripled), 9), "the ratio of two areas"
    assert np.isfinite(latent.log_volume(codes[:, :1])), "one dimension"


def test_distance_from_prior_is_tfps_kl_of_the_fitted_gaussian():
    codes, mean, covariance = gaussian_cloud()
    tfd = tfp.distributions
    fitted = tfd.MultivariateNormalTriL(mean, np.linalg.cholesky(covariance))
    witness = float(tfd.kl_divergence(fitted, tfd.MultivariateNormalDiag(np.zeros(2))))
    assert np.isclose(latent.distance_from_prior(codes), witness, atol=0.05)
    white = np.linalg.solve(
        np.linalg.cholesky(np.cov(codes.T, bias=True)), (codes - codes.mean(0)).T
    )
    assert np.isclose(latent.distance_from_prior(white.T), 0, atol=1e-9)


def test_aggregate_kl_of_clouds_that_make_the_prior_is_zero():
    """N(mu, 1/2) with mu from N(0, 1/2) is N(0, 1) in the mean."""
    mu = np.random.default_rng(5).normal(0, np.sqrt(0.5), (8_000, 2))
    kl = latent.aggregate_kl(mu, np.full_like(mu, np.log(0.5)))
    assert abs(kl) < 0.02
    # The mean KL term is more than that: what the code tells about the image.
    assert 0.6 < float(np.mean(objectives.gaussian_kl(mu, np.full_like(mu, np.log(0.5))))) < 0.8


def test_aggregate_kl_is_the_integral_of_the_mixture():
    mu, log_var = np.array([[-2.0], [0.5], [3.0]]), np.array([[-1.0], [0.3], [-2.0]])
    grid = np.linspace(-12, 12, 20_001)
    q = scipy.stats.norm(mu, np.exp(log_var / 2)).pdf(grid).mean(axis=0)
    p = scipy.stats.norm(0, 1).pdf(grid)
    integral = np.trapezoid(q * (np.log(q + 1e-300) - np.log(p)), grid)
    assert np.isclose(latent.aggregate_kl(mu, log_var, n_draws=100_000), integral, rtol=0.02)


def test_aggregate_kl_is_at_most_the_mean_kl_and_at_least_that_less_ln_n():
    rng = np.random.default_rng(6)
    mu, log_var = rng.normal(0, 2, (300, 4)), rng.normal(-2, 0.5, (300, 4))
    mean_kl = float(np.mean(objectives.gaussian_kl(mu, log_var)))
    kl = latent.aggregate_kl(mu, log_var)
    assert mean_kl - np.log(300) - 0.2 < kl < mean_kl


def test_kl_per_dimension_adds_up_to_the_kl_term():
    rng = np.random.default_rng(11)
    mu, log_var = rng.normal(size=(400, 3)), rng.normal(-1, 1, (400, 3))
    mu[:, 2] = log_var[:, 2] = 0
    each = latent.kl_per_dimension(mu, log_var)
    assert each.shape == (3,) and each[2] == 0
    assert np.isclose(each.sum(), np.mean(objectives.gaussian_kl(mu, log_var)))


def test_active_units():
    rng = np.random.default_rng(7)
    mu = np.stack([rng.normal(0, scale, 5_000) + 3 for scale in (1, 0.2, 0.05, 0)], axis=1)
    assert latent.active_units(mu).tolist() == [True, True, False, False]
    assert latent.active_units(mu, threshold=0.001).sum() == 3


def test_separation_is_a_ratio_of_distances():
    rng = np.random.default_rng(8)
    labels = np.repeat([0, 1, 2], 4_000)
    corners = np.array([[0.0, 0], [6, 0], [3, 3 * np.sqrt(3)]])  # 6 apart, each from each
    codes = corners[labels] + rng.normal(size=(12_000, 2))
    assert np.isclose(latent.separation(codes, labels), 6 / np.sqrt(2), rtol=0.02)
    assert np.isclose(latent.separation(50 * codes - 3, labels), latent.separation(codes, labels))
    mixed = latent.separation(codes, rng.permutation(labels))
    assert mixed < 0.1, "labels that mean nothing"


def test_neighbor_accuracy_and_its_interval():
    rng = np.random.default_rng(9)
    labels = np.arange(4_000) % 2
    codes = rng.normal(size=(4_000, 2)) + 2 * labels[:, None]
    found = latent.neighbor_accuracy(codes[::2], labels[::2], codes[1::2], labels[1::2])
    assert found.value == found.right.mean() and len(found.right) == 2_000
    # labels[::2] are all 0 and labels[1::2] all 1: every answer is wrong.
    assert found.value == 0 == found.low < found.high < 0.01
    half = latent.neighbor_accuracy(codes[:2_000], labels[:2_000], codes[2_000:], labels[2_000:])
    best = scipy.stats.norm.cdf(np.sqrt(2))  # of any classifier: the centres are 2 sqrt 2 apart
    assert half.low < best < half.high + 0.02 and half.high - half.low < 0.04
    n, p = 2_000, half.value
    middle, spread = (p + 1.92 / n) / (1 + 3.84 / n), 1.96 * np.sqrt(p * (1 - p) / n)
    assert np.isclose(half.low, middle - spread, atol=1e-3), "Wilson, nearly"


def test_in_holes():
    rng = np.random.default_rng(10)
    codes = rng.uniform(-1, 1, (4_000, 2))
    codes = codes[np.linalg.norm(codes, axis=1) > 0.5]  # a hole in the middle
    inside = rng.uniform(-0.2, 0.2, (500, 2))
    assert latent.in_holes(inside, codes).all()
    ring = codes[rng.integers(0, len(codes), 500)] + rng.normal(0, 1e-3, (500, 2))
    assert latent.in_holes(ring, codes).mean() < 0.05


def test_in_ellipse_holds_its_share_and_is_tilted_like_the_codes():
    codes, mean, covariance = gaussian_cloud()
    inside = latent.in_ellipse(codes, codes, coverage=0.9)
    assert np.isclose(inside.mean(), 0.9, atol=1e-3)
    # 90 % of a plane Gaussian lie within a Mahalanobis distance of sqrt(2 ln 10).
    along = np.linalg.cholesky(covariance) @ [[1.0], [0.0]] * np.sqrt(2 * np.log(10))
    for factor, expected in ((0.95, True), (1.05, False)):
        assert latent.in_ellipse(mean + factor * along.T, codes, 0.9).item() == expected
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert (latent.in_ellipse(codes @ turn, codes @ turn, coverage=0.9) == inside).all()


def test_the_holes_of_a_tilted_cloud_are_corners_of_its_box_not_holes_of_its_ellipse():
    """A chapter once took the empty corners for holes of the map."""
    codes, _, _ = gaussian_cloud()
    box = latent.extents(codes)
    points = np.random.default_rng(12).uniform(box.robust_low, box.robust_high, (20_000, 2))
    holes, inside = latent.in_holes(points, codes), latent.in_ellipse(points, codes)
    assert holes.mean() > 0.1 and (~inside)[holes].mean() > 0.95
    assert holes[inside].mean() < 0.03


def test_log_volume_of_draws_is_the_priors_where_that_of_mu_is_not():
    """Clouds that make the prior, one dimension of two not used: the map of mu has no volume."""
    rng = np.random.default_rng(13)
    mu = np.stack([rng.normal(0, np.sqrt(0.8), 20_000), rng.normal(0, 1e-3, 20_000)], axis=1)
    sigma = np.array([np.sqrt(0.2), 1.0])
    assert latent.log_volume(mu) < -5
    assert abs(latent.log_volume(mu + sigma * rng.normal(size=mu.shape))) < 0.03


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: latent.log_volume([[1.0, np.nan]]), "training has diverged"),
        (lambda: latent.aggregate_kl(np.zeros((3, 2)), np.zeros((3, 1))), r"\(3, 2\) and \(3, 1\)"),
        (lambda: latent.kl_per_dimension(np.zeros((3, 2)), np.zeros((2, 2))), r"and \(2, 2\)"),
        (lambda: latent.active_units(np.zeros(3)), r"shape \(images, z_dim\)"),
        (lambda: latent.separation(np.zeros((3, 2)), [1, 1, 1]), "only if there are two"),
        (lambda: latent.separation(np.zeros((3, 2)), [1, 2]), "one label"),
        (
            lambda: latent.neighbor_accuracy(np.zeros((3, 2)), [0, 1, 1], np.zeros((1, 2)), [0]),
            "k must be from 1 to 3",
        ),
        (lambda: latent.in_holes(np.zeros((3, 3)), np.zeros((4, 2))), "points have 3 dim"),
        (lambda: latent.in_ellipse(np.zeros((3, 3)), np.zeros((4, 2))), "points have 3 dim"),
        (lambda: latent.in_ellipse(np.eye(3), np.eye(3), 98), "coverage must be"),
        (lambda: latent.in_ellipse(np.zeros((3, 2)), np.zeros((4, 2))), "no spread in some"),
    ],
)
def test_measures_refuse_nonsense(call, message):
    with pytest.raises(ValueError, match=message):
        call()
