"""Claims of Kesler Zhu's notes on VAEs with TensorFlow Probability."""

import functools

from claims import row

NOTES = {"source": "zhu-vae"}
FILL = "the example on minimizing the divergence"
LAYERS = "the section on KL divergence layers"


def _tfd():
    from tensorflow_probability import distributions as tfd

    return tfd


@functools.cache
def _scale_tril():
    import numpy as np
    from tensorflow_probability import bijectors as tfb

    return np.asarray(tfb.FillScaleTriL()(np.array([-0.5, 1.25, 1.0], "float32")))


@row(
    "tfp-fill-scale-tril", "FillScaleTriL makes a triangular matrix", **NOTES, where=FILL,
    claim="FillScaleTriL([-0.5, 1.25, 1.0]) is [[1.3132716, 0], [1.25, 0.474087]].",
    test="The same call.",
    tolerance="1e-6 for each number.",
    kind="deterministic", chapters=("points-to-distributions",),
    said="[[{tril[0][0]:.7f}, {tril[0][1]:.0f}], [{tril[1][0]:.2f}, {tril[1][1]:.6f}]].",
    judge=lambda v: max(
        abs(a - b)
        for a, b in zip(sum(v["tril"], []), (1.3132716, 0, 1.25, 0.474087))
    ) < 1e-6,
    counter={"tril": [[1.0, 0.0], [1.25, 0.5]]},
)  # fmt: skip
def _():
    # Eight digits: the notes print that many.
    return {"tril": [[float(f"{value:.8g}") for value in line] for line in _scale_tril()]}


@row(
    "tfp-softplus", "Positive on the diagonal by softplus and 1e-5", **NOTES,
    where="the section on FillScaleTriL",
    claim="The numbers fill a lower triangular matrix, whose diagonal goes through softplus and a "
    "shift of 1e-5.",
    test="The matrix above by hand: softplus(1.0) + 1e-5, 1.25, softplus(-0.5) + 1e-5; the first "
    "number of the list comes last.",
    tolerance="1e-6 for each number.",
    kind="deterministic", chapters=("points-to-distributions",),
    said="By hand and by TensorFlow Probability they differ by at most {gap:.0e}.",
    judge=lambda v: v["gap"] < 1e-6, counter={"gap": 0.1},
)  # fmt: skip
def _():
    import numpy as np

    def softplus(value):
        return np.log1p(np.exp(value)) + 1e-5

    by_hand = np.array([[softplus(1.0), 0], [1.25, softplus(-0.5)]])
    return {"gap": float(f"{np.abs(by_hand - _scale_tril()).max():.0e}")}


@row(
    "tfp-kl-value", "The KL divergence of the example is 0.4280361", **NOTES, where=FILL,
    claim="`kl_divergence(q, p)` of q = N(0, I) from p = N(0, L Lᵀ), with that matrix L, prints "
    "0.4280361.",
    test="The same call, and the other direction.",
    tolerance="1e-4.",
    kind="deterministic", chapters=("points-to-distributions",),
    said="KL(q, p) = {forward:.4f}, KL(p, q) = {backward:.4f}.",
    judge=lambda v: abs(v["forward"] - 0.4280361) < 1e-4,
    counter={"forward": 0.4280361},
    note="The notes' matrix comes out to the last digit, their divergence in neither direction: "
    "the figure must come from other numbers.",
)  # fmt: skip
def _():
    import numpy as np

    tfd = _tfd()
    p = tfd.MultivariateNormalTriL(np.zeros(2, "float32"), _scale_tril())
    q = tfd.MultivariateNormalDiag(np.zeros(2, "float32"))
    return {"forward": tfd.kl_divergence(q, p), "backward": tfd.kl_divergence(p, q)}


@functools.cache
def _pairs():
    """KL divergences of 500 random pairs of Gaussians, both ways, and of each from itself."""
    import numpy as np

    tfd, rng = _tfd(), np.random.default_rng(1)

    def gaussians():
        tril = np.tril(rng.normal(size=(500, 2, 2)))
        tril[:, [0, 1], [0, 1]] = np.exp(rng.normal(size=(500, 2)))
        return tfd.MultivariateNormalTriL(rng.normal(size=(500, 2)), tril)

    p, q = gaussians(), gaussians()
    return [np.asarray(tfd.kl_divergence(a, b)) for a, b in ((p, q), (q, p), (p, p))]


