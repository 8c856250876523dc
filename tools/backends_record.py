"""Measure the backends, and keep what chapter ``jax-and-pytorch`` shows where they are missing.

``python tools/backends_record.py`` needs ``make backends`` and some minutes. It measures what takes
too long for a chapter (seconds, memory, convolutions, placements), runs the chapter, once with
MNIST and once with the digits that need no network, and keeps what its cells found on JAX and
PyTorch. All of it goes to ``book/_data/backends.json``. ``--only costs`` measures one part again.
"""

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import nbformat
from chapter_files import path_of
from nbclient import NotebookClient

from vaelib import backends

RECORD = Path(__file__).resolve().parent.parent / "book" / "_data" / "backends.json"

# The first cell of the chapter's run: every result of another backend is kept, with its text.
KEEP = """
import json, pathlib
from vaelib import backends

_plain = backends.Elsewhere.on_each

def _on_each(self, functions, arguments):
    path = pathlib.Path({path!r})
    results, told = _plain(self, functions, arguments)
    name, text = backends.key(functions, arguments)
    others = {{b: r for b, r in results.items() if told[b] == "a process"}}
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({{**kept, name: {{"text": text, "results": others}}}}))
    return results, told

backends.Elsewhere.on_each = _on_each
"""


def start():
    """Computing seconds from the start of a process to here: the imports of a chapter."""
    import time

    return {"start": time.process_time(), "keras": keras.version()}  # noqa: F821


def give_weights(vae):
    """Weights that NumPy draws: the same on every backend."""
    rng = np.random.default_rng(1)  # noqa: F821
    for weight in vae.trainable_weights:
        if len(weight.shape) == 2:
            size = tuple(weight.shape)
            weight.assign(rng.normal(scale=size[0] ** -0.5, size=size))


def epochs_of(epochs):
    """Seconds of each epoch of the VAE to copy on 6,000 images; and the peak of its memory."""
    import re
    import time
    from pathlib import Path

    images = np.random.default_rng(0).random((6_000, 28, 28, 1)).astype("float32")  # noqa: F821
    vae = build_vae()  # noqa: F821
    give_weights(vae)
    seconds, computing = [], []
    for _ in range(epochs):
        begin, busy = time.monotonic(), time.process_time()
        vae.fit(images, images, batch_size=128, verbose=0)
        seconds.append(time.monotonic() - begin)
        computing.append(time.process_time() - busy)
    # Of this process alone; what getrusage tells begins with the memory of the parent. Linux only.
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1] if status.exists() else "nan"
    gigabytes = float(peak) / 2**20
    return {"seconds": seconds, "computing": computing, "gigabytes": gigabytes}


def convolutions(rounds):
    """Computing seconds of an epoch of 8 batches of 64, for a decoder of either kind."""
    import time

    def decoder(kind):
        z = keras.Input((7, 7, 32))  # noqa: F821
        h = z
        for filters in (32, 16):
            if kind == "transposed":
                h = layers.Conv2DTranspose(filters, 3, 2, "same", activation="relu")(h)  # noqa: F821
            else:
                h = layers.UpSampling2D()(h)  # noqa: F821
                h = layers.Conv2D(filters, 3, padding="same", activation="relu")(h)  # noqa: F821
        model = keras.Model(z, layers.Conv2D(1, 3, padding="same")(h))  # noqa: F821
        model.compile("adam", loss="mse")
        return model

    z = np.random.default_rng(0).normal(size=(512, 7, 7, 32)).astype("float32")  # noqa: F821
    x = np.zeros((512, 28, 28, 1), "float32")  # noqa: F821
    found = {}
    for kind in ("transposed", "upsampling"):
        model = decoder(kind)
        seconds = []
        for _ in range(rounds):
            begin = time.process_time()
            model.fit(z, x, batch_size=64, verbose=0)
            seconds.append(time.process_time() - begin)
        found[kind] = min(seconds[1:])
    return found


def placements_on():
    """Build and train each placement of the library: "trains", or what Keras or we say."""
    from vaelib import networks, placements

    images = data.load("mnist", n_train=512, n_test=64).x_train  # noqa: F821
    network = networks.preset("quick", z_dim=2, hidden=(32,), decoder_hidden=(32,))
    told = {}
    for name in placements.PLACEMENTS:
        encoder, decoder = networks.build_encoder(network), networks.build_decoder(network)
        try:
            optimizer = keras.optimizers.Adam(1e-3)  # noqa: F821
            vae = placements.build(name, encoder, decoder, beta=1.0, seed=1, optimizer=optimizer)
            loss = vae.fit(images, batch_size=64, epochs=3, verbose=0).history["loss"]
            told[name] = "trains" if loss[-1] < loss[0] else f"the loss rises: {loss}"
        except Exception as error:
            told[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return told


def alone(backend, *functions, **arguments):
    """Call the last of some functions on a backend, in a process that does nothing else."""
    with contextlib.closing(backends.Elsewhere({})) as elsewhere:
        return elsewhere.run(backend, functions, arguments)


def measure(part):
    """One of the measurements, on every backend, each in a process of its own."""
    found = {}
    for backend in backends.BACKENDS:
        print(f"{part} on {backend}", flush=True)
        if part == "costs":
            found[backend] = alone(backend, start)
            found[backend] |= alone(backend, give_weights, epochs_of, epochs=5)
        elif part == "convolutions":
            found[backend] = alone(backend, convolutions, rounds=4)
        else:
            found[backend] = alone(backend, placements_on)
    return found


def run_chapter():
    """What the cells of the chapter find on the other backends, by ``backends.key``."""
    path = path_of("jax-and-pytorch")
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.json"
        kept.write_text("{}")
        for mnist in (True, False):
            print("the chapter,", "MNIST" if mnist else "fallback digits", flush=True)
            before = dict(os.environ)
            if not mnist:
                os.environ.pop("VAELIB_DATA", None)
                os.environ["KERAS_HOME"] = folder
            notebook = nbformat.read(path, 4)
            notebook.cells.insert(0, nbformat.v4.new_code_cell(KEEP.format(path=str(kept))))
            NotebookClient(
                notebook, timeout=1800, resources={"metadata": {"path": str(path.parent)}}
            ).execute()
            os.environ.clear()
            os.environ.update(before)
        return json.loads(kept.read_text())


PARTS = ("costs", "convolutions", "placements")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=(*PARTS, "chapter"), help="measure this part alone")
    only = parser.parse_args().only
    missing = [title for b, title in backends.BACKENDS.items() if backends.python_of(b) is None]
    if missing:
        sys.exit(f"Not installed: {', '.join(missing)}. `make backends` makes places for them.")
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"runs": {}}
    for part in PARTS if only is None else {only} & set(PARTS):
        record[part] = measure(part)
        record["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python "
        record["machine"] += platform.python_version()
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    if only in (None, "chapter"):
        record["runs"] = run_chapter()
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    print(f"written: {RECORD.name}")


if __name__ == "__main__":
    main()
