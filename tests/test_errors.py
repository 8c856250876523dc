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


def entry_of(error):
    return errors.explain(error).candidates[0]["entry"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # Numbers, shapes, names and versions differ from report to report.
        (
            "TypeError: You are passing KerasTensor(type_spec=TensorSpec(shape=(None, 128), "
            "dtype=tf.float32, name=None), name='tf.cast_17/Cast:0', description=\"created by "
            "layer 'tf.cast_17'\"), an intermediate Keras symbolic input/output, to a TF API that "
            "does not allow registering custom dispatchers, such as `tf.cond`, `tf.function`",
            "kerastensor-no-dispatch",
        ),
        (
            "A KerasTensor cannot be used as input to a TensorFlow function",
            "kerastensor-to-tf-function",
        ),
        ("name 'K' is not defined after load_model with a Lambda layer", "save-and-load"),
        ("my VAE's KL is zero after two epochs and all pictures look alike", "kl-weight"),
        ("loss: nan from the first batch of my variational autoencoder", "nan-or-zero-loss"),
        ("evaluate returns 0.0 for a VAE with a train_step of its own", "subclass-without-call"),
        ("every epoch takes ten times longer since run_eagerly=True", "slow-or-retracing"),
        ("my KL loss grows with the batch size, KLDivergenceAddLoss", "tfp-layers"),
        ("Should the KL be a mean or a sum over the latent dimensions?", "kl-weight"),
        ("loss: 0.0000e+00 in every epoch, nothing is learnt", "nan-or-zero-loss"),
    ],
)
def test_explain_finds_the_class(text, name):
    assert name in [c["class"] for c in errors.explain(text).candidates]


@pytest.mark.parametrize(
    "text",
    [
        "ModuleNotFoundError: No module named 'flask'",
        "KeyError: 'colour'",
        "IndexError: list index out of range",
        "ZeroDivisionError: division by zero",
        "AttributeError: 'DataFrame' object has no attribute 'append'",
        "CUDA out of memory. Tried to allocate 20.00 MiB",
        "SyntaxError: '(' was never closed",
        "FileNotFoundError: [Errno 2] No such file or directory: 'train.csv'",
        "ValueError: invalid literal for int() with base 10: 'x'",
        "The weather is fine today.",
        "keras",
        "vae",
        "my keras model does not work",
        "loss: 512.1 - kl_loss: 4.1e-06\nTraceback (most recent call last):\n"
        "  File 'x.py', line 3\nFileNotFoundError: [Errno 2] No such file or directory: 'x.csv'",
        "sklearn.exceptions.NotFittedError: This RandomForestClassifier instance is not fitted yet",
    ],
)
def test_unrelated_errors_are_not_claimed(text):
    explanation = errors.explain(text)
    assert not explanation and explanation.candidates == []
    assert repr(explanation) == errors.NOTHING_FITS


def test_candidates_tell_what_a_program_needs():
    found = errors.explain("loss is nan from the first epoch of my VAE").candidates
    assert 1 <= len(found) <= 3
    for candidate in found:
        assert set(candidate) == {
            "class", "entry", "title", "versions", "recognize", "repair", "score", "sure", "page",
        }  # fmt: skip
        assert candidate["score"] > 0
        assert candidate["page"] == f"book/errors/{candidate['class']}.html#{candidate['entry']}"
    scores = [candidate["score"] for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert len({candidate["entry"] for candidate in found}) == len(found)


def provoked(kit):
    x = kit.Input((4,))
    model = kit.Model(x, kit.layers.Dense(2)(x))
    with pytest.raises(NotImplementedError) as caught:
        model.add_loss(x)
    return caught.value


def test_an_exception_without_a_message_is_known_by_its_traceback():
    """Keras 3's model.add_loss raises a NotImplementedError that says nothing."""
    assert entry_of(provoked(keras)) == "model-add-loss-keras-3"


def test_a_whole_traceback_is_read():
    import traceback

    error = provoked(keras)
    text = "Epoch 1/5\nsome log\n" + "".join(traceback.format_exception(error)) + "\nbye\n"
    assert entry_of(text.replace("\nbye\n", "\n")) == "model-add-loss-keras-3"
    colors = "\x1b[31mTypeError\x1b[39m: You are passing KerasTensor(name='tf.cast_2'), \x1b[1man"
    colors += " intermediate\x1b[0m to a TF API that does not allow registering custom dispatchers"
    assert errors.explain(colors).candidates[0]["class"] == "kerastensor-no-dispatch"
    assert entry_of("x = 1\n" * 50_000 + colors) == entry_of(colors)


def test_a_notebook_shows_cause_and_repair():
    explanation = errors.explain(provoked(keras))
    shown, plain = explanation._repr_html_(), repr(explanation)
    for part in (
        "add_loss",
        "Repair",
        "<pre>",
        "../book/errors/removed-in-keras-3.html#model-add-loss-keras-3",
    ):
        assert part in shown
    assert (
        "self.add_loss" in plain
        and "chapters/model-loss.html" in plain
        and "<" not in plain.split("\n")[0]
    )
    assert errors.NOTHING_FITS in errors.explain("KeyError: 3")._repr_html_()


def test_the_last_error_is_explained_without_an_argument(monkeypatch):
    import sys

    monkeypatch.setattr(sys, "last_value", provoked(keras), raising=False)
    assert entry_of(None) == "model-add-loss-keras-3"
    monkeypatch.delattr(sys, "last_value")
    with pytest.raises(ValueError, match="No error has happened here yet"):
        errors.explain()


@pytest.mark.parametrize("nothing", ["", "   \n\t "])
def test_no_text_is_refused(nothing):
    with pytest.raises(ValueError, match="There is no text to explain"):
        errors.explain(nothing)


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="this is a int: give it the exception itself"):
        errors.explain(3)