@row(
    "tfp-kl-non-negative", "Never negative, 0 for equal distributions", **NOTES,
    where="the definition of the divergence",
    claim="The KL divergence is never negative, and it vanishes only for equal distributions.",
    test="500 random pairs of correlated Gaussians, and the first of each pair against itself.",
    tolerance="All pairs above 0, all divergences from itself below 1e-9.",
    kind="deterministic", chapters=("points-to-distributions",),
    said="Smallest of the pairs {least:.4f} nats, largest of the others {same:.0e}.",
    judge=lambda v: v["least"] > 0 and v["same"] < 1e-9,
    counter={"least": -0.1},
)  # fmt: skip
def _():
    forward, backward, same = _pairs()
    return {
        "least": min(forward.min(), backward.min()),
        "same": float(f"{abs(same).max():.0e}"),
    }


@row(
    "tfp-kl-asymmetric", "The other way round is another number", **NOTES,
    where="the definition of the divergence",
    claim="The KL divergence is not symmetric, and no metric.",
    test="The same pairs: for how many do the two directions differ by more than 1 %? And a triple "
    "of Gaussians on a line that breaks the triangle inequality: N(0, 1), N(1, 1), N(2, 1).",
    tolerance="More than 99 % of the pairs differ, and the triple breaks it.",
    kind="deterministic", chapters=("points-to-distributions",),
    said="{differ:.1%} of the pairs differ. The way in two steps costs {steps:.1f} nats, the "
    "direct one {direct:.1f}.",
    judge=lambda v: v["differ"] > 0.99 and v["direct"] > v["steps"],
    counter={"differ": 0.0},
)  # fmt: skip
def _():
    import numpy as np

    tfd, (forward, backward, _) = _tfd(), _pairs()
    a, b, c = (tfd.Normal(float(mean), 1.0) for mean in range(3))
    return {
        "differ": np.mean(np.abs(forward / backward - 1) > 0.01),
        "steps": tfd.kl_divergence(a, b) + tfd.kl_divergence(b, c),
        "direct": tfd.kl_divergence(a, c),
    }


@row(
    "tfp-batch-shape", "One number for each member of a batch", **NOTES, where=FILL,
    claim="The divergence of two distributions has their batch shape; the event shape is reduced.",
    test="The shape for one pair of two-dimensional Gaussians, and for 500.",
    tolerance="None.",
    kind="deterministic", chapters=("points-to-distributions", "distributions"),
    said="For one pair the result has {one} axes, for 500 pairs the shape {many}.",
    judge=lambda v: v["one"] == 0 and v["many"] == [500], counter={"many": [500, 2]},
)  # fmt: skip
def _():
    import numpy as np

    tfd = _tfd()
    single = tfd.MultivariateNormalDiag(np.zeros(2))
    return {"one": len(tfd.kl_divergence(single, single).shape), "many": list(_pairs()[0].shape)}


@row(
    "tfp-underestimates", "A diagonal q underestimates the variance", **NOTES,
    where="the example on minimizing the divergence",
    claim="Fitted to a correlated p by KL(q, p), a diagonal q often has too small a variance.",
    test="We minimize KL(q, p) for the p of the notes over the two variances of q, and compare "
    "with the true variances of p, and with the closed form: one over the diagonal of the "
    "precision matrix.",
    tolerance="Both variances below p's; the closed form met within 1 %.",
    kind="deterministic", chapters=("points-to-distributions",),
    said="q: {q[0]:.3f} and {q[1]:.3f} (closed form {closed[0]:.3f}, {closed[1]:.3f}); p: "
    "{p[0]:.3f} and {p[1]:.3f}.",
    judge=lambda v: all(
        a < b and abs(a / c - 1) < 0.01 for a, b, c in zip(v["q"], v["p"], v["closed"])
    ),
    counter={"q": [5.0, 5.0]},
    note="By a factor of eight here. The other direction, KL(p, q), would meet p's variances.",
)  # fmt: skip
def _():
    import numpy as np
    from scipy.optimize import minimize

    tril = _scale_tril().astype(float)
    covariance = tril @ tril.T
    precision = np.linalg.inv(covariance)

    def kl(log_variances):
        variances = np.exp(log_variances)
        trace, log_ratio = precision.diagonal() @ variances, log_variances.sum()
        return 0.5 * (trace - 2 - log_ratio + np.linalg.slogdet(covariance)[1])

    fitted = minimize(kl, np.zeros(2), method="BFGS").x
    return {
        "q": np.exp(fitted), "closed": 1 / precision.diagonal(), "p": covariance.diagonal(),
    }  # fmt: skip


