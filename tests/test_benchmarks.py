"""`make bench`: it can fail, it measures again before it does, and it says what it measured."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
import costs  # noqa: E402
import measures  # noqa: E402
import run  # noqa: E402


def measurement(*results, limit=2.0):
    """A measurement that gives these results one after the other; it counts how often."""
    waiting = list(results)

    def take():
        result = waiting.pop(0)
        if isinstance(result, Exception):
            raise result
        return {"time": result}

    made = measures.Measurement("toy", "a number", take, {"time": limit}, {"time": "s"})
    return made, waiting


@pytest.fixture
def bench(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(run, "RECORD", tmp_path / "report" / "bench.json")

    def call(*results):
        made, waiting = measurement(*results)
        monkeypatch.setattr(measures, "ALL", [made])
        status = run.main([])
        record = json.loads(run.RECORD.read_text())
        return status, capsys.readouterr().out, record, waiting

    return call


def test_within_the_budget(bench):
    status, told, record, waiting = bench(1.5, 9.9)
    assert status == 0 and "all 1 within their budgets" in told and waiting == [9.9]
    assert record["rows"][0]["figures"] == {"time": 1.5} and not record["rows"][0]["again"]
    for fact in ("processor", "cores", "memory_gigabytes", "python", "tensorflow"):
        assert record["machine"][fact] and f"{fact} " in told


def test_a_missed_budget_fails(bench):
    status, told, record, _ = bench(3.0, 2.5)
    assert status == 1 and "again, alone: toy" in told and "1 of 1 over budget" in told
    (line,) = [line for line in told.splitlines() if "OVER BUDGET" in line]
    assert "toy" in line and "2.5 s" in line and "2.0 s" in line and "measured twice" in line
    assert record["rows"][0]["missed"] == ["time"]


def test_what_was_only_disturbed_passes(bench):
    status, told, record, _ = bench(3.0, 1.0)
    assert status == 0 and "again, alone: toy" in told
    assert record["rows"][0]["figures"] == {"time": 1.0}


def test_a_measurement_that_breaks_or_knows_nothing_fails(bench):
    status, told, _, _ = bench(ValueError("no"), ValueError("still not"))
    assert status == 1 and "FAILED: still not" in told
    assert bench(ValueError("no"), 1.0)[0] == 0, "once is an accident"
    assert bench(None, None)[0] == 1
    assert bench(float("nan"), float("nan"))[0] == 1


def test_every_chapter_is_measured_and_every_figure_has_a_budget():
    names = [m.name for m in measures.ALL]
    assert {path.stem for path in (ROOT / "chapters").glob("*.ipynb")} <= set(names)
    assert len(set(names)) == len(names)
    for m in measures.ALL:
        assert m.budget.keys() == m.unit.keys() and all(limit > 0 for limit in m.budget.values())


def test_names_choose_measurements(capsys):
    assert run.main(["--list", "explain"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) >= 2 and all("explain" in line for line in listed)
    with pytest.raises(SystemExit):
        run.main(["no such measurement"])


def test_the_table_of_the_test_run_shows_the_budget_and_what_is_over():
    cheap = {"wall_seconds": 30.0, "two_core_seconds": 20.0, "peak_gigabytes": 1.0}
    dear = {"wall_seconds": 90.0, "two_core_seconds": 80.0, "peak_gigabytes": 2.0}
    head, first, second, third = costs.lines({"b": dear, "a": cheap, "c": {"wall_seconds": 9.0}})
    assert "budget" in head and first.startswith("a ") and "over budget" not in first
    assert "time over budget" in second and "memory over budget" in second
    assert f"{costs.SECONDS} s" in second and f"{costs.GIGABYTES} GB" in second
    assert "does not tell" in third
