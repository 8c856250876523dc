"""A run is taken from the record only if nothing has changed that it depends on."""

import copy
import warnings

import entry_runs
import pytest
import record
from record import Record, always, digest, sources


def test_what_has_not_changed_is_taken_from_the_record(tmp_path):
    path = tmp_path / "runs.jsonl"
    Record(path, {"a": "1", "b": "1"}).write({"a": {"loss": 2.5}, "b": {}})
    later = Record(path, {"a": "1", "b": "1"}, rerun=["b"])
    assert later.get("a") == {"loss": 2.5} and later.get("b") is None
    assert not later.stale


def test_what_has_changed_is_not_taken_and_is_told(tmp_path):
    path = tmp_path / "runs.jsonl"
    Record(path, {"a": "1", "gone": "1"}).write({"a": {}, "gone": {}})
    later = Record(path, {"a": "2", "new": "1"})
    assert later.get("a") is None and later.stale == {"a", "new"}
    with pytest.warns(UserWarning, match="2 runs are new or changed; `pytest x --record`"):
        later.tell({"a": {}, "new": {}}, "pytest x --record")
    with warnings.catch_warnings():  # what runs every time need not be kept
        warnings.simplefilter("error")
        Record(path, {"a": "2"}, rerun=["a"]).tell({"a": {}}, "pytest x --record")
    later.write({"a": {}})
    assert "gone" not in path.read_text() and path.read_text().count("\n") == 1


def test_a_digest_depends_on_the_inputs_and_the_packages(monkeypatch):
    first = digest("a", ["b"])
    assert first == digest("a", ["b"]) != digest("a", ["c"])
    monkeypatch.setattr(record, "_surroundings", lambda: ["another Keras"])
    assert digest("a", ["b"]) != first


def test_a_comment_changes_no_source_and_code_does(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "ROOT", tmp_path)
    texts = ["x = 1\n", "x = 1  # one\n", "x = 2\n"]
    found = []
    for text in texts:
        (tmp_path / "a.py").write_text(text)
        found.append(sources("*.py"))
    assert found[0] == found[1] != found[2]


def test_about_a_quarter_runs_always():
    assert 200 < sum(always(str(number)) for number in range(1000)) < 300


@pytest.fixture(scope="module")
def runs():
    return entry_runs.wanted()


CHANGES = {
    "the code": lambda run: {**run, "code": run["code"] + "\nx = 1"},
    "what it shows": lambda run: {**run, "shows": "1 == 1"},
    "the precision": lambda run: {**run, "policy": "mixed_float16"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_run_of_an_entry_depends_on(change, runs):
    before = entry_runs.digests(runs)
    changed = {name: CHANGES[change](copy.copy(run)) for name, run in runs.items()}
    after = entry_runs.digests(changed)
    same = [name for name in runs if before[name] == after[name]]
    assert all(changed[name] == runs[name] for name in same)
    assert len(same) < len(runs) / 4


@pytest.mark.parametrize("part", ["shared", "keras", "tf_keras"])
def test_each_run_of_an_entry_depends_on_its_prelude(part, runs, monkeypatch):
    before, prelude = entry_runs.digests(runs), entry_runs.errors.prelude()
    monkeypatch.setattr(
        entry_runs.errors, "prelude", lambda: {**prelude, part: prelude[part] + "x = 1\n"}
    )
    after = entry_runs.digests(runs)
    for name, run in runs.items():
        assert (before[name] != after[name]) == (part in ("shared", run["flavour"]))


def test_what_an_examination_finds_depends_on_the_checkup(runs, monkeypatch):
    before = entry_runs.digests(runs)

    def changed(*names):
        new = {"new": "probe"} if "vaelib/checkup/*.py" in names else {}
        return {**sources(*names), **new}

    monkeypatch.setattr(entry_runs, "sources", changed)
    after = entry_runs.digests(runs)
    for name, run in runs.items():
        assert (before[name] != after[name]) == run["examine"]


def test_every_error_is_provoked_every_time(runs):
    names = entry_runs.every_time()
    assert names <= runs.keys()
    for entry in entry_runs.LIVE:
        if "raises" in entry:
            assert f"{entry['entry']}/before" in names
        if "fresh" in entry:
            assert f"{entry['entry']}/after" in names


def test_a_part_keeps_the_runs_of_an_entry_together():
    runs = [{"entry": slug} for slug in "aabbbc"]
    parts = list(entry_runs.batched(runs, 2))
    assert ["".join(run["entry"] for run in part) for part in parts] == ["aa", "bbb", "c"]
