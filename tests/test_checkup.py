"""The checkup leaves a model as it was, says what it cannot tell, and answers bad input."""

import json
import random
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
import yaml
from patients import functional, half, keras2, subclassed, tfp, train_steps

import vaelib
from vaelib import vae as to_copy
from vaelib.checkup import Report, checkup, examination, formulas, table
from vaelib.checkup.keep import kept
from vaelib.checkup.watch import Watch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import atlas  # noqa: E402


def images(n=64):
    return np.random.default_rng(1).random((n, 28, 28, 1)).astype("float32")


@pytest.fixture(scope="module")
def healthy():
    """The VAE to copy, and the report on it."""
    keras.utils.set_random_seed(1)
    model = to_copy.build_vae(3)
    return model, checkup(model, images(), images())


# --- nothing is changed for good


def seen_afterwards(kit, build, disturb):
    """What a model and all random numbers do after a first epoch and a disturbance."""
    kit.utils.set_random_seed(3)
    model, x, y = build(kit)
    model.fit(x, y, epochs=1, verbose=0)
    disturb(model, x, y)
    numbers = [
        random.random(),
        np.random.rand(),  # noqa: NPY002
        float(tf.random.uniform(())),
        float(kit.random.uniform(())) if hasattr(kit, "random") else 0.0,
    ]
    history = model.fit(x, y, epochs=2, verbose=0).history
    return numbers, history, [np.array(weight) for weight in model.weights]


STYLES = {
    "functional": (keras, functional.heads_without_names),
    "convolutions": (keras, functional.convolutions),
    "train_step": (keras, train_steps.three_trackers),
    "subclassed": (keras, subclassed.kl_added_in_call),
    "keras 2": (tf_keras, keras2.symbolic_add_loss),
    "tfp": (tf_keras, tfp.regularizer_of_half_weight),
}


def state(model):
    """Every number that hangs on a model: weights, seeds, optimizer, metrics."""
    variables = [*model.variables, *getattr(model, "metrics_variables", [])]
    optimizer = model.optimizer.variables
    variables += list(optimizer() if callable(optimizer) else optimizer)
    for metric in model.metrics:
        variables += list(metric.variables)
    return [np.asarray(variable).copy() for variable in variables]


def same_afterwards(kit, build, disturb):
    """Assert that training goes on as if nothing had happened.

    The numbers that are drawn are equal; the losses are so up to the order in which two threads
    add, which differs from run to run without a checkup, too.
    """
    without = seen_afterwards(kit, build, lambda model, x, y: None)
    after = seen_afterwards(kit, build, disturb)
    assert without[0] == after[0] and without[1].keys() == after[1].keys()
    for name, values in without[1].items():
        assert np.allclose(values, after[1][name], rtol=1e-5), name
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(without[2], after[2]))


@pytest.mark.parametrize("style", STYLES)
def test_everything_is_as_before_bit_for_bit(style):
    kit, build = STYLES[style]

    def disturb(model, x, y):
        before = state(model)
        checkup(model, x, y, saving=style == "functional")
        after = state(model)
        assert len(before) == len(after) > 8
        assert all(np.array_equal(a, b) for a, b in zip(before, after))

    same_afterwards(kit, build, disturb)


def test_everything_is_as_before_after_an_exception(monkeypatch):
    def fail(*arguments, **more):
        raise RuntimeError("in the middle of an examination")

    monkeypatch.setattr(examination.diagnosis, "judge_reconstruction", fail)

    def disturb(model, x, y):
        before = state(model)
        with pytest.raises(RuntimeError, match="in the middle"):
            checkup(model, x, y)
        assert all(np.array_equal(a, b) for a, b in zip(before, state(model)))

    same_afterwards(keras, functional.heads_without_names, disturb)


def test_one_thing_that_cannot_be_looked_at_does_not_cost_the_rest(monkeypatch):
    def fail(*arguments, **more):
        raise RuntimeError("in the middle of an examination")

    monkeypatch.setattr(examination.noise, "measure", fail)
    model, x, y = functional.heads_without_names(keras)
    report = checkup(model, x, y, saving=False)
    assert report.beta == pytest.approx(1.0, rel=0.01) and "codes" in report.facts
    assert "What is drawn: the examination stops, RuntimeError" in report.undetermined[0]


