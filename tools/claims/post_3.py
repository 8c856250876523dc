"""Claims of post III of the anracom series."""

import functools

from claims import AS_CLAIMED, by_version, cells, row, tried

POST_3 = {"source": "anracom-vae-3"}


@row(
    "post3-methods-1-2", "Methods 1 and 2 fail in eager mode", **POST_3,
    where="the addendum of 25 May 2022",
    claim="On TensorFlow 2.7 and 2.8, in eager mode, neither Foster's closure nor Chollet's last "
    "layer trains.",
    test="The recipes `foster_closure` and `chollet_final_layer`, on TensorFlow 2.8 (2.7 is not "
    "in the atlas) and everything after it.",
    tolerance="Both end in an error.",
    kind="atlas", chapters=("classic-recipes",), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": [], "otherwise": ["TF 2.8.4"]},
)  # fmt: skip
def _():
    return tried({"foster_closure": "fails", "chollet_final_layer": "fails"}, since="2.8")


@row(
    "post3-methods-3-4", "Methods 3 and 4 work in eager mode", **POST_3,
    where="the addendum of 25 May 2022",
    claim="On TensorFlow 2.7 and 2.8, in eager mode, Géron's and Atienza's `model.add_loss` do "
    "train.",
    test="The recipes `geron_add_loss` and `atienza_add_loss`, on TensorFlow 2.8 and everything "
    "after it.",
    tolerance="Both train, with the KL term once in the loss and once in the gradient.",
    kind="atlas", chapters=("classic-recipes",), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": []},
    note="Right for every Keras 2, the versions of the claim included. Keras 3 has removed "
    "`add_loss` from functional models.",
)  # fmt: skip
def _():
    return tried({"geron_add_loss": "works", "atienza_add_loss": "works"}, since="2.8")


@row(
    "post3-intermediate-function", "Avoid any intermediate function", **POST_3,
    where="the addendum of 25 May 2022",
    claim="Methods 3 and 4 work, provided that no function of one's own stands between the "
    "tensors and the loss.",
    test="As Géron's, but a function computes the KL term: once with arguments, once without. If "
    "the condition is necessary, both fail.",
    tolerance="Both fail wherever Géron's recipe itself works.",
    kind="atlas", chapters=("classic-recipes", "model-loss"), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": ["TF 2.8.4"], "otherwise": []},
    note="What matters is not the function but when it is called. Called while the model is "
    "built, it is harmless; handed over and called during training, it fails.",
)  # fmt: skip
def _():
    return tried({"add_loss_by_function": "fails", "add_loss_by_closure": "fails"}, keras=(2,))


@row(
    "post3-disable-eager", "Without eager execution, method 2 works", **POST_3,
    where="the paragraph on the error, and the addendum of 25 May 2022",
    claim="`disable_eager_execution()`, called before any layer is defined, heals method 2. (Of "
    "method 1 the post says only that it fails while eager execution is active.)",
    test="The recipes of methods 1 and 2 in graph mode, on every version.",
    tolerance="Both train, with the KL term once in the loss and in the gradient.",
    kind="atlas", chapters=("classic-recipes",), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": []},
    note="True for every Keras 2. Keras 3 cannot train in graph mode at all.",
)  # fmt: skip
def _():
    return tried({"foster_closure": "works", "chollet_final_layer": "works"}, mode="graph")


@row(
    "post3-since-2-3", "It was TensorFlow 2.3 that broke the recipes", **POST_3,
    where="the introduction and the paragraph on the error",
    claim="The trouble is put down to eager execution as TensorFlow has had it since 2.3. (Post I "
    "allows that it may be older.)",
    test="The recipes of methods 1 and 2 in eager mode on TensorFlow 1.15, 2.0 and 2.1: if the "
    "trouble began with 2.3, they train there.",
    tolerance="Both train on all three.",
    kind="atlas", chapters=("classic-recipes",), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": ["TF 2.1.4"]},
    note="Eager execution is the cause, the version is not: the recipes fail in eager mode "
    "wherever there is one, and from 1.15 to 2.3 with the same message. That changed between 2.3 "
    "and 2.8.",
)  # fmt: skip
def _():
    return tried({"foster_closure": "works", "chollet_final_layer": "works"}, until="2.1.9")


