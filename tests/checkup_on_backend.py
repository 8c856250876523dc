"""Run by test_checkup_backends, on JAX or PyTorch: examine patients and print what was found."""

import json
import sys
from pathlib import Path

import keras

import vaelib

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]

import tf_of_keras  # noqa: E402

PATIENTS = tf_of_keras.import_patients().PATIENTS

from measure_checkup import examine, is_right  # noqa: E402
from patients import half  # noqa: E402
from patients.own_steps import OWN_STEPS  # noqa: E402


def main(names):
    told = {"backend": keras.backend.backend(), "tensorflow": "tensorflow" in sys.modules}
    for patient in (*OWN_STEPS, *PATIENTS):
        if patient.name in names:
            answer = examine(patient, keras, seed=1)
            told[patient.name] = {"right": is_right(patient, keras, answer), **answer}
    for policy in half.POLICIES:
        report = vaelib.checkup(*half.kl_in_float32(keras, policy), saving=False)
        told[policy] = [report.slugs, report.undetermined, report.beta]
    print(json.dumps(told))


main(sys.argv[1:])