def test_attributes_optimizer_and_classes_are_those_of_before():
    model, x, y = train_steps.three_trackers(keras)
    model.marks = [1, 2]
    call, add_loss = keras.layers.Layer.__call__, keras.layers.Layer.add_loss
    attributes = dict(vars(model))
    with kept(model, keras):
        model.optimizer, model.new, model.stop_training = keras.optimizers.SGD(), 1, True
        model.marks.append(3)
    assert model.marks == [1, 2] and vars(model).keys() == attributes.keys()
    checkup(model, x, y, saving=False)
    assert all(vars(model)[name] is value for name, value in attributes.items())
    assert keras.layers.Layer.__call__ is call and keras.layers.Layer.add_loss is add_loss


# --- what it reports


def test_a_healthy_model_gets_a_clean_bill(healthy):
    model, report = healthy
    assert report.findings == [] and report.undetermined == []
    assert report.beta == pytest.approx(1.0, rel=1e-3)
    assert "nothing found" in repr(report) and "loaded in a fresh process" in repr(report)
    assert vaelib.checkup(model, images(), images(), saving=False).slugs == []


def test_a_report_is_text_html_dict_and_json(healthy):
    model = to_copy.build_vae(2, beta=784.0)
    report = checkup(model, images(), images(), saving=False)
    assert report.slugs == ["beta-unusual"] and report.beta == pytest.approx(784, rel=0.01)
    (finding,) = report.findings
    assert {"slug", "measured", "expected", "why", "repair", "entry", "chapter"} <= set(finding)
    text, page = repr(report), report._repr_html_()
    for word in ("beta-unusual", finding["title"], "Expected", "Repair", finding["entry"]):
        assert word in text and word in page
    assert max(len(line) for line in text.splitlines()) <= 100
    assert json.loads(report.to_json()) == json.loads(json.dumps(report.as_dict()))
    hostile = Report("<b>")
    hostile.unknown("<script>`x`</script>")
    assert "<script>" not in hostile._repr_html_() and "<b>" not in hostile._repr_html_()


def test_the_table_of_findings_is_complete():
    from vaelib import errors

    entries = {entry["entry"] for entry in errors.entries()}
    chapters = {path.stem[3:] for path in (ROOT / "chapters").glob("*.ipynb")}
    text = (ROOT / "vaelib/checkup/findings.yaml").read_text(encoding="utf-8")
    rows = yaml.safe_load(text)
    assert len(rows) == len(table()) >= 34
    for row in rows:
        assert set(row) == {
            "slug", "title", "expected", "why", "repair", "entry", "chapter",
        }  # fmt: skip
        assert row["entry"] in entries, row["slug"]
        assert row["chapter"] in chapters, row["slug"]


def test_the_heads_may_be_named_by_the_caller():
    model, x, y = functional.heads_without_names(keras)
    found = checkup(model, x, y, saving=False).facts["heads"]
    names = [part.split(";")[0].split(": ")[1] for part in found.split(", ")]
    report = checkup(model, x, y, mu=names[0], log_var=names[1], saving=False)
    assert report.findings == [] and report.facts["heads"] == found
    wrong = checkup(model, x, y, mu="nobody", log_var=names[1], saving=False)
    assert "No layer with weights is called 'nobody'" in wrong.undetermined[0]
    half = checkup(model, x, y, mu=names[0], saving=False)
    assert "Name both layers" in half.undetermined[0]


def test_beta_does_not_depend_on_the_images():
    model = to_copy.build_vae(2, beta=0.5)
    for x in (images(5), np.zeros((64, 28, 28, 1), "float32"), images(300)):
        report = checkup(model, x, x, saving=False)
        assert report.beta == pytest.approx(0.5, rel=0.01) and report.slugs == []


@pytest.mark.parametrize("policy", half.POLICIES)
def test_a_healthy_model_in_mixed_precision_gets_a_clean_bill(policy):
    report = checkup(*half.kl_in_float32(keras, policy))
    assert report.findings == [] and report.undetermined == []
    assert report.beta == pytest.approx(half.BETA, rel=0.02)


# --- every recipe of the atlas that trains


def recipes_that_train():
    rows = json.loads(atlas.ATLAS.read_text())
    return [
        (row["recipe"], row["flavour"], row["in_loss"])
        for row in rows
        if row["tensorflow"] == atlas.COLUMNS[-1].tensorflow and row["mode"] == "eager"
        and row["in_loss"] is not None
    ]  # fmt: skip


