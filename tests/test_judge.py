"""vaelib.judge: pictures of one class, pictures of none."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from vaelib import data
from vaelib.data import DataError
from vaelib.judge import train_judge


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def judge(digits):
    return train_judge(digits.x_train, digits.y_train)


def two_in_one(images, labels, join, seed=3):
    """Pictures made of two images of different classes."""
    first, second = np.random.default_rng(seed).integers(0, len(images), (2, 600))
    differ = labels[first] != labels[second]
    return join(images[first[differ]], images[second[differ]])


def left_and_right(first, second):
    joined = first.copy()
    joined[:, :, 14:] = second[:, :, 14:]
    return joined


def test_it_knows_digits_it_has_not_seen(judge, digits):
    verdict = judge(digits.x_test)
    assert verdict.shape == digits.y_test.shape and verdict.dtype.kind == "i"
    assert (verdict == digits.y_test).mean() > 0.75
    assert (verdict >= 0).mean() > 0.75


def test_contrast_and_softness_are_not_what_it_judges(judge, digits):
    soft = 0.8 * gaussian_filter(digits.x_test, (0, 0.8, 0.8, 0))
    assert (judge(soft) == digits.y_test).mean() > 0.65


def test_it_turns_down_what_is_no_digit(judge, digits):
    rng = np.random.default_rng(4)
    blends = two_in_one(digits.x_test, digits.y_test, lambda a, b: (a + b) / 2)
    assert (judge(blends) == -1).mean() > 0.8
    halves = two_in_one(digits.x_test, digits.y_test, left_and_right)
    assert (judge(halves) == -1).mean() > 0.7
    lower_half = digits.x_test.copy()
    lower_half[:, :14] = 0
    assert (judge(lower_half) == -1).mean() > 0.9
    assert (judge(rng.uniform(0, 1, (100, 28, 28, 1)).astype("float32")) == -1).mean() > 0.95
    shuffled = rng.permuted(digits.x_test.reshape(len(digits.x_test), -1), axis=1)
    assert (judge(shuffled.reshape(digits.x_test.shape)) == -1).mean() > 0.95
    mean = digits.x_train.mean(axis=0, keepdims=True)
    assert judge(mean).tolist() == [-1]


def test_the_same_seed_gives_the_same_judge(judge, digits):
    again = train_judge(digits.x_train, digits.y_train)
    assert (again(digits.x_test) == judge(digits.x_test)).mean() > 0.97


def test_refusals(judge, digits):
    with pytest.raises(DataError, match="The pictures have pixels from"):
        judge(digits.x_test * 255)
    with pytest.raises(DataError, match="shape"):
        judge(np.zeros((2, 14, 14, 1), "float32"))
    with pytest.raises(ValueError, match="one label for each image"):
        train_judge(digits.x_train, digits.y_train[:-1])
    with pytest.raises(ValueError, match="two classes at least"):
        train_judge(digits.x_train[:5], np.zeros(5, int))