@row(
    "tfp-dense-halves", "The dense autoencoder may be built in two halves", **NOTES,
    where="the section on standard autoencoders",
    claim="Six Dense layers with sigmoids (256-64-2-64-256-784 units) may be built as one model "
    "or as encoder and decoder; the output has the shape of the input.",
    test="Both ways in Keras 3, with the weights of the one given to the other: parameters, "
    "shapes, outputs for the same images.",
    tolerance="Outputs equal to 1e-6.",
    kind="deterministic", chapters=("compress-digits",),
    said="{parameters:,} parameters either way, images of {shape[0]} by {shape[1]}, outputs differ "
    "by {gap:.0e}.",
    judge=lambda v: v["gap"] < 1e-6 and v["shape"] == [28, 28] and v["same_count"],
    counter={"same_count": False},
)  # fmt: skip
def _():
    import keras
    import numpy as np

    from vaelib import networks

    layers = keras.layers
    whole = keras.Sequential(
        [keras.Input((28, 28)), layers.Flatten()]
        + [layers.Dense(n, activation="sigmoid") for n in (256, 64, 2, 64, 256, 784)]
        + [layers.Reshape((28, 28))]
    )
    spec = networks.preset("tfp_dense")
    encoder = networks.build_encoder(spec, variational=False)
    decoder = networks.build_decoder(spec)
    weights = whole.get_weights()
    encoder.set_weights(weights[:6])
    decoder.set_weights(weights[6:])
    x = np.random.default_rng(1).uniform(size=(8, 28, 28)).astype("float32")
    halves = np.asarray(decoder(encoder(x[..., None])))[..., 0]
    return {
        "parameters": whole.count_params(), "shape": list(whole.output_shape[1:]),
        "same_count": whole.count_params() == encoder.count_params() + decoder.count_params(),
        "gap": float(f"{np.abs(halves - np.asarray(whole(x))).max():.0e}"),
    }  # fmt: skip


@functools.cache
def _networks():
    """Encoder and decoder of the notes; the listing has lost its two Flatten layers."""
    import tensorflow as tf
    import tf_keras
    from tensorflow_probability import layers as tfpl

    layers, tfd = tf_keras.layers, _tfd()
    tf_keras.utils.set_random_seed(1)
    encoder = tf_keras.Sequential(
        [
            layers.Conv2D(8, 5, strides=2, activation="tanh", input_shape=(28, 28, 1)),
            layers.Conv2D(8, 5, strides=2, activation="tanh"),
            layers.Flatten(),
            layers.Dense(64, activation="tanh"),
            layers.Dense(4),
            tfpl.DistributionLambda(
                lambda t: tfd.MultivariateNormalDiag(t[..., :2], tf.exp(t[..., 2:]))
            ),
        ]
    )
    options = {"strides": 2, "output_padding": 1, "activation": "tanh"}
    decoder = tf_keras.Sequential(
        [
            layers.Dense(64, activation="tanh", input_shape=(2,)),
            layers.Dense(128, activation="tanh"),
            layers.Reshape((4, 4, 8)),
            layers.Conv2DTranspose(8, 5, **options),
            layers.Conv2DTranspose(8, 5, **options),
            layers.Conv2D(1, 3, padding="same"),
            layers.Flatten(),
            tfpl.IndependentBernoulli((28, 28, 1)),
        ]
    )
    return encoder, decoder