@pytest.mark.parametrize(("recipe", "flavour", "times"), recipes_that_train())
def test_a_recipe_of_the_atlas_has_the_beta_that_the_atlas_knows(recipe, flavour, times):
    kit = {"keras": keras, "tf_keras": tf_keras}[flavour]
    sources = {name: sources for name, _, sources in atlas.recipes()}[recipe]
    scope = {"tf": tf, "np": np, "keras": kit}
    for source in sources:
        exec(source, scope)
    from vaelib import recipes

    x = recipes.striped_images(64)
    vae, train = scope[recipe](kit, recipes.mathematics(kit), x, "adam")
    given, fit = [], vae.fit

    def listen(x, y=None, **more):
        given.append((x, y))
        return fit(x, y, **more)

    vae.fit = listen
    train(1)
    del vae.fit
    if not given:  # a loop of its own: no compiled model
        with pytest.raises(ValueError, match="is not compiled"):
            checkup(vae, x, x)
        return
    report = checkup(vae, *given[0], saving=False)
    if recipe.startswith("tfp_add_loss"):  # of 64 images in the atlas, of 32 here
        assert report.slugs == ["kl-depends-on-batch-size"]
        assert report.beta == pytest.approx(times / 2, rel=0.01), report
    elif (recipe, flavour) == ("train_step_method", "tf_keras"):  # it has no test_step
        assert report.slugs == ["validation-differs"]
    else:
        assert report.beta == pytest.approx(times, rel=0.01), report
        assert report.slugs == ([] if times == 1.0 else ["kl-counted-twice"]), report


# --- bad input


@pytest.mark.parametrize(
    ("model", "x", "kind", "sentence"),
    [
        (None, images(), TypeError, "needs a compiled Keras model, but got a NoneType"),
        ("vae.keras", images(), TypeError, "but got a str"),
        (keras.layers.Dense(2), images(), TypeError, "but got a Dense"),
        (keras.Model, images(), TypeError, "is a class, not a model"),
        ("uncompiled", images(), ValueError, "is not compiled: call compile()"),
        ("unbuilt", images(), ValueError, "layers without weights"),
        ("healthy", None, TypeError, "images as an array, but got a NoneType"),
        ("healthy", "x.npy", TypeError, "images as an array, but got a str"),
        ("healthy", np.zeros((0, 28, 28, 1)), ValueError, "There are no images"),
        ("healthy", np.zeros((8, 27, 28, 1)), ValueError, "A training step on these images fails"),
        ("healthy", np.array(["a"]), TypeError, "holds no images"),
        ("healthy", tf.data.Dataset.from_tensors(images()), TypeError, "arrays, not a data set"),
    ],
)
def test_bad_input_gets_one_sentence(model, x, kind, sentence, healthy):
    if model == "uncompiled":
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    elif model == "unbuilt":
        model = keras.Sequential([keras.layers.Dense(2)])
        model.compile("sgd", "mse")
    elif model == "healthy":
        model = healthy[0]
    weights = [np.array(weight) for weight in getattr(healthy[0], "weights", [])]
    with pytest.raises(kind, match=sentence.replace("(", r"\(").replace(")", r"\)")) as refused:
        checkup(model, x, x)
    assert "\n" not in str(refused.value)
    assert all(np.array_equal(a, b) for a, b in zip(weights, healthy[0].weights))


def test_x_and_y_of_different_lengths(healthy):
    with pytest.raises(ValueError, match=r"different lengths: \[8, 9\]"):
        checkup(healthy[0], images(8), images(9))


# --- the command


