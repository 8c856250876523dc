"""Run one chapter under nbval and say what it cost; the tests and `make bench` share this."""

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
APPENDIX = sorted((ROOT / "book").glob("*.ipynb"))  # pages that run, such as folk-remedies

# The budget of a chapter (CONTRIBUTING.md). Computing time is CPU time spread over two
# cores: unlike the wall clock it hardly counts what other processes on the machine do.
SECONDS, GIGABYTES = 60, 1.2


# A small process between us and the notebook counts what the notebook uses.
COUNTER = Path(__file__).with_name("counter.py")


def run_notebook(path):
    """Run one notebook under nbval in a process of its own; return status, output, cost."""
    command = [
        sys.executable, str(COUNTER),
        sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--quiet",
        "--nbval-cell-timeout=1800", "-p", "no:cacheprovider", "-p", "no:xdist", str(path),
    ]  # fmt: skip
    start = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    cost = {"wall_seconds": round(time.monotonic() - start, 1)}
    output, _, told = done.stdout.rstrip().rpartition("\n")
    if told.startswith("[") and told.endswith("]"):
        seconds, size = json.loads(told)
        cost["two_core_seconds"] = round(seconds / 2, 1)
        cost["peak_gigabytes"] = round(size / 2**30, 2)
    return done.returncode, output, cost


def lines(costs):
    """The costs of chapters, a dict by name, as lines of a table with the budget beside them."""
    yield f"{'':32} {'clock':>8} {'computing':>10} {'budget':>7} {'memory':>9} {'budget':>7}"
    for name, cost in sorted(costs.items()):
        computing, peak = cost.get("two_core_seconds"), cost.get("peak_gigabytes")
        row = f"{name:32} {cost['wall_seconds']:6.0f} s"
        if computing is None:
            yield f"{row}   (this system does not tell more)"
            continue
        over = [
            f"{what} over budget"
            for what, value, limit in (("time", computing, SECONDS), ("memory", peak, GIGABYTES))
            if value > limit
        ]
        row += f" {computing:8.0f} s {SECONDS:5} s {peak:6.2f} GB {GIGABYTES:4} GB"
        yield f"{row}  {', '.join(over)}".rstrip()
