"""Claims of MachineCurve's tutorial, and of its readers, on networks, loss and errors."""

import functools
import math

from claims import AS_CLAIMED, ROOT, attempt, by_version, cells, row, tried, untestable

TUTORIAL = {"source": "machinecurve-vae"}
COMMENTS = {"source": "machinecurve-vae", "where": "the comments"}
WIDE = (128, 256, 512, 1024)


# --- parameters ---------------------------------------------------------------------------------


@functools.cache
def _dcgan():
    """The builder of chapter ``walk-the-manifold``."""
    import sys

    sys.path.insert(0, str(ROOT / "tools"))
    import ledger_trainings

    return ledger_trainings.chapter_namespace()["dcgan"]


@functools.cache
def _counted(chained):
    """Parameters of the chapter's encoder and decoder at full width: (all, trainable), twice."""
    import keras

    # In this scope Keras plans the networks and fills no memory.
    with keras.StatelessScope(initialize_variables=False):
        parts = _dcgan()(WIDE, chained=chained)
    return [
        (part.count_params(), sum(math.prod(v.shape) for v in part.trainable_variables))
        for part in parts
    ]


@row(
    "machinecurve-parameters", "The small network has 26,345 parameters", **TUTORIAL,
    where="the three model summaries",
    claim="17,208 parameters in the encoder and 9,137 in the decoder, together 26,345, of which "
    "24,641 are trainable.",
    test="We build the listing (preset `machinecurve`) and count.",
    tolerance="None: counts are exact.",
    kind="deterministic", chapters=("walk-the-manifold",),
    said="{encoder:,} + {decoder:,} = {total:,}, trainable {trainable:,}.",
    judge=lambda v: (v["encoder"], v["decoder"], v["total"], v["trainable"])
    == (17_208, 9_137, 26_345, 24_641),
    counter={"total": 26_346},
)  # fmt: skip
def _():
    from vaelib import networks

    spec = networks.preset("machinecurve")
    parts = networks.build_encoder(spec), networks.build_decoder(spec)
    counts = [part.count_params() for part in parts]
    trainable = sum(math.prod(v.shape) for part in parts for v in part.trainable_variables)
    return {
        "encoder": counts[0], "decoder": counts[1], "total": sum(counts), "trainable": trainable,
    }  # fmt: skip


@row(
    "machinecurve-trainable", "About 26,000 and 9 million trainable parameters", **TUTORIAL,
    where="the text above the second summary",
    claim="The first VAE has about 26,000 trainable parameters, the second about 9 million.",
    test="The tutorial's own summaries: trainable and total, in thousands and in millions.",
    tolerance="The rounded count of trainable parameters is the one in the text.",
    kind="deterministic", chapters=("walk-the-manifold",),
    said="Trainable: {small:,} and {large:,}, that is {k} thousand and {m} million. In total: "
    "26,345 and 8,728,505.",
    judge=lambda v: (v["k"], v["m"]) == (26, 9),
    counter={"k": 26, "m": 9},
    note="These are the totals. A part of them is batch normalization's running means and "
    "variances, which no gradient trains. The article's last section gives the same figures "
    "without the word \"trainable\", and there they are right.",
)  # fmt: skip
def _():
    small, large = 24_641, sum(trainable for _, trainable in _counted(chained=False))
    return {"small": small, "large": large, "k": round(small / 1e3), "m": round(large / 1e6)}


@row(
    "machinecurve-dcgan-parameters", "The large network as listed has 8,728,505 parameters",
    **TUTORIAL,
    where="the listing with four layers, and the summary below it",
    claim="The network of four convolutions (128 to 1,024 filters) and four transposed ones has "
    "4,044,984 + 4,683,521 = 8,728,505 parameters, of which 8,324,753 are trainable.",
    test="Keras' own counts of the listing, planned at full width by the function of "
    "{ref}`walk-the-manifold`.",
    tolerance="None: counts are exact.",
    kind="deterministic", chapters=("walk-the-manifold",),
    said="{encoder:,} + {decoder:,} = {total:,}.",
    judge=lambda v: v["total"] == 8_728_505,
    counter={"total": 8_728_505},
    note="Seven times as many. The summary belongs to another wiring, as the next row shows.",
)  # fmt: skip
def _():
    (encoder, _), (decoder, _) = _counted(chained=True)
    return {"encoder": encoder, "decoder": decoder, "total": encoder + decoder}


