"""Turn beta on pictures whose factors are known: ``python tools/shape_runs.py``.

Trains the network of the checkpoint ``shapes-z8`` at three KL weights from three seeds each, and
writes book/_data/shape-runs.npz: what each of the nine made of pictures it has not seen. Chapter
``known-factors`` asks from it whether a larger beta gives a factor a dimension of its own.
The run with beta 1 and seed 1 is the checkpoint itself; the other eight keep no weights.
An interrupted training resumes after its last epoch; seven minutes a run on one core.
"""

import shutil
from dataclasses import replace

import numpy as np
from train_checkpoints import ROOT, RUNS, UNFINISHED, figures, load, store, train

RECORD = ROOT / "book" / "_data" / "shape-runs.npz"
NAME = "shapes-z8"
BETAS, SEEDS = (1.0, 4.0, 16.0), (1, 2, 3)
CODES, CODES_SEED = 5_000, 97  # pictures that no run has seen
SHOWN = 10


def runs():
    """Nine trainings that differ in beta and in the seed alone."""
    return {
        f"shapes-beta-{beta:g}-seed-{seed}": replace(RUNS[NAME], beta=beta, seed=seed)
        for beta in BETAS
        for seed in SEEDS
    }


def seen(run, encoder, decoder, model, x_test):
    """What the record keeps of one run: settings, codes, rates, losses, some pictures."""
    from vaelib import latent, shapes

    pictures, _ = shapes.generate(CODES, seed=CODES_SEED)
    mu, log_var = encoder.predict(pictures, batch_size=200, verbose=0)
    test = figures(model, encoder, decoder, x_test)
    return {
        "beta": run.beta,
        "seed": run.seed,
        # Half precision is a thousandth of a code; the noise around it is a hundredth at least.
        "mu": mu.astype("float16"),
        "kl": latent.kl_per_dimension(mu, log_var),
        **{name: test[name] for name in ("reconstruction", "reconstruction_of_mu")},
        "pictures": np.round(255 * decoder.predict(mu[:SHOWN], verbose=0)).astype("uint8"),
    }


def main():
    from vaelib import checkpoints

    UNFINISHED.mkdir(exist_ok=True)
    images, kept = load(RUNS[NAME]), {}
    for name, run in runs().items():
        kept[name] = UNFINISHED / f"{name}.npz"
        if kept[name].exists():
            continue
        print(f"{name}: training", flush=True)
        trained = train(name, run, images.x_train)
        _, encoder, decoder, model, _ = trained
        if run == RUNS[NAME] and NAME not in checkpoints.names():
            store(NAME, run, images, *trained)
        found = seen(run, encoder, decoder, model, images.x_test)
        np.savez_compressed(kept[name], **found)
        shutil.rmtree(UNFINISHED / name)
        print(name, {key: np.round(found[key], 2) for key in ("reconstruction", "kl")}, flush=True)
    write(list(kept.values()))


def write(paths):
    """All runs in one file, a row each."""
    found = [dict(np.load(path)) for path in paths]
    rows = {name: np.stack([run[name] for run in found]) for name in found[0]}
    np.savez_compressed(RECORD, codes_seed=CODES_SEED, **rows)
    print(f"{RECORD.relative_to(ROOT)}: {len(found)} runs, {RECORD.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
