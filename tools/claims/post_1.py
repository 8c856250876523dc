"""Claims of post I of the anracom series."""

from claims import codes, mnist, row
from claims.series import box_of, eight_models

POST_1 = {"source": "anracom-vae-1"}


@row(
    "post1-ae-extent", "The autoencoder's codes spread widely", **POST_1,
    where="the first picture",
    claim="In the plane, the codes of a plain autoencoder cover about [-7, 7] by [-9, 6] (an area "
    "of 210).",
    test="We trained the series' network for 40 epochs and measure the box around the codes of "
    "10,000 test images.",
    tolerance="The area within a factor of 2.2: so far apart were four trainings of one "
    "autoencoder ({ref}`measure-latent-space`).",
    kind="checkpoint", chapters=("compress-digits", "measure-latent-space"),
    said="[{low[0]:.1f}, {high[0]:.1f}] by [{low[1]:.1f}, {high[1]:.1f}], area {area:.0f}.",
    judge=lambda v: 1 / 2.2 < v["area"] / 210 < 2.2,
    counter={"area": 50.0},
    note="The close agreement is partly luck: other initial weights give areas that differ by a "
    "factor of two.",
)  # fmt: skip
def _():
    return box_of("series-z2-ae") | {"_from": {"checkpoint": "series-z2-ae", "seed": 1}}


@row(
    "post1-vae-extent", "A VAE keeps its codes within [-4, 4]", **POST_1,
    where="the plots that follow",
    claim="The codes of three VAEs with different parameters lie in a region of about [-4, 4] by "
    "[-4, 4].",
    test="The share of 10,000 test codes in that square, for one VAE: the series' (beta 0.51, 40 "
    "epochs).",
    tolerance="At least 99 % of them: \"about\" leaves room for a few.",
    kind="checkpoint", chapters=("points-to-distributions", "measure-latent-space"),
    said="{inside:.2%} of the codes lie in the square; the box of all is [{low[0]:.1f}, "
    "{high[0]:.1f}] by [{low[1]:.1f}, {high[1]:.1f}].",
    judge=lambda v: v["inside"] >= 0.99,
    counter={"inside": 0.9},
)  # fmt: skip
def _():
    import numpy as np

    inside = np.mean((np.abs(codes("series-z2-vae")) <= 4).all(axis=1))
    return {**box_of("series-z2-vae"), "inside": inside, "_from": {"checkpoint": "series-z2-vae"}}


@row(
    "post1-confined", "The KL term confines the codes", **POST_1,
    where="the paragraphs on why VAEs matter",
    claim="The KL term holds the codes of a VAE together in a smaller region than a plain "
    "autoencoder uses, above all if the latent space has few dimensions.",
    test="Four autoencoders and four VAEs (beta 0.5) of one network, each trained from its own "
    "seed: the area of the box that holds 98 % of the test codes along each axis.",
    tolerance="Every VAE's area below every autoencoder's. (In 16 dimensions we have one pair for "
    "each of two networks; their log-volumes are told, and not judged.)",
    kind="checkpoint", chapters=("points-to-distributions", "measure-latent-space"),
    said="Autoencoders {ae[0]:.0f} to {ae[1]:.0f}, VAEs {vae[0]:.0f} to {vae[1]:.0f}. In 16 "
    "dimensions, for the series' network and MachineCurve's, the log-volume of the autoencoder's "
    "codes is {sixteen[ae][0]:.1f} and {sixteen[ae][1]:.1f} nats, that of the VAE's draws "
    "{sixteen[draws][0]:.1f} and {sixteen[draws][1]:.1f}; the prior's is 0.",
    judge=lambda v: v["vae"][1] < v["ae"][0],
    counter={"vae": [20.0, 90.0]},
    note="In the plane. In 16 dimensions the two autoencoders differ, one is far larger and one "
    "far smaller than the prior, while the draws of both VAEs have about its volume. By draws we "
    "mean the codes with the noise of their clouds, covariance cov(mu) + E sigma².",
)  # fmt: skip
def _():
    found = {kind: values[:, 0] for kind, values in eight_models().items()}
    return {kind: [values.min(), values.max()] for kind, values in found.items()} | {
        "sixteen": _volumes_in_sixteen_dimensions(), "_from": {"seeds": 4},
    }  # fmt: skip


