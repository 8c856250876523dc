"""The record of chapter ``collapse-and-choice``: the chapter's own trainings, each of them."""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import collapse_record  # noqa: E402


def record():
    return json.loads(collapse_record.RECORD.read_text())


def test_the_record_was_made_with_the_cells_of_the_chapter():
    cells = collapse_record.chapter_cells()
    assert record()["definitions"] == collapse_record.fingerprint(cells)
    # The checksum sees a change of a number, and not one of a comment or docstring.
    body = "def f(x):\n    {}\n    vae.fit(x)\n    return x + {}"
    one, two, three = (
        collapse_record.fingerprint([body.format(*parts)])
        for parts in (('"""a"""', 1), ('"""b"""  # c', 1), ('"""a"""', 2))
    )
    assert one == two != three
    assert one != collapse_record.fingerprint([body.format('"""a"""', 1).replace("fit", "fat")])


def test_the_record_is_whole():
    found = record()
    ways = collapse_record.ways(dict.fromkeys(("constant", "warm_up", "cycles", "FreeBitsVAE")))
    assert {(run["way"], run["seed"]) for run in found["runs"]} == {
        (way, seed) for way in ways for seed in collapse_record.SEEDS
    }
    assert set(found["versions"]) == {"python", "tensorflow", "keras", "numpy"}
    assert found["images"] == 10_000 and found["used from"] == collapse_record.USED
    for run in found["runs"]:
        kl, distortion = np.array(run["kl"]), np.array(run["distortion"])
        assert len(kl) == collapse_record.EPOCHS[run["way"]] and (kl >= 0).all()
        assert np.allclose(distortion + found["beta"] * kl, run["objective"], atol=0.02)
        each = np.array(run["kl per dimension"])
        assert abs(each.sum() - kl[-1]) < 0.02
        assert (each > found["used from"]).sum() == run["used"][-1]


def test_the_curves_are_those_of_the_measurements():
    epochs = [
        {"D": 200.0, "R": 0.5, "each": np.array([0.05, 0.45])},
        {"D": 190.0, "R": 2.0, "each": np.array([1.5, 0.5])},
    ]
    assert collapse_record.curves(epochs, beta=4.0) == {
        "kl": [0.5, 2.0],
        "distortion": [200.0, 190.0],
        "objective": [202.0, 198.0],
        "used": [1, 2],
        "kl per dimension": [1.5, 0.5],
    }
