"""vaelib.checkpoints and tools/train_checkpoints.py: what is shipped, and how it is made."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from backends import needs, run_on

from vaelib import checkpoints, data, networks, objectives
from vaelib.checkpoints import CheckpointError

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import ledger_trainings  # noqa: E402
import train_checkpoints as tool  # noqa: E402

SOME = "sweep-z2-beta-1"
LARGE = [name for name in ledger_trainings.TRAININGS if name.startswith("dcgan")]
each_checkpoint = pytest.mark.parametrize("name", checkpoints.names())


# What is shipped --------------------------------------------------------------------------------


def test_every_run_is_shipped_and_nothing_else():
    assert sorted(tool.RUNS) == checkpoints.names()
    expected = {f"{name}.json" for name in tool.RUNS}
    for name in tool.RUNS:
        expected |= {f"{name}.{part}.weights.h5" for part in checkpoints.PARTS}
    expected |= {f"{name}.npz" for name in LARGE}
    assert {path.name for path in checkpoints.FOLDER.iterdir()} == expected


def test_all_together_are_small():
    assert sum(path.stat().st_size for path in checkpoints.FOLDER.iterdir()) < 20_000_000


def test_the_table_of_the_book_is_that_of_the_manifests():
    assert tool.TABLE.read_text() == tool.table(), "run tools/train_checkpoints.py --all"
    minutes = [
        checkpoints.manifest(n)["seconds"] / 60 for n in tool.RUNS if n[:5] in ("sweep", "seed-")
    ]
    assert 5.5 < min(minutes) and max(minutes) < 9.5, "six to nine, says book/runs"


def test_pages_that_count_the_checkpoints_count_right():
    megabytes = sum(path.stat().st_size for path in checkpoints.FOLDER.iterdir()) / 1e6
    count = f"{len(tool.RUNS)} checkpoints, "
    assert f"{count}{megabytes:.0f} MB in all" in (ROOT / "README.md").read_text()
    assert count in (ROOT / "book/runs.md").read_text()


@each_checkpoint
def test_manifest_tells_how_it_was_trained(name):
    manifest, run = checkpoints.manifest(name), tool.RUNS[name]
    for key in ("z_dim", "beta", "epochs", "batch_size", "rate", "schedule", "seed", "preset"):
        told = manifest["network"]["z_dim"] if key == "z_dim" else manifest[key]
        assert told == getattr(run, key), key
    assert networks.NetworkSpec(**manifest["network"]) == networks.preset(
        run.preset, z_dim=run.z_dim
    )
    assert manifest["variational"] == (run.beta is not None)
    assert len(manifest["history"]) == run.epochs and manifest["seconds"] > 0
    assert {"python", "keras", "numpy", manifest["backend"]} <= set(manifest["versions"])
    for figures in manifest["figures"].values():
        assert 60 < figures["reconstruction"] < (220 if run.data == "mnist" else 250)
        if run.beta is not None:
            total = figures["reconstruction"] + run.beta * figures["kl"]
            assert np.isclose(figures["loss"], total, rtol=1e-4)


def test_the_series_was_trained_as_the_posts_trained_it():
    for name in checkpoints.names("series"):
        manifest = checkpoints.manifest(name)
        assert manifest["epochs"] >= 40 and manifest["batch_size"] == 128
    plane = checkpoints.manifest("series-z2-vae")["beta"]
    tiny = checkpoints.manifest("sweep-z16-beta-0.0049")["beta"]
    assert np.isclose(plane, objectives.beta_from_fact(6.5e-4, 784, 2), rtol=1e-3)
    assert np.isclose(tiny, objectives.beta_from_fact(0.5e-4, 784, 16), rtol=1e-3)
    for z_dim in (2, 16):
        assert sum("beta" in name for name in checkpoints.names(f"sweep-z{z_dim}-")) >= 8


def images_of(name):
    images = data.load(name)
    if images.name != name:
        pytest.skip("needs MNIST")
    return images.x_test


@each_checkpoint
def test_it_loads_and_scores_as_its_manifest_says(name):
    encoder, decoder, manifest = checkpoints.load(name)
    assert encoder.count_params() + decoder.count_params() == manifest["parameters"]
    x_test = images_of(manifest["data"]["name"])
    if tool.RUNS[name].binarized:
        assert manifest["pixels"].startswith("binarized")
        x_test = data.binarize(x_test)
    outputs = encoder.predict(x_test, batch_size=500, verbose=0)
    mu = outputs[0] if manifest["variational"] else outputs
    x_hat = decoder.predict(mu, batch_size=500, verbose=0)
    # In pieces: the cross-entropy of 10,000 images at once takes half a gigabyte.
    pieces = zip(np.split(x_test, 20), np.split(x_hat, 20))
    found = np.mean([np.mean(objectives.reconstruction(*piece)) for piece in pieces])
    told = manifest["figures"]["test"]
    kind = "reconstruction_of_mu" if manifest["variational"] else "reconstruction"
    assert np.isclose(found, told[kind], rtol=1e-4)
    if manifest["variational"]:
        assert np.isclose(np.mean(objectives.gaussian_kl(*outputs)), told["kl"], rtol=1e-3)


@pytest.mark.parametrize("name", LARGE)
def test_what_is_kept_of_the_large_networks(name):
    """Codes and pictures belong to the training in the record of the ledger."""
    with np.load(checkpoints.FOLDER / f"{name}.npz") as archive:
        kept = {key: archive[key] for key in archive.files}
    record = json.loads(str(kept["record"]))
    assert record == json.loads(ledger_trainings.RECORD.read_text())[name]
    training = ledger_trainings.TRAININGS[name]
    assert len(record["history"]) == record["epochs"] == training.epochs
    assert record["images"] == 48_000 and record["beta"] == 1
    assert kept["mu"].shape == kept["log_var"].shape == (10_000, 2)
    # The codes are those that the record's KL term was computed from.
    kl = np.mean(objectives.gaussian_kl(kept["mu"], kept["log_var"]))
    assert np.isclose(kl, record["test"]["kl"], rtol=1e-3)
    for key, count in {"reconstructed": 1_000, "drawn": 1_000, "equal_steps": 225}.items():
        assert kept[key].shape == (count, 28, 28, 1) and kept[key].dtype == np.uint8, key
    # And the pictures are decoded from them: close to the images, as close as the record says.
    mnist = data.load("mnist")
    if mnist.name == "mnist":
        x_hat = kept["reconstructed"].astype("float32") / 255
        found = np.mean(
            objectives.reconstruction(mnist.x_test[:1_000], np.clip(x_hat, 0.002, 0.998))
        )
        assert abs(found - record["test"]["reconstruction"]) < 8


# What is refused --------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """One shipped checkpoint in a folder of its own, to be spoiled."""
    for path in checkpoints.FOLDER.glob(f"{SOME}.*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    checkpoints.load(SOME)
    return tmp_path


def refusal(name=SOME):
    with pytest.raises(CheckpointError) as caught:
        checkpoints.load(name)
    text = str(caught.value)
    rest = text.replace("tools/train", "").replace(repr(name), "")
    assert "\n" not in text and len(text) < 300 and "/" not in rest
    return text


def test_unknown_names():
    assert refusal("series-z2-vea").startswith(
        "There is no checkpoint 'series-z2-vea': did you mean 'series-z2-vae'?"
    )
    for name in (None, 3, "", "../x"):
        assert "checkpoints.names() lists all" in refusal(name)


@pytest.mark.parametrize("part", checkpoints.PARTS)
def test_a_missing_file(copy, part):
    (copy / f"{SOME}.{part}.weights.h5").unlink()
    text = refusal()
    assert text.startswith(f"{SOME}.{part}.weights.h5 is missing: install vaelib again, or")
    assert f"python tools/train_checkpoints.py {SOME}" in text


@pytest.mark.parametrize("part", checkpoints.PARTS)
def test_tampered_weights(copy, part):
    path = copy / f"{SOME}.{part}.weights.h5"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    assert "is not the file that was trained (its checksum differs" in refusal()
    path.write_bytes(content[:1000])
    assert "is not the file that was trained" in refusal()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda manifest: manifest | {"beta": 2.0},
        lambda manifest: {k: v for k, v in manifest.items() if k != "probe"},
        lambda manifest: {k: v for k, v in manifest.items() if k != "sha256"},
        lambda manifest: [],
        lambda manifest: None,
    ],
)
def test_a_tampered_manifest(copy, spoil):
    path = copy / f"{SOME}.json"
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    assert "is damaged or was changed by hand" in refusal()
    path.write_text("{")
    assert f"{SOME}.json is damaged" in refusal()
    with pytest.raises(CheckpointError):
        checkpoints.manifest(SOME)


def test_a_network_that_has_changed_since(copy, monkeypatch):
    """The weights still fit, but the network computes something else."""
    build = checkpoints.build_decoder
    changed = {"activation": "tanh"}
    monkeypatch.setattr(checkpoints, "build_decoder", lambda s: build(replace(s, **changed)))
    assert "computes something else than after the training" in refusal()
    changed["z_dim"] = 3
    assert "do not fit the network that this vaelib builds" in refusal()


# How it is made ---------------------------------------------------------------------------------

TINY = tool.Run("machinecurve", 2, 1.0, epochs=3, rate=3e-3, schedule="cosine")


class Stopped(Exception):
    """The power fails."""


def interrupt(monkeypatch, epoch):
    """Stop the training at the start of an epoch."""
    import keras

    class PowerCut(keras.callbacks.Callback):
        def on_epoch_begin(self, number, logs=None):
            if number == epoch:
                raise Stopped

    fit = keras.Model.fit

    def short_fit(self, *args, callbacks=(), **options):
        return fit(self, *args, callbacks=[*callbacks, PowerCut()], **options)

    monkeypatch.setattr(keras.Model, "fit", short_fit)


def test_binarized_images_are_others_in_every_epoch_and_the_same_again():
    digits = data.load("digits", n_train=50).x_train
    first, again = (tool.redraw(TINY, digits) for _ in range(2))
    assert np.array_equal(first(1), again(1)), "after an interruption"
    assert set(np.unique(first(0))) == {0.0, 1.0}
    assert not np.array_equal(np.sort(first(0), axis=None), np.sort(first(1), axis=None))
    # Another order, too: as many white pixels as before, but not in the same rows.
    whites = [first(epoch).sum(axis=(1, 2, 3)) for epoch in (0, 1)]
    assert np.corrcoef(*whites)[0, 1] < 0.5 < np.corrcoef(*map(np.sort, whites))[0, 1]
    other_seed = tool.redraw(replace(TINY, seed=TINY.seed + 1), digits)
    assert not np.array_equal(other_seed(0), first(0))


@pytest.mark.parametrize(("beta", "binarized"), [(1.0, False), (None, False), (1.0, True)])
def test_an_interrupted_training_resumes_and_is_stored(tmp_path, monkeypatch, beta, binarized):
    run = replace(TINY, beta=beta, binarized=binarized)
    digits = data.load("digits", n_train=400, n_test=200)
    with monkeypatch.context() as patch:
        interrupt(patch, epoch=2)
        with pytest.raises(Stopped):
            tool.train("tiny", run, digits.x_train, tmp_path / "unfinished")
    record = tmp_path / "unfinished/tiny/history.jsonl"
    assert len(record.read_text().splitlines()) == 2
    spec, encoder, decoder, model, history = tool.train(
        "tiny", run, digits.x_train, tmp_path / "unfinished"
    )
    # Two epochs came from the record, and the optimizer has counted all three.
    assert len(history) == 3
    assert int(model.optimizer.iterations) == 3 * 4
    assert len(record.read_text().splitlines()) == 3, "no epoch was trained twice"
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path / "trained")
    tool.store("tiny", run, digits, spec, encoder, decoder, model, history)
    loaded = checkpoints.load("tiny")
    assert np.allclose(
        loaded.decoder.predict(np.ones((1, 2)), verbose=0),
        decoder.predict(np.ones((1, 2)), verbose=0),
    )
    assert loaded.manifest["data"]["name"] == "digits" and loaded.manifest["beta"] == beta
    assert ("pixels" in loaded.manifest) == binarized
    assert not list((tmp_path / "trained").glob("*unfinished*"))


@pytest.mark.parametrize("kit", ["keras", "tf_keras"])
def test_a_training_of_the_ledger_keeps_every_epoch(tmp_path, monkeypatch, capsys, kit):
    """The loop is that of the checkpoints; what Keras 2 trains begins again each time."""
    digits = data.load("digits", n_train=256, n_test=200)
    training = ledger_trainings.Training(
        "none", "machinecurve", 2, 1.0, 2, 128, 1e-3, keras=kit,
        placement={"keras": "compute_loss", "tf_keras": "model_add_loss"}[kit],
    )  # fmt: skip
    monkeypatch.setitem(ledger_trainings.TRAININGS, "tiny", training)
    for _ in range(2):
        *networks_, rows, test = ledger_trainings.train(
            "tiny", digits.x_train, digits.x_test, tmp_path
        )
        assert len(rows) == 2 and len(networks_) == 2
        for figures in (*rows, test):
            assert {"loss", "kl", "reconstruction"} <= set(figures)
            total = figures["reconstruction"] + figures["kl"]
            assert np.isclose(figures["loss"], total, rtol=1e-3)
    trained = capsys.readouterr().out.splitlines()
    assert len(trained) == (2 if kit == "keras" else 4), "a finished training is restored"


ON_ANOTHER_BACKEND = """
import json
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import keras
import train_checkpoints as tool
from vaelib import checkpoints, data
assert keras.backend.backend() == "jax"
folder = Path(sys.argv[2])
checkpoints.FOLDER = folder / "trained"
for name, beta in (("vae", 1.0), ("ae", None)):
    run = tool.Run("machinecurve", 2, beta, epochs=2, rate=3e-3, schedule="cosine")
    digits = data.load("digits", n_train=400, n_test=200)
    tool.store(name, run, digits, *tool.train(name, run, digits.x_train, folder))