@row(
    "machinecurve-slip", "The larger decoder passes on the wrong tensor", **COMMENTS,
    claim="A reader, Robin, finds that the larger decoder passes `x` on where it should pass `cx`; "
    "the author mends the listing, but not the summary.",
    test="If each convolution gets the stack's first tensor instead of its predecessor, only the "
    "last one of each stack remains connected. Keras' own counts of *that* "
    "network.",
    tolerance="All of 4,044,984, 4,683,521 and 8,324,753 (trainable) come out exactly.",
    kind="deterministic", chapters=("walk-the-manifold",),
    said="{encoder:,} + {decoder:,}, trainable {trainable:,}.",
    judge=lambda v: (v["encoder"], v["decoder"], v["trainable"])
    == (4_044_984, 4_683_521, 8_324_753),
    counter={"encoder": 17_298_104},
    note="Three numbers to the last digit: the tutorial's large network had one convolution in the "
    "encoder and one, besides the last, in the decoder. The slip was in both.",
)  # fmt: skip
def _():
    (encoder, first), (decoder, second) = _counted(chained=False)
    return {"encoder": encoder, "decoder": decoder, "trainable": first + second}


@row(
    "machinecurve-dcgan-shape", "The large decoder gives back 28 by 28 pixels", **TUTORIAL,
    where="the summary of the large network",
    claim="Decoder and VAE put out images of shape (28, 28, 1).",
    test="The output shape of the listing (with few filters, which do not matter for it), and of "
    "the slip.",
    tolerance="None: a shape is a shape.",
    kind="deterministic", chapters=("walk-the-manifold",),
    said="As listed {listed[0]} by {listed[1]}, with the slip {slip[0]} by {slip[1]}.",
    judge=lambda v: v["listed"] == [28, 28],
    counter={"listed": [28, 28]},
    note="Four strides of 2 take 28 to 14, 7, 4, 2, and back to 32: the output of the listing "
    "cannot be compared with its input. One more sign of the slip.",
)  # fmt: skip
def _():
    listed, slip = (_dcgan()((2, 3, 4, 5), chained=c)[1].output_shape for c in (True, False))
    return {"listed": listed[1:3], "slip": slip[1:3]}


# --- formulas -----------------------------------------------------------------------------------


@row(
    "machinecurve-sigma-squared", "A draw is mu + sigma² epsilon", **TUTORIAL,
    where="the text on the reparameterization trick",
    claim="A draw is reparameterized as mu + sigma² · epsilon; the code below writes mu + "
    "exp(sigma / 2) · epsilon.",
    test="The variance of a million draws for sigma² = 4, once as the text has it, once as the "
    "code has it, with log_var = ln 4 in place of `sigma`.",
    tolerance="The variance of the text's draws is 4, within 1 %.",
    kind="deterministic", chapters=("points-to-distributions",),
    said="As the text has it {text:.2f}, as the code has it {code:.2f}.",
    judge=lambda v: abs(v["text"] / 4 - 1) < 0.01,
    counter={"text": 4.0},
    note="The code is right, the text is not: it would square the variance.",
)  # fmt: skip
def _():
    import numpy as np

    epsilon = np.random.default_rng(1).normal(size=1_000_000)
    return {"text": (4 * epsilon).var(), "code": (np.exp(np.log(4) / 2) * epsilon).var()}


