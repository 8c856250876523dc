"""What Keras does when nobody says otherwise, where the book relies on it."""

import platform

import keras
import pytest
import tensorflow as tf

ACCELERATORS = [d for d in tf.config.list_physical_devices() if d.device_type != "CPU"]
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="for TensorFlow alone"
)


def compiled(**options):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse", **options)
    return model


@on_tensorflow
@pytest.mark.skipif(bool(ACCELERATORS), reason="with a GPU the default is the opposite")
def test_without_a_gpu_keras_leaves_xla_off():
    assert compiled().jit_compile is False


@on_tensorflow
@pytest.mark.skipif(platform.system() == "Darwin", reason="Keras leaves XLA off on Apple's GPUs")
def test_with_a_gpu_keras_turns_xla_on(monkeypatch):
    class Gpu:
        device_type = "GPU"

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *kinds: [Gpu])
    assert compiled().jit_compile is True


def test_xla_can_be_asked_for():
    assert compiled(jit_compile=True).jit_compile is True
