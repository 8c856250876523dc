"""Train what the sources trained, at their size: ``python tools/ledger_trainings.py NAME ...``.

Without a name it lists the trainings. Each leaves its figures, epoch by epoch, in
book/_data/ledger-trainings.json, from which ``python tools/ledger.py`` fills rows of the source
ledger; the two large networks of chapter ``walk-the-manifold`` leave their pictures as well, in
vaelib/trained. An interrupted training of theirs resumes after its last finished epoch.
Needs MNIST: set VAELIB_DATA to a folder with mnist.npz.
"""

import json
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNFINISHED = ROOT / ".training"
RECORD = ROOT / "book" / "_data" / "ledger-trainings.json"
SLUG = "walk-the-manifold"


@dataclass(frozen=True)
class Training:
    """One training as a source describes it; ``beta`` converts its KL weight."""

    source: str
    network: str
    z_dim: int
    beta: float
    epochs: int
    batch_size: int
    rate: float
    images: int = 60_000
    placement: str = "compute_loss"
    keras: str = "keras"
    seed: int = 1


def post(number, z_dim, fact, batch_size, placement, keras):
    """The series' network and optimizer: Adam with rate 5e-4, six epochs of losses printed."""
    beta = 2 * 784 * fact / z_dim
    return Training(
        f"post {number}", "series", z_dim, beta, 6, batch_size, 5e-4, 60_000, placement, keras
    )


def machinecurve(network, epochs):
    """MachineCurve's training: Adam's default rate, the first four fifths of the images."""
    return Training("MachineCurve", network, 2, 1.0, epochs, 128, 1e-3, 48_000)


# MachineCurve's small network trains for a hundred epochs: that one is a checkpoint,
# "machinecurve-100" of tools/train_checkpoints.py.
TRAININGS = {
    "post-5": post("V", 2, 2e-4, 128, "encoder_layer", "keras"),
    "post-7": post("VII", 12, 6.5e-4, 256, "model_add_loss", "tf_keras"),
    "dcgan-narrow": machinecurve("dcgan-narrow", 5),
    # The tutorial gives it five epochs. On two cores one takes twenty minutes on a quiet machine,
    # 35 on ours; whoever has the time raises the number.
    "dcgan-slip": machinecurve("dcgan-slip", 2),
}


def chapter_namespace():
    """What the cells tagged "network" of the chapter define: one text, one truth."""
    from chapter_files import path_of

    cells = json.loads(path_of(SLUG).read_text())["cells"]
    namespace = {}
    for cell in cells:
        if "network" in cell["metadata"].get("tags", []):
            exec("".join(cell["source"]), namespace)
    return namespace


def build(training):
    """Encoder, decoder, and the compiled model."""
    import keras
    import tf_keras

    from vaelib import networks, placements

    kit = {"keras": keras, "tf_keras": tf_keras}[training.keras]
    kit.utils.set_random_seed(training.seed)
    if training.network in networks.PRESETS:
        spec = networks.preset(training.network, z_dim=training.z_dim)
        encoder = networks.build_encoder(spec, keras=kit)
        decoder = networks.build_decoder(spec, keras=kit)
    else:
        dcgan = chapter_namespace()["dcgan"]
        if training.network == "dcgan-slip":
            encoder, decoder = dcgan((128, 256, 512, 1024), chained=False)
        else:
            encoder, decoder = dcgan((16, 32, 64, 128), chained=True, crop=True)
    # XLA slows these convolutions on a CPU (book/runs.md).
    return encoder, decoder, placements.build(
        training.placement, encoder, decoder, training.beta, training.seed,
        kit.optimizers.Adam(training.rate), keras=kit, jit_compile=False,
    )  # fmt: skip


def train(name, images, test_images, folder=UNFINISHED):
    """Train; return the networks, one row of figures for each epoch, and those of the test."""
    import keras
    import tf_keras
    from resumable import fit

    training = TRAININGS[name]
    encoder, decoder, model = build(training)
    rows = fit(
        model, images[: training.images], folder / name,
        kit={"keras": keras, "tf_keras": tf_keras}[training.keras],
        batch_size=training.batch_size, epochs=training.epochs,
        # Keras 2 needs no more than minutes here, and begins again.
        resumes=training.keras == "keras",
        tell=lambda epoch, figures: print(name, epoch, figures, flush=True),
    )  # fmt: skip
    test = model.evaluate(test_images, batch_size=200)
    return encoder, decoder, rows, {key: round(float(value), 4) for key, value in test.items()}


def keep_pictures(name, record, encoder, decoder, test_images):
    """Write what the chapter shows: 35 MB of weights are too many to ship, these are few.

    Codes of all test images; pictures as bytes: of the first thousand reconstructed from mu, of a
    thousand draws from the prior, of the walks in equal steps and in equal shares.
    """
    import numpy as np

    mu, log_var = encoder.predict(test_images, batch_size=100, verbose=0)
    walks = chapter_namespace()["walks"]()
    points = {
        "reconstructed": mu[:1_000],
        "drawn": np.random.default_rng(13).normal(size=(1_000, 2)),
        **walks,
    }
    pictures = {
        key: np.round(
            255 * decoder.predict(z.astype("float32"), batch_size=100, verbose=0)
        ).astype("uint8")
        for key, z in points.items()
    }  # fmt: skip
    path = ROOT / "vaelib" / "trained" / f"{name}.npz"
    np.savez_compressed(
        path, mu=mu, log_var=log_var, record=np.array(json.dumps(record)), **pictures
    )


def main():
    if not sys.argv[1:]:
        for name, training in TRAININGS.items():
            print(f"{name:14} {training}")
        return
    from vaelib import quiet_tensorflow

    quiet_tensorflow()
    from vaelib import data

    mnist = data.load("mnist")
    if mnist.name != "mnist":
        sys.exit("The ledger needs MNIST: set VAELIB_DATA to a folder with mnist.npz.")
    for name in sys.argv[1:]:
        encoder, decoder, rows, test = train(name, mnist.x_train, mnist.x_test)
        training = TRAININGS[name]
        record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        record[name] = {
            **vars(training),
            "parameters": encoder.count_params() + decoder.count_params(),
            "history": rows,
            "test": test,
            "versions": {
                "python": platform.python_version(),
                **{p: version(p) for p in ("tensorflow", training.keras, "numpy")},
            },
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        if name.startswith("dcgan"):
            keep_pictures(name, record[name], encoder, decoder, mnist.x_test)
        shutil.rmtree(UNFINISHED / name)


if __name__ == "__main__":
    main()
