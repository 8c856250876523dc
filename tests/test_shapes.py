"""vaelib.shapes: pictures whose factors are known."""

import colorsys

import numpy as np
import pytest

from vaelib import data, shapes


def one(**changes):
    """Factors of a single picture: a red disc in the middle, unless told otherwise."""
    told = {"shape": 0, "hue": 0.0, "x": 0.5, "y": 0.5, "size": 0.25, "rotation": 0.0, **changes}
    return {name: np.array([value]) for name, value in told.items()}


def middle(image):
    """Centre of what is drawn, across and down, in widths of the picture."""
    weight = image.max(axis=-1)
    grid = (np.arange(len(image)) + 0.5) / len(image)
    return (weight.sum(0) @ grid / weight.sum(), weight.sum(1) @ grid / weight.sum())


def test_pictures_and_factors():
    images, factors = shapes.generate(600, seed=3)
    assert images.shape == (600, 32, 32, 3) and images.dtype == np.float32
    assert images.min() == 0 and images.max() == 1
    assert set(factors) == {"shape", *shapes.RANGES}
    assert set(factors["shape"]) == {0, 1, 2}
    for name, (low, high) in shapes.RANGES.items():
        assert low <= factors[name].min() < low + 0.02 * (high - low), name
        assert high >= factors[name].max() > high - 0.02 * (high - low), name
    data.check_images(images)


def test_a_seed_gives_the_same_pictures_and_another_gives_others():
    first, again, other = (shapes.generate(300, seed=s)[0] for s in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    # Drawn in parts of 250: the parts must not matter.
    _, factors = shapes.generate(300, seed=1)
    alone = shapes.render({name: values[270:271] for name, values in factors.items()})
    assert np.array_equal(alone[0], first[270])


def test_each_factor_does_what_its_name_says():
    across, down = middle(shapes.render(one(x=0.4, y=0.6), 64)[0])
    assert abs(across - 0.4) < 0.005 and abs(down - 0.6) < 0.005
    for hue in (0.0, 0.2, 0.66):
        color = shapes.render(one(hue=hue))[0, 16, 16]
        assert np.allclose(color, colorsys.hsv_to_rgb(hue, 0.85, 1.0), atol=1e-6)
    # Areas as geometry has them, at a size where the edge hardly counts.
    area = {n: (shapes.render(one(shape=n), 256)[0, ..., 0]).mean() for n in range(3)}
    assert np.isclose(area[0], np.pi * 0.25**2, rtol=0.01)
    assert np.isclose(area[1], 2 * 0.25**2, rtol=0.01)
    assert np.isclose(area[2], 0.75 * np.sqrt(3) * 0.25**2, rtol=0.01)
    half = shapes.render(one(size=0.125), 256)[0, ..., 0].mean()
    assert np.isclose(half, area[0] / 4, rtol=0.02)


def test_rotation_turns_what_has_corners():
    for number, same in ((0, True), (1, False), (2, False)):
        straight, turned = (
            shapes.render(one(shape=number, rotation=angle))[0] for angle in (0.0, 30.0)
        )
        assert (np.abs(straight - turned).max() < 1e-5) == same
    # A square looks the same after a quarter turn, a triangle does not.
    for number, same in ((1, True), (2, False)):
        straight, turned = (
            shapes.render(one(shape=number, rotation=angle))[0] for angle in (0.0, 90.0)
        )
        assert (np.abs(straight - turned).max() < 1e-4) == same


def test_nothing_touches_the_rim():
    images, _ = shapes.generate(2_000, seed=8)
    rim = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    assert max(side.max() for side in rim) <= 1
    assert np.mean([side.max(axis=(1, 2)) > 0 for side in rim]) < 0.05


@pytest.mark.parametrize("n, size", [(0, 32), (2.5, 32), ("3", 32), (3, 4), (3, None)])
def test_bad_counts_are_told(n, size):
    with pytest.raises(ValueError, match="must be a whole number of at least"):
        shapes.generate(n, size=size)
