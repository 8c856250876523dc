"""What several devices and many codes cost: the tables are made from their record."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import measure_scaling  # noqa: E402

RECORD = json.loads(measure_scaling.RECORD.read_text())


def test_the_tables_are_made_from_the_record():
    for name, text in measure_scaling.tables(RECORD).items():
        assert (measure_scaling.DATA / name).read_text() == text


def test_the_record_is_complete():
    assert list(RECORD["steps"]) == ["one device", "two replicas", "two workers"]
    for study in measure_scaling.STUDIES:
        assert list(RECORD["codes"][study]) == [str(n) for n in measure_scaling.SIZES]


def test_what_the_page_says_of_memory():
    """Flat where the work is done in pieces: not more for a million codes than they take."""
    encode, sample = (RECORD["codes"][study] for study in ("encode", "t-SNE of 2,000"))
    grown = {n: row["megabytes"] - row["before"] for n, row in encode.items()}
    assert grown["1000000"] - grown["1000"] < 100
    assert sample["1000000"]["seconds"] < 5 * sample["10000"]["seconds"]
    assert sample["1000"]["seconds"] > 1
    extents = RECORD["codes"]["extents"]["1000000"]
    assert extents["megabytes"] - extents["before"] > 1_000_000 * 2 * 4 / 2**20  # copies of all


def test_a_measurement_that_fails_says_so():
    with pytest.raises(RuntimeError, match="ended with 1"):
        measure_scaling.result(measure_scaling.start("latent_study", "extents", -1))