@row(
    "post3-graph-mode-1", "On TensorFlow 1 they worked", **POST_3,
    where="the introduction and the conclusion",
    claim="In graph mode, as in TensorFlow 1, the books' recipes did work. (The post implies it: "
    "they may have stopped working.)",
    test="The recipes of Foster, Chollet, Géron and Atienza on TensorFlow 1.15, in its default "
    "mode.",
    tolerance="All four train.",
    kind="atlas", chapters=("classic-recipes",), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": [], "otherwise": ["TF 1.15.5"]},
)  # fmt: skip
def _():
    recipes = "foster_closure", "chollet_final_layer", "geron_add_loss", "atienza_add_loss"
    return tried(dict.fromkeys(recipes, "works"), mode="graph", until="1.99")


@row(
    "post3-message", "The typical message of method 2", **POST_3,
    where="the printed error",
    claim="Method 2 passes construction and dies in `fit`, with a `TypeError` that says \"You are "
    "passing KerasTensor\".",
    test="The error of `chollet_final_layer` in eager mode, on TensorFlow 2.8 and later.",
    tolerance="The same type, the same stage, the same first words.",
    kind="atlas", chapters=("classic-recipes",), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": []},
    note="Keras 3 refuses the recipe earlier: its `add_loss` has no argument `inputs`.",
)  # fmt: skip
def _():
    found = {"as_claimed": [], "otherwise": []}
    for cell in cells("chollet_final_layer"):
        if cell["mode"] == "eager" and tuple(map(int, cell["tensorflow"].split("."))) >= (2, 8):
            same = cell["exception"] == "TypeError" and cell["stage"] == "first batch"
            same = same and cell["message"].startswith("You are passing KerasTensor")
            three = " with Keras 3" if cell["flavour"] == "keras" else ""
            found["as_claimed" if same else "otherwise"].append(f"TF {cell['tensorflow']}{three}")
    return found


@row(
    "post3-kl-formula", "The KL loss is half of a negative mean", **POST_3,
    where="the section on the Kullback-Leibler loss",
    claim="The KL loss, derived from the divergence of the encoder's Gaussian from N(0, I), is "
    "-0.5 times the mean, over the latent dimensions, of 1 + log_var - mu² - exp(log_var).",
    test="For 100 random Gaussians in 2, 12 and 16 dimensions: the divergence by TensorFlow "
    "Probability, divided by that formula.",
    tolerance="The ratio is 1, to 1e-4.",
    kind="deterministic", chapters=("points-to-distributions", "weigh-the-kl-term"),
    said="Ratio {ratio[0]:.4f} for 2 dimensions, {ratio[1]:.4f} for 12, {ratio[2]:.4f} for 16.",
    judge=lambda v: all(abs(ratio - 1) < 1e-4 for ratio in v["ratio"]),
    counter={"ratio": [1.0, 1.0, 1.0]},
    note="The divergence is a *sum* over the dimensions. The mean divides the KL weight by z_dim, "
    "which is why one `fact` means another beta at another z_dim.",
)  # fmt: skip
def _():
    import numpy as np
    from tensorflow_probability import distributions as tfd

    rng, ratios = np.random.default_rng(1), []
    for z_dim in (2, 12, 16):
        mu, log_var = rng.normal(size=(2, 100, z_dim))
        exact = tfd.kl_divergence(
            tfd.MultivariateNormalDiag(mu, np.exp(log_var / 2)),
            tfd.MultivariateNormalDiag(np.zeros(z_dim)),
        )
        formula = -0.5 * np.mean(1 + log_var - mu**2 - np.exp(log_var), axis=1)
        ratios.append(np.mean(exact / formula))
    return {"ratio": ratios}