@row(
    "tfp-encoder-shapes", "The encoder returns 16 distributions of two dimensions", **NOTES,
    where="the sections on the encoder network and on the use of trained networks",
    claim="For 16 images the encoder returns a MultivariateNormalDiag with batch shape 16 and "
    "event shape 2; for one image the batch shape is 1.",
    test="The same network on `tf_keras`, with the Flatten put back that the saved listing lacks.",
    tolerance="None.",
    kind="deterministic", chapters=("distributions",),
    said="{name}, batch {batch}, event {event}; for one image batch {one}.",
    judge=lambda v: v["name"] == "MultivariateNormalDiag"
    and (v["batch"], v["event"], v["one"]) == ([16], [2], [1]),
    counter={"batch": [2]},
    note="On `tf_keras` only: Keras 3 does not take TensorFlow Probability's layers "
    "({ref}`distributions`).",
)  # fmt: skip
def _():
    import numpy as np

    encoder, _ = _networks()
    q, one = (encoder(np.zeros((n, 28, 28, 1), "float32")) for n in (16, 1))
    return {
        "name": _name(q), "batch": list(q.batch_shape), "event": list(q.event_shape),
        "one": list(one.batch_shape),
    }  # fmt: skip


def _name(distribution):
    """The class of a distribution: a layer wraps it in one of its own."""
    inner = getattr(distribution, "tensor_distribution", distribution)
    return inner.parameters.get("name") or inner.name.split("_")[-1]


@row(
    "tfp-decoder-shapes", "The decoder returns to 28 by 28", **NOTES,
    where="the section on the decoder network",
    claim="Two transposed convolutions of 5 by 5 with stride 2 and `output_padding=1` lead from 4 "
    "by 4 back to 28 by 28; the decoder returns a distribution with event shape (28, 28, 1).",
    test="The same network on `tf_keras`.",
    tolerance="None.",
    kind="deterministic", chapters=("distributions",),
    said="Sizes {sizes}; batch {batch}, event {event}.",
    judge=lambda v: v["sizes"] == [4, 12, 28] and v["event"] == [28, 28, 1],
    counter={"sizes": [4, 11, 25]},
)  # fmt: skip
def _():
    import numpy as np

    _, decoder = _networks()
    p = decoder(np.zeros((16, 2), "float32"))
    return {
        "sizes": [layer.output_shape[1] for layer in decoder.layers[2:5]],
        "batch": list(p.batch_shape), "event": list(p.event_shape),
    }  # fmt: skip


@row(
    "tfp-output-padding", "`output_padding` must be less than the stride", **NOTES,
    where="the section on the decoder network",
    claim="`output_padding` changes the size that a transposed convolution puts out, and must be "
    "less than its stride.",
    test="The two layers of the decoder with `output_padding` 0 and 1, and 2 at stride 2, on "
    "`tf_keras`.",
    tolerance="Different sizes for 0 and 1, an error for 2.",
    kind="deterministic", chapters=("distributions",),
    said="0: {sizes[0]}, 1: {sizes[1]} pixels; 2: {error}.",
    judge=lambda v: v["sizes"][0] != v["sizes"][1] and v["error"] == "ValueError",
    counter={"error": "no error"},
)  # fmt: skip
def _():
    import numpy as np
    import tf_keras

    def size(padding):
        def layer():
            return tf_keras.layers.Conv2DTranspose(1, 5, strides=2, output_padding=padding)

        return layer()(layer()(np.zeros((1, 4, 4, 1), "float32"))).shape[1]

    error = "no error"
    try:
        size(2)
    except ValueError:
        error = "ValueError"
    return {"sizes": [size(0), size(1)], "error": error}


