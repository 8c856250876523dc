"""vaelib.judge: pictures of one class, pictures of none."""

import numpy as np
import pytest

from vaelib import data
from vaelib.data import DataError
from vaelib.judge import train_judge


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def judge(digits):
    return train_judge(digits.x_train, digits.y_train)


def blends(images, labels, seed=3):
    first, second = np.random.default_rng(seed).integers(0, len(images), (2, 600))
    differ = labels[first] != labels[second]
    return (images[first[differ]] + images[second[differ]]) / 2


def test_it_knows_digits_it_has_not_seen(judge, digits):
    verdict = judge(digits.x_test)
    assert verdict.shape == digits.y_test.shape and verdict.dtype.kind == "i"
    assert (verdict == digits.y_test).mean() > 0.8
    assert (verdict >= 0).mean() > 0.8


def test_contrast_and_softness_are_not_what_it_judges(judge, digits):
    from scipy.ndimage import gaussian_filter

    soft = 0.8 * gaussian_filter(digits.x_test, (0, 0.8, 0.8, 0))
    assert (judge(soft) == digits.y_test).mean() > 0.75


def test_it_turns_down_what_is_no_digit(judge, digits):
    rng = np.random.default_rng(4)
    assert (judge(blends(digits.x_test, digits.y_test)) == -1).mean() > 0.75
    assert (judge(rng.uniform(0, 1, (100, 28, 28, 1)).astype("float32")) == -1).mean() > 0.95
    shuffled = rng.permuted(digits.x_test.reshape(len(digits.x_test), -1), axis=1)
    assert (judge(shuffled.reshape(digits.x_test.shape)) == -1).mean() > 0.95
    mean = digits.x_train.mean(axis=0, keepdims=True)
    assert judge(mean).tolist() == [-1]


def test_refusals(judge, digits):
    with pytest.raises(DataError, match="The pictures have pixels from"):
        judge(digits.x_test * 255)
    with pytest.raises(DataError, match="shape"):
        judge(np.zeros((2, 14, 14, 1), "float32"))
    with pytest.raises(ValueError, match="needs a label"):
        train_judge(digits.x_train, digits.y_train[:-1])
    with pytest.raises(ValueError, match="two classes at least"):
        train_judge(digits.x_train[:5], np.zeros(5, int))