@row(
    "machinecurve-sigma-name", "The layer `latent_sigma` puts out standard deviations", **TUTORIAL,
    where="the listing of the encoder, and the text on it",
    claim="Of the encoder's two last layers the first puts out means, the second standard "
    "deviations.",
    test="The tutorial's KL term from that layer's output, against the exact divergence, with the "
    "output read as sigma and as log_var.",
    tolerance="Read as sigma, the two agree to 1e-4.",
    kind="deterministic", chapters=("points-to-distributions", "classic-recipes"),
    said="Read as sigma it differs by up to {sigma:.2f} nats, read as log_var by {log_var:g}.",
    judge=lambda v: v["sigma"] < 1e-4,
    counter={"sigma": 0.0},
    note="The layer holds log_var, whatever its name says. A layer without activation could not "
    "be a standard deviation anyway: it may be negative.",
)  # fmt: skip
def _():
    import numpy as np
    from tensorflow_probability import distributions as tfd

    rng = np.random.default_rng(1)
    mu, output = rng.normal(size=(100, 2)), rng.uniform(0.3, 2, size=(100, 2))
    theirs = -0.5 * np.sum(1 + output - mu**2 - np.exp(output), axis=1)

    def gap(sigma):
        q, p = tfd.MultivariateNormalDiag(mu, sigma), tfd.MultivariateNormalDiag(np.zeros(2))
        return np.abs(theirs - tfd.kl_divergence(q, p)).max()

    return {"sigma": gap(output), "log_var": round(gap(np.exp(output / 2)), 12)}


@functools.cache
def _loss_on_tensors():
    """The tutorial's loss and our two terms, on the same tensors."""
    import numpy as np
    import tf_keras
    from tf_keras import backend as K

    from vaelib import objectives

    rng = np.random.default_rng(1)
    x, x_hat = rng.uniform(0.05, 0.95, size=(2, 64, 28, 28, 1)).astype("float32")
    mu, sigma = rng.normal(size=(2, 64, 2)).astype("float32")
    flat = tf_keras.losses.binary_crossentropy(K.flatten(x), K.flatten(x_hat)) * 28 * 28
    kl = -0.5 * K.sum(1 + sigma - K.square(mu) - K.exp(sigma), axis=-1)
    return {
        "flat": float(flat),
        "loss": float(K.mean(flat + kl)),
        "reconstruction": float(np.mean(objectives.reconstruction(x, x_hat))),
        "kl": float(np.mean(objectives.gaussian_kl(mu, sigma))),
    }


@row(
    "machinecurve-half-half", "Half reconstruction, half KL", **TUTORIAL,
    where="the loss function and the text on it",
    claim="The loss is made of 50 % reconstruction and 50 % KL divergence, as the mean of the two.",
    test="The tutorial's loss and our two terms, on the same tensors.",
    tolerance="It equals half of their sum, within 1e-4.",
    kind="deterministic", chapters=("points-to-distributions", "weigh-the-kl-term"),
    said="Loss {loss:.2f}; reconstruction {reconstruction:.2f} + KL {kl:.2f} = {sum:.2f}, half of "
    "it {half:.2f}.",
    judge=lambda v: abs(v["loss"] / v["half"] - 1) < 1e-4,
    counter={"half": 1.0, "loss": 1.0},
    note="It is the sum, the negative ELBO; the mean that the code takes is over the images. As "
    "weights, half and half is right: the mean would have the same beta = 1. As sizes it is not: "
    "after training the KL term is a few per cent of the loss.",
)  # fmt: skip
def _():
    found = _loss_on_tensors()
    total = found["reconstruction"] + found["kl"]
    return {key: found[key] for key in ("loss", "reconstruction", "kl")} | {
        "sum": total, "half": total / 2,
    }  # fmt: skip


@row(
    "machinecurve-flatten", "Width times height makes up for the flattening", **TUTORIAL,
    where="the loss function and the text on it",
    claim="Multiplying the cross-entropy of the flattened batch by width and height counteracts "
    "the flattening.",
    test="That number against our reconstruction, summed over the pixels and averaged over the "
    "images.",
    tolerance="Equal to 1e-5.",
    kind="deterministic", chapters=("classic-recipes", "weigh-the-kl-term"),
    said="{flat:.4f} against {reconstruction:.4f} nats per image.",
    judge=lambda v: abs(v["flat"] / v["reconstruction"] - 1) < 1e-5,
    counter={"flat": 1.0},
)  # fmt: skip
def _():
    return {key: _loss_on_tensors()[key] for key in ("flat", "reconstruction")}


# --- errors and switches ------------------------------------------------------------------------


