"""Measure how the chapters' runs were chosen: ``python tools/measure_runs.py [NETWORK]``.

Trains each candidate once on this machine, or those of one network, and writes
book/_data/runs.json, and from it the table that the page book/runs includes.
Computing time is CPU time on two cores: other work on the machine hardly changes it.
"""

import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "book" / "_data"

# chapter, model, network, z_dim, batch, rate, schedule, XLA, training images, epochs
# fmt: off
CANDIDATES = [
    ("compress-digits", "AE", "series", 2, 128, 5e-4, "constant", False, 24_000, 2),
    ("compress-digits", "AE", "series", 2, 128, 2e-3, "cosine", False, 24_000, 2),
    ("compress-digits", "AE", "series", 2, 64, 4e-3, "cosine", False, 24_000, 2),
    ("compress-digits", "AE", "series", 2, 64, 4e-3, "cosine", True, 24_000, 2),
    ("points-to-distributions", "VAE", "series", 2, 64, 4e-3, "cosine", False, 30_000, 1),
    ("points-to-distributions", "VAE", "machinecurve", 2, 128, 2e-3, "cosine", False, 30_000, 5),
    ("points-to-distributions", "VAE", "quick", 2, 256, 2e-3, "constant", False, 30_000, 12),
    ("points-to-distributions", "VAE", "quick", 2, 256, 2e-3, "constant", True, 30_000, 12),
    ("points-to-distributions", "VAE", "quick", 2, 256, 2e-3, "cosine", True, 30_000, 12),
    # The sweep of weights: what matters is the loss for the megabytes, in bearable time.
    ("weigh-the-kl-term", "VAE", "series", 16, 128, 1e-3, "cosine", False, 60_000, 1),
    ("weigh-the-kl-term", "VAE", "quick", 16, 128, 2e-3, "cosine", True, 60_000, 6),
    ("weigh-the-kl-term", "VAE", "quick, 64 wide", 16, 128, 3e-3, "cosine", True, 60_000, 6),
    ("weigh-the-kl-term", "VAE", "machinecurve", 16, 128, 3e-3, "cosine", False, 60_000, 3),
]
# fmt: on
NAMES = "chapter model network z_dim batch rate schedule xla images epochs".split()
NARROW = {"hidden": (64, 64), "decoder_hidden": (64, 64)}


def measure(candidate):
    """Train one candidate; return it with what it took and its loss in nats on test images."""
    import keras
    from keras import ops

    from vaelib import data, networks, objectives
    from vaelib.layers import Sampling

    row = dict(zip(NAMES, candidate))
    mnist = data.load("mnist", n_train=row["images"], n_test=2_000)
    if mnist.name != "mnist":
        raise SystemExit("This table needs MNIST: set VAELIB_DATA to a folder with mnist.npz.")
    keras.utils.set_random_seed(1)
    network, _, width = row["network"].partition(", ")
    spec = networks.preset(network, z_dim=row["z_dim"], **(NARROW if width else {}))

    class AddKL(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.mean(objectives.gaussian_kl(*inputs)))
            return inputs

    encoder = networks.build_encoder(spec, variational=row["model"] == "VAE")
    z = encoder.output
    if row["model"] == "VAE":
        z = Sampling(seed=1)(AddKL()(z))
    model = keras.Model(encoder.input, networks.build_decoder(spec)(z))
    rate = row["rate"]
    if row["schedule"] == "cosine":
        steps = row["epochs"] * -(-row["images"] // row["batch"])
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(
        keras.optimizers.Adam(rate), loss=objectives.reconstruction, jit_compile=row["xla"],
        steps_per_execution=20 if network == "quick" else 1,
    )  # fmt: skip
    row["megabytes"] = round(4e-6 * model.count_params(), 2)
    start, computing = time.perf_counter(), sum(os.times()[:2])
    model.fit(
        mnist.x_train, mnist.x_train, batch_size=row["batch"], epochs=row["epochs"], verbose=0
    )
    row["seconds"] = round(time.perf_counter() - start, 1)
    row["computing"] = round((sum(os.times()[:2]) - computing) / 2, 1)
    row["loss"] = round(float(model.evaluate(mnist.x_test, mnist.x_test, verbose=0)), 1)
    return row


def table(record):
    """The Markdown table of a record."""
    lines = [
        "| for | network | z_dim | MB | batch | learning rate | XLA | images | seconds "
        "| computing | nats |",
        "|---|---|--:|--:|--:|---|---|--:|--:|--:|--:|",
    ]
    for row in record["rows"]:
        lines.append(
            f"| {{chapter}}`{row['chapter']}`,&nbsp;{row['model']} "
            f"| `{row['network']}` | {row['z_dim']} "
            f"| {row['megabytes']:.2f} | {row['batch']} "
            f"| {row['rate']:g}, {row['schedule']} | {'on' if row['xla'] else 'off'} "
            f"| {row['images'] * row['epochs']:,} | {row['seconds']:.0f} "
            # Older rows have the clock alone.
            f"| {round(row['computing']) if 'computing' in row else '–'} | {row['loss']:.1f} |"
        )
    return "\n".join(lines) + "\n"


def main():
    from vaelib import quiet_tensorflow

    quiet_tensorflow()
    import psutil

    path = DATA / "runs.json"
    known = json.loads(path.read_text())["rows"] if path.exists() else []
    rows = {tuple(row[name] for name in NAMES): row for row in known}
    for candidate in CANDIDATES:
        if sys.argv[1:] in ([], [candidate[2]]):
            rows[candidate] = measure(candidate)
            print(rows[candidate], flush=True)
    record = {
        "python": platform.python_version(),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
        "cores": psutil.cpu_count(),
        "seed": 1,
        "rows": [rows[candidate] for candidate in CANDIDATES if candidate in rows],
    }
    DATA.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    (DATA / "runs-table.md").write_text(table(record))


if __name__ == "__main__":
    main()
