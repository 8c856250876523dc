"""vaelib.runs: the profile and the epochs."""

import pytest

from vaelib import runs


@pytest.mark.parametrize(("value", "profile"), [(None, "quick"), ("", "quick"), ("full", "full")])
def test_profile(value, profile, monkeypatch):
    if value is None:
        monkeypatch.delenv("VAELIB_PROFILE", raising=False)
    else:
        monkeypatch.setenv("VAELIB_PROFILE", value)
    assert runs.profile() == profile


def test_unknown_profile(monkeypatch):
    monkeypatch.setenv("VAELIB_PROFILE", "fast")
    with pytest.raises(ValueError, match="'fast', but only 'quick' and 'full' exist"):
        runs.profile()


def test_epochs_show_about_as_many_images():
    assert runs.epochs_for(60_000, 20_000) == 3
    assert runs.epochs_for(60_000, 1_500) == 40
    assert runs.epochs_for(100, 60_000) == 1


def test_epochs_of_nothing():
    with pytest.raises(ValueError, match="n_train is 0"):
        runs.epochs_for(60_000, 0)
