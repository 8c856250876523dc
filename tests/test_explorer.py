"""The latent explorer: its decoders are those of Keras, its numbers those of the checkpoints."""

import base64
import functools
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree

from vaelib import checkpoints, data, latent, plots

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "book" / "_static"
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]
import explorer  # noqa: E402
import explorer_data as tool  # noqa: E402
from script_engine import engine  # noqa: E402

DATA = tool.stored()
MODELS = {model["name"]: model for model in DATA["models"]}
each_model = pytest.mark.parametrize("name", MODELS)
AE = MODELS["sweep-z2-ae"]
# Several tests ask the same networks.
load = functools.cache(checkpoints.load)
# The engine alone lacks what every browser has.
ATOB = """
const window = {};
const letters = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
const atob = (text) => Array.from(Uint8Array.fromBase64(text), (code) => letters[code]).join("");
0"""


def vae(beta):
    return next(model for model in MODELS.values() if model["beta"] == beta)


def codes(model):
    """What the page shows: mu, and of a VAE sigma, shape (2000, 2 or 4)."""
    stored = np.frombuffer(base64.b64decode(model["codes"]), "<i2") * model["scale"]
    return stored.reshape(2_000, -1)


def labels():
    return np.frombuffer(base64.b64decode(DATA["labels"]), "u1")


def area(model):
    left, low, right, high = model["box"]
    return (right - left) * (high - low)


def distances(model, point):
    return np.hypot(*(codes(model)[:, :2] - point).T)


@pytest.fixture(scope="module")
def page():
    """Evaluates an expression in the scripts of the page, with its data in ``data``."""
    names = "explorer-decoder.js", "explorer-words.js", "explorer-data.js"
    browser = engine(*(STATIC / name for name in names), first=ATOB)
    browser.eval("const data = LatentDecoder.prepare(window.explorerData); 0")
    return lambda text: json.loads(browser.eval(f"JSON.stringify({text})"))


@each_model
def test_the_page_decodes_as_keras_does(page, name):
    rng = np.random.default_rng(3)
    corners = [(-14, -14), (14, 14), (0, 0), DATA["point"]]
    spots = [rng.normal(size=(5, 2)), codes(MODELS[name])[:5, :2], corners]
    points = np.concatenate(spots).astype("float32")
    wanted = np.array(load(name).decoder(points)).reshape(len(points), -1)
    model = f"[data.plain, ...data.sweep][{list(MODELS).index(name)}]"
    found = page(f"{json.dumps(points.tolist())}.map((z) => [...{model}.decode(...z)])")
    assert np.abs(np.array(found) - wanted).max() < 1e-3
    assert np.ptp(wanted, axis=0).max() > 0.3, "the points have different images"


def test_the_page_finds_the_nearest_code(page):
    point = (0.3, -0.7)
    for only in ("0123456789", "49", "8"):
        shown = np.isin(labels(), [int(digit) for digit in only])
        far = np.where(shown, distances(vae(1), point), np.inf)
        found = page(
            f"LatentDecoder.nearest(data.sweep[6], data.labels, {json.dumps(only)}, {list(point)})"
        )
        assert found["label"] == labels()[far.argmin()] and found["total"] == shown.sum()
        assert np.isclose(found["distance"], far.min(), rtol=1e-3)
        assert found["count"] == (far < 0.5).sum()
    none = "LatentDecoder.nearest(data.plain, data.labels, '', [0, 0])"
    assert page(f"LatentWords.near({none})") == "no codes shown"


def test_the_tool_refuses_a_layer_that_the_page_cannot_compute():
    import keras

    layers = [keras.Input((4,)), keras.layers.Dense(3), keras.layers.LayerNormalization()]
    with pytest.raises(ValueError, match="no layer LayerNormalization"):
        tool.steps(keras.Model(layers[0], layers[2](layers[1](layers[0]))))


def test_every_weight_of_the_sweep_is_there():
    assert list(MODELS) == tool.names()
    assert AE["beta"] is None and AE["rate"] is None and AE["width"] is None
    found = [model["beta"] for model in DATA["models"][1:]]
    assert found == sorted(found) and found[0] == 0 and found[-1] == 16 and len(found) == 11


