"""The checkup on several devices: what two replicas change is found, with the right number.

Each model has a process of its own: one that opens several strategies in turn sometimes dies.
One takes a minute of computing. So three are examined every time, and all of them if ALL_DEVICES is
set: `ALL_DEVICES=1 pytest tests/test_checkup_devices.py`, after a change of the checkup.
"""

import os
import re
from pathlib import Path

import pytest
from backends import run_on
from patients.replicas import REPLICAS

SCRIPT = Path(__file__).with_name("checkup_on_devices.py")
ON_KERAS_2 = ("step_of_its_own",)
NUMBERS = {
    "loss_of_one_number": "beta is 1 on one device, 0.5 on 2",
    "kl_beside_compute_loss_of_keras": "beta is 1 on one device, 2 on 2",
    "whole_compute_loss": "the step on 2 devices is 2 times that on one",
    "step_of_its_own": "the step on 2 devices is 2 times that on one",
    "loop_on_one_device": "whole batch of 32 images on one device; the strategy has 2",
}
PLACEMENTS = ("compute_loss", "encoder_layer", "train_step", "custom_loop")
ALWAYS = ("layer_and_loss_per_image", "kl_beside_compute_loss_of_keras")
CASES = [("keras", patient) for patient in REPLICAS] + [
    ("tf_keras", patient) for patient in REPLICAS if patient.build.__name__ in ON_KERAS_2
]

if not os.environ.get("ALL_DEVICES"):
    CASES = [(kit, p) for kit, p in CASES if p.build.__name__ in ALWAYS]
    PLACEMENTS = PLACEMENTS[:1]


@pytest.mark.parametrize(
    ("kit", "patient"), CASES, ids=[f"{p.build.__name__}-{kit}" for kit, p in CASES]
)
def test_what_two_devices_change_is_found_with_its_number(kit, patient):
    name = patient.build.__name__
    told = run_on("tensorflow", SCRIPT, kit, name)
    assert told["found"] == list(patient.slugs) and told["devices"] == "2 replicas"
    assert told["beta"] == pytest.approx(patient.beta, rel=0.01)
    numbers = re.sub(r"\d+\.\d+|\d+", lambda found: f"{float(found[0]):.3g}", told["measured"])
    assert NUMBERS.get(name, "") in numbers


@pytest.mark.parametrize("name", PLACEMENTS)
def test_nothing_is_found_in_the_placements_of_the_library(name):
    told = run_on("tensorflow", SCRIPT, "keras", name)
    assert told["found"] == [] and told["devices"] == "2 replicas"
    assert told["beta"] == pytest.approx(0.5, rel=0.01)
