"""Train the checkpoints that the course ships: ``python tools/train_checkpoints.py NAME ...``.

Without a name it lists them all, with what is trained already; ``--all`` trains what is missing.
A training that is interrupted resumes after its last finished epoch. The models are written in
Keras 3 alone, so ``KERAS_BACKEND=jax`` trains them, too, on a GPU if there is one; after
``make backends``, ``.backends/jax/bin/python`` is such a Python.
Needs MNIST: set VAELIB_DATA to a folder with mnist.npz.
"""

import argparse
import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNFINISHED = ROOT / ".training"
TABLE = ROOT / "book" / "_data" / "checkpoints-table.md"
# One of those of Keras 3, which run on every backend.
PLACEMENT = "compute_loss"


@dataclass(frozen=True)
class Run:
    """One training. ``beta`` None is the plain autoencoder: no draw, no KL term."""

    preset: str
    z_dim: int
    beta: float | None
    epochs: int
    rate: float
    schedule: str
    seed: int = 1
    batch_size: int = 128
    images: int = 60_000
    data: str = "mnist"
    # Pixels drawn as 0 or 1: those of the training anew for every epoch, those of the test once.
    binarized: bool = False


def series(z_dim, beta):
    """The network and the training of post IV: Adam's default rate, batches of 128, 40 epochs."""
    return Run("series", z_dim, beta, epochs=40, rate=1e-3, schedule="constant")


def sweep(z_dim, beta, seed=1):
    """A network that two cores train in minutes; book/runs.md says how it was chosen."""
    return Run("machinecurve", z_dim, beta, epochs=20, rate=3e-3, schedule="cosine", seed=seed)


# The weights of the series as beta: fact 6.5e-4 at z_dim 2, fact 0.5e-4 at z_dim 16 (post IV).
POST_4_PLANE, POST_4_TINY = round(2 * 784 * 6.5e-4 / 2, 4), round(2 * 784 * 0.5e-4 / 16, 4)
SWEEP = (0, 0.001, POST_4_TINY, 0.02, 0.1, 0.5, 1, 2, 4, 8, 16)
SEEDS = (2, 3, 4)

RUNS = {
    "series-z2-ae": series(2, None),
    "series-z2-vae": series(2, POST_4_PLANE),
    "series-z16-ae": series(16, None),
    "series-z16-vae": series(16, 1.0),
    **{
        f"sweep-z{z_dim}-{'ae' if beta is None else f'beta-{beta:.3g}'}": sweep(z_dim, beta)
        for z_dim in (2, 16)
        for beta in (None, *SWEEP)
    },
    # The same training from other first weights: how much of a result is luck?
    **{
        f"seed-{seed}-z2-{'ae' if beta is None else f'beta-{beta:.3g}'}": sweep(2, beta, seed)
        for seed in SEEDS
        for beta in (None, 0.5)
    },
    # MachineCurve's own training: Adam's default rate, a fifth of the images held back.
    "machinecurve-100": Run("machinecurve", 2, 1.0, 100, 1e-3, "constant", images=48_000),
    # The architecture of Burda et al. on binarized MNIST, whose numbers others report.
    "burda-binarized": Run("burda", 50, 1.0, 560, 2e-3, "cosine", batch_size=100, binarized=True),
    # The coloured shapes of chapter ``beyond-digits``, which the course draws itself.
    "shapes-z8": Run(
        "shapes", 8, 1.0, 25, 2e-3, "cosine", batch_size=64, images=20_000, data="shapes"
    ),
}


def build(run, n_images):
    """Encoder, decoder and the compiled model that trains them."""
    import keras

    from vaelib import networks, objectives, placements

    keras.utils.set_random_seed(run.seed)
    spec = networks.preset(run.preset, z_dim=run.z_dim)
    encoder = networks.build_encoder(spec, variational=run.beta is not None)
    decoder = networks.build_decoder(spec)
    rate = run.rate
    if run.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            rate, run.epochs * -(-n_images // run.batch_size)
        )
    # XLA slows these convolutions on a CPU (book/runs.md); JAX knows nothing else.
    jit = {"jit_compile": False} if keras.backend.backend() == "tensorflow" else {}
    optimizer = keras.optimizers.Adam(rate)
    if run.beta is None:
        model = keras.Model(encoder.input, decoder(encoder.output))
        model.compile(optimizer, loss=objectives.reconstruction, **jit)
    else:
        model = placements.build(PLACEMENT, encoder, decoder, run.beta, run.seed, optimizer, **jit)
    return spec, encoder, decoder, model


def train(name, run, images, folder=UNFINISHED):
    """Train, or go on where an interrupted training stopped; return networks and history."""
    import keras
    from resumable import fit

    spec, encoder, decoder, model = build(run, len(images))
    history = fit(
        model, images, folder / name, kit=keras, batch_size=run.batch_size, epochs=run.epochs,
        fresh=redraw(run, images) if run.binarized else None,
    )  # fmt: skip
    history = [{key: round(value, 3) for key, value in row.items()} for row in history]
    return spec, encoder, decoder, model, history


def redraw(run, images):
    """For each epoch, a function from its number: images drawn anew, in a new order."""
    import numpy as np

    from vaelib import data

    def fresh(epoch):
        order = np.random.default_rng([run.seed, 0, epoch]).permutation(len(images))
        return data.binarize(images[order], seed=[run.seed, 1, epoch])

    return fresh