@each_model
def test_rate_and_distortion_are_those_of_the_manifest(name):
    manifest, model = checkpoints.manifest(name), MODELS[name]
    told = manifest["figures"]["test"]
    assert model["beta"] == manifest["beta"] and model["rate"] == told.get("kl")
    assert model["distortion"] == told["reconstruction"]
    assert model["sha256"] == manifest["files"][f"{name}.decoder.weights.h5"]


def test_what_the_page_says_is_in_its_data(page):
    rows = page("LatentWords.rows(data.plain, data.sweep[6])")
    told = {name: cells for name, *cells in rows}
    assert told["rate R"] == ["none", f"{vae(1)['rate']:.1f}"]
    assert told["distortion D"] == [f"{m['distortion']:.1f}" for m in (AE, vae(1))]
    assert told["D + R"] == ["none", f"{vae(1)['rate'] + vae(1)['distortion']:.1f}"]
    assert told["codes in the circle"] == [
        f"{m['inside']:.0%}".replace("%", "\u00a0%") for m in (AE, vae(1))
    ]
    sides = [float(side) for side in re.findall(r"[\d.]+", told["box of 98 % of the codes"][1])]
    assert np.isclose(np.prod(sides), area(vae(1)), rtol=0.03)
    assert float(told["median width of a cloud"][1]) == pytest.approx(vae(1)["width"], rel=0.05)


@functools.cache
def images():
    digits = data.load("mnist")
    if digits.name != "mnist":
        pytest.skip("needs MNIST")
    return digits


@pytest.mark.parametrize("name", ["sweep-z2-ae", "sweep-z2-beta-16"])
def test_the_tool_makes_the_stored_data_again(name):
    again, model = tool.record(name, images().x_test), MODELS[name]
    assert again.keys() == model.keys()
    for key in ("box", "inside", "width"):
        if model[key] is not None:
            assert np.allclose(again[key], model[key], rtol=1e-3, atol=1e-3), key
    weights = [np.frombuffer(base64.b64decode(m["weights"]), "<f4") for m in (again, model)]
    assert np.allclose(*weights, rtol=1e-5, atol=1e-6)
    assert np.allclose(codes(again), codes(model), atol=2e-3)
    assert np.array_equal(labels(), images().y_test[tool.SHOWN])


@each_model
def test_the_codes_shown_are_those_of_the_encoder(name):
    mu = latent.encode(load(name).encoder, images().x_test[tool.SHOWN][:200])
    model = MODELS[name]
    assert np.abs(codes(model)[:200, :2] - mu).max() < 2 * model["scale"]


def test_the_numbers_fit_the_codes_shown():
    """Measured on 10,000 images, they cannot be far from what the 2,000 give."""
    for model in MODELS.values():
        mu = codes(model)[:, :2]
        assert abs(np.mean(np.hypot(*mu.T) < tool.CIRCLE) - model["inside"]) < 0.04
        low, high = np.quantile(mu, [0.01, 0.99], axis=0)
        assert np.allclose([*low, *high], model["box"], rtol=0.25, atol=0.3)
        if model["beta"] is not None:
            assert np.isclose(np.median(codes(model)[:, 2:]), model["width"], rtol=0.1)


def test_the_axes_of_the_chart_hold_all_models():
    assert all(0 <= model["rate"] < 24 for model in DATA["models"][1:])
    assert all(135 < model["distortion"] < 184 for model in MODELS.values())


@functools.cache
def draws(beta):
    """Of 10,000 draws from the prior: the digit of the nearest code, and how far it is."""
    tree = KDTree(codes(AE if beta is None else vae(beta))[:, :2])
    far, nearest = tree.query(np.random.default_rng(0).normal(size=(10_000, 2)))
    return labels()[nearest], far


