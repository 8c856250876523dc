"""Train with other terms in the place of the KL term: ``python tools/relatives_record.py``.

Three seeds of each term of chapter ``other-priors``, on 20,000 images of MNIST, and what came
out for the 10,000 test images: book/_data/relatives.json. Terms and training are the chapter's
own: the cells tagged "relatives" define them. An interrupted measurement goes on where it stopped.
Needs MNIST: set VAELIB_DATA to a folder with mnist.npz. Takes half an hour on two cores.
"""

import json
import platform
import sys
from importlib.metadata import version

import collapse_record
import numpy as np
from collapse_record import ROOT, fingerprint

SLUG = "other-priors"
RECORD = ROOT / "book" / "_data" / "relatives.json"
UNFINISHED = ROOT / ".training" / "relatives.jsonl"
SEEDS, IMAGES, EPOCHS, Z_DIM = (1, 2, 3), 20_000, 12, 8
DRAWS, FITTED = 2_000, 10


def chapter_cells():
    """The sources of the cells tagged "relatives", in their order."""
    return collapse_record.chapter_cells(SLUG, "relatives")


def chapter(sources):
    """What the cells define, with the imports of the chapter."""
    import keras
    from keras import layers, ops

    from vaelib import networks
    from vaelib.vae import reconstruction

    defined = dict(
        keras=keras, layers=layers, ops=ops, np=np, networks=networks, reconstruction=reconstruction
    )
    for source in sources:
        exec(source, defined)
    return defined


def terms(defined):
    """A maker of each term, by the name that the chapter's table gives it."""
    return {
        "KL term": lambda: defined["kl_term"],
        "learned prior": lambda: defined["MixturePrior"](z_dim=Z_DIM),
        "target rate": lambda: defined["target_rate"],
        "MMD": lambda: defined["mmd"],
        "total correlation": lambda: defined["total_correlation"],
        "nothing": lambda: defined["nothing"],
    }


def measured(parts, term, x_test, is_digit, seed):
    """What a trained model makes of the test images, and of draws."""
    from sklearn.mixture import GaussianMixture

    from vaelib import latent, objectives

    vae, encoder, decoder = parts
    rng = np.random.default_rng(seed)
    mu, log_var = encoder.predict(x_test, batch_size=500, verbose=0)
    z = (mu + np.exp(log_var / 2) * rng.normal(size=mu.shape)).astype("float32")
    x_hat = decoder.predict(z, batch_size=500, verbose=0)
    pieces = zip(np.split(x_test, 20), np.split(x_hat, 20))
    learned = hasattr(term, "draw")
    own = [float(term(*part)) for part in zip(*(np.split(a, 20) for a in (mu, log_var, z)))]
    points = {
        "prior": term.draw(DRAWS, rng) if learned else rng.normal(size=(DRAWS, Z_DIM)),
        "fitted": GaussianMixture(FITTED, random_state=0).fit(z.astype(float)).sample(DRAWS)[0],
    }
    decoded = {
        name: decoder.predict(p.astype("float32"), batch_size=500, verbose=0)
        for name, p in points.items()
    }
    return {
        "reconstruction": float(np.mean([objectives.reconstruction(*piece) for piece in pieces])),
        "kl": float(latent.kl_per_dimension(mu, log_var).sum()),
        "kl to the learned prior": float(np.mean(own)) if learned else None,
        "used": int((latent.kl_per_dimension(mu, log_var) > 0.1).sum()),
        "total correlation of a Gaussian": float(-np.linalg.slogdet(np.corrcoef(z.T))[1] / 2),
        "digits from the prior": float((is_digit(decoded["prior"]) >= 0).mean()),
        "digits from a mixture fitted afterwards": float((is_digit(decoded["fitted"]) >= 0).mean()),
    }


def main():
    sys.path.insert(0, str(ROOT))
    import keras

    from vaelib import data, judge

    digits = data.load("mnist", n_train=IMAGES)
    if digits.name != "mnist":
        sys.exit("The record needs MNIST: set VAELIB_DATA to a folder with mnist.npz.")
    is_digit = judge.train_judge(digits.x_train[:10_000], digits.y_train[:10_000])
    sources = chapter_cells()
    defined, definitions = chapter(sources), fingerprint(sources)
    UNFINISHED.parent.mkdir(exist_ok=True)
    UNFINISHED.touch()
    runs = [json.loads(line) for line in UNFINISHED.read_text().splitlines()]
    for name, make in terms(defined).items():
        for seed in SEEDS:
            if any((run["term"], run["seed"]) == (name, seed) for run in runs):
                continue
            keras.utils.set_random_seed(seed)
            term = make()
            parts = defined["train_with"](term, digits.x_train, epochs=EPOCHS, z_dim=Z_DIM)
            found = measured(parts, term, digits.x_test, is_digit, seed)
            runs.append({"term": name, "seed": seed, **found})
            with open(UNFINISHED, "a") as file:
                file.write(json.dumps(runs[-1]) + "\n")
            print(runs[-1], flush=True)
    write(runs, definitions, len(digits.x_test))


def write(runs, definitions, test_images):
    """The record, and how it was made."""
    record = {
        "chapter": SLUG,
        "definitions": definitions,
        "images": IMAGES,
        "test images": test_images,
        "epochs": EPOCHS,
        "z_dim": Z_DIM,
        "draws": DRAWS,
        "Gaussians fitted afterwards": FITTED,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy", "scikit-learn")},
        },
        "runs": [
            {key: round(v, 3) if isinstance(v, float) else v for key, v in run.items()}
            for run in runs
        ],
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    UNFINISHED.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
