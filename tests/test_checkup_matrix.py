"""The checkup of models that strangers wrote: the planted fault is found, and nothing else.

Every patient of ``tests/patients`` is examined; on both Kerases where the table's row allows it,
every second one on the older alone is left to ``tools/measure_checkup.py``, which keeps a record.
A quarter is examined every time, the others if the checkup or a patient has changed: record.py.
"""

import inspect
from pathlib import Path

import keras
import pytest
import tf_keras
from patients import PATIENTS
from record import Record, always, digest, sources

import vaelib
from vaelib.checkup import checkup, table

RECORD = Path(__file__).resolve().parent / "data" / "checkup-matrix.jsonl"
KERASES = {"keras": keras, "tf_keras": tf_keras}
FILES = {"cannot-be-saved", "cannot-be-loaded"}
EXAMINED = {
    f"{patient.name}-{name}": (patient, name)
    for number, patient in enumerate(PATIENTS)
    for name in patient.kerases
    if name == "keras" or len(patient.kerases) == 1 or number % 3 == 0
}


def examine(patient, kit):
    """What a checkup tells of a patient: slugs, beta, words; the sentence, if it is refused."""
    kit.utils.set_random_seed(1)
    vae, x, y = patient.build(kit)
    callbacks = patient.callbacks(kit, vae) if patient.callbacks else ()
    saving = bool(FILES & patient.allowed(kit))
    try:
        report = checkup(vae, x, y, callbacks=callbacks, saving=saving)
    except (TypeError, ValueError) as error:
        if patient.kind == "vae":
            raise
        return {"refused": str(error)}
    return {
        "slugs": sorted(report.slugs), "beta": report.beta, "says": str(report),
        "undetermined": list(report.undetermined),
    }  # fmt: skip


def check(patient, kit, told):
    """Is it what was planted, and nothing else?"""
    if patient.kind == "limit":
        said = told.get("refused") or " ".join(told["undetermined"])
        assert any(word in said.lower() for word in patient.words), said
        if "refused" in told:
            assert "\n" not in said
            return
    found = set(told["slugs"])
    required = [set(patient.slugs)] + ([set(patient.instead)] if patient.instead else [])
    report = told.get("says", found)  # the record has no texts
    assert any(wanted <= found for wanted in required), report
    assert found <= patient.allowed(kit), report
    known = patient.beta is not None and not (patient.kind == "limit" and told["beta"] is None)
    if known:
        assert told["beta"] == pytest.approx(patient.beta, rel=0.01, abs=1e-6), report


@pytest.fixture(scope="module")
def record(request):
    """What the examinations gave that need not be repeated; with --record, keep the others."""
    calls = sources("vaelib/checkup/*.py", "vaelib/checkup/*.yaml", "tests/patients/*.py")
    calls["examine"] = inspect.getsource(examine)
    digests = {name: digest(name, calls) for name in EXAMINED}
    kept = Record(RECORD, digests, filter(always, EXAMINED))
    kept.found = {}
    yield kept
    if request.config.getoption("record"):
        kept.write(kept.found)
    kept.tell(kept.found, "pytest tests/test_checkup_matrix.py --record")


@pytest.mark.parametrize("name", EXAMINED)
def test_the_planted_fault_is_found_and_nothing_else(record, name):
    patient, kit = EXAMINED[name][0], KERASES[EXAMINED[name][1]]
    told = record.get(name) or examine(patient, kit)
    check(patient, kit, told)
    if record.get(name) is None:
        told.pop("says", None)
        record.found[name] = told  # what fails is not kept


def test_the_matrix_is_large_and_covers_the_table():
    assert len([p for p in PATIENTS if p.kind == "vae"]) >= 60
    assert len([p for p in PATIENTS if "tf_keras" in p.kerases]) >= 60
    planted = {slug for patient in PATIENTS for slug in patient.slugs}
    by_replicas = {slug for slug in table() if slug.startswith("replica-")}
    assert planted <= set(table())
    assert set(table()) - planted <= by_replicas | {"loss-not-reported-whole"}
    assert vaelib.checkup is not None
