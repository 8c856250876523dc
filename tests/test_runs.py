"""vaelib.runs: how long to train."""

import pytest

from vaelib import runs


def test_epochs_show_about_as_many_images():
    assert runs.epochs_for(60_000, 20_000) == 3
    assert runs.epochs_for(60_000, 1_500) == 40
    assert runs.epochs_for(100, 60_000) == 1


def test_epochs_of_nothing():
    with pytest.raises(ValueError, match="n_train is 0"):
        runs.epochs_for(60_000, 0)
