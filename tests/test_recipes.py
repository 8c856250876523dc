"""vaelib.recipes: a verdict tells a VAE from what only looks like one."""

import inspect
import subprocess
import sys
from pathlib import Path

import keras
import pytest
import tf_keras
from backends import needs, run_on

from vaelib import errors, recipes

ROOT = Path(__file__).resolve().parent.parent
both = pytest.mark.parametrize("kit", [keras, tf_keras], ids=lambda kit: kit.__name__)


def make(beta=1.0, gradient=True, frozen=False, mistake=None):
    """A recipe with a KL layer; beta, gradient and frozen make mutants of it."""

    def recipe(keras, K, images, optimizer="adam"):
        if mistake == "construction":
            raise LookupError("while building")

        class AddKL(keras.layers.Layer):
            def call(self, inputs):
                mu, log_var = inputs
                kl = 1 + log_var - K.square(mu) - K.exp(log_var)
                kl = -0.5 * beta * K.mean(K.sum(kl, axis=-1))
                self.add_loss(kl if gradient else K.stop_gradient(kl))
                return inputs

        x = keras.Input((784,))
        mu = keras.layers.Dense(2, name="mu")(x)
        log_var = keras.layers.Dense(2, name="log_var")(x)
        z, _ = AddKL()([mu, log_var])
        output = keras.layers.Dense(784, activation="sigmoid", name="pixels")(z)
        vae = keras.Model(x, output)

        def reconstruction(target, output):
            if mistake == "first batch":
                raise LookupError("while training")
            return 784 * keras.losses.binary_crossentropy(target, output)

        if mistake == "compile":
            vae.compile(optimizer="no such optimizer")
        vae.compile(optimizer=optimizer, loss=reconstruction)
        vae.trainable = not frozen

        def train(epochs):
            log = vae.fit(images, images, batch_size=64, epochs=epochs, verbose=0)
            return log.history["loss"]

        return vae, train

    return recipe


@both
def test_a_vae_works(kit):
    verdict = recipes.attempt(make(), kit)
    assert verdict.outcome == "works"
    assert verdict.in_loss == pytest.approx(1, abs=0.01) == verdict.in_step


@both
@pytest.mark.parametrize(
    ("mutant", "outcome"),
    [
        ({"beta": 2.0}, "KL counted 2 times"),
        ({"beta": 1 / 64}, "KL counted 0.016 times"),
        ({"beta": 0.0}, "no KL term"),
        ({"gradient": False}, "KL counted 0 times"),
    ],
)
def test_a_mutant_is_found_out(kit, mutant, outcome):
    assert recipes.attempt(make(**mutant), kit).outcome == outcome


ON_A_BACKEND = """
import json
import warnings
import keras
from vaelib import recipes
warnings.simplefilter("ignore")
mutants = [{}, {"beta": 2.0}, {"beta": 0.0}, {"gradient": False}, {"frozen": True},
           {"mistake": "construction"}, {"mistake": "compile"}, {"mistake": "first batch"}]
verdicts = [recipes.attempt(make(**mutant), keras) for mutant in mutants]
print(json.dumps([[v.outcome, v.stage, v.in_loss, v.in_step] for v in verdicts]))
"""


@pytest.mark.parametrize("backend", [pytest.param(b, marks=needs(b)) for b in ("jax", "torch")])
def test_the_same_verdicts_on_jax_and_pytorch(backend, tmp_path):
    script = tmp_path / "script.py"  # a file: the stage of a failure is read from its lines
    script.write_text(inspect.getsource(make) + ON_A_BACKEND)
    told = run_on(backend, script)
    assert [outcome for outcome, *_ in told] == [
        "works", "KL counted 2 times", "no KL term", "KL counted 0 times", "trains nothing",
        "fails", "fails", "fails",
    ]  # fmt: skip
    assert told[0][2] == pytest.approx(1, abs=0.01) == told[0][3]
    assert told[3][2] == pytest.approx(1, abs=0.01)  # shown in the loss, and moving nothing
    assert [stage for _, stage, *_ in told[5:]] == ["construction", "compile", "first batch"]


def test_a_run_that_trains_nothing_is_found_out():
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        verdict = recipes.attempt(make(frozen=True), keras)
    assert verdict.outcome == "trains nothing"


@both
@pytest.mark.parametrize("stage", ["construction", "compile", "first batch"])
def test_a_failure_is_placed(kit, stage, capsys):
    verdict = recipes.attempt(make(mistake=stage), kit)
    assert verdict.outcome == "fails" and verdict.stage == stage
    told = {
        "construction": "while building",
        "compile": "no such optimizer",
        "first batch": "while training",
    }[stage]
    assert told in verdict.message
    assert told in verdict.line or (stage == "first batch" and "vae.fit(" in verdict.line)
    errors.report(verdict)
    shown = capsys.readouterr().out
    assert shown.startswith("fails\n") and stage in shown and verdict.exception in shown


def test_a_recipe_without_the_named_layers_is_told_so():
    def nameless(keras, K, images, optimizer="adam"):
        vae = keras.Sequential([keras.Input((784,)), keras.layers.Dense(784)])
        vae.compile(optimizer, "mse")
        return vae, None

    verdict = recipes.attempt(nameless, keras)
    assert verdict.message == "The recipe has no layer called 'mu'."


def test_the_module_imports_nothing_of_the_course_and_suits_python_3_7():
    path = ROOT / "vaelib" / "recipes.py"
    assert "vaelib import" not in path.read_text()
    check = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 7))"
    for file in (path, ROOT / "tools" / "atlas_worker.py"):
        subprocess.run([sys.executable, "-c", check, str(file)], check=True)