def test_an_ordinary_mistake_in_a_layer_is_not_claimed():
    """What Keras 3 puts around every error of a layer says nothing about the error."""

    class Block(keras.layers.Layer):
        def call(self, inputs):
            return self.dense1(inputs)

    with pytest.raises(AttributeError) as caught:
        Block()(keras.Input((4,)))
    assert "Could not automatically infer" in str(caught.value)
    assert not errors.explain(caught.value)


def test_an_exception_that_cannot_be_printed():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    assert not errors.explain(Mute())


def test_an_error_in_the_middle_of_a_long_log_is_found():
    error = "ValueError: No gradients provided for any variable."
    log = "log line\n" * 700 + error + "\n" + "log line\n" * 3_000
    assert errors.explain(log).candidates[0]["class"] == "no-gradient"


def test_html_of_a_stored_notebook_is_read():
    text = "AttributeError: &#x27;KerasTensor&#x27; object has no attribute &#x27;add_loss&#x27;"
    assert entry_of(text) == "tensor-has-no-add-loss"


@pytest.mark.parametrize("text", ["in user code:\n" + "\n" * 30_000 + "x", "a\n" + " \n" * 30_000])
def test_blank_lines_do_no_harm(text):
    """Nor do they take time: `make bench` measures it."""
    essence = errors.essence(text)
    assert essence and len(essence) < 100


SURE = "AttributeError: 'KerasTensor' object has no attribute 'add_loss'"
UNSURE = "my loss is nan"


def test_below_the_threshold_no_repair_is_given():
    """Candidates, what tells them apart, for which versions; no code."""
    explanation = errors.explain(UNSURE)
    assert len(explanation.candidates) >= 2 and not explanation.sure
    for shown in (repr(explanation), explanation._repr_html_()):
        assert errors.explanation.NOT_SURE in shown and "Repair" not in shown
        for candidate in explanation.candidates:
            assert candidate["title"].split()[0] in shown and not candidate["sure"]
    assert "1. " in repr(explanation) and "<ol>" in explanation._repr_html_()
    assert "<pre>" not in explanation._repr_html_()


def test_a_sure_answer_says_where_its_names_come_from():
    explanation = errors.explain(SURE)
    assert explanation.sure and explanation.candidates[0]["sure"]
    assert "Repair:" in repr(explanation) and "In this code, " in repr(explanation)
    legend = errors.explanation.legend("vae = Model(inputs, decoder(z))\nmu = 3\nprint(mu)")
    assert legend == (
        "In this code, inputs is the input of your encoder; z is the draw; decoder is your "
        "decoder, a model."
    )
    assert errors.explanation.legend("x = 1") == ""


def test_every_name_of_the_prelude_is_told():
    import ast

    tree = ast.parse(errors.prelude()["shared"])
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)
              and isinstance(n.ctx, ast.Store)} - {"epsilon"}  # fmt: skip
    stored |= {n.name for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    assert stored - {"mu", "log_var"} <= set(errors.explanation.NAMES)
    assert set(errors.explanation.NAMES) - stored == set()


def test_a_change_of_keras_is_no_fault_of_the_vae():
    explanation = errors.explain("AttributeError: module 'keras.backend' has no attribute 'square'")
    assert repr(explanation).startswith("A change from Keras 2 to 3, no fault of your VAE.")
    assert errors.explanation.CHANGE in explanation._repr_html_()
    assert errors.explanation.CHANGE not in repr(errors.explain(UNSURE))


def test_what_nothing_fits_is_led_on():
    shown = repr(errors.explain("KeyError: 'colour'"))
    for page in ("book/error-index.html", "book/old-scripts.html", "checkup"):
        assert page in shown


def test_a_text_of_r_is_told_that_the_code_is_python():
    text = "Error in py_call_impl(callable): ValueError: No gradients provided for any variable"
    assert "the code here is Python" in repr(errors.explain(text))
    assert "the code here is Python" not in repr(errors.explain(text.split(": ", 1)[1]))
