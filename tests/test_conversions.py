"""The calculators of the page "Convert a KL weight", against losses computed on real arrays."""

import json
import re
import sys
from itertools import product
from pathlib import Path

import keras
import numpy as np
import pytest
from py_mini_racer import JSEvalException

from vaelib import objectives

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import conversions_page  # noqa: E402
from script_engine import engine  # noqa: E402

SERIES = {
    "height": 28, "width": 28, "channels": 1, "z_dim": 2, "images": 5, "error": "bce",
    "pixels": "mean", "reconstruction_weight": 1, "bracket": "whole", "dimensions": "mean",
    "kl_weight": 6.5e-4,
}  # fmt: skip
# An image that is not square, in colour, so that no size can stand for another.
SMALL = {**SERIES, "height": 4, "width": 3, "channels": 3, "z_dim": 7}


@pytest.fixture(scope="module")
def call():
    """Call a function of the page's script; its errors come as ValueError with their sentence."""
    browser = engine(ROOT / "book" / "_static" / "conversions.js")

    def called(name, *arguments):
        given = ", ".join(map(json.dumps, arguments))
        try:
            return json.loads(browser.eval(f"JSON.stringify(Conversions.{name}({given}))"))
        except JSEvalException as error:
            raise ValueError(re.search(r"Error: (.*)", str(error))[1]) from None

    return called


@pytest.fixture
def batches():
    """Images, reconstructions, mu and log_var of three batches of five."""
    rng = np.random.default_rng(1)
    shape = (3, 5, SMALL["height"], SMALL["width"], SMALL["channels"])
    x, x_hat = rng.uniform(0, 1, shape), rng.uniform(0.05, 0.95, shape)
    heads = rng.normal(0, 1, (2, 3, 5, SMALL["z_dim"]))
    return list(zip(x, x_hat, *heads))


def as_written(loss, x, x_hat, mu, log_var):
    """The loss of a batch, the way its author writes it."""
    off = {
        "bce": -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat)),
        "squared": (x - x_hat) ** 2,
        "half": (x - x_hat) ** 2 / 2,
    }[loss["error"]]
    reconstruction = {
        "sum": lambda: off.sum(axis=(1, 2, 3)).mean(),
        "mean": lambda: off.mean(),
        "channels": lambda: off.mean(axis=-1).sum(axis=(1, 2)).mean(),
        "batch": lambda: off.sum(),
    }[loss["pixels"]]()
    bracket = -(1 + log_var - mu**2 - np.exp(log_var))
    bracket = bracket / 2 if loss["bracket"] == "half" else bracket
    kl = {
        "sum": lambda: bracket.sum(axis=1).mean(),
        "mean": lambda: bracket.mean(),
        "batch": lambda: bracket.sum(),
    }[loss["dimensions"]]()
    return loss["reconstruction_weight"] * reconstruction + loss["kl_weight"] * kl


def nats(loss, x, x_hat, mu, log_var):
    """Reconstruction, of a Gaussian decoder of variance 1 for squared errors, and KL."""
    if loss["error"] == "bce":
        reconstruction = np.mean(objectives.reconstruction(x, x_hat))
    else:
        reconstruction = ((x - x_hat) ** 2).sum(axis=(1, 2, 3)).mean() / 2
    return float(reconstruction), float(np.mean(objectives.gaussian_kl(mu, log_var)))


WAYS = list(
    product(
        ("bce", "squared", "half"),
        ("sum", "mean", "channels", "batch"),
        ("half", "whole"),
        ("sum", "mean", "batch"),
        ((1, 1), (500, 0.3)),
    )
)