def test_the_same_point_is_a_6_of_the_autoencoder_and_a_0_of_the_vae():
    """And not at this point alone: draws from the prior meet the 0s of one model only."""
    assert np.hypot(*DATA["point"]) < tool.CIRCLE
    for model, digit in ((AE, 6), (vae(1), 0)):
        near = labels()[distances(model, DATA["point"]) < 0.5]
        assert np.mean(near == digit) > 0.9 and len(near) > 50
    assert round(100 * np.mean(draws(None)[0] == 0)) == 1
    assert round(100 * np.mean(draws(1)[0] == 0)) == 8
    outside = np.hypot(*codes(AE)[labels() == 0][:, :2].T) > tool.CIRCLE
    assert outside.mean() > 0.9, "nearly all, says the text"


def test_the_price_keeps_the_codes_together():
    assert 4 < area(vae(0)) / area(AE) < 5
    assert round(vae(0)["inside"], 2) == 0.31
    inside = np.hypot(*codes(vae(0))[:, :2].T) < tool.CIRCLE
    assert 0.5 < np.mean(np.isin(labels()[inside], (5, 8))) < 0.6
    assert round(vae(0.5)["inside"], 2) == 0.92
    assert round(vae(0)["rate"]) == 22 and round(vae(0.5)["rate"]) == 7
    assert round(vae(0.5)["distortion"] - vae(0)["distortion"]) == 1


def test_the_sum_hardly_moves_in_the_plane():
    """Between 0.1 and 2, "rate plus distortion stays at 148 to 149 nats"."""
    sums = [vae(beta)["rate"] + vae(beta)["distortion"] for beta in (0.1, 0.5, 1, 2)]
    assert 148 <= min(sums) and max(sums) <= 149


def test_at_sixteen_the_clouds_merge_and_the_digits_are_grey():
    assert 0.5 < vae(16)["width"] < 0.6 and round(vae(16)["rate"]) == 1
    lines = np.linspace(-2.4, 2.4, 13)
    points = np.array([(x, y) for x in lines for y in lines if np.hypot(x, y) < tool.CIRCLE])
    pixels = {name: np.array(load(name).decoder(points)) for name in MODELS}
    grey = {name: (ink * (1 - ink)).mean() for name, ink in pixels.items()}
    assert max(grey, key=grey.get) == "sweep-z2-beta-16"


def test_the_vae_has_bare_places_too_and_more_than_the_autoencoder():
    bare = (-1, -1.8)
    assert np.hypot(*bare) < tool.CIRCLE and distances(vae(1), bare).min() > 0.5
    assert round(100 * np.mean(draws(1)[1] > 0.5)) == 2
    assert 0.002 < np.mean(draws(None)[1] > 0.5) < 0.006


def test_all_of_it_is_small():
    sizes = [path.stat().st_size for path in STATIC.rglob("explorer*.*")]
    assert len(sizes) == 7 and sum(sizes) < 1_500_000  # asked for: 3 MB


def test_sentences_set_what_there_is():
    assert explorer.betas() == [model["beta"] for model in DATA["models"][1:]]
    assert explorer.settings("16") == {"beta": 16}
    assert explorer.settings("0.0049; z=-1,2.5; only=49; shows=sheet; window=4") == {
        "beta": 0.0049, "point": [-1, 2.5], "only": "49", "shows": "sheet", "window": 4,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["3", "", "16; z=1", "16; shows=all", "1; window=5", "1; only="])
def test_sentences_that_ask_for_what_there_is_not(text):
    with pytest.raises(ValueError, match="the explorer"):
        explorer.settings(text)


def test_scripts_and_python_have_the_same_choices_and_colours():
    texts = {name: (STATIC / f"explorer{name}.js").read_text() for name in ("", "-words", "-plane")}
    assert json.loads(re.search(r"WINDOWS = (\[.*?\])", texts[""])[1]) == list(explorer.WINDOWS)
    assert set(re.findall(r'<option value="([a-z]+)"', texts["-words"])) == set(explorer.SHOWS)
    assert tuple(re.findall(r'"(#\w{6})"', texts["-plane"])[:10]) == plots.CLASS_COLORS