@row(
    "machinecurve-error-2-3", "On TensorFlow 2.3 `fit` fails", **COMMENTS,
    claim="A reader, Marc, cannot run the code on TensorFlow 2.3.0; `vae.fit()` raises an error. "
    "The tutorial adds that newer versions may do the same.",
    test="The recipe `machinecurve_closure` in eager mode, on TensorFlow 2.3 and everything after.",
    tolerance="It ends in an error.",
    kind="atlas", chapters=("classic-recipes",), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": [], "otherwise": ["TF 2.3.4"]},
)  # fmt: skip
def _():
    return tried({"machinecurve_closure": "fails"}, since="2.3")


@row(
    "machinecurve-run-eagerly", "`run_functions_eagerly(True)` cures it", **TUTORIAL,
    where="the section on errors of `vae.fit()`, and the comments",
    claim="`tf.config.experimental_run_functions_eagerly(True)` resolves the error of TensorFlow "
    "2.3 and later.",
    test="The same recipe with that switch, on TensorFlow 2.3 and everything after it.",
    tolerance="It trains, with the KL term once in the loss and in the gradient.",
    kind="atlas", chapters=("classic-recipes",),
    said="Works on: {as_claimed}. Not on: {otherwise}. On TF 2.3 the outcome is \"{on_2_3}\".",
    judge=by_version, counter={"as_claimed": ["TF 2.3.4"]},
    note="On 2.3 the error goes away, and with it the training: the loss shown is 0.0, and no "
    "weight moves. Later versions raise the error in spite of the switch.",
)  # fmt: skip
def _():
    mode = "run_functions_eagerly"
    (on_2_3,) = [
        cell["outcome"]
        for cell in cells("machinecurve_closure")
        if cell["mode"] == mode and cell["tensorflow"] == "2.3.4"
    ]
    return {**tried({"machinecurve_closure": "works"}, mode=mode, since="2.3"), "on_2_3": on_2_3}


@row(
    "machinecurve-disable-eager", "`disable_eager_execution()` cures it", **COMMENTS,
    claim="A reader, Muhammad, gets rid of the error by `tf.compat.v1.disable_eager_execution()`.",
    test="The same recipe in graph mode, from TensorFlow 2.0 on.",
    tolerance="It trains, with the KL term once in the loss and in the gradient.",
    kind="atlas", chapters=("classic-recipes",), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": []},
    note="True for every Keras 2: of the two switches, this is the one that heals. Keras 3 cannot "
    "train in graph mode.",
)  # fmt: skip
def _():
    return tried({"machinecurve_closure": "works"}, mode="graph", since="2.0")


@row(
    "machinecurve-symbolic-exception", "The message of a `_SymbolicException`", **COMMENTS,
    claim="The same reader sees `_SymbolicException: Inputs to eager execution function cannot be "
    "Keras symbolic tensors`; the author blames eager execution.",
    test="The exception of `machinecurve_closure` in eager mode, on every version.",
    tolerance="That type and these first words; and no error in graph mode of the same version.",
    kind="atlas", chapters=("classic-recipes",), said=AS_CLAIMED, judge=by_version,
    counter={"as_claimed": []},
    note="So says TensorFlow up to 2.3; from 2.8 on it is a `TypeError`, on Keras 3 a "
    "`ValueError`.",
)  # fmt: skip
def _():
    found, text = {"as_claimed": [], "otherwise": []}, "Inputs to eager execution function cannot"
    graph = {
        (cell["tensorflow"], cell["flavour"]): cell["outcome"]
        for cell in cells("machinecurve_closure")
        if cell["mode"] == "graph"
    }
    for cell in cells("machinecurve_closure"):
        if cell["mode"] == "eager":
            same = cell["exception"] == "_SymbolicException" and cell["message"].startswith(text)
            same = same and graph[cell["tensorflow"], cell["flavour"]] == "works"
            three = " with Keras 3" if cell["flavour"] == "keras" else ""
            found["as_claimed" if same else "otherwise"].append(f"TF {cell['tensorflow']}{three}")
    return found


