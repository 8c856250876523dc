"""What is run of the error index, and what came out of it; ``entry_runner.py`` runs it.

Of each entry: "before" and "after"; "after" in mixed precision, if it draws noise of its own; and
the repair of "before" by somebody who had read its prose alone (tests/data/by-prose). Entries with
``backends`` are not for TensorFlow on one device; backend_entry_runner.py runs them.

What runs every time: each "before" that raises, because the index is about what it says; all of an
entry with ``fresh``, because its files are read again; of the other entries a quarter, with their
checkups, "by prose" and "mixed" aside. The rest runs again if it has changed: see record.py.
"""

import ast
import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from record import Record, always, digest, sources

from vaelib import errors

ROOT = Path(__file__).resolve().parent.parent
BY_PROSE = ROOT / "tests" / "data" / "by-prose"
RECORD = ROOT / "tests" / "data" / "entry-runs.jsonl"
COMMAND = "pytest tests/test_error_index.py --record"
LIVE = [e for e in errors.entries() if e["flavour"] != "none" and "backends" not in e]
# So many runs share the start of a process, and its memory.
TOGETHER = 60


def by_prose(folder=BY_PROSE):
    """The repairs that readers of the prose made: slug to code."""
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        found |= yaml.safe_load(path.read_text("utf-8")) or {}
    return found


def same(first, second):
    """Are two snippets the same code? Then one run of them is enough."""
    return ast.dump(ast.parse(first)) == ast.dump(ast.parse(second))


def wanted(live=LIVE, repaired=None):
    """All runs, name to what the runner must know of it."""
    runs, repaired = {}, by_prose() if repaired is None else repaired
    for entry in live:
        slug, flavour, after = entry["entry"], entry["flavour"], entry["after"]
        later = {"flavour": entry.get("after_flavour", flavour), "code": after}
        kinds = {
            "before": {
                "flavour": flavour, "code": entry["before"], "shows": entry.get("shows_before"),
                "examine": "finding" in entry,
            },
            "after": {**later, "shows": entry.get("shows_after"), "fresh": entry.get("fresh")},
        }  # fmt: skip
        if "random" in after:
            kinds["mixed"] = {**later, "policy": "mixed_float16"}
        if slug in repaired and not same(repaired[slug], after):
            kinds["prose"] = {**later, "code": repaired[slug]}
        for kind, run in kinds.items():
            standard = {"shows": None, "examine": False, "policy": "float32"}
            runs[f"{slug}/{kind}"] = {"entry": slug, "kind": kind, **standard, **run}
    return runs


def digests(runs):
    """What each run depends on, name to digest."""
    prelude = errors.prelude()
    runner = sources("tests/entry_runner.py")
    checkup = sources("vaelib/checkup/*.py", "vaelib/checkup/*.yaml")
    stands = {flavour: [prelude[flavour], prelude["shared"]] for flavour in ("keras", "tf_keras")}
    return {
        name: digest(run, stands[run["flavour"]], runner, checkup if run["examine"] else None)
        for name, run in runs.items()
    }


def every_time():
    """The names of the runs that never come from the record."""
    whole = [entry["entry"] for entry in LIVE if "fresh" in entry or always(entry["entry"])]
    raising = [f"{entry['entry']}/before" for entry in LIVE if "raises" in entry]
    return {f"{slug}/{kind}" for slug in whole for kind in ("before", "after")}.union(raising)


def start(runs):
    """What became of some runs, in a process of their own: lines of the runner."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "entry_runner.py")], input=json.dumps(runs),
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def trained(found):
    """What can be kept. What raised, or shows no fault or cure, cannot: it is tried again."""
    return {
        name: row
        for name, row in found.items()
        if "losses" in row and row["type"] is None and row["shows"] is not False
    }


def outcome(keep=False):
    """What came out of each entry, slug to kind to what was raised, shown, trained and found.

    Args:
        keep: whether to write the record anew.
    """
    runs = wanted()
    record = Record(RECORD, digests(runs), every_time())
    waiting = [run for name, run in runs.items() if record.get(name) is None]
    found = {}
    # `make test` has a second process that is as busy as this one.
    with ThreadPoolExecutor(1 if "PYTEST_XDIST_WORKER" in os.environ else 2) as pool:
        for rows in pool.map(start, list(batched(waiting, TOGETHER))):
            found |= {f"{row.pop('entry')}/{row.pop('kind')}": row for row in rows}
            if keep:
                record.write(trained(found))
    record.tell(trained(found), COMMAND)
    told = {entry["entry"]: {} for entry in LIVE}
    for name, row in {**record.kept, **found}.items():
        slug, kind = name.split("/")
        told[slug][kind] = row
    for slug in by_prose().keys() & told.keys():
        told[slug].setdefault("prose", told[slug]["after"])  # the same code
    return told


def batched(items, size):
    """Parts of a list, in order, that keep the runs of an entry together."""
    part = []
    for _, group in itertools.groupby(items, lambda run: run["entry"]):
        part += group
        if len(part) >= size:
            yield part
            part = []
    if part:
        yield part
