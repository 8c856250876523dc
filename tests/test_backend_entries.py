"""The error index on JAX, on PyTorch and on several devices: provoked and repaired there.

backend_entry_runner.py runs the snippets, one process for each backend; entries without the field
``backends`` are test_error_index's. A fixed quarter runs every time, all of them if ALL_ENTRIES is
set: `ALL_ENTRIES=1 pytest tests/test_backend_entries.py`, after a change of entries or versions.
"""

import functools
import math
import os
import re
import sysconfig
from pathlib import Path

import pytest
import yaml
from backends import needs, run_on
from record import always

from vaelib import errors

RUNNER = Path(__file__).resolve().parent / "backend_entry_runner.py"
ELSEWHERE = [entry for entry in errors.entries() if "backends" in entry]
BACKENDS = ("jax", "torch", "tensorflow")
CHOSEN = [e for e in ELSEWHERE if os.environ.get("ALL_ENTRIES") or always(e["entry"])]
BY_PROSE = RUNNER.parent / "data" / "by-prose"
REPAIRED = {slug for path in BY_PROSE.glob("*.yaml") for slug in yaml.safe_load(path.read_text())}


def each(chosen):
    """A mark for a test of entries, once for each of their backends."""
    return pytest.mark.parametrize(
        ("entry", "backend"),
        [
            pytest.param(entry, backend, id=f"{backend}-{entry['entry']}", marks=marks(backend))
            for backend in BACKENDS
            for entry in chosen
            if backend in entry["backends"]
        ],
    )


def marks(backend):
    return () if backend == "tensorflow" else needs(backend)


@functools.cache
def runs(backend):
    """What became of the snippets on a backend: slug to name of the run to what happened."""
    slugs = [entry["entry"] for entry in CHOSEN if backend in entry["backends"]]
    return run_on(backend, RUNNER, backend, sysconfig.get_path("purelib"), *slugs, timeout=1200)


def test_the_quarter_has_entries_of_every_backend():
    assert {backend for entry in CHOSEN for backend in entry["backends"]} == set(BACKENDS)


def trained(result):
    """Did a snippet run to its end, and was every loss that it has a number other than 0?"""
    assert result["type"] is None, result["trace"]
    losses = result["losses"] or []
    return all(math.isfinite(loss) and loss for loss in losses)


@pytest.mark.parametrize("entry", ELSEWHERE, ids=lambda entry: entry["entry"])
def test_an_entry_says_where_it_runs(entry):
    assert entry["backends"] and set(entry["backends"]) <= set(BACKENDS)
    assert entry.get("devices", 1) in (1, 2) and entry.get("alone", True) is True
    if "tensorflow" in entry["backends"]:
        assert entry["backends"] == ["tensorflow"] and entry["devices"] == 2
    # A whole program makes no model; the others must train, or show something.
    assert "history" in entry["after"] or "shows_after" in entry


@each(CHOSEN)
def test_before_shows_the_error_on_its_backend(entry, backend):
    before = runs(backend)[entry["entry"]]["before"]
    if "raises" in entry:
        assert before["type"] in entry["raises"]["type"].split("|"), before
        assert re.search(entry["raises"]["text"], before["text"], re.S), before["text"]
    else:
        assert before["type"] is None, before["trace"]
    if "shows_before" in entry:
        assert before["shows"] is True


@each(CHOSEN)
def test_after_is_right_on_its_backend(entry, backend):
    after = runs(backend)[entry["entry"]]["after"]
    assert trained(after)
    assert after["losses"] or "shows_after" in entry
    if "shows_after" in entry:
        assert after["shows"] is True


@each([entry for entry in CHOSEN if "raises" in entry])
def test_the_error_is_explained_by_its_entry(entry, backend):
    before = runs(backend)[entry["entry"]]["before"]
    found = before["explained"][:1] if before["sure"] else before["explained"]
    assert entry["entry"] in found, (before["explained"], before["trace"])


@each([entry for entry in CHOSEN if entry["entry"] in REPAIRED])
def test_whoever_follows_the_prose_alone_gets_past_it(entry, backend):
    """Of entries that somebody has repaired by the prose alone: tests/data/by-prose."""
    prose = runs(backend)[entry["entry"]]["prose"]
    assert trained(prose) and prose["losses"]


# On several devices a checkup takes a minute; test_checkup_devices.py examines models like these.
examined = [entry for entry in CHOSEN if "finding" in entry and "devices" not in entry]


@each(examined)
def test_a_checkup_finds_it_there(entry, backend):
    """In the model of "before", when fit has ended."""
    slugs = runs(backend)[entry["entry"]]["before"]["slugs"]
    assert set(slugs) & set(re.findall(r"[\w-]+", entry["finding"])), slugs