print(json.dumps("stored"))
"""


@needs("jax")
def test_what_jax_trains_loads_and_scores_the_same_on_tensorflow(tmp_path, monkeypatch):
    assert run_on("jax", ON_ANOTHER_BACKEND, ROOT / "tools", tmp_path) == "stored"
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path / "trained")
    images = data.load("digits", n_train=400, n_test=200).x_test
    for name in ("vae", "ae"):
        encoder, decoder, manifest = checkpoints.load(name)
        assert manifest["backend"] == "jax" and "jax" in manifest["versions"]
        outputs = encoder.predict(images, verbose=0)
        mu = outputs[0] if name == "vae" else outputs
        score = np.mean(objectives.reconstruction(images, decoder.predict(mu, verbose=0)))
        told = manifest["figures"]["test"]
        assert np.isclose(
            score, told.get("reconstruction_of_mu", told["reconstruction"]), rtol=1e-4
        )
        if name == "vae":
            assert np.isclose(np.mean(objectives.gaussian_kl(*outputs)), told["kl"], atol=2e-3)


def test_the_command_lists_refuses_and_wants_mnist(monkeypatch, capsys, empty_cache, no_network):
    monkeypatch.setattr(sys, "argv", ["train_checkpoints.py"])
    tool.main()
    listing = capsys.readouterr().out
    assert all(name in listing for name in tool.RUNS) and "missing" not in listing
    monkeypatch.setattr(sys, "argv", ["train_checkpoints.py", "series"])
    with pytest.raises(SystemExit, match="There is no run 'series'"):
        tool.main()
    monkeypatch.setattr(sys, "argv", ["train_checkpoints.py", SOME])
    with pytest.raises(SystemExit, match="need MNIST: set VAELIB_DATA"):
        tool.main()
