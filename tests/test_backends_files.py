"""What one backend writes, the others read: models, checkpoints, and the checkup of a file."""

import json
import subprocess

import numpy as np
import pytest
from backends import ROOT, needs, python_of, run_on

OTHERS = [pytest.param(name, marks=needs(name)) for name in ("jax", "torch")]

SAVE = """
import sys
import numpy as np
from vaelib import quiet_tensorflow
quiet_tensorflow()
import keras
from vaelib import data, vae

keras.utils.set_random_seed(5)
images = np.random.default_rng(1).random((8, 28, 28, 1)).astype("float32")
model = vae.build_vae(2)
model.fit(images, images, epochs=2, verbose=0)
model.save(sys.argv[1] + "/vae.keras")
mu = keras.Model(model.input, model.get_layer("mu").output).predict(images, verbose=0)
x_hat = model.get_layer("decoder").predict(mu, verbose=0)
np.savez(sys.argv[1] + "/expected.npz", images=images, mu=mu, x_hat=x_hat)
print("null")
"""

LOAD = """
import json, sys
import numpy as np
from vaelib import quiet_tensorflow
quiet_tensorflow()
import keras
from vaelib import checkpoints, latent, vae

told = {}
for folder in sys.argv[1:]:
    expected = np.load(folder + "/expected.npz")
    # A file of PyTorch names the Adam of Keras on PyTorch, which is nowhere else (Keras 3.15.1).
    model = keras.models.load_model(folder + "/vae.keras", compile=False)
    encoder = keras.Model(model.input, model.get_layer("mu").output)
    mu = latent.encode(encoder, expected["images"])
    x_hat = model.get_layer("decoder").predict(mu, verbose=0)
    told[folder] = [float(np.abs(mu - expected["mu"]).max()),
                    float(np.abs(x_hat - expected["x_hat"]).max())]
told["probes"] = {}
for name in checkpoints.names()[::6]:  # load() compares with the manifest itself
    found = checkpoints.load(name)
    told["probes"][name] = checkpoints.probe(found.encoder, found.decoder)
print(json.dumps(told))
"""

ROOMS = """
import json, sys, vaelib
for name in vaelib.__all__:
    getattr(vaelib, name)
try:
    vaelib.folders.stream(vaelib.folders.Files(["a.png"], 1, []), batch_size=1)
except vaelib.data.DataError as error:
    print(json.dumps(["tensorflow" in sys.modules, str(error)]))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Backend -> a folder with a model that it has trained and saved, and what it computes."""
    folders = {}

    def by(backend):
        if backend not in folders:
            folders[backend] = tmp_path_factory.mktemp(backend)
            run_on(backend, SAVE, folders[backend])
        return folders[backend]

    return by


@pytest.mark.parametrize("backend", OTHERS)
def test_what_one_backend_saves_the_others_load(written, backend):
    folders = [written("tensorflow"), written(backend)]
    of_other, of_tensorflow = run_on(backend, LOAD, *folders), run_on("tensorflow", LOAD, *folders)
    for told in (of_other, of_tensorflow):
        for folder in folders:
            assert max(told[str(folder)]) < 1e-4, told
    assert len(of_other["probes"]) > 4
    for name, probe in of_tensorflow["probes"].items():
        assert of_other["probes"][name] == pytest.approx(probe, abs=1e-3), name


@pytest.mark.parametrize("backend", OTHERS)
def test_every_room_opens_where_there_is_one_backend_alone(backend):
    has_tensorflow, sentence = run_on(backend, ROOMS)
    assert not has_tensorflow
    assert sentence.startswith("folders.stream reads by tf.data: install tensorflow")


@pytest.mark.parametrize("backend", OTHERS)
def test_the_checkup_of_a_file_that_another_backend_wrote(written, backend, tmp_path):
    images = np.load(written("tensorflow") / "expected.npz")["images"]
    np.save(tmp_path / "my.npy", images)

    def examine(*more):
        model = written("tensorflow") / "vae.keras"
        return subprocess.run(
            [python_of(backend), "-m", "vaelib", "checkup", model, "--images", "my.npy", *more],
            capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip

    result = examine("--code", ROOT / "vaelib" / "vae.py", "--json")
    report = json.loads(result.stdout)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert report["findings"] == report["undetermined"] == []
    assert report["beta"] == pytest.approx(1.0, rel=0.01)
    (tmp_path / "mine.py").write_text("import tensorflow as tf\n")
    result = examine("--code", "mine.py")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1
    assert "mine.py stops, ModuleNotFoundError: No module named 'tensorflow'" in result.stderr
