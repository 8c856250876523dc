"""Shared by all tests: TensorFlow without its start-up notes, and small pieces of MNIST."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vaelib import quiet_tensorflow

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault("MPLBACKEND", "Agg")
quiet_tensorflow()


def pytest_addoption(parser):
    """``--record``, see record.py; ``--seed`` for whoever looks for tests that hang on a draw."""
    parser.addoption(
        "--record", action="store_true", default=False,
        help="keep what came out of the runs that are repeated only if something has changed",
    )  # fmt: skip
    parser.addoption("--seed", type=int, default=1, help="the first draws of every test (1)")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Every test begins with the same draws, whatever ran before it and in which process."""
    seed = item.config.getoption("seed")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  Keras and scikit-learn draw from it
    # Whoever has imported neither must not do so for this.
    for name in ("keras", "tf_keras"):
        if module := sys.modules.get(name):
            module.utils.set_random_seed(seed)


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


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A fresh build of the working tree; warnings are errors, as in `make book`.

    ``COURSE_SITE`` names a site that stands already, for whoever works on a page.
    """
    if os.environ.get("COURSE_SITE"):
        return Path(os.environ["COURSE_SITE"])
    output = tmp_path_factory.mktemp("site")
    result = subprocess.run(
        [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--path-output", output,
         "--all", "--quiet", "-W", "-n", "--keep-going"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return output / "_build" / "html"


@pytest.fixture(scope="session")
def browser():
    """A browser without a window (browser.py); without one the tests are skipped."""
    from browser import chromium

    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def names(site):
    """All pages, but stubs at former addresses, and 404.html, which needs a server."""
    found = [
        path
        for path in site.rglob("*.html")
        if "_static" not in path.parts and path.name != "404.html"
    ]
    kept = [path for path in found if "This page is now" not in path.read_text()[:900]]
    return sorted(path.relative_to(site).as_posix() for path in kept)


# `make test` runs two tests at a time (pytest-xdist). Most files share expensive things within
# them, so a file stays together in one process; chapters are processes of their own and go one by
# one. What takes longest starts first, so that the two sides end together.
LONGEST = [
    "test_checkup_matrix",
    "test_error_index",
    "test_placements",
    "test_atlas",
    "test_checkpoints",
    "test_browser",
]
CHAPTER = "::test_chapter_runs["
# These share one site.
OF_THE_SITE = ("test_site", "test_browser")


def of_the_site(file):
    return file.split("/")[-1].startswith(OF_THE_SITE)


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
            file = nodeid.split("::")[0]
            return nodeid if CHAPTER in nodeid else "site" if of_the_site(file) else file

    return FilesAndChapters(config, log)


def pytest_terminal_summary(terminalreporter):
    """Say what each chapter cost, beside its budget, and keep it."""
    import json

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
    from costs import lines

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
