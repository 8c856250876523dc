"""The broken notebooks show their faults, and the mended ones do not; the page says what they log.

Each is run on MNIST, if it is there, and on the digits that a reader without it gets.
"""

import contextlib
import functools
import io
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager

from vaelib import data, errors

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import broken_notebooks as broken  # noqa: E402

NAMES = ["encoder-layer", "final-layer", "loss-function"]
PAGE = (ROOT / "book" / "mend.md").read_text()
FIGURE = re.compile(r"(\w+): (-?\d+\.\d+(?:e[+-]\d+)?)")


def figures(text):
    """The figures of every epoch, from what verbose=2 prints."""
    lines = [line for line in text.splitlines() if "/step" in line]
    return [{name: float(value) for name, value in FIGURE.findall(line)} for line in lines]


def code(name):
    """A notebook as a program, with what is only for Colab."""
    cells = nbformat.read(broken.BROKEN / f"{name}.ipynb", as_version=4).cells
    cell = TransformerManager().transform_cell
    return "\n".join(cell(c.source) for c in cells if c.cell_type == "code")


@functools.cache
def run(name, images):
    """A notebook's variables, what it prints, and the error that it ends in."""
    variables, said, error = {}, io.StringIO(), None
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        load = data.load  # without MNIST it gives these digits by itself
        patch.setattr(data, "load", lambda _, **limits: load(images, **limits))
        try:
            exec(compile(code(name), name, "exec"), variables)
        except Exception as caught:
            error = caught
    return variables, figures(said.getvalue()), error


@pytest.fixture(params=["mnist", "digits"], scope="module")
def images(request):
    if data.load(request.param, n_train=1, n_test=1).name != request.param:
        pytest.skip("no MNIST here; the digits are tested anyway")
    return request.param


def cost_of_the_mean_image(x):
    """Nats per image, if the mean image is shown each time."""
    mean = np.clip(x.mean(axis=0), 1e-7, 1 - 1e-7)
    return -np.sum(mean * np.log(mean) + (1 - mean) * np.log(1 - mean))


def widest(variables):
    """The largest standard deviation of mu, over the images, of all dimensions."""
    import keras

    model = keras.Model(variables["images"], variables["vae"].get_layer("mu").output)
    return model.predict(variables["x"], verbose=0).std(axis=0).max()


def test_a_loss_function_meets_a_symbol(images):
    variables, log, error = run("loss-function", images)
    assert isinstance(error, ValueError) and "KerasTensor" in str(error)
    assert not log and variables["vae"].compiled, "it fails in the first step, not before"


def test_the_mended_loss_function_has_its_kl_term(images):
    import keras

    variables, log, error = run("loss-function-mended", images)
    assert error is None and log[-1]["loss"] < 0.75 * log[0]["loss"]
    vae, x = variables["vae"], variables["x"]
    mu, log_var = keras.Model(
        variables["images"], [vae.get_layer(name).output for name in ("mu", "log_var")]
    ).predict(x, verbose=0)
    kl = np.mean(np.sum(mu**2 + np.exp(log_var) - 1 - log_var, axis=-1) / 2)
    vae(x)
    assert kl > 3 and float(vae.losses[0]) == pytest.approx(kl, rel=1e-3)


def test_a_last_layer_collapses_by_its_unit(images):
    variables, log, error = run("final-layer", images)
    last = log[-1]
    assert error is None and last["loss"] < log[0]["loss"]
    assert last["loss"] == pytest.approx(last["reconstruction"] + last["kl"], abs=2e-4)
    assert last["kl"] < 0.01
    mean = cost_of_the_mean_image(variables["x"])
    assert 784 * last["reconstruction"] == pytest.approx(mean, rel=0.05)
    shown = variables["vae"].predict(variables["x"][:200], verbose=0)
    assert shown.std(axis=0).max() < 0.1, "all reconstructions are alike"


