"""Time and memory against replicas, workers, codes: ``python tools/measure_scaling.py [PART ...]``.

Writes ``book/_data/scaling.json`` and the tables of the page *How long runs take*. Its parts are
``steps``, a training step on one device, on two replicas and in two workers, and ``codes``, a
latent study of 10^3 to 10^6 codes. Each measurement runs in a process of its own, so that its peak
of memory is its own.
"""

import argparse
import functools
import json
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "book" / "_data"
RECORD = DATA / "scaling.json"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
STUDIES = ("encode", "extents", "neighbours", "t-SNE of 2,000")
GLOBAL_BATCH, STEPS, WARM_UP = 256, 30, 5


def measured(work):
    """CPU seconds of a piece of work, and what it returns: the clock counts other work, too."""
    start = time.process_time()
    result = work()
    return round(time.process_time() - start, 3), result


def peak():
    """The most memory this process has used, in megabytes."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


# What runs in a process of its own ----------------------------------------------------------------


def training_steps(replicas):
    """CPU milliseconds per step with a global batch of 256, and the peak of memory."""
    import tensorflow as tf

    if "TF_CONFIG" in os.environ:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif replicas == 2:
        (cpu,) = tf.config.list_physical_devices("CPU")
        half = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(cpu, [half, half])
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    else:
        strategy = tf.distribute.get_strategy()
    step, batches = _step(tf, strategy)
    times = []
    for _, batch in zip(range(WARM_UP + STEPS), batches):
        seconds, _ = measured(lambda batch=batch: float(step(batch)))
        times.append(seconds)
    return {"milliseconds": round(1e3 * float(np.median(times[WARM_UP:])), 1), "megabytes": peak()}


def _step(tf, strategy):
    """A step of a dense VAE under a strategy, and an endless stream of batches."""
    import keras

    from vaelib import networks, objectives

    with strategy.scope():
        spec = networks.preset("quick")
        encoder, decoder = networks.build_encoder(spec), networks.build_decoder(spec)
        weights = encoder.trainable_variables + decoder.trainable_variables
        adam = keras.optimizers.Adam()
        adam.build(weights)

    def on_replica(images):
        with tf.GradientTape() as tape:
            mu, log_var = encoder(images)
            z = mu + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mu))
            nats = objectives.reconstruction(images, decoder(z))
            nats += objectives.gaussian_kl(mu, log_var)
            loss = tf.reduce_sum(nats) / GLOBAL_BATCH
        adam.apply(tape.gradient(loss, weights), weights)
        return loss

    @tf.function
    def step(images):
        return strategy.reduce("SUM", strategy.run(on_replica, [images]), axis=None)

    def stream(context):
        size = context.get_per_replica_batch_size(GLOBAL_BATCH)
        images = np.random.default_rng(1).random((2_000, 28, 28, 1), dtype="float32")
        return tf.data.Dataset.from_tensor_slices(images).repeat().batch(size)

    if strategy.num_replicas_in_sync == 1:
        return step, stream(tf.distribute.InputContext())
    return step, strategy.distribute_datasets_from_function(stream)


def latent_study(study, n):
    """Seconds and memory of one part of a latent study of n codes, and the memory before it."""
    work = {"encode": _encode, "extents": _extents, "neighbours": _neighbors}.get(study, _tsne)
    rng = np.random.default_rng(0)
    codes, labels = rng.normal(size=(n, 2)).astype("float32"), rng.integers(0, 10, n)
    work(codes[:1_000].copy(), labels[:1_000])  # imports, and what is compiled once
    before = peak()
    seconds, _ = measured(lambda: work(codes, labels))
    return {"seconds": seconds, "megabytes": peak(), "before": before}


@functools.cache
def _encoder():
    from vaelib import networks

    return networks.build_encoder(networks.preset("quick"))


def _encode(codes, labels):
    """Fill in the codes of images that come as a stream, 1,000 at a time."""
    from vaelib import latent

    images = np.random.default_rng(0).random((1_000, 28, 28, 1), dtype="float32")
    for start in range(0, len(codes), 1_000):
        codes[start : start + 1_000] = latent.encode(_encoder(), images)


def _extents(codes, labels):
    from vaelib import latent

    return latent.extents(codes)


def _neighbors(codes, labels):
    """Judge 1,000 new codes by the known ones."""
    from vaelib import latent

    rng = np.random.default_rng(1)
    new = rng.normal(size=(1_000, 2)), rng.integers(0, 10, 1_000)
    return latent.neighbor_accuracy(codes, labels, *new)


def _tsne(codes, labels):
    """t-SNE of at most 2,000 of the codes."""
    from sklearn.manifold import TSNE

    chosen = np.random.default_rng(1).choice(len(codes), min(len(codes), 2_000), replace=False)
    return TSNE(random_state=0).fit_transform(codes[chosen])


# What starts those processes ----------------------------------------------------------------------

CALL = "import json, sys; sys.path.insert(0, sys.argv[1]); import measure_scaling as m; "
CALL += "print(json.dumps(getattr(m, sys.argv[2])(*json.loads(sys.argv[3]))))"


def start(name, *arguments, **environment):
    """Let a new Python call one of the functions above; do not wait."""
    return subprocess.Popen(
        [sys.executable, "-c", CALL, str(ROOT / "tools"), name, json.dumps(arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process):
    """What the function returned.

    Raises:
        RuntimeError: the process has failed.
    """
    text, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"A measurement ended with {process.returncode}: its message is above.")
    return json.loads(text.splitlines()[-1])


def two_workers():
    """Two processes on this machine: their CPU time together, the memory of the larger one."""
    holds = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    places = [f"127.0.0.1:{hold.getsockname()[1]}" for hold in holds]
    for hold in holds:
        hold.close()
    workers = [
        start("training_steps", 1, TF_CONFIG=json.dumps(
            {"cluster": {"worker": places}, "task": {"type": "worker", "index": index}}
        ))
        for index in range(2)
    ]  # fmt: skip
    results = [result(worker) for worker in workers]
    return {
        "milliseconds": round(sum(each["milliseconds"] for each in results), 1),
        "megabytes": max(each["megabytes"] for each in results),
    }


def steps():
    """A step on one device, on two replicas, and in two workers."""
    return {
        "one device": result(start("training_steps", 1)),
        "two replicas": result(start("training_steps", 2)),
        "two workers": two_workers(),
    }


def codes():
    """The latent study, part by part and size by size."""
    return {
        study: {str(n): result(start("latent_study", study, n)) for n in SIZES} for study in STUDIES
    }


PARTS = {"steps": steps, "codes": codes}


# What is stored -----------------------------------------------------------------------------------


def tables(record):
    """The Markdown tables of a record: a dict from file name to text."""
    lines = ["| | CPU ms a step | MB a process |", "|---|--:|--:|"]
    for name, row in record["steps"].items():
        lines.append(f"| {name} | {row['milliseconds']:.0f} | {row['megabytes']:,} |")
    sizes = [f"{n:,}" for n in SIZES]
    studies = [f"| codes | {' | '.join(sizes)} |", "|---|" + len(SIZES) * "--:|"]
    for study in STUDIES:
        rows = [record["codes"][study][str(n)] for n in SIZES]
        cells = [f"{_seconds(row)} s, {row['megabytes'] - row['before']:,} MB" for row in rows]
        studies.append(f"| {study} | {' | '.join(cells)} |")
    texts = {"scaling-steps.md": lines, "scaling-codes.md": studies}
    return {name: "\n".join(text) + "\n" for name, text in texts.items()}


def _seconds(row):
    if not row["seconds"]:
        return "under 0.001"  # process_time() is rounded to that
    return f"{row['seconds']:.0f}" if row["seconds"] >= 10 else f"{row['seconds']:.2g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for part in parser.parse_args().parts or PARTS:
        record[part] = PARTS[part]()
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        print(f"{part}: measured and stored", flush=True)
    for name, text in tables(record).items():
        (DATA / name).write_text(text)


if __name__ == "__main__":
    main()
