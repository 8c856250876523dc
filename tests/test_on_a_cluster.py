"""The page *On a cluster*: what of its code can be run without one."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "book" / "on-a-cluster.md").read_text()
BLOCKS = re.findall(r"```(python|bash)\n(.*?)```", PAGE, re.S)


def block(begin):
    (found,) = [text for _, text in BLOCKS if text.startswith(begin)]
    return found


def test_the_lines_from_slurm_make_a_tf_config(tmp_path):
    """With a scontrol of our own; on a real SLURM it has not been tried."""
    scontrol = tmp_path / "scontrol"
    scontrol.write_text('#!/bin/sh\ntest "$3" = "gpu[3,7]" && printf "gpu3\\ngpu7\\n"\n')
    scontrol.chmod(0o755)
    lines = block("# train.py").split("import tensorflow")[0]
    done = subprocess.run(
        [sys.executable, "-c", lines + "\nprint(os.environ['TF_CONFIG'])"],
        env={"PATH": str(tmp_path), "SLURM_JOB_NODELIST": "gpu[3,7]", "SLURM_PROCID": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    config = json.loads(done.stdout)
    assert config["cluster"] == {"worker": ["gpu3:12345", "gpu7:12345"]}
    assert config["task"] == {"type": "worker", "index": 1}


@pytest.mark.parametrize("kind", ["python", "bash"])
def test_the_other_blocks_are_code(kind):
    texts = [text for told, text in BLOCKS if told == kind]
    assert texts
    for text in texts:
        if kind == "python":
            compile(text, "block", "exec")
        else:
            subprocess.run(["bash", "-n"], input=text, text=True, check=True)


MY_SCRIPT = """
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

(cpu,) = tf.config.list_physical_devices("CPU")
half = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [half, half])
mirrored = tf.distribute.MirroredStrategy
tf.distribute.MirroredStrategy = lambda: mirrored(["CPU:0", "CPU:1"])
images = np.random.default_rng(0).random((64, 20), dtype="float32")


def build(optimizer):
    class AddKL(layers.Layer):
        def call(self, heads):
            mu, log_var = heads
            kl = mu**2 + ops.exp(log_var) - 1 - log_var
            self.add_loss(ops.mean(ops.sum(kl, axis=-1)) / 2)
            return mu

    image = keras.Input((20,))
    heads = [layers.Dense(2, name=name)(image) for name in ("mu", "log_var")]
    pixels = layers.Dense(20, "sigmoid", name="pixels")(AddKL()(heads))
    vae = keras.Model(image, pixels)
    vae.compile(optimizer, loss=lambda x, y: ops.mean(ops.binary_crossentropy(x, y)))
    return vae
"""


def test_the_one_test_finds_a_scalar_loss(tmp_path):
    """On logical devices of one CPU: the decoder's step is doubled, that of log_var is not."""
    (tmp_path / "my_script.py").write_text(MY_SCRIPT)
    (tmp_path / "one_step.py").write_text(block("# one_step.py"))
    told = []
    for which in ("one", "many"):
        done = subprocess.run(
            [sys.executable, "one_step.py", which], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-1000:]
        rows = [line.split() for line in done.stdout.splitlines()]
        told.append({path: float(norm) for path, norm in rows})
    grown = {path: told[1][path] / told[0][path] for path in told[0]}
    assert grown["pixels/bias"] == pytest.approx(2, rel=0.02)
    assert grown["log_var/bias"] == pytest.approx(1, rel=0.02)
