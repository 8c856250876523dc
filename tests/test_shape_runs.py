"""tools/shape_runs.py: three weights by three seeds, on pictures whose factors are known."""

import sys
from pathlib import Path

import numpy as np

from vaelib import checkpoints, shapes

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import shape_runs as tool  # noqa: E402

RECORD = dict(np.load(tool.RECORD))


def test_the_record_is_whole():
    settings = [(run.beta, run.seed) for run in tool.runs().values()]
    assert list(zip(RECORD["beta"], RECORD["seed"])) == settings and len(settings) == 9
    assert RECORD["mu"].shape == (9, tool.CODES, 8) and RECORD["kl"].shape == (9, 8)
    assert np.isfinite(RECORD["mu"]).all() and (RECORD["kl"] > -1e-6).all()
    # A larger weight pays fewer nats and reconstructs worse, whatever the seed.
    rate = RECORD["kl"].sum(axis=1).reshape(3, 3)
    assert rate[0].min() > rate[1].max() > rate[1].min() > rate[2].max()
    distortion = RECORD["reconstruction"].reshape(3, 3)
    assert distortion[0].max() < distortion[1].min() < distortion[1].max() < distortion[2].min()


def test_the_first_run_is_the_checkpoint():
    encoder, decoder, manifest = checkpoints.load(tool.NAME)
    run = tool.runs()["shapes-beta-1-seed-1"]
    assert run == tool.RUNS[tool.NAME] and (manifest["beta"], manifest["seed"]) == (1, 1)
    pictures, _ = shapes.generate(tool.CODES, seed=int(RECORD["codes_seed"]))
    mu, _ = encoder.predict(pictures[:100], verbose=0)
    assert np.abs(mu - RECORD["mu"][0][:100]).max() < 0.01
    again = decoder.predict(mu[: tool.SHOWN], verbose=0)
    assert np.abs(again - RECORD["pictures"][0] / 255).max() < 0.02
    assert abs(manifest["figures"]["test"]["reconstruction"] - RECORD["reconstruction"][0]) < 0.01


def test_a_run_of_shapes_loads_as_many_as_it_asks_for():
    from dataclasses import replace

    few = tool.load(replace(tool.RUNS[tool.NAME], images=300))
    assert few.name == "shapes" and few.x_train.shape == (300, 32, 32, 3)
    assert np.array_equal(few.x_train, shapes.generate(300, seed=0)[0])
    assert len(few.x_test) == 1_000


def test_runs_become_one_record(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "RECORD", tmp_path / "record.npz")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    paths = [tmp_path / f"{n}.npz" for n in (1, 2)]
    for n, path in enumerate(paths):
        np.savez_compressed(path, beta=float(n), mu=np.full((4, 2), n, "float16"))
    tool.write(paths)
    found = np.load(tmp_path / "record.npz")
    assert found["beta"].tolist() == [0, 1] and found["mu"].shape == (2, 4, 2)
    assert int(found["codes_seed"]) == tool.CODES_SEED
