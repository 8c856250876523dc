"""Examine every patient on both Kerases, and the healthy ones again and again; keep the record.

``python tools/measure_checkup.py`` writes ``book/_data/checkup.json``: for each patient and Keras
what was planted and what was found, and for the healthy ones how many of a hundred runs, from
different first weights, raised a false alarm. It takes about an hour; ``--runs 0`` leaves the
hundred runs out and keeps those of the record.
"""

import argparse
import importlib
import itertools
import json
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "book" / "_data" / "checkup.json"
sys.path.insert(0, str(ROOT / "tests"))
FILES = {"cannot-be-saved", "cannot-be-loaded"}


def examine(patient, keras, seed):
    """Slugs and beta; the sentence, if the patient is refused."""
    from vaelib.checkup import checkup

    keras.utils.set_random_seed(seed)
    vae, x, y = patient.build(keras)
    callbacks = patient.callbacks(keras, vae) if patient.callbacks else ()
    saving = bool(FILES & patient.allowed(keras))
    try:
        report = checkup(vae, x, y, callbacks=callbacks, saving=saving)
    except (TypeError, ValueError) as error:
        return {"refused": str(error)}
    return {"found": report.slugs, "beta": report.beta, "undetermined": len(report.undetermined)}


def is_right(patient, keras, answer):
    """Whether what was planted was found, nothing else, and the right beta."""
    if "refused" in answer or patient.kind == "limit":
        return patient.kind == "limit"
    found = set(answer["found"])
    wanted = [
        set(slugs) for slugs in (patient.slugs, patient.instead) if slugs or not patient.slugs
    ]
    beta = patient.beta
    near = (
        beta is None
        or answer["beta"] is not None
        and (abs(answer["beta"] - beta) <= 0.01 * abs(beta) + 1e-6)
    )
    return any(w <= found for w in wanted) and found <= patient.allowed(keras) and near


def once(patients):
    """Every patient on each of its Kerases."""
    for patient, name in ((p, name) for p in patients for name in p.kerases):
        keras = importlib.import_module(name)
        found = examine(patient, keras, seed=1)
        yield {
            "patient": patient.name, "keras": name, "kind": patient.kind,
            "planted": list(patient.slugs), "known_beta": patient.beta,
            "right": is_right(patient, keras, found), **found,
        }  # fmt: skip
        keras.utils.clear_session()


def again(patients, runs):
    """Runs of the healthy patients in turn, each from other first weights."""
    healthy = [
        (p, name) for p in patients for name in p.kerases
        if p.kind == "vae" and not p.slugs and not p.callbacks
    ]  # fmt: skip
    alarms = []
    for seed, (patient, name) in zip(range(100, 100 + runs), itertools.cycle(healthy)):
        keras = importlib.import_module(name)
        found = set(examine(patient, keras, seed)["found"]) - patient.allowed(keras)
        if found:
            alarms.append({"patient": patient.name, "keras": name, "seed": seed,
                           "found": sorted(found)})  # fmt: skip
        keras.utils.clear_session()
    return {"runs": runs, "models": min(runs, len(healthy)), "false_alarms": alarms}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    given = parser.parse_args()
    from vaelib import quiet_tensorflow

    quiet_tensorflow()
    from patients import PATIENTS

    old = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    record = {
        "versions": {name: version(name) for name in ("tensorflow", "keras", "tf_keras")},
        "healthy": again(PATIENTS, given.runs) if given.runs else old.get("healthy"),
        "patients": list(once(PATIENTS)),
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    print(f"{len(record['patients'])} examinations, {record['healthy']}")


if __name__ == "__main__":
    main()