def test_every_way_of_writing_is_a_constant_times_the_objective(call, batches):
    for error, pixels, bracket, dimensions, weights in WAYS:
        loss = {
            **SMALL, "error": error, "pixels": pixels, "bracket": bracket,
            "dimensions": dimensions, "reconstruction_weight": weights[0], "kl_weight": weights[1],
        }  # fmt: skip
        found = call("beta", loss)
        for batch in batches:
            reconstruction, kl = nats(loss, *batch)
            ours = found["constant"] * (reconstruction + found["beta"] * kl)
            assert as_written(loss, *batch) == pytest.approx(ours, rel=1e-4), loss
        assert call("weight", loss, found["beta"]) == pytest.approx(weights[1]), "and back"


def test_the_comparison_can_tell(call, batches):
    """A wrong beta, by the factor that is forgotten most often, would be noticed."""
    found = call("beta", SMALL)
    reconstruction, kl = nats(SMALL, *batches[0])
    wrong = found["constant"] * (reconstruction + found["beta"] / 2 * kl)
    assert as_written(SMALL, *batches[0]) != pytest.approx(wrong, rel=1e-4)


def test_keras_means_what_the_page_says(batches):
    """A loss by name is a mean over all; a function called on images, over the channels only."""
    x, x_hat, *_ = (array.astype("float32") for array in batches[0])
    off = -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat))
    by_name = float(keras.losses.get("binary_crossentropy")(x, x_hat).numpy().mean())
    by_class = float(keras.losses.BinaryCrossentropy()(x, x_hat))
    assert by_name == pytest.approx(off.mean(), rel=1e-4) == by_class
    summed = np.array(keras.losses.binary_crossentropy(x, x_hat)).sum(axis=(1, 2)).mean()
    assert summed == pytest.approx(off.sum(axis=(1, 2, 3)).mean() / 3, rel=1e-4)


def test_the_series(call):
    assert call("beta", SERIES)["beta"] == pytest.approx(0.5096)
    assert call("beta", {**SERIES, "z_dim": 12})["beta"] == pytest.approx(0.085, abs=5e-4)
    for z_dim, fact in ((2, 6.5e-4), (12, 6.5e-4), (16, 5e-5)):
        loss = {**SERIES, "z_dim": z_dim, "kl_weight": fact}
        assert call("beta", loss)["beta"] == pytest.approx(
            objectives.beta_from_fact(fact, 784, z_dim)
        )
        assert call("weight", loss, 0.3) == pytest.approx(
            objectives.fact_from_beta(0.3, 784, z_dim)
        )


def test_the_library_finds_the_same_beta(call):
    for (words, loss, found), row in zip(conversions_page.rows(), conversions_page.ROWS):
        if loss["pixels"] not in ("sum", "mean"):
            continue
        factor = 2 if loss["error"] == "squared" else 1
        expected = objectives.effective_beta(
            loss["kl_weight"], loss["height"] * loss["width"] * loss["channels"], loss["z_dim"],
            factor * loss["reconstruction_weight"], loss["pixels"], loss["dimensions"],
            half=loss["bracket"] == "half",
        )  # fmt: skip
        assert found["beta"] == pytest.approx(expected), words
        assert row[0] == words


def test_the_table_shows_what_the_text_of_the_chapters_says():
    table = conversions_page.table_as_markdown()
    for words, beta, s in (
        ("fact", "0.51", ""), ("more dimensions", "0.0849", ""), ("`mse` + KL", "392", "19.80"),
        ("1000", "0.392", "0.63"), ("in colour", "12.3", ""),
    ):  # fmt: skip
        assert any(words in line and f"| {beta} | {s}" in line for line in table.splitlines()), (
            words
        )


def test_the_noise_of_a_gaussian_decoder(call):
    """-ln N(x; x_hat, s^2) has the slope 1 / 2 s^2 in the squared error: KL weighs 2 s^2."""
    for s in (0.1, 0.63, 2.0):
        found = call("ofNoise", s)
        assert found["beside_sum"] == pytest.approx(2 * s**2)
        loss = {**SERIES, "error": "squared", "pixels": "sum", "bracket": "half"}
        loss |= {"dimensions": "sum", "kl_weight": found["beside_sum"]}
        back = call("beta", loss)
        assert back["s"] == pytest.approx(s) and back["beta"] == pytest.approx(found["beta"])
    assert call("beta", SERIES)["s"] is None, "a cross-entropy has no s"