@row(
    "tfp-log-sigma", "The encoder puts out log sigma", **NOTES,
    where="the listing of the encoder",
    claim="The Dense layer's second half, through exp, is `scale_diag`: the network puts out the "
    "logarithm of sigma.",
    test="The standard deviations of the encoder's distribution against exp of that half; and the "
    "divergence from N(0, I) against our `gaussian_kl`, which wants log_var.",
    tolerance="Equal to 1e-5, with log_var = 2 t.",
    kind="deterministic", chapters=("points-to-distributions", "distributions"),
    said="Standard deviations differ by {scale:.0e}; the KL by {twice:.0e} with log_var = 2 t, by "
    "{once:.2f} nats with log_var = t.",
    judge=lambda v: v["scale"] < 1e-5 and v["twice"] < 1e-5 and v["once"] > 0.01,
    counter={"twice": 0.4},
    note="Unlike the networks of the other sources, this one does not put out log_var: if its "
    "output is taken for log_var, the KL term is wrong.",
)  # fmt: skip
def _():
    import numpy as np
    import tensorflow as tf

    from vaelib.objectives import gaussian_kl

    encoder, _ = _networks()
    t = np.random.default_rng(1).normal(size=(16, 4)).astype("float32")
    q = encoder.layers[-1](tf.constant(t))
    tfd = _tfd()
    exact = np.asarray(tfd.kl_divergence(q, tfd.MultivariateNormalDiag(np.zeros(2, "float32"))))

    def gap(factor):
        return np.abs(exact - np.asarray(gaussian_kl(t[:, :2], factor * t[:, 2:]))).max()

    scale = np.abs(np.asarray(q.stddev()) - np.exp(t[:, 2:])).max()
    return {"scale": float(f"{scale:.0e}"), "twice": float(f"{gap(2):.0e}"), "once": gap(1)}


@row(
    "tfp-monte-carlo-loss", "The divergence may be estimated by draws", **NOTES,
    where="the section on the loss function",
    claim="Instead of the closed form one may average log q(z) - log p(z) over draws z of q.",
    test="For one q with a KL of some nats: 200,000 draws, seed 1.",
    tolerance="Within three standard errors of the closed form.",
    kind="deterministic", chapters=("distributions",),
    said="Closed form {closed:.4f}, estimate {estimate:.4f} with a standard error of {error:.4f} "
    "nats.",
    judge=lambda v: abs(v["estimate"] - v["closed"]) < 3 * v["error"],
    counter={"estimate": 0.0},
    note="One draw, as the notes' listing takes it, misses by about a nat here "
    "({ref}`distributions`).",
)  # fmt: skip
def _():
    import numpy as np

    tfd = _tfd()
    q = tfd.MultivariateNormalDiag([1.0, -0.5], [np.exp(-1.0), np.exp(-2.0)])
    p = tfd.MultivariateNormalDiag(np.zeros(2))
    z = np.random.default_rng(1).normal(size=(200_000, 2)) * q.stddev() + q.mean()
    q64 = tfd.MultivariateNormalDiag(np.asarray(q.mean(), float), np.asarray(q.stddev(), float))
    values = np.asarray(q64.log_prob(z) - p.log_prob(z))
    return {
        "closed": tfd.kl_divergence(q64, p), "estimate": values.mean(),
        "error": values.std() / np.sqrt(len(values)),
    }  # fmt: skip


# --- KLDivergenceAddLoss and KLDivergenceRegularizer --------------------------------------------


@functools.cache
def _posterior():
    """Means and scales of 16 images, their KL, and ten fixed draws with the estimates they give."""
    import numpy as np

    tfd, rng = _tfd(), np.random.default_rng(1)
    t = rng.normal(size=(16, 4)).astype("float32") - np.array([0, 0, 2, 2], "float32")
    q = tfd.MultivariateNormalDiag(t[:, :2], np.exp(t[:, 2:]))
    p = tfd.MultivariateNormalDiag(np.zeros(2, "float32"))
    draws = (np.asarray(q.mean()) + np.asarray(q.stddev()) * rng.normal(size=(10, 16, 2))).astype(
        "float32"
    )
    kl = np.asarray(tfd.kl_divergence(q, p))
    return t, kl, draws, np.asarray(q.log_prob(draws) - p.log_prob(draws))


def _added(tool="layer", **options):
    """What one of the two tools adds to the loss for the 16 images."""
    import numpy as np
    import tensorflow as tf
    from tensorflow_probability import layers as tfpl

    tfd = _tfd()
    prior = tfd.MultivariateNormalDiag(np.zeros(2, "float32"))

    def gaussian(t):
        return tfd.MultivariateNormalDiag(t[..., :2], tf.exp(t[..., 2:]))

    t = tf.constant(_posterior()[0])
    if tool == "layer":
        added = tfpl.KLDivergenceAddLoss(prior, **options)
        added(tfpl.DistributionLambda(gaussian)(t))
    else:
        regularizer = tfpl.KLDivergenceRegularizer(prior, **options)
        added = tfpl.DistributionLambda(gaussian, activity_regularizer=regularizer)
        added(t)
    return float(sum(added.losses))


