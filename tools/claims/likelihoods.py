"""Numbers that the literature reports for binarized MNIST, beside ours."""

import json

from claims import DATA, NO, Unavailable, row, untestable

CHAPTER = ("decoder-noise",)
PROTOCOL = (
    "The checkpoint `burda-binarized`: the same network, training pixels drawn anew for every "
    "epoch, 5,000 draws for each of the 10,000 test images, whose pixels were drawn once."
)
TOLERANCE = (
    "1 nat, stated while ours was still training: it sees the images 560 times in batches of 100, "
    "the paper's 3,280 times in batches of 20."
)


def _ours():
    path = DATA / "likelihood.json"
    if not path.exists():
        raise Unavailable("There is no record: `python tools/likelihood_record.py`.")
    record = json.loads(path.read_text())
    test = record["minus bound"]["test"]
    return {
        "nats": test["5000"]["mean"], "error": test["5000"]["error"], "elbo": test["1"]["mean"],
        "_from": {"checkpoint": record["checkpoint"], "images": record["images"]["test"]},
    }  # fmt: skip


NOTE = {
    NO: "By little: ours made a thirtieth of the paper's steps. Whether a longer training would "
    "arrive, we do not know."
}
SAID = "{nats:.2f} nats, with a standard error of {error:.2f}; the ELBO alone is {elbo:.2f}."


row(
    "burda-nll", "86.76 nats on binarized MNIST", source="burda2016",
    where="the table of results, one stochastic layer, VAE with k = 1",
    claim="A VAE with two hidden layers of 200 units and 50 latent dimensions reaches a negative "
    "log-likelihood of 86.76 nats on the test images of MNIST.",
    test=PROTOCOL, tolerance=TOLERANCE, kind="checkpoint", chapters=CHAPTER, said=SAID,
    judge=lambda v: abs(v["nats"] - 86.76) < 1, counter=[{"nats": 86.6}, {"nats": 89.0}],
    note=NOTE,
)(_ours)  # fmt: skip


row(
    "nbip-nll", "86.35 nats, the same in TensorFlow 2", source="nbip-iwae",
    where="the table for one stochastic layer",
    claim="The same VAE, written in TensorFlow 2, reaches 86.35 nats.",
    test=PROTOCOL, tolerance=TOLERANCE, kind="checkpoint", chapters=CHAPTER, said=SAID,
    judge=lambda v: abs(v["nats"] - 86.35) < 1, counter=[{"nats": 86.6}, {"nats": 89.0}],
    note=NOTE,
)(_ours)  # fmt: skip


untestable(
    "pythae-nll", "89.78 nats in pythae's README", source="pythae",
    where="the table on reproducibility",
    claim="pythae's VAE reaches 89.78 nats on binarized MNIST, by 200 draws; the paper it repeats "
    "has 89.9.",
    note="It belongs to a network with one hidden layer of 400 units and 16 latent dimensions, and "
    "to the static images that Larochelle published, which are not in reach here. Ours, with "
    "Burda's network, stands beside it in {ref}`decoder-noise`; that is no test of this number.",
    chapters=CHAPTER,
)  # fmt: skip
