"""vaelib.errors: an expected failure shows its first sentence, an unexpected success fails."""

import keras
import pytest
import tensorflow as tf
import tf_keras

from vaelib import errors


def fail(error):
    raise error


def test_an_expected_failure_is_printed_and_returned(capsys):
    thrown = TypeError("The first sentence. The second one.")
    assert errors.provoke(lambda: fail(thrown)) is thrown
    assert capsys.readouterr().out == "TypeError: The first sentence.\n"


def test_an_error_without_a_message(capsys):
    """Keras 3 raises one for model.add_loss."""
    errors.provoke(lambda: fail(NotImplementedError()))
    assert capsys.readouterr().out == "NotImplementedError: (no message at all)\n"


def test_what_does_not_fail_is_a_failure():
    with pytest.raises(AssertionError, match="expected to fail, but it ran"):
        errors.provoke(lambda: None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One line without a full stop", "One line without a full stop"),
        ("Version 2.21 is not cut. But here.", "Version 2.21 is not cut."),
        ("two\n  lines", "two lines"),
        (
            "Exception encountered when calling Layer.call().\n\n\x1b[1mReal.\x1b[0m\n\nMore",
            "Real.",
        ),
        ("Real reason\n\nArguments received by Layer.call():\n  args", "Real reason"),
        ("", ""),
    ],
)
def test_first_sentence(text, sentence):
    assert errors.first_sentence(text) == sentence


def test_a_long_sentence_is_cut():
    assert errors.first_sentence("word " * 100, width=20) == "word word word wo..."
    assert len(errors.first_sentence("word " * 100, width=20)) <= 20


@pytest.mark.parametrize("keras_module", [keras, tf_keras], ids=lambda module: module.__name__)
def test_the_message_is_found_behind_what_keras_puts_around_it(keras_module):
    class Broken(keras_module.layers.Layer):
        def call(self, inputs):
            raise ValueError("The real reason. Its details.")

    model = keras_module.Sequential([Broken()])
    model.compile(loss="mse", optimizer="sgd")
    with pytest.raises(ValueError) as caught:
        model.fit(tf.zeros((4, 2)), tf.zeros((4, 2)), verbose=0)
    assert errors.first_sentence(caught.value) == "The real reason."