def figures(model, encoder, decoder, images):
    """What a model reaches on images: with a draw of z, as in training, and with mu for z."""
    import numpy as np

    from vaelib import latent, objectives

    codes = latent.encode(encoder, images)
    outputs = decoder.predict(codes, batch_size=200, verbose=0)
    pieces = zip(np.split(images, len(images) // 100), np.split(outputs, len(images) // 100))
    of_mu = np.mean([np.mean(objectives.reconstruction(*piece)) for piece in pieces])
    if len(encoder.outputs) == 1:
        return {"loss": round(float(of_mu), 3), "reconstruction": round(float(of_mu), 3)}
    found = {**model.evaluate(images, batch_size=200), "reconstruction_of_mu": of_mu}
    return {key: round(float(value), 3) for key, value in found.items()}


def store(name, run, data, spec, encoder, decoder, model, history):
    """Write weights and manifest, the manifest last; half a checkpoint is none."""
    from vaelib import checkpoints
    from vaelib.data import binarize

    checkpoints.FOLDER.mkdir(exist_ok=True)
    files = {}
    for part, network in zip(checkpoints.PARTS, (encoder, decoder)):
        path = checkpoints.weights_path(name, part)
        unfinished = path.with_name(f"unfinished-{path.name}")
        network.save_weights(unfinished)
        os.replace(unfinished, path)
        files[path.name] = checkpoints.file_checksum(path)
    images = {"train": data.x_train[: run.images], "test": data.x_test}
    if run.binarized:
        images = {part: binarize(pixels) for part, pixels in images.items()}
    manifest = {
        **told_by_the_run(name, run, data, spec),
        "parameters": encoder.count_params() + decoder.count_params(),
        "figures": {
            part: figures(model, encoder, decoder, pixels) for part, pixels in images.items()
        },
        "seconds": round(sum(row["seconds"] for row in history)),
        "history": [{k: v for k, v in row.items() if k != "seconds"} for row in history],
        "probe": checkpoints.probe(encoder, decoder),
        "files": files,
    }
    manifest["sha256"] = checkpoints.seal(json.loads(json.dumps(manifest)))
    path = checkpoints.FOLDER / f"{name}.json"
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(manifest, indent=1) + "\n")
    os.replace(unfinished, path)


def told_by_the_run(name, run, data, spec):
    """What a manifest says before anything is trained: network, data, settings, versions."""
    import keras

    backend = keras.backend.backend()
    variational = run.beta is not None
    return {
        "name": name,
        "network": asdict(spec),
        "preset": run.preset,
        "variational": variational,
        "placement": PLACEMENT if variational else None,
        "beta": run.beta,
        "data": {"name": data.name, "sha256": data_checksum(data)},
        "seed": run.seed,
        "epochs": run.epochs,
        "batch_size": run.batch_size,
        "images": run.images,
        **({"pixels": "binarized, anew for every epoch"} if run.binarized else {}),
        "optimizer": "Adam",
        "rate": run.rate,
        "schedule": run.schedule,
        "backend": backend,
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("keras", backend, "numpy")},
        },
    }


def data_checksum(data):
    """SHA-256 of the training and test images as bytes."""
    import hashlib

    import numpy as np

    digest = hashlib.sha256()
    for images in (data.x_train, data.x_test):
        digest.update(np.round(images * 255).astype("uint8").tobytes())
    return digest.hexdigest()


def table():
    """What is shipped, as a Markdown table for the page book/runs."""
    from vaelib import checkpoints

    lines = [
        "| checkpoint | z_dim | beta | epochs | reconstruction | KL | minutes | MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in RUNS:
        manifest = checkpoints.manifest(name)
        test = manifest["figures"]["test"]
        beta = "none" if manifest["beta"] is None else f"{manifest['beta']:g}"
        kl = f"{test['kl']:.1f}" if "kl" in test else "none"
        size = sum(checkpoints.weights_path(name, p).stat().st_size for p in checkpoints.PARTS)
        lines.append(
            f"| `{name}` | {manifest['network']['z_dim']} | {beta} "
            f"| {manifest['epochs']} | {test['reconstruction']:.1f} | {kl} "
            f"| {manifest['seconds'] / 60:.0f} | {size / 1e6:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="such as series-z2-vae")
    parser.add_argument("--all", action="store_true", help="train all that are not there yet")
    chosen = parser.parse_args()
    from vaelib import checkpoints

    there = checkpoints.names()
    unknown = [name for name in chosen.names if name not in RUNS]
    if unknown:
        sys.exit(f"There is no run {unknown[0]!r}: without a name this command lists all.")
    names = [name for name in RUNS if name not in there] if chosen.all else chosen.names
    if not names and not chosen.all:
        for name, run in RUNS.items():
            started = (UNFINISHED / name).exists()
            state = "shipped" if name in there else "started" if started else "missing"
            print(f"{name:22} {state:8} {run}")
    for name in names:
        train_and_store(name, RUNS[name])
    if names and set(RUNS) <= set(checkpoints.names()):
        TABLE.write_text(table())


def load(run):
    """The images of a run. Shapes are drawn, so there are as many as it asks for."""
    from vaelib import data, shapes

    images = data.load(run.data)
    if images.name != run.data:
        sys.exit("The checkpoints need MNIST: set VAELIB_DATA to a folder with mnist.npz.")
    if run.data == "shapes":
        x_train, factors = shapes.generate(run.images, seed=0)
        images = images._replace(x_train=x_train, y_train=factors["shape"])
    return images


def train_and_store(name, run):
    """Make one checkpoint."""
    from vaelib import checkpoints

    images = load(run)
    print(f"{name}: training", flush=True)
    store(name, run, images, *train(name, run, images.x_train[: run.images]))
    shutil.rmtree(UNFINISHED / name)
    print(f"{name}: {checkpoints.manifest(name)['figures']['test']}", flush=True)


if __name__ == "__main__":
    main()
