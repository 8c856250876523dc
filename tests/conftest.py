"""Shared by all tests: TensorFlow without its start-up notes, and small pieces of MNIST."""

import os

import pytest

from vaelib import quiet_tensorflow

os.environ.setdefault("MPLBACKEND", "Agg")
quiet_tensorflow()


@pytest.fixture
def no_network(monkeypatch):
    """Let every download fail at once, and fail the test if it is attempted otherwise."""
    import urllib.error

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("the test has no network")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", refuse)


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    """An empty Keras cache, and no VAELIB_DATA."""
    home = tmp_path / "keras"
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.delenv("VAELIB_DATA", raising=False)
    return home


def pytest_terminal_summary(terminalreporter):
    """Say what each chapter cost."""
    import json
    from pathlib import Path

    report = Path(__file__).resolve().parent.parent / "test-report" / "chapters.json"
    if report.exists() and any(
        "test_chapter_runs" in item.nodeid for item in terminalreporter.stats.get("passed", [])
    ):
        terminalreporter.section("what the chapters cost")
        for name, cost in sorted(json.loads(report.read_text()).items()):
            terminalreporter.write_line(
                f"{name:32} {cost['wall_seconds']:6.1f} s on the clock, "
                f"{cost['two_core_seconds']:6.1f} s of two cores, "
                f"{cost['peak_gigabytes']:5.2f} GB at most"
            )
