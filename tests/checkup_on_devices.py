"""Run by test_checkup_devices: examine VAEs on two logical CPU devices, one strategy a process.

``python checkup_on_devices.py KERAS NAME...``; devices must be set before TensorFlow starts.
"""

import importlib
import json
import sys

import tensorflow as tf

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(CPU, 2 * [tf.config.LogicalDeviceConfiguration()])

from patients.replicas import REPLICAS  # noqa: E402

import vaelib  # noqa: E402


def main(kit, names):
    keras = importlib.import_module(kit)
    strategy, told = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), {}
    for patient in REPLICAS:
        if patient.build.__name__ in names:
            with strategy.scope():
                model, x, y = patient.build(keras)
            report = vaelib.checkup(model, x, y, saving=False)
            told[patient.build.__name__] = {
                "found": report.slugs, "beta": report.beta, "devices": report.facts["devices"],
                "measured": " ".join(finding["measured"] for finding in report.findings),
            }  # fmt: skip
    for name in set(names) & set(vaelib.placements.PLACEMENTS):
        told[name] = of_placement(name, strategy)
    print(json.dumps(told))


def of_placement(name, strategy):
    """A placement of the library, built in the scope."""
    import numpy as np

    from vaelib import networks, placements

    spec = networks.NetworkSpec(2, (8, 8, 1), hidden=(16,), decoder_hidden=(16,))
    x = np.random.default_rng(1).random((64, 8, 8, 1)).astype("float32")
    with strategy.scope():
        vae = placements.build(
            name, networks.build_encoder(spec), networks.build_decoder(spec), beta=0.5
        )
    report = vaelib.checkup(vae, x, saving=False)
    return {"found": report.slugs, "beta": report.beta, "devices": report.facts["devices"]}


main(sys.argv[1], sys.argv[2:])
