"""Run by test_checkup_devices: examine one VAE on two logical CPU devices.

``python checkup_on_devices.py KERAS NAME``; devices must be set before TensorFlow starts.
"""

import importlib
import json
import sys

import tensorflow as tf

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(CPU, 2 * [tf.config.LogicalDeviceConfiguration()])

from patients.replicas import REPLICAS  # noqa: E402

import vaelib  # noqa: E402


def main(kit, name):
    keras = importlib.import_module(kit)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    known = {patient.build.__name__: patient for patient in REPLICAS}
    with strategy.scope():
        model, x, y = known[name].build(keras) if name in known else placement(name)
    report = vaelib.checkup(model, x, y, saving=False)
    told = {
        "found": report.slugs, "beta": report.beta, "devices": report.facts["devices"],
        "measured": " ".join(finding["measured"] for finding in report.findings),
    }  # fmt: skip
    print(json.dumps(told))


def placement(name):
    """A placement of the library, with its images."""
    import numpy as np

    from vaelib import networks, placements

    spec = networks.NetworkSpec(2, (8, 8, 1), hidden=(16,), decoder_hidden=(16,))
    vae = placements.build(
        name, networks.build_encoder(spec), networks.build_decoder(spec), beta=0.5
    )
    return vae, np.random.default_rng(1).random((64, 8, 8, 1)).astype("float32"), None


main(*sys.argv[1:])