def test_the_mended_last_layer_says_something(images):
    variables, log, _ = run("final-layer-mended", images)
    last = log[-1]
    assert last["loss"] == pytest.approx(last["reconstruction"] + last["kl"], rel=1e-4)
    assert last["kl"] > 3
    assert last["reconstruction"] < cost_of_the_mean_image(variables["x"]) - 15
    shown = variables["vae"].predict(variables["x"][:200], verbose=0)
    assert shown.std(axis=0).max() > 0.2


def test_an_encoder_layer_is_a_dead_end(images):
    variables, log, error = run("encoder-layer", images)
    assert error is None
    for epoch in log:
        assert set(epoch) == {"loss", "reconstruction"}
        assert epoch["loss"] == pytest.approx(epoch["reconstruction"], abs=2e-4)
    assert not any("kl" in layer.name for layer in variables["vae"].layers)
    assert widest(variables) > 3


def test_the_mended_encoder_layer_counts_once(images):
    variables, log, _ = run("encoder-layer-mended", images)
    for epoch in log:
        count = (epoch["loss"] - epoch["reconstruction"]) / epoch["kl"]
        assert count == pytest.approx(1, abs=1e-3)
    assert widest(variables) < 2
    assert log[-1]["loss"] > run("encoder-layer", images)[1][-1]["loss"] + 2, "it pays now"


def test_the_mended_notebooks_share_one_objective(images):
    first, *others = [run(f"{name}-mended", images)[1] for name in NAMES]
    for other in others:
        assert [e["loss"] for e in other] == pytest.approx([e["loss"] for e in first], rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_few_lines_are_mended(name):
    assert broken.names() == NAMES
    changed = [line for line in broken.difference(name) if line[0] in "+-"]
    assert 2 <= len(changed) <= 6
    assert not re.search(r"#|mistake|wrong|broken|fault|bug", broken.code(name)), "no hints"


@pytest.mark.parametrize("name", [f"{name}{end}" for name in NAMES for end in ("", "-mended")])
def test_stored_notebooks_are_clean(name):
    notebook = nbformat.read(broken.BROKEN / f"{name}.ipynb", as_version=4)
    text = nbformat.writes(notebook)
    assert not re.search(r"site-packages|/(?:home|root|tmp|work)/|\\u001b", text)
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    assert f"git+{address}" in text
    assert "cannot be downloaded" not in text, "run it on MNIST"
    assert broken.log(name).startswith("Epoch 1/5")


def test_the_page_says_what_is_logged():
    """The numbers of the page, against what is stored, and what is computed."""
    last = {name: figures(broken.log(name))[-1] for name in NAMES if name != "loss-function"}
    mended = {name: figures(broken.log(f"{name}-mended"))[-1] for name in NAMES}
    final = last["final-layer"]
    said = (
        f"`loss` is {final['loss']:.4f}, `reconstruction` {final['reconstruction']:.4f} "
        f"and `kl` {final['kl']:.4f}"
    )
    assert said in PAGE
    assert f"Times 784 it is {784 * final['reconstruction']:.0f} nats" in PAGE
    assert f"the code is worth {mended['final-layer']['kl']:.1f} nats" in PAGE
    losses = last["encoder-layer"]["loss"], mended["encoder-layer"]["loss"]
    assert f"{losses[0]:.1f} against {losses[1]:.1f}" in PAGE
    assert rf"784 \ln 2 = {784 * np.log(2):.0f}$" in PAGE
    ends = [epoch["loss"] for epoch in mended.values()]
    assert max(ends) - min(ends) < 0.1, "the three mended notebooks end at the same loss"
    for name in NAMES:
        assert f"<broken/{name}.ipynb>" in PAGE
        for what in ("log", "code", "diff", "mended-log"):
            assert f"{{broken}} {name} {what}\n" in PAGE


def test_the_mean_image_costs_what_the_page_says():
    mnist = data.load("mnist", n_test=1)
    if mnist.name != "mnist":
        pytest.skip("no MNIST here")
    (said,) = re.findall(r"costs about (\d+) nats", PAGE)
    assert cost_of_the_mean_image(mnist.x_train) == pytest.approx(int(said), abs=1)


def test_the_error_index_knows_the_error():
    found = errors.explain(broken.log("loss-function"))
    assert found and "closure" in found.candidates[0]["entry"], found