@row(
    "machinecurve-unscaled", "Unscaled pixels show a loss of 0.0000", **COMMENTS,
    claim="A reader with images of another size (100 by 100) sees only losses of 0.0000e+00; the "
    "author thinks that unscaled pixels, 0 to 255, may be the reason.",
    test="A recipe that works (`geron_add_loss` on `tf_keras`), three epochs on images of ours "
    "with pixels up to 255, from 20 draws of the weights.",
    tolerance="Every loss is 0 when printed with four digits.",
    kind="deterministic", chapters=("classic-recipes",),
    said="Of {losses} losses {zeros} were shown as 0.0000.",
    judge=lambda v: v["zeros"] == v["losses"],
    counter={"zeros": 60},
    note="With unscaled pixels most losses are no number here, and where they are one it is large "
    "({ref}`classic-recipes`). A loss of exactly 0 can come from a switch: "
    "`run_functions_eagerly(True)` on TensorFlow 2.3, which the same page recommends "
    "({ref}`ledger-machinecurve-run-eagerly`). Whether it was the reader's, we cannot know.",
)  # fmt: skip
def _():
    import tf_keras

    from claims import _recipe
    from vaelib import recipes

    shown = []
    for seed in range(20):
        tf_keras.utils.set_random_seed(seed)
        _, train = _recipe("geron_add_loss")(
            tf_keras, tf_keras.backend, 255 * recipes.striped_images()
        )
        shown += [f"{float(loss):.4f}" for loss in train(3)]
    # Whether a loss overflows depends on the draw of the weights, near the edge on the machine as
    # well: the losses that did not are kept beside the count, and not compared.
    numbers = [loss for loss in shown if loss != "nan"]
    return {"losses": len(shown), "zeros": shown.count("0.0000"), "_from": {"numbers": numbers}}


@row(
    "machinecurve-zero-loss", "The KL part makes the loss 0", **COMMENTS,
    claim="Another reader, Rytis, sees the same 0.0000 and finds that the cross-entropy is fine, "
    "while the KL part is a symbolic tensor and no number.",
    test="The recipe under `run_functions_eagerly(True)` on TensorFlow 2.3: what is in the loss, "
    "and do weights move?",
    tolerance="The loss shown is 0 to 0.01 (the atlas keeps three decimals of `in_loss`, which is "
    "then -784 ln 2 in units of the KL), and nothing trains.",
    kind="atlas", chapters=("classic-recipes",),
    said="Outcome \"{outcome}\", loss shown {loss:.2f}.",
    judge=lambda v: v["outcome"] == "trains nothing" and abs(v["loss"]) < 0.01,
    counter={"loss": 5.0},
    note="The reader is right: a symbolic tensor got into the loss, and TensorFlow 2.3 shows 0 "
    "for it.",
)  # fmt: skip
def _():
    from vaelib import recipes

    (found,) = [
        cell
        for cell in cells("machinecurve_closure")
        if cell["mode"] == "run_functions_eagerly" and cell["tensorflow"] == "2.3.4"
    ]
    loss = recipes.RECONSTRUCTION + found["in_loss"] * recipes.KL
    return {"outcome": found["outcome"], "loss": round(loss, 3)}


@row(
    "machinecurve-regularizer", "TFP's regularizer behaves the same", **COMMENTS,
    claim="Instead of computing the KL term one may use a `MultivariateNormalTriL` layer with a "
    "`KLDivergenceRegularizer`, which seems to come to the same.",
    test="The recipe `tfp_regularizer` (a diagonal Gaussian, exact KL, weight 1) in eager mode, "
    "on every version: how often is the KL term counted? And once more now.",
    tolerance="Once.",
    kind="atlas", chapters=("distributions",),
    said="Once on: {as_claimed}. Otherwise on: {otherwise}. Tried again on tf_keras: {now}.",
    judge=by_version, counter={"as_claimed": ["TF 2.8.4"]},
    note="It counts twice, on every Keras 2, and does not exist on Keras 3. With half of the "
    "weight it is right (`tfp_regularizer_halved`).",
)  # fmt: skip
def _():
    import tf_keras

    return {
        **tried({"tfp_regularizer": "works"}),
        "now": attempt("tfp_regularizer", tf_keras).outcome,
    }


untestable(
    "machinecurve-backends", "Theano and CNTK as other backends",
    "Multi-backend Keras 2 with these two needs Pythons and compilers that no longer install; "
    "Keras 3 knows neither of them (it runs on TensorFlow, JAX and PyTorch).",
    **TUTORIAL, where="the requirements",
    claim="Keras may run on Theano or CNTK instead of TensorFlow.", chapters=("classic-recipes",),
)  # fmt: skip