@row(
    "tfp-monte-carlo-default", "KLDivergenceAddLoss estimates unless told otherwise", **NOTES,
    where=LAYERS,
    claim="`use_exact_kl` is False by default: the layer estimates the KL term from draws.",
    test="The default in the signature, and three calls with it: do they differ? Three with "
    "`use_exact_kl=True`: do they not?",
    tolerance="Default False; three different numbers by default, three equal ones if exact.",
    kind="deterministic", chapters=("distributions",),
    said="Default {default}; {by_default} different numbers in three calls, {exact} if exact.",
    judge=lambda v: v["default"] is False and (v["by_default"], v["exact"]) == (3, 1),
    counter={"by_default": 1},
)  # fmt: skip
def _():
    import inspect

    from tensorflow_probability import layers as tfpl

    arguments = inspect.signature(tfpl.KLDivergenceAddLoss.__init__).parameters
    return {
        "default": arguments["use_exact_kl"].default,
        "by_default": len({_added() for _ in range(3)}),
        "exact": len({_added(use_exact_kl=True) for _ in range(3)}),
    }


@row(
    "tfp-weight", "`weight` multiplies the KL term", **NOTES, where=LAYERS,
    claim="`weight` is a factor in front of the KL term; a tensor weighs each member of the batch "
    "by itself.",
    test="Exact KL of 16 images with weight 1, 10, and the weights 1 to 16.",
    tolerance="Ten times as much, and the weighted sum of the 16 divergences, to 1e-4.",
    kind="deterministic", chapters=("distributions",),
    said="Weight 10 over weight 1: {ratio:.4f}. Added with 16 weights {each:.3f}, by hand "
    "{by_hand:.3f}.",
    judge=lambda v: abs(v["ratio"] / 10 - 1) < 1e-4 and abs(v["each"] / v["by_hand"] - 1) < 1e-4,
    counter={"ratio": 1.0},
)  # fmt: skip
def _():
    import numpy as np

    kl, weights = _posterior()[1], np.arange(1, 17, dtype="float32")
    one = _added(use_exact_kl=True)
    return {
        "ratio": _added(use_exact_kl=True, weight=10.0) / one,
        "each": _added(use_exact_kl=True, weight=weights), "by_hand": (weights * kl).sum(),
    }  # fmt: skip


@row(
    "tfp-test-points", "`test_points_fn` serves the estimate alone", **NOTES, where=LAYERS,
    claim="The function supplies the draws for the estimate, and does not touch what the encoder "
    "hands to the decoder.",
    test="A function that always returns the origin: the added loss by hand, and the tensor behind "
    "the layer.",
    tolerance="The added loss equal to 1e-4; the tensor is not the origin.",
    kind="deterministic", chapters=("distributions",),
    said="Added {added:.4f}, by hand {by_hand:.4f}; the codes behind it lie {away:.2f} from the "
    "origin on average.",
    judge=lambda v: abs(v["added"] / v["by_hand"] - 1) < 1e-4 and v["away"] > 0.1,
    counter={"away": 0.0},
)  # fmt: skip
def _():
    import numpy as np
    import tensorflow as tf
    from tensorflow_probability import layers as tfpl

    tfd = _tfd()
    t, origin = _posterior()[0], np.zeros((16, 2), "float32")
    prior = tfd.MultivariateNormalDiag(np.zeros(2, "float32"))
    layer = tfpl.KLDivergenceAddLoss(prior, test_points_fn=lambda q: tf.constant(origin))
    tf.random.set_seed(1)
    q = layer(
        tfpl.DistributionLambda(
            lambda t: tfd.MultivariateNormalDiag(t[..., :2], tf.exp(t[..., 2:]))
        )(tf.constant(t))
    )
    posterior = tfd.MultivariateNormalDiag(t[:, :2], np.exp(t[:, 2:]))
    estimates = posterior.log_prob(origin) - prior.log_prob(origin)
    return {
        "added": float(sum(layer.losses)), "by_hand": np.mean(estimates),
        "away": round(float(np.linalg.norm(tf.convert_to_tensor(q), axis=1).mean()), 2),
    }  # fmt: skip