def test_logs_in_nats(call):
    rng = np.random.default_rng(2)
    p = rng.uniform(0.01, 1, 784)
    per_image = -np.log(p).sum()
    for log, base in (("nats", np.log(p)), ("bits", np.log2(p)), ("base10", np.log10(p))):
        assert call("nats", -base.sum(), log, "sum", 784) == pytest.approx(per_image)
        assert call("nats", -base.mean(), log, "mean", 784) == pytest.approx(per_image)
    assert call("bitsPerDimension", per_image, 784) == pytest.approx(-np.log2(p).mean())
    assert call("nats", -4300, "nats", "sum", 3072) == -4300, "a density may be negative"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("kl_weight", "", "The KL weight is missing."),
        ("kl_weight", "0", "The KL weight must be greater than 0, not 0."),
        ("kl_weight", "-1", "The KL weight must be greater than 0, not -1."),
        ("reconstruction_weight", "0", "The reconstruction weight must be greater than 0, not 0."),
        ("kl_weight", "6,5e-4",
         'The KL weight must be a number such as 0.5, 6.5e-4 or 1/784, not "6,5e-4".'),
        ("height", "abc", 'The height must be a number such as 0.5, 6.5e-4 or 1/784, not "abc".'),
        ("height", "0", "The height must be greater than 0, not 0."),
        ("z_dim", "2.5", "z_dim must be a whole number, not 2.5."),
        ("channels", " ", "The number of channels is missing."),
        ("height", "1e999",
         'The height must be a number such as 0.5, 6.5e-4 or 1/784, not "1e999".'),
        ("kl_weight", "1/2/3",
         'The KL weight must be a number such as 0.5, 6.5e-4 or 1/784, not "1/2/3".'),
        ("pixels", "median", "The pixels must be one of those in the list."),
        ("error", "toString", "The reconstruction must be one of those in the list."),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(call, name, value, sentence):
    with pytest.raises(ValueError) as caught:
        call("beta", {**SERIES, name: value})
    assert str(caught.value) == sentence


def test_what_is_typed_is_text(call):
    typed = {name: str(value) for name, value in SERIES.items()}
    assert call("beta", {**typed, "kl_weight": " 6.5E-4 "})["beta"] == pytest.approx(0.5096)
    unused = {**typed, "images": ""}
    assert call("beta", unused)["beta"] == pytest.approx(0.5096), "no batch size is needed"
    with pytest.raises(ValueError, match="^The batch size is missing"):
        call("beta", {**unused, "dimensions": "batch"})
    with pytest.raises(ValueError, match="^The beta that you want must be greater than 0"):
        call("weight", typed, "0")
    with pytest.raises(ValueError, match="wrong sign"):
        call("beta", {**typed, "flipped": True})
    with pytest.raises(ValueError, match="^s is missing"):
        call("ofNoise", "")


def test_the_page_offers_what_the_script_knows(call):
    """Each choice of each list is computed, and each field that the script reads is there."""
    page = (ROOT / "book" / "conversions.md").read_text()
    form = re.search(r'<form id="convert-beta".*?</form>', page, re.S)[0]
    for name in ("error", "pixels", "dimensions"):
        options = re.search(rf'<select name="{name}">(.*?)</select>', form, re.S)[1]
        for value in re.findall(r'value="([^"]+)"', options):
            assert call("beta", {**SERIES, name: value})["beta"] > 0
    for name in set(SERIES) - {"error", "pixels", "dimensions", "bracket"}:
        assert f'<input name="{name}"' in form
    start = dict(re.findall(r'<input name="(\w+)"[^>]*value="([^"]*)"', form))
    assert call("beta", {**SERIES, **start})["beta"] == pytest.approx(0.5096), "the series"
