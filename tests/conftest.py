"""Shared by all tests: TensorFlow without its start-up notes, and small pieces of MNIST."""

import os
import sys
from pathlib import Path

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


# `make test` runs two tests at a time. Most files share expensive things within them, so a file
# stays together in one process; chapters are processes of their own and go one by one. What
# takes longest starts first, so that the two sides end together.
LONGEST = ["test_error_index", "test_atlas", "test_ledger", "test_placements", "test_checkpoints"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Tell pytest-xdist what belongs together; a plain `pytest` keeps its order."""
    if not hasattr(config, "workerinput"):
        return
    ranks = {}
    for item in items:
        name = item.path.stem
        alone = item.nodeid.split("::")[1].startswith("test_chapter_runs[")
        if not alone:
            item.add_marker(pytest.mark.xdist_group(name))
        rank = LONGEST.index(name) if name in LONGEST else len(LONGEST) + 1
        ranks[item] = len(LONGEST) if alone else rank
    items.sort(key=ranks.get)


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
