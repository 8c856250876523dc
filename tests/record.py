"""Runs that are repeated only if something has changed that they depend on.

A run of some seconds whose inputs are those of last time gives what it gave last time. A `Record`
keeps what came out of it, beside a digest of all that went in: its code, what that code calls,
Python, the system, the packages. Whoever changes one of these has the run repeated, by no command
of their own; what is repeated and as it should be is kept by ``pytest --record``, which the
maintainer runs on the test file. A record is no proof of a machine's state, so one run of four
takes place every time, always the same ones (`always`), and each file of tests says what else does.
"""

import ast
import functools
import hashlib
import importlib.metadata
import json
import platform
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("keras", "numpy", "tensorflow", "tensorflow-probability", "tf_keras")


@functools.cache
def _surroundings():
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return [versions, *sys.version_info[:2], sys.platform, platform.machine()]


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()


def digest(*inputs):
    """A digest of what a run depends on; ``inputs`` is what JSON can hold."""
    return _hash(json.dumps([inputs, _surroundings()], sort_keys=True))[:16]


def sources(*patterns):
    """Files of this repository by their names, as a part of a digest; a comment changes nothing."""
    found = {}
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
        text = path.read_text("utf-8")
        name = path.relative_to(ROOT).as_posix()
        found[name] = ast.dump(ast.parse(text)) if path.suffix == ".py" else text
    return found


def always(name):
    """Is this one of the quarter that runs every time?"""
    return int(_hash(name), 16) % 4 == 0


class Record:
    """A file of one line for each run: its name, its digest, what came out (a dictionary).

    Args:
        path: the file; it need not exist.
        digests: the runs that there are, name to digest. Other lines are not looked at.
        rerun: names that are not taken from the record.
    """

    def __init__(self, path, digests, rerun=()):
        self.path, self.digests = path, digests
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        rows = {row.pop("run"): row for row in map(json.loads, lines)}
        self.kept = {
            name: row["gave"]
            for name, row in rows.items()
            if row["digest"] == digests.get(name)
        }  # fmt: skip
        self.rerun = set(rerun)
        self.stale = digests.keys() - self.kept.keys()

    def get(self, name):
        """What a run gave, if it need not be repeated, else None."""
        return None if name in self.rerun else self.kept.get(name)

    def write(self, found):
        """Keep what repeated runs gave, name to dictionary; forget runs that are no more."""
        self.kept |= found
        self.stale -= found.keys()
        lines = [
            json.dumps({"run": name, "digest": self.digests[name], "gave": gave})
            for name, gave in sorted(self.kept.items())
        ]
        self.path.write_text("\n".join(lines) + "\n", "utf-8")

    def tell(self, found, command):
        """Say which new runs could be kept; nothing is wrong with them."""
        new = (self.stale & found.keys()) - self.rerun  # those run every time all the same
        if new:
            warnings.warn(
                f"{len(new)} runs are new or changed; `{command}` keeps them.", stacklevel=2
            )