def _volumes_in_sixteen_dimensions():
    """Log-volume of an autoencoder's codes and of a VAE's draws, of two networks."""
    import numpy as np

    from vaelib import checkpoints, latent

    found = {"ae": [], "draws": []}
    for plain, variational in (("series-z16-ae", "series-z16-vae"),
                               ("sweep-z16-ae", "sweep-z16-beta-1")):  # fmt: skip
        found["ae"].append(latent.log_volume(codes(plain)))
        encoder = checkpoints.load(variational).encoder
        mu, log_var = encoder.predict(mnist().x_test, batch_size=200, verbose=0)
        covariance = np.cov(mu.T, bias=True) + np.diag(np.exp(log_var).mean(axis=0))
        found["draws"].append(0.5 * np.linalg.slogdet(covariance)[1])
    return found


@row(
    "post1-clusters", "The KL term tells classes apart", **POST_1,
    where="the sections on VAEs and on why they matter",
    claim="VAEs help to make the clusters of a class more compact; to keep such clusters apart is "
    "named as an objective.",
    test="The same eight models: the separation, that is the distance of the class centres over "
    "the spread within the classes, which does not change if a map is blown up.",
    tolerance="The VAEs' mean above the autoencoders' by more than two standard errors of the "
    "difference.",
    kind="checkpoint", chapters=("measure-latent-space",),
    said="Autoencoders {ae:.2f}, VAEs {vae:.2f}, standard error of the difference {error:.2f}.",
    judge=lambda v: v["vae"] - v["ae"] > 2 * v["error"],
    counter={"vae": 4.0},
    note="The clusters do become smaller, as the areas in the row above tell. But so do the gaps "
    "between them: in units of their own size, the clusters are not clearly further apart.",
)  # fmt: skip
def _():
    import numpy as np

    ae, vae = (values[:, 2] for values in eight_models().values())
    error = np.sqrt(ae.var(ddof=1) / 4 + vae.var(ddof=1) / 4)
    return {"ae": ae.mean(), "vae": vae.mean(), "error": error, "_from": {"seeds": 4}}


@row(
    "post1-dense-spread", "Dense layers would spread wider still", **POST_1,
    where="below the first picture",
    claim="An autoencoder of Dense layers alone would spread its codes over a larger area than one "
    "with convolutions.",
    test="Three dense autoencoders (784-512-512-2 and back), 20 epochs of 60,000 images, against "
    "four of MachineCurve's small convolutional network with as many epochs: the area of the 98 % "
    "box.",
    tolerance="Every dense area above every convolutional one.",
    kind="run", chapters=("compress-digits", "measure-latent-space"),
    said="Dense {dense[0]:.0f}, {dense[1]:.0f} and {dense[2]:.0f}; convolutional {conv[0]:.0f} to "
    "{conv[1]:.0f}.",
    judge=lambda v: min(v["dense"]) > v["conv"][1],
    counter=[{"dense": [1.0, 100.0, 1000.0]}, {"dense": [900.0] * 3}],
    note="The post does not say which dense network. Nothing in an autoencoder's loss fixes the "
    "size of its map, so another network may do otherwise.",
)  # fmt: skip
def _():
    import keras

    from vaelib import latent, networks, objectives

    digits, dense = mnist(), []
    for seed in (1, 2, 3):
        keras.utils.set_random_seed(seed)
        spec = networks.preset("quick")
        encoder = networks.build_encoder(spec, variational=False)
        decoder = networks.build_decoder(spec)
        model = keras.Model(encoder.input, decoder(encoder.output))
        # The schedule of the convolutional ones: a cosine from 3e-3 to 0 (their manifests).
        steps = 20 * -(-len(digits.x_train) // 128)
        rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
        model.compile(
            optimizer=keras.optimizers.Adam(rate), loss=objectives.reconstruction,
            jit_compile=False, steps_per_execution=20,
        )  # fmt: skip
        model.fit(digits.x_train, digits.x_train, batch_size=128, epochs=20, verbose=0)
        dense.append(latent.extents(latent.encode(encoder, digits.x_test)).robust_area)
    conv = eight_models()["ae"][:, 0]
    return {
        "dense": dense, "conv": [conv.min(), conv.max()],
        "_from": {"seeds": [1, 2, 3], "images": 60_000, "epochs": 20},
    }  # fmt: skip
