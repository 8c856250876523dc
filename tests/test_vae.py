"""The VAE to copy: the text of its chapter, its loss, its file, and the script around it."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import keras
import nbformat
import numpy as np
import pytest
from backends import needs, run_on

import vaelib.vae
from vaelib import objectives
from vaelib.vae import KLTerm, WarmUp, build_vae, reconstruction

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "vaelib" / "vae.py").read_text()
CHAPTER = next((ROOT / "chapters").glob("*-points-to-distributions.ipynb"))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((64, 28, 28, 1)).astype("float32")


def to_copy():
    return TEXT.split("# --- to copy: from here\n")[1].split("# --- to copy: up to here")[0].strip()


def test_the_chapter_shows_it_letter_for_letter():
    cells = nbformat.read(CHAPTER, 4).cells
    (cell,) = [cell for cell in cells if "class KLTerm" in cell.source]
    assert cell.source == to_copy()
    assert not cell.metadata.get("tags"), "in full view"
    before = cells[cells.index(cell) - 1].source
    assert "(vae-to-copy)=" in before and "<../vaelib/vae.py>" in before


def test_it_is_short_and_needs_nothing_but_keras():
    imported = set()
    for node in ast.walk(ast.parse(TEXT)):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    assert imported == {"keras"}
    assert len([line for line in to_copy().splitlines() if line.strip()]) <= 90


def log_of(vae, images):
    """What an evaluation logs, and the mu and log_var behind it."""
    heads = keras.Model(vae.input, [vae.get_layer("mu").output, vae.get_layer("log_var").output])
    values = vae.evaluate(images, images, batch_size=len(images), verbose=0, return_dict=True)
    return values, heads.predict(images, verbose=0)


def test_the_loss_is_reconstruction_plus_beta_times_kl(images):
    keras.utils.set_random_seed(1)
    vae = build_vae(z_dim=3, beta=0.5)
    values, (mu, log_var) = log_of(vae, images)
    kl = float(np.mean(objectives.gaussian_kl(mu, log_var)))
    assert values["kl"] == pytest.approx(kl, rel=1e-4)
    assert values["kl"] == pytest.approx(sum(values[f"kl_{i}"] for i in range(3)), rel=1e-5)
    assert values["loss"] - values["reconstruction"] == pytest.approx(0.5 * kl, abs=1e-2)
    vae.get_layer("kl_term").beta.assign(40.0)
    values, _ = log_of(vae, images)
    assert values["loss"] - values["reconstruction"] == pytest.approx(40 * kl, rel=1e-3)


def test_the_reconstruction_is_summed_over_the_pixels(images):
    outputs = np.full_like(images, 0.25)
    assert np.allclose(
        reconstruction(images, outputs), objectives.reconstruction(images, outputs), rtol=1e-5
    )


def test_it_trains(images):
    keras.utils.set_random_seed(2)
    vae = build_vae()
    before = [weight.numpy() for weight in vae.trainable_weights]
    history = vae.fit(images, images, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    after = [weight.numpy() for weight in vae.trainable_weights]
    assert not any(np.array_equal(old, new) for old, new in zip(before, after))


def test_it_is_loaded_in_a_fresh_process(images, tmp_path):
    """Layers, weights and beta, also one that a warm-up has changed; the names by the import."""
    keras.utils.set_random_seed(3)
    vae = build_vae(beta=2.0)
    vae.fit(images, images, verbose=0)
    vae.get_layer("kl_term").beta.assign(0.75)
    vae.save(tmp_path / "vae.keras")
    np.save(tmp_path / "images.npy", images)
    program = """
import json
import keras
import numpy as np
import vaelib.vae

vae = keras.saving.load_model("vae.keras")
heads = [vae.get_layer("mu").output, vae.get_layer("log_var").output]
images = np.load("images.npy")
np.save("heads.npy", keras.Model(vae.input, heads).predict(images, verbose=0))
np.save("x_hat.npy", vae.get_layer("decoder").predict(np.ones((4, 2)), verbose=0))
term = vae.get_layer("kl_term")
values = vae.evaluate(images, images, verbose=0, return_dict=True)
print(json.dumps([float(term.beta.numpy()), term.get_config()["beta"], sorted(values)]))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    beta, first_beta, names = json.loads(run.stdout.splitlines()[-1])
    assert (beta, first_beta) == (0.75, 2.0)
    assert names == ["kl", "kl_0", "kl_1", "loss", "reconstruction"]
    _, heads = log_of(vae, images)
    assert np.allclose(np.load(tmp_path / "heads.npy"), heads, atol=1e-5)
    decoded = vae.get_layer("decoder").predict(np.ones((4, 2)), verbose=0)
    assert np.allclose(np.load(tmp_path / "x_hat.npy"), decoded, atol=1e-5)