@row(
    "tfp-reduce-axis", "`test_points_reduce_axis`: None, 0 and ()", **NOTES, where=LAYERS,
    claim="With several draws an image: None takes the mean over all axes, 0 the mean over the "
    "draws and the sum over the batch, the empty tuple the sum over all.",
    test="Ten fixed draws for each of 16 images: what the layer adds, and the three sums by hand.",
    tolerance="Equal to 1e-4.",
    kind="deterministic", chapters=("distributions",),
    said="None {added[0]:.3f}, 0: {added[1]:.2f}, (): {added[2]:.1f}; by hand {by_hand[0]:.3f}, "
    "{by_hand[1]:.2f}, {by_hand[2]:.1f}.",
    judge=lambda v: all(abs(a / b - 1) < 1e-4 for a, b in zip(v["added"], v["by_hand"])),
    counter={"added": [1.0, 1.0, 1.0]},
    note="Right for the layer and several draws. With the default, one draw, there is no axis of "
    "draws, and 0 averages over the batch ({ref}`distributions`). TensorFlow Probability's own "
    "documentation names the wrong default.",
)  # fmt: skip
def _():
    import tensorflow as tf

    *_, draws, estimates = _posterior()
    ten = {"test_points_fn": lambda q: tf.constant(draws)}
    return {
        "added": [_added(**ten, test_points_reduce_axis=axis) for axis in (None, 0, ())],
        "by_hand": [estimates.mean(), estimates.mean(axis=0).sum(), estimates.sum()],
    }


@row(
    "tfp-regularizer-alike", "Layer and regularizer are two forms of one thing", **NOTES,
    where="the section on the regularizer object",
    claim="A `KLDivergenceRegularizer` as `activity_regularizer` is another way to the same: the "
    "layer merely uses it.",
    test="What each adds to the loss for 16 images, with the exact KL and weight 1, in units of "
    "the mean KL of an image.",
    tolerance="The two agree to 1e-4.",
    kind="deterministic", chapters=("distributions",),
    said="The layer adds {layer:.2f} times the mean KL, the regularizer {regularizer:.2f} times.",
    judge=lambda v: abs(v["layer"] / v["regularizer"] - 1) < 1e-4,
    counter={"layer": 2.0},
    note="They share code, and differ in what Keras does with the result: the layer's number is a "
    "sum over the batch, the regularizer's is divided by the batch size and added twice.",
)  # fmt: skip
def _():
    mean = _posterior()[1].mean()
    return {
        "layer": _added(use_exact_kl=True) / mean,
        "regularizer": _added("regularizer", use_exact_kl=True) / mean,
    }


@row(
    "tfp-draw-by-default", "A distribution becomes a tensor by a draw", **NOTES, where=LAYERS,
    claim="`convert_to_tensor_fn` is `Distribution.sample` by default.",
    test="The tensor of a DistributionLambda's output, against the mean, in two calls.",
    tolerance="The two tensors differ, and neither is the mean.",
    kind="deterministic", chapters=("distributions",),
    said="The two calls differ: {differ}; one of them is the mean: {mean}.",
    judge=lambda v: v["differ"] and not v["mean"], counter={"mean": True},
)  # fmt: skip
def _():
    import numpy as np
    import tensorflow as tf
    from tensorflow_probability import layers as tfpl

    tfd = _tfd()
    layer = tfpl.DistributionLambda(lambda t: tfd.MultivariateNormalDiag(t))
    t = np.arange(4, dtype="float32").reshape(2, 2)
    tensors = [np.asarray(tf.convert_to_tensor(layer(t))) for _ in range(2)]
    return {
        "differ": bool((tensors[0] != tensors[1]).any()),
        "mean": any(bool(np.allclose(tensor, t)) for tensor in tensors),
    }