@row(
    "post3-kl-convex", "The sigma part is convex around 1", **POST_3,
    where="the section on the Kullback-Leibler loss",
    claim="As a function of sigma the KL loss is convex around sigma = 1. (We read this as: it "
    "has its minimum there.)",
    test="Our `gaussian_kl` at mu = 0 for 2,001 values of sigma from 0.05 to 5: where is its "
    "minimum, and is every second difference positive?",
    tolerance="The minimum at 1 within one step of the grid, no second difference below 0.",
    kind="deterministic", chapters=("points-to-distributions",),
    said="Minimum {smallest:.1e} nats at sigma {at:.3f}; the least curvature is {curvature:.2f}.",
    judge=lambda v: abs(v["at"] - 1) < 0.003 and v["curvature"] > 0,
    counter={"at": 0.5},
)  # fmt: skip
def _():
    import numpy as np

    from vaelib.objectives import gaussian_kl

    sigma = np.linspace(0.05, 5, 2001)
    log_var = 2 * np.log(sigma)[:, None]
    kl = np.asarray(gaussian_kl(np.zeros_like(log_var), log_var), dtype=float)
    exact = 0.5 * (sigma**2 - 1) - np.log(sigma)  # the same in double precision, for curvature
    assert np.abs(kl - exact).max() < 1e-4
    curvature = np.diff(exact, 2) / (sigma[1] - sigma[0]) ** 2
    return {"at": sigma[kl.argmin()], "smallest": exact.min(), "curvature": curvature.min()}


@functools.cache
def _gradients():
    """Which weights of encoder and decoder the KL term and the reconstruction reach."""
    import keras
    import tensorflow as tf

    from vaelib import networks, objectives

    keras.utils.set_random_seed(1)
    spec = networks.preset("series")
    encoder, decoder = networks.build_encoder(spec), networks.build_decoder(spec)
    images = tf.random.uniform((8, 28, 28, 1), seed=1)
    with tf.GradientTape(persistent=True) as tape:
        mu, log_var = encoder(images)
        kl = tf.reduce_mean(objectives.gaussian_kl(mu, log_var))
        z = mu + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mu), seed=1)
        reconstruction = tf.reduce_mean(objectives.reconstruction(images, decoder(z)))

    def reached(loss, model):
        found = tape.gradient(loss, [v.value for v in model.trainable_variables])
        return sum(g is not None and float(tf.reduce_max(tf.abs(g))) > 0 for g in found)

    return {
        "weights": [len(encoder.trainable_variables), len(decoder.trainable_variables)],
        "kl": [reached(kl, encoder), reached(kl, decoder)],
        "reconstruction": [reached(reconstruction, encoder), reached(reconstruction, decoder)],
    }


@row(
    "post3-kl-gradient", "The KL term moves the encoder alone", **POST_3,
    where="the section on the Kullback-Leibler loss",
    claim="The KL loss acts directly on the encoder's weights, and not on those of the decoder.",
    test="The gradient of the KL term, by `GradientTape`, with respect to every weight tensor of "
    "the series' network.",
    tolerance="Every tensor of the encoder has a gradient that is not 0, none of the decoder has.",
    kind="deterministic", chapters=("points-to-distributions", "training-step"),
    said="{kl[0]} of {weights[0]} tensors of the encoder, {kl[1]} of {weights[1]} of the decoder.",
    judge=lambda v: v["kl"] == [v["weights"][0], 0],
    counter={"kl": [10, 8]},
)  # fmt: skip
def _():
    return {key: _gradients()[key] for key in ("weights", "kl")}


@row(
    "post3-reconstruction-gradient", "The reconstruction moves every weight", **POST_3,
    where="the section on the Kullback-Leibler loss",
    claim="The reconstruction loss acts directly on all weights, the encoder's included.",
    test="The same for the reconstruction.",
    tolerance="Every tensor of both has a gradient that is not 0.",
    kind="deterministic", chapters=("points-to-distributions", "training-step"),
    said="{reconstruction[0]} of {weights[0]} tensors of the encoder, {reconstruction[1]} of "
    "{weights[1]} of the decoder.",
    judge=lambda v: v["reconstruction"] == v["weights"],
    counter={"reconstruction": [0, 8]},
)  # fmt: skip
def _():
    return {key: _gradients()[key] for key in ("weights", "reconstruction")}
