"""Every placement makes, on several devices, the step that it makes on one.

Every time, the placements that differ in who divides and who adds up; all of them if ALL_DEVICES
is set: `ALL_DEVICES=1 pytest tests/test_several_devices.py`, after a change of placements.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tf_keras
from backends import needs, run_on

from vaelib import placements

SCRIPT = Path(__file__).with_name("steps_of_placements.py")
KITS = {"keras": keras, "tf_keras": tf_keras}
CHOSEN = {
    "keras": ["encoder_layer", "compute_loss", "train_step", "custom_loop"],
    "tf_keras": ["encoder_layer", "outputs", "model_add_loss", "train_step", "tfp_add_loss"],
}
if os.environ.get("ALL_DEVICES"):
    CHOSEN = {name: placements.names(kit) for name, kit in KITS.items()}


def differences(one, many):
    """Where two results of the script differ: a list, empty if they agree to 1e-4."""
    (figures, arrays), (other_figures, other_arrays) = one, many
    found = []
    for name, told in figures.items():
        if isinstance(other_figures[name], str):
            found.append(f"{name}: {other_figures[name]}")
            continue
        found += [
            f"{name}: {key} {other_figures[name][key]} instead of {value}"
            for key, value in told.items()
            if not np.isclose(other_figures[name][key], value, rtol=1e-4)
        ]
        moved = [key for key in arrays if key.split()[0] == name]
        assert len(moved) == 10
        for key in moved:
            off = np.linalg.norm(other_arrays[key] - arrays[key]) / np.linalg.norm(arrays[key])
            if not off < 1e-4:
                found.append(f"{key}: off by {off:.1e}")
    return found


def train(folder, place, kit="keras", *names, backend="tensorflow"):
    out = folder / f"{backend}-{kit}-{place.replace(' ', '-')}"
    figures = run_on(backend, SCRIPT, out, place, kit, *names)
    return figures, dict(np.load(f"{out}.npz"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("devices")


@pytest.fixture(scope="module", params=KITS)
def kit_and_one(request, folder):
    """The steps on one device."""
    return request.param, train(folder, "one", request.param, *CHOSEN[request.param])


def test_two_replicas_make_the_step_of_one_device(kit_and_one, folder):
    """Also where the last batch does not divide, and where a replica has no image left."""
    kit, one = kit_and_one
    assert list(one[0]) == CHOSEN[kit]
    assert differences(one, train(folder, "two", kit, *CHOSEN[kit])) == []


def test_the_comparison_can_tell(kit_and_one):
    _, (figures, arrays) = kit_and_one
    doubled = {key: 2 * array for key, array in arrays.items()}
    assert len(differences((figures, arrays), (figures, doubled))) == len(arrays)
    shown = {name: {**told, "loss": told["loss"] / 2} for name, told in figures.items()}
    assert len(differences((figures, arrays), (shown, arrays))) == len(figures)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def workers(folder, kit, *names):
    """Two processes that train together."""
    ports = " ".join(map(str, free_ports(2)))
    running = []
    for rank in range(2):
        out = folder / f"worker-{kit}-{rank}"
        command = [sys.executable, str(SCRIPT), str(out), f"worker {rank} {ports}", kit, *names]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )  # fmt: skip
        running.append((out, process))
    results = []
    try:
        for out, process in running:
            told, errors = process.communicate(timeout=600)
            assert process.returncode == 0, errors[-3000:]
            results.append((json.loads(told.splitlines()[-1]), dict(np.load(f"{out}.npz"))))
    finally:
        for _, process in running:
            process.kill()
    return results


def test_two_workers_make_the_step_of_one_device(kit_and_one, folder):
    """Keras 3's own fit cannot; that is said in one sentence, and the loop by hand can.

    Of Keras 2 three: all seven agreed when this was written.
    """
    kit, one = kit_and_one
    names = ["custom_loop"] if kit == "keras" else ["encoder_layer", "outputs", "tfp_add_loss"]
    refused = ["encoder_layer"] if kit == "keras" else []
    for figures, arrays in workers(folder, kit, *names, *refused):
        for name in refused:
            assert figures.pop(name).startswith("Keras 3.15.1 cannot fit on several workers")
        wanted = {name: told for name, told in one[0].items() if name in figures}
        assert list(wanted) == names
        assert differences((wanted, one[1]), (figures, arrays)) == []


@needs("jax")
def test_two_devices_of_jax_make_the_step_of_one(folder):
    names = CHOSEN["keras"]
    one = train(folder, "one", "keras", *names, backend="jax")
    assert differences(one, train(folder, "two", "keras", *names, backend="jax")) == []


REFUSALS = """
import json, sys
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
import numpy as np
import keras
from vaelib import layers, networks, placements
spec = networks.preset("quick", z_dim=2, hidden=(4,), decoder_hidden=(4,))
images = np.zeros((8, 28, 28, 1), "float32")
told = {}

def refused(name, act):
    try:
        act()
        told[name] = "nothing"
    except Exception as error:
        told[name] = f"{type(error).__name__}: {error}"

outside = networks.build_encoder(spec), networks.build_decoder(spec)
with strategy.scope():
    inside = networks.build_encoder(spec), networks.build_decoder(spec)
    refused("networks from outside", lambda: placements.build("train_step", *outside))
    vae = placements.build("encoder_layer", *inside)
refused("networks from inside", lambda: placements.build("train_step", *inside))
alone = placements.build("compute_loss", *outside)
with strategy.scope():
    refused("fit in the scope", lambda: alone.fit(images, batch_size=4, verbose=0))
refused("batch of one", lambda: vae.fit(images, batch_size=1, verbose=0))
refused("too few to predict", lambda: vae.predict(images, batch_size=1))

@tf.function
def draws():
    zeros = tf.zeros((4, 2))
    return strategy.run(lambda: sampling([zeros, zeros]))

with strategy.scope():
    sampling = layers.Sampling(seed=1)
    sampling([tf.zeros((4, 2)), tf.zeros((4, 2))])
told["noise"] = [draw.numpy().tolist() for _ in range(2) for draw in draws().values]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def refusals():
    return run_on("tensorflow", REFUSALS)


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("networks from outside", "ValueError: The encoder was built outside the scope of"),
        ("networks from inside", "ValueError: The encoder was built inside the scope of"),
        ("fit in the scope", "ValueError: This model was built outside the strategy"),
        ("batch of one", "DataError: A batch of 1 cannot be spread over 2 replicas"),
        ("too few to predict", "DataError: A batch of 1 cannot be spread over 2 replicas"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(refusals, case, sentence):
    assert refusals[case].startswith(sentence), refusals[case]
    assert refusals[case].count(". ") == 0 and "\n" not in refusals[case]


def test_sampling_in_a_readers_own_step_draws_other_numbers_on_each_replica(refusals):
    """Nor those that another replica draws in the next step."""
    noise = np.array(refusals["noise"])
    assert noise.shape == (4, 4, 2) and len(np.unique(noise.round(5))) == noise.size


@needs("jax")
def test_jax_refuses_a_batch_that_does_not_divide(folder):
    code = SCRIPT.read_text().replace("images[:70], images[:34]", "images[:69], images[:34]")
    told = run_on("jax", code, folder / "odd", "two", "keras", "train_step", "outputs")
    for sentence in told.values():
        assert sentence.startswith("JAX spreads a batch over 2 devices in equal parts"), sentence