def test_a_kl_term_is_made_again_from_its_config():
    layer = KLTerm(beta=0.3, name="kl_term")
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (type(twin), twin.first_beta, twin.name) == (KLTerm, 0.3, "kl_term")


def test_the_warm_up_raises_beta_from_zero_to_its_goal(images):
    vae = build_vae(beta=0.5)
    term, betas = vae.get_layer("kl_term"), []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: betas.append(float(term.beta.numpy()))
    )
    warm_up = WarmUp(term, goal=0.8, epochs=4)
    vae.fit(images[:8], images[:8], epochs=6, verbose=0, callbacks=[warm_up, watch])
    assert betas == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 0.8])
    assert WarmUp(term).goal == 0.5, "the beta that the VAE was built with"


def test_the_script_runs(tmp_path):
    """``python vae.py``, with a small MNIST: it trains, saves, loads and draws."""
    program = f"""
import runpy
import keras
import numpy as np

rng = np.random.default_rng(0)
small = rng.integers(0, 256, (600, 28, 28)).astype("uint8"), rng.integers(0, 10, 600)
keras.datasets.mnist.load_data = lambda: (small, small)
runpy.run_path({str(Path(vaelib.vae.__file__))!r}, run_name="__main__")
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "Epoch 10/10" in run.stdout and "val_kl_1" in run.stdout
    assert "five new images: (5, 28, 28, 1)" in run.stdout
    assert (tmp_path / "vae.keras").stat().st_size > 1_000_000


ELSEWHERE = """
import json
import sys

import keras
import numpy as np

from vaelib.vae import WarmUp, build_vae

images = np.random.default_rng(0).random((64, 28, 28, 1)).astype("float32")
vae = build_vae(beta=3.0)
term, betas = vae.get_layer("kl_term"), []
watch = keras.callbacks.LambdaCallback(
    on_epoch_end=lambda epoch, logs: betas.append(float(keras.ops.convert_to_numpy(term.beta)))
)
history = vae.fit(
    images, images, epochs=4, validation_split=0.25, verbose=0,
    callbacks=[WarmUp(term, epochs=2), watch],
).history
values = vae.evaluate(images, images, batch_size=64, verbose=0, return_dict=True)
heads = keras.Model(vae.input, [vae.get_layer("mu").output, vae.get_layer("log_var").output])
mu, log_var = (array.tolist() for array in heads.predict(images, verbose=0))
vae.save(sys.argv[1])
print(json.dumps([history, betas, values, mu, log_var]))
"""


@pytest.mark.parametrize("backend", [pytest.param(b, marks=needs(b)) for b in ("jax", "torch")])
def test_the_same_file_trains_and_logs_on(backend, images, tmp_path):
    """And what it saves is read here. On JAX the model logs: no layer's call may touch a metric."""
    path = tmp_path / "vae.keras"
    history, betas, values, mu, log_var = run_on(backend, ELSEWHERE, path)
    mu, log_var = np.array(mu), np.array(log_var)
    kl = np.mean((mu**2 + np.exp(log_var) - 1 - log_var) / 2, axis=0)
    assert betas == pytest.approx([0.0, 1.5, 3.0, 3.0])
    assert [values["kl_0"], values["kl_1"]] == pytest.approx(kl.tolist(), rel=1e-3, abs=1e-5)
    assert values["kl"] == pytest.approx(kl.sum(), rel=1e-3, abs=1e-5)
    assert values["loss"] - values["reconstruction"] == pytest.approx(3 * kl.sum(), abs=1e-2)
    assert {"kl", "kl_0", "kl_1", "val_kl", "val_kl_1", "val_loss"} <= set(history)
    assert all(len(set(history[name])) == 4 for name in ("loss", "kl", "val_kl")), history
    # Keras 3.15 writes PyTorch's own Adam into the file, which no other backend can import.
    loaded = keras.saving.load_model(path, compile=False)
    here = keras.Model(loaded.input, loaded.get_layer("mu").output).predict(images, verbose=0)
    assert np.allclose(here, mu, atol=1e-4)
