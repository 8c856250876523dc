"""The rows of the source ledger: each a claim of a source, a test, a tolerance and a judge.

The modules of the sources (``post_1``, ``machinecurve``, ...) register their rows here; ``series``
and ``timing`` hold what several of them measure with; ``tools/ledger.py`` measures. A row measures
numbers, its judge turns numbers into a verdict: nobody types one in.
"""

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "book" / "_data"
YES, NO, DEPENDS, UNTESTED = VERDICTS = (
    "reproduced",
    "not reproduced",
    "depends on version",
    "could not be tested here",
)
# What costs seconds is measured again with every run of the tests: sums and recipes on the
# installed stack, what the atlas and the record of the trainings hold. The rest keeps its numbers.
CHEAP = ("deterministic", "atlas", "training")
KINDS = (*CHEAP, "checkpoint", "run", "timing", "untestable")
ROWS = {}


class Unavailable(Exception):
    """The row cannot be measured here and now; the message says why."""


@dataclass(frozen=True)
class Row:
    """One claim.

    ``measure()`` gives numbers (a dict that JSON can hold), ``judge(numbers)`` a verdict, or
    whether the claim holds; ``said`` is a format string that tells the numbers, ``counter`` holds
    numbers for which the verdict would be another (or a list of such, of which one must), ``note``
    says what the verdict means. ``chapters`` are slugs, the texts are Markdown of the book.
    """

    id: str
    title: str
    source: str
    where: str
    claim: str
    test: str
    tolerance: str
    kind: str
    chapters: tuple
    said: str
    judge: Callable
    counter: dict | list
    note: str | dict
    measure: Callable

    def verdict(self, values):
        """One of the four verdicts."""
        found = self.judge(values)
        return {True: YES, False: NO}.get(found, found)

    def why(self, verdict):
        """What the verdict means; a note may be another for each verdict."""
        return self.note.get(verdict, "") if isinstance(self.note, dict) else self.note

    def text(self, values):
        """What was measured, as a sentence."""
        return self.said.format(**{key: _readable(value) for key, value in values.items()})


def row(id, title, **fields):
    """Register the decorated function as what measures a row."""

    def register(measure):
        if id in ROWS:
            raise ValueError(f"There are two rows {id!r}.")
        fields.setdefault("note", "")
        ROWS[id] = Row(id=id, title=title, measure=measure, **fields)
        return measure

    return register


def untestable(id, title, note, **fields):
    """Register a claim that cannot be tested here; ``note`` says why."""

    def refuse():
        raise Unavailable(note)

    fields = {
        "test": "None.", "tolerance": "None.", "kind": "untestable", "said": "", "counter": {},
        "judge": lambda v: UNTESTED, **fields,
    }  # fmt: skip
    row(id, title, **fields)(refuse)


class _Words(list):
    """A list of words that prints as a list of words."""

    def __format__(self, spec):
        return ", ".join(self) or "none"


def _readable(value):
    words = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return _Words(value) if words else value


# Where the numbers come from.


def by_version(values):
    """The verdict on a claim that was tried on several versions."""
    if not values["otherwise"]:
        return YES
    return DEPENDS if values["as_claimed"] else NO


@functools.cache
def _atlas():
    """The rows of TensorFlow: the sources know no other backend."""
    return [row for row in json.loads((DATA / "atlas.json").read_text()) if row["tensorflow"]]


def tried(wanted, mode="eager", since="0", until="99", keras=(2, 3)):
    """Versions on which all recipes ended as claimed, and the others.

    ``wanted`` maps a recipe to how its outcome must begin: "works", "fails", "trains nothing".
    """
    versions = {}
    for found in _atlas():
        version = 3 if found["flavour"] == "keras" else 2
        number = found["tensorflow"]
        if (
            found["mode"] == mode
            and found["recipe"] in wanted
            and version in keras
            and _number(since) <= _number(number) <= _number(until)
        ):
            key = f"TF {number}" + (" with Keras 3" if version == 3 else "")
            right = found["outcome"].startswith(wanted[found["recipe"]])
            versions[key] = versions.get(key, True) and right
    return {
        "as_claimed": [key for key, right in versions.items() if right],
        "otherwise": [key for key, right in versions.items() if not right],
    }


def _number(version):
    return tuple(int(part) for part in re.findall(r"\d+", version))


def cells(recipe):
    """The atlas' rows of one recipe."""
    return [found for found in _atlas() if found["recipe"] == recipe]


AS_CLAIMED = "As claimed on: {as_claimed}. Otherwise on: {otherwise}."


def training(name):
    """What tools/ledger_trainings.py recorded of one training."""
    path = DATA / "ledger-trainings.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    if name not in record:
        raise Unavailable(
            f"The training `{name}` is not finished: `python tools/ledger_trainings.py {name}`."
        )
    return record[name]


@functools.cache
def mnist():
    """The real MNIST, or ``Unavailable``."""
    from vaelib import data

    digits = data.load("mnist")
    if digits.name != "mnist":
        raise Unavailable("MNIST is not here: set `VAELIB_DATA` to a folder with mnist.npz.")
    return digits


@functools.cache
def codes(checkpoint, n_images=None):
    """Codes (mu) of the first test images under a shipped checkpoint."""
    from vaelib import checkpoints, latent

    return latent.encode(checkpoints.load(checkpoint).encoder, mnist().x_test[:n_images])


def attempt(recipe, keras):
    """Try a recipe of the chapters on the installed stack."""
    from vaelib import recipes

    return recipes.attempt(_recipe(recipe), keras)


def _recipe(name):
    import linecache
    import sys
    import types

    import keras
    import numpy as np
    import tensorflow as tf

    sys.path.insert(0, str(ROOT / "tools"))
    import atlas

    sources = next(sources for found, _, sources in atlas.recipes() if found == name)
    text = "\n\n".join(sources)
    file = f"<recipe {name}>"
    # vaelib.recipes reads the failing line from here.
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    # A module of its own, or TensorFlow's AutoGraph looks in vain for where a function comes from.
    module = sys.modules[f"recipe_{name}"] = types.ModuleType(f"recipe_{name}")
    module.__dict__.update(tf=tf, np=np, keras=keras)
    exec(compile(text, file, "exec"), module.__dict__)
    return getattr(module, name)


def rounded(values, digits=8):
    """Numbers as the ledger stores them: plain, and short enough to compare."""
    if isinstance(values, dict):
        return {key: rounded(value, digits) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [rounded(value, digits) for value in values]
    if isinstance(values, (bool, str, int)) or values is None:
        return values
    if hasattr(values, "tolist"):
        return rounded(values.tolist(), digits)
    value = float(values)
    # JSON has no nan.
    return float(f"{value:.{digits}g}") if abs(value) < float("inf") else str(value)


from claims import (  # noqa: E402, F401  they register their rows, in this order
    likelihoods,
    machinecurve,
    machinecurve_models,
    post_1,
    post_3,
    post_4,
    post_5,
    post_7,
    post_others,
    tfp_notes,
)
