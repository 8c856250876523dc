"""Judge time and memory: ``make bench``, or ``python benchmarks/run.py [WORD ...]``.

Tests say whether something is broken; whether it is fast enough depends on the machine, and is
asked here. Each measurement has a budget. All are taken two at a time; what is over its budget is
measured again alone, and the better of the two counts. The table says what was measured on which
machine, test-report/bench.json keeps it, and the exit status is 1 if a budget is missed or a
measurement fails. WORDs choose measurements whose names contain one of them.
"""

import argparse
import json
import os
import platform
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import measures

RECORD = Path(__file__).resolve().parent.parent / "test-report" / "bench.json"


def machine():
    """What a number must be read with: processor, cores, memory, versions."""
    import psutil

    name = platform.processor() or platform.machine()
    try:
        found = Path("/proc/cpuinfo").read_text().split("model name")[1]
        name = found.split("\n")[0].strip(" \t:")
    except (OSError, IndexError):
        pass
    facts = {
        "processor": name,
        "cores": os.cpu_count(),
        "memory_gigabytes": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    for package in ("tensorflow", "keras", "numpy"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = None
    if hasattr(os, "getloadavg"):
        facts["load_at_start"] = round(os.getloadavg()[0], 1)
    return facts


def attempt(measurement):
    """Take a measurement: its figures, or the last line of what went wrong."""
    try:
        return {"figures": measurement.take(), "error": None}
    except Exception as error:
        return {"figures": {}, "error": str(error) or traceback.format_exc().splitlines()[-1]}


def misses(measurement, result):
    """The figures of a result that are over their budget or missing; empty if all is well."""
    if result["error"]:
        return ["failed"]
    return [
        name
        for name, limit in measurement.budget.items()
        if result["figures"].get(name) is None or not result["figures"][name] <= limit
    ]


def judge(measurements, jobs=2, say=print):
    """Take all measurements, again alone what is over budget; a row for each."""
    with ThreadPoolExecutor(jobs) as pool:
        first = list(pool.map(attempt, measurements))
    rows = []
    for measurement, result in zip(measurements, first):
        again = bool(misses(measurement, result))
        if again:
            say(f"again, alone: {measurement.name}")
            second = attempt(measurement)
            if second["error"] or result["error"]:
                result = second
            else:
                pairs = {
                    name: [r["figures"].get(name) for r in (result, second)]
                    for name in measurement.budget
                }
                best = {
                    name: min((v for v in pair if v is not None), default=None)
                    for name, pair in pairs.items()
                }
                result = {"figures": best, "error": None}
        missed = misses(measurement, result)
        rows.append(
            {
                "name": measurement.name,
                "what": measurement.what,
                "unit": measurement.unit,
                "budget": measurement.budget,
                "again": again,
                "missed": missed,
                **result,
            }  # fmt: skip
        )
    return rows


def lines(rows):
    """The rows as lines of a table."""
    yield f"{'':34} {'figure':14} {'measured':>10} {'budget':>8}"
    for row in rows:
        if row["error"]:
            yield f"{row['name']:34} FAILED: {row['error'].strip().splitlines()[-1][:120]}"
            continue
        for figure, limit in row["budget"].items():
            value, unit = row["figures"].get(figure), row["unit"][figure]
            shown = "unknown" if value is None else f"{value:.4g} {unit}"
            verdict = "OVER BUDGET" if figure in row["missed"] else "ok"
            once = ", measured twice" if row["again"] else ""
            yield f"{row['name']:34} {figure:14} {shown:>10} {limit:>5} {unit:2}  {verdict}{once}"


def main(arguments=None):
    """Measure, print, record; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only measurements with one of these in the name")
    parser.add_argument("--list", action="store_true", help="say what would be measured")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default: 2)")
    options = parser.parse_args(arguments)
    chosen = [
        m for m in measures.ALL if not options.words or any(w in m.name for w in options.words)
    ]
    if not chosen:
        parser.error("no measurement has such a name; --list shows all")
    if options.list:
        for measurement in chosen:
            limits = ", ".join(
                f"{k} {v} {measurement.unit[k]}" for k, v in measurement.budget.items()
            )
            print(f"{measurement.name:34} {limits}: {measurement.what}")
        return 0
    facts = machine()
    print("measured on:", ", ".join(f"{key} {value}" for key, value in facts.items()), flush=True)
    rows = judge(chosen, options.jobs)
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps({"machine": facts, "rows": rows}, indent=1) + "\n")
    print(*lines(rows), sep="\n")
    bad = [row["name"] for row in rows if row["missed"]]
    print(f"{len(bad)} of {len(rows)} over budget or failed: {', '.join(bad)}" if bad
          else f"all {len(rows)} within their budgets")  # fmt: skip
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
