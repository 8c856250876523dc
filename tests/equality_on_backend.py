"""One step of every placement on the backend that runs, with given weights, images and noise.

``python tests/equality_on_backend.py FOLDER``: reads given.npz there, writes BACKEND.npz with the
figures of each step and how far it moved each weight; prints the names of what it did as JSON.
"""

import importlib
import json
import sys
from pathlib import Path

import keras
import numpy as np
from keras import ops

from vaelib import networks, placements, replicas

BETAS = (0.0, 0.01, 1.0, 10.0)
Z_DIM = 2
MUTANTS = {
    "doubled": lambda kl: 2.0 * kl,
    "dropped": lambda kl: 0.0 * kl,
    "averaged": lambda kl: kl / Z_DIM,
    "without gradient": ops.stop_gradient,
}
SPEC = networks.preset("quick", z_dim=Z_DIM, hidden=(32,), decoder_hidden=(32,))


def step(name, beta, given):
    """Figures of one step of gradient descent with rate 1, and what it took from each weight."""
    encoder, decoder = networks.build_encoder(SPEC), networks.build_decoder(SPEC)
    weights = [given[f"weight {number}"] for number in range(10)]
    encoder.set_weights(weights[:6])
    decoder.set_weights(weights[6:])
    vae = placements.build(name, encoder, decoder, beta, optimizer=keras.optimizers.SGD(1.0))
    images = given["images"]
    history = vae.fit(images, batch_size=len(images), shuffle=False, verbose=0).history
    after = [
        ops.convert_to_numpy(weight)
        for part in (vae.encoder, vae.decoder)
        for weight in part.trainable_weights
    ]
    figures = [history[key][0] for key in ("loss", "reconstruction", "kl")]
    return [np.array(figures)] + [old - new for old, new in zip(weights, after)]


def main(folder):
    given = np.load(folder / "given.npz")
    replicas.normal = lambda shape, generator: ops.convert_to_tensor(given["epsilon"])
    done = {}
    for name in placements.names():
        for beta in BETAS:
            done[f"{name}, beta {beta:g}"] = step(name, beta, given)
        # The loop by hand takes its objective from train_step.
        source = "train_step" if name == "custom_loop" else name
        module = importlib.import_module(f"vaelib.placements.{source}")
        honest = module.gaussian_kl
        for mutant, change in MUTANTS.items():
            module.gaussian_kl = lambda *heads, do=change, of=honest: do(of(*heads))
            done[f"{name}, {mutant}"] = step(name, 1.0, given)
        module.gaussian_kl = honest
    arrays = {f"{key} {n}": array for key, found in done.items() for n, array in enumerate(found)}
    np.savez(folder / f"{keras.backend.backend()}.npz", **arrays)
    print(json.dumps(list(done)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
