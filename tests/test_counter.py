"""What a command takes is counted the same by the system and by watching it, as on Windows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
import costs
import counter

# A child that computes for half a second and holds 300 MB, of a process that does neither.
CHILD = """
import sys, time
held = b"x" * 300_000_000
while time.process_time() < 0.5:
    pass
time.sleep(2)
sys.exit(3)
"""
PARENT = """
import subprocess, sys
sys.exit(subprocess.run([sys.executable, "-c", sys.argv[1]]).returncode)
"""
WAYS = [counter.watched] + [counter.counted] * (counter.resource is not None)


@pytest.mark.parametrize("count", WAYS, ids=lambda way: way.__name__)
def test_children_are_counted_and_the_status_is_theirs(count):
    status, seconds, size = count([sys.executable, "-c", PARENT, CHILD])
    assert status == 3
    assert seconds >= 0.5 and size >= 300_000_000


def test_what_ends_at_once_is_no_error():
    status, seconds, size = counter.watched([sys.executable, "-c", "raise SystemExit(2)"])
    assert status == 2 and seconds >= 0 and size >= 0


def test_the_last_line_tells_and_is_without_our_own_memory():
    """A child starts as a copy of its parent; a process between the two is small."""
    held = b"x" * 300_000_000
    command = [sys.executable, costs.COUNTER, sys.executable, "-c", "print('hello'); exit(1)"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    hello, told = done.stdout.splitlines()
    seconds, size = json.loads(told)
    assert hello == "hello" and seconds > 0 and 1_000_000 < size < len(held)
