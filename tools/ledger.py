"""Measure the claims of the sources: ``python tools/ledger.py [ROW or KIND ...]``.

Writes book/_data/ledger.json, from which the page "Source ledger" is made. Without arguments all
rows are measured; a kind is one of deterministic, atlas, training, checkpoint, run, timing.
A row that cannot be measured here keeps what was recorded, and the command says so.
Checkpoints and runs need MNIST (VAELIB_DATA); "run" and "timing" take minutes.
"""

import json
import platform
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from claims import KINDS, ROWS, UNTESTED, Unavailable, rounded

ROOT = Path(__file__).resolve().parent.parent
LEDGER = ROOT / "book" / "_data" / "ledger.json"
PACKAGES = ("tensorflow", "keras", "tf_keras", "tensorflow-probability", "numpy")


def stored():
    """The recorded rows, by their id."""
    return {r["id"]: r for r in json.loads(LEDGER.read_text())} if LEDGER.exists() else {}


def versions():
    return {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}}


def described(row):
    """What is said about a row, whatever was measured."""
    return {
        key: getattr(row, key)
        for key in ("id", "title", "source", "where", "claim", "test", "tolerance", "kind")
    } | {"chapters": list(row.chapters)}


def judged(row, values, provenance):
    """A row of the ledger from its numbers; the verdict is computed."""
    verdict = row.verdict(values)
    return {
        **described(row),
        "values": values,
        "measured": row.text(values),
        "verdict": verdict,
        "why": row.why(verdict),
        "provenance": provenance,
    }


def measure(row):
    """Measure one row; raises Unavailable."""
    begin = time.perf_counter()
    values = dict(row.measure())
    extra = values.pop("_from", {})
    provenance = {
        "seconds": round(time.perf_counter() - begin, 1), "versions": versions(), **extra,
    }  # fmt: skip
    return judged(row, rounded(values), rounded(provenance))


def unmeasured(row, old, reason):
    """Keep the numbers that were recorded, judged as the row judges today; or say why not."""
    if old and old["values"] is not None:
        return judged(row, old["values"], old["provenance"])
    return {
        **described(row), "values": None, "measured": "", "verdict": UNTESTED, "why": reason,
        "provenance": None,
    }  # fmt: skip


def record(new):
    """Write one row at once: the next may take an hour, and another command may write as well."""
    _write({**stored(), new["id"]: new})


def refreshed():
    """All rows in their order, each with its words and its verdict as they are today."""
    old = stored()
    for row in ROWS.values():
        before = old.get(row.id)
        reason = f"Not measured yet: `python tools/ledger.py {row.id}`."
        old[row.id] = unmeasured(row, before, before["why"] if before else reason)
    _write({name: old[name] for name in ROWS})
    return [old[name] for name in ROWS]


def _write(rows):
    LEDGER.write_text(json.dumps(list(rows.values()), indent=1, ensure_ascii=False) + "\n")


def main():
    from vaelib import quiet_tensorflow

    quiet_tensorflow()
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # many small models, and a warning for each
    wanted = sys.argv[1:] or list(KINDS)
    unknown = [word for word in wanted if word not in ROWS and word not in KINDS]
    if unknown:
        sys.exit(f"There is no row or kind {unknown[0]!r}: one of {(*KINDS, *ROWS)}.")
    for row in ROWS.values():
        if row.id in wanted or row.kind in (*wanted, "untestable"):
            try:
                new = measure(row)
                took = f"{new['provenance']['seconds']:6.1f} s"
            except Unavailable as reason:
                new = unmeasured(row, stored().get(row.id), str(reason))
                took = "    kept" if new["values"] else "     not"
            record(new)
            if row.kind != "untestable":
                print(f"{took}  {row.id:30} {new['verdict']}", flush=True)
    rows = refreshed()
    print(", ".join(f"{n} {v}" for v, n in Counter(r["verdict"] for r in rows).items()))


if __name__ == "__main__":
    main()
