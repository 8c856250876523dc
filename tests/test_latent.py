"""vaelib.latent: codes and their extents."""

import keras
import numpy as np
import pytest

from vaelib import latent, networks
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


def test_class_centres_need_a_label_for_each_code():
    with pytest.raises(ValueError, match="3 codes and labels of shape"):
        latent.class_centres(np.zeros((3, 2)), [1, 2])


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


def test_class_centres_are_medians():
    codes = np.array([[0.0, 0], [1, 1], [100, 2], [5, 5]])
    centres = latent.class_centres(codes, [3, 3, 3, 7])
    assert list(centres) == [3, 7]
    assert np.allclose(centres[3], [1, 1]) and np.allclose(centres[7], [5, 5])
