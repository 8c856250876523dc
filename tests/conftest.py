"""Shared by all tests: TensorFlow without its start-up notes, and small pieces of MNIST."""

import os
import sys
from pathlib import Path

import pytest

from vaelib import quiet_tensorflow

os.environ.setdefault("MPLBACKEND", "Agg")
quiet_tensorflow()


def pytest_addoption(parser):
    """``--record``, see record.py."""
    parser.addoption(
        "--record", action="store_true", default=False,
        help="keep what came out of the runs that are repeated only if something has changed",
    )  # fmt: skip


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


# `make test` runs two tests at a time (pytest-xdist). Most files share expensive things within
# them, so a file stays together in one process; chapters are processes of their own and go one by
# one. What takes longest starts first, so that the two sides end together.
LONGEST = [
    "test_checkup_matrix",
    "test_error_index",
    "test_placements",
    "test_atlas",
    "test_checkpoints",
]
CHAPTER = "::test_chapter_runs["


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """In the processes of pytest-xdist alone; a plain `pytest` keeps its order."""
    if hasattr(config, "workerinput"):
        ranks = {name: rank for rank, name in enumerate([*LONGEST, CHAPTER])}
        items.sort(
            key=lambda item: ranks.get(
                CHAPTER if CHAPTER in item.nodeid else item.path.stem, len(ranks)
            )
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out files, and chapters. (Its own groups are lost under pytest 9.2.)"""
    from xdist.scheduler import LoadScopeScheduling

    class FilesAndChapters(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return nodeid if CHAPTER in nodeid else nodeid.split("::")[0]

    return FilesAndChapters(config, log)


def pytest_terminal_summary(terminalreporter):
    """Say what each chapter cost, beside its budget, and keep it."""
    import json

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
    from costs import ROOT, lines

    costs = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            properties = dict(getattr(report, "user_properties", []))
            if "cost" in properties:
                costs[properties["chapter"]] = properties["cost"]
    if costs:
        record = ROOT / "test-report" / "chapters.json"
        record.parent.mkdir(exist_ok=True)
        kept = json.loads(record.read_text()) if record.exists() else {}
        record.write_text(json.dumps({**kept, **costs}, indent=1) + "\n")
        terminalreporter.section("what the chapters cost; `make bench` judges, alone")
        for line in lines(costs):
            terminalreporter.write_line(line)