def run(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "vaelib", "checkup", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A VAE of each Keras that needs no class of its own but for one, and images."""
    folder = tmp_path_factory.mktemp("checkup")
    np.save(folder / "my.npy", images())
    to_copy.build_vae(2, beta=784.0).save(folder / "vae.keras")
    x = tf_keras.Input((784,))
    tf_keras.Sequential([x, tf_keras.layers.Dense(2)]).save_weights(folder / "weights.h5")
    mu, log_var = (tf_keras.layers.Dense(2, name=name)(x) for name in ("mu", "log_var"))
    z = tf_keras.layers.Add()([mu, log_var])
    model = tf_keras.Model(x, tf_keras.layers.Dense(784, "sigmoid")(z))
    model.compile("adam", "binary_crossentropy")
    model.save(folder / "keras_2.keras")
    np.save(folder / "flat.npy", images().reshape(-1, 784))
    (folder / "nothing.keras").write_text("nothing")
    return folder


def test_the_command_examines_a_saved_model(files):
    code = ROOT / "vaelib" / "vae.py"
    given = ("vae.keras", "--images", "my.npy", "--code", code)
    result = run(*given, "--json", cwd=files)
    report = json.loads(result.stdout)
    assert result.returncode == 1 and result.stderr == ""
    assert [f["slug"] for f in report["findings"]] == ["beta-unusual"]
    assert report["beta"] == pytest.approx(784, rel=0.01)


def test_the_command_knows_a_file_of_keras_2(files):
    result = run("keras_2.keras", "--images", "flat.npy", cwd=files)
    assert result.returncode == 1 and "[no-kl-term]" in result.stdout, result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.keras", "--images", "my.npy"), "There is no file none.keras."),
        (("vae.keras", "--images", "none.npy"), "There is no file none.npy."),
        (("vae.keras", "--images", "nothing.keras"), "is no array that NumPy wrote"),
        (("nothing.keras", "--images", "my.npy"), "is no file that Keras saves"),
        (("weights.h5", "--images", "my.npy"), "holds weights alone"),
        (("vae.keras", "--images", "my.npy"), "name the file that defines them, --code"),
    ],
)
def test_the_command_answers_bad_input(files, arguments, sentence):
    before = sorted(path.name for path in files.iterdir())
    result = run(*arguments, cwd=files)
    assert result.returncode == 2 and result.stdout == ""
    assert sentence in result.stderr and len(result.stderr.splitlines()) == 1
    assert sorted(path.name for path in files.iterdir()) == before


# --- the pieces


def test_forms_are_told_apart():
    points = [0.0, -4.0, -2.0, 0.5, 2.0, 4.0]
    for name, variance in formulas.VARIANCE.items():
        with np.errstate(all="ignore"):
            curve = np.array([formulas.divergence(variance(np.array(p))) for p in points])
        good = np.isfinite(curve)
        if not good[0]:
            continue
        seen = [p for p, ok in zip(points, good) if ok]
        forms = {
            n: (lambda s, v=v: formulas.divergence(v(s))) for n, v in formulas.VARIANCE.items()
        }
        assert formulas.best(forms, seen, 3 * (curve[good] - curve[0]), 0.01) == (
            name, pytest.approx(3.0),
        )  # fmt: skip
    assert formulas.best(formulas.SLIPS, points, np.array(points) ** 3, 0.01) == (None, None)


def test_a_watch_sees_what_passes_in_a_compiled_step():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    with Watch(keras) as watch:
        step = tf.function(lambda x: layer(x))
        for value in (1.0, 2.0):
            watch.clear()
            step(tf.fill((4, 3), value))
            entered, left = watch.taps()
            assert (entered.side, left.side) == ("in", "out")
            assert np.all(entered.first == value) and left.first.shape == (4, 2)


def test_a_warm_up_that_is_heard_is_told_epoch_by_epoch():
    """What a callback assigns stays until the step has run; afterwards all is as it was."""
    from patients import warm_up

    builds = {warm_up.variable_warmed_up: 1.0, warm_up.variable_warmed_up_from_zero: 0.0}
    for build, first in builds.items():
        vae, images, targets = build(keras)
        callbacks = warm_up.assigns_the_variable(keras, vae)
        report = checkup(vae, images, targets, callbacks=callbacks, saving=False)
        assert report.facts["beta by callbacks"] == "epoch 0: 0.25; epoch 1000: 1"
        assert report.slugs == [] and float(vae.get_layer("kl").beta.numpy()) == first


def test_a_model_of_several_workers_is_refused():
    """The two workers themselves are in test_several_devices.py; here only what says so."""
    from types import SimpleNamespace

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.compile("sgd", "mse")
    model._distribute_strategy = SimpleNamespace(extended=SimpleNamespace(_num_workers=2))
    with pytest.raises(ValueError, match="The model was built in the scope of several workers"):
        checkup(model, np.zeros((8, 4), "float32"))
