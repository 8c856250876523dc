"""vaelib.objectives against oracles that know nothing of it: TFP, scipy, Monte Carlo, Keras."""

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras
from keras import ops

from vaelib import objectives

RNG = np.random.default_rng(0)
MU = RNG.normal(0, 2, (50, 5))
LOG_VAR = RNG.normal(0, 2, (50, 5))


def tfp_kl(mu, log_var):
    cloud = tfp.distributions.MultivariateNormalDiag(mu, np.exp(log_var / 2))
    prior = tfp.distributions.MultivariateNormalDiag(np.zeros_like(mu))
    return tfp.distributions.kl_divergence(cloud, prior).numpy()


# KL ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-12), ("float32", 1e-5)])
def test_kl_is_tfps(dtype, rtol):
    ours = objectives.gaussian_kl(MU.astype(dtype), LOG_VAR.astype(dtype))
    assert ours.shape == (50,)
    assert np.allclose(ours, tfp_kl(MU, LOG_VAR), rtol=rtol)


def test_kl_is_the_integral_of_its_definition():
    for mu, log_var in ((0.0, 0.0), (1.5, -1.0), (-2.0, 1.2)):
        q = scipy.stats.norm(mu, np.exp(log_var / 2))
        p = scipy.stats.norm(0, 1)
        integral, _ = scipy.integrate.quad(
            lambda z, q=q, p=p: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -25, 25, epsabs=1e-12
        )
        ours = float(objectives.gaussian_kl(np.array([[mu]]), np.array([[log_var]]))[0])
        assert np.isclose(ours, integral, atol=1e-8)


def test_kl_is_the_monte_carlo_mean():
    mu, log_var = np.array([0.8, -0.3]), np.array([-1.5, 0.4])
    sigma = np.exp(log_var / 2)
    z = mu + sigma * np.random.default_rng(1).normal(size=(400_000, 2))
    ratio = (scipy.stats.norm(mu, sigma).logpdf(z) - scipy.stats.norm(0, 1).logpdf(z)).sum(axis=1)
    standard_error = ratio.std() / np.sqrt(len(ratio))
    ours = float(objectives.gaussian_kl(mu[None], log_var[None])[0])
    assert abs(ours - ratio.mean()) < 4 * standard_error
    assert standard_error < 0.005, "an error so large would show nothing"


def test_kl_is_never_negative_close_to_the_prior():
    rng = np.random.default_rng(5)
    mu = rng.normal(0, 1e-4, (100_000, 1)).astype("float32")
    log_var = rng.normal(0, 1e-3, (100_000, 1)).astype("float32")
    ours = np.array(objectives.gaussian_kl(mu, log_var))
    assert ours.min() >= 0
    assert np.allclose(
        ours, objectives.gaussian_kl(mu.astype(float), log_var.astype(float)), atol=1e-9
    )


@pytest.mark.parametrize(
    ("mu", "log_var"),
    [
        (np.ones((1, 2), "float16"), np.full((1, 2), 20, "float16")),
        (np.ones((1, 2), "float64"), np.full((1, 2), 20, "float32")),
        ([[1, 1]], [[20, 20]]),
    ],
    ids=["half", "mixed", "integers"],
)
def test_kl_takes_any_numbers(mu, log_var):
    ours = objectives.gaussian_kl(mu, log_var)
    assert np.allclose(ours, tfp_kl(np.ones((1, 2)), np.full((1, 2), 20.0)), rtol=1e-5)


def test_kl_is_zero_only_for_the_prior():
    assert np.all(objectives.gaussian_kl(np.zeros((3, 4)), np.zeros((3, 4))) == 0)
    assert np.all(np.array(objectives.gaussian_kl(MU, LOG_VAR)) > 0)
    nearly = objectives.gaussian_kl(np.full((1, 2), 1e-4), np.full((1, 2), -1e-4))
    assert 0 < float(nearly[0]) < 1e-6


@pytest.mark.parametrize("log_var", [-100.0, -60.0, -20.0, 20.0, 59.0])
@pytest.mark.parametrize("mu", [0.0, -30.0, 1e4])
def test_kl_of_extreme_clouds(mu, log_var):
    mu, log_var = np.full((1, 2), mu), np.full((1, 2), log_var)
    for dtype in ("float64", "float32"):
        ours = np.array(objectives.gaussian_kl(mu.astype(dtype), log_var.astype(dtype)))
        assert np.allclose(ours, tfp_kl(mu, log_var), rtol=1e-4)


@pytest.mark.parametrize("log_var", [61.0, 88.0, 89.0, 100.0])
def test_kl_stays_finite_and_points_back_beyond_float32(log_var):
    variable = tf.Variable(np.full((128, 16), log_var, "float32"))
    with tf.GradientTape() as tape:
        loss = ops.mean(objectives.gaussian_kl(tf.zeros((128, 16)), variable))
    gradient = tape.gradient(loss, variable)
    assert np.isfinite(loss.numpy()) and np.all(np.isfinite(gradient))
    assert np.all(gradient.numpy() > 0), "a step along the gradient makes the cloud smaller"


def test_kl_grows_without_a_jump_where_the_tangent_takes_over():
    log_var = np.linspace(55, 65, 201)[:, None]
    values = np.array(objectives.gaussian_kl(np.zeros_like(log_var), log_var))
    steps = np.diff(values)
    assert np.all(steps > 0) and np.all(steps[1:] / steps[:-1] < 1.1)


def test_kl_gradient_is_the_derivative_of_the_formula():
    mu, log_var = tf.Variable(MU), tf.Variable(LOG_VAR)
    with tf.GradientTape() as tape:
        total = ops.sum(objectives.gaussian_kl(mu, log_var))
    d_mu, d_log_var = tape.gradient(total, [mu, log_var])
    assert np.allclose(d_mu, MU)
    assert np.allclose(d_log_var, 0.5 * (np.exp(LOG_VAR) - 1))


@pytest.mark.parametrize("shape", [(4, 1), (1, 2), (4,), (4, 3)])
def test_kl_refuses_shapes_that_numpy_would_stretch(shape):
    with pytest.raises(ValueError, match=r"mu and log_var must have one shape.*\(4, 2\)"):
        objectives.gaussian_kl(np.zeros((4, 2)), np.zeros(shape))


# Reconstruction ------------------------------------------------------------------------------


def test_reconstruction_is_minus_the_bernoulli_log_likelihood():
    x = RNG.integers(0, 2, (6, 28, 28, 1)).astype("float64")
    x_hat = RNG.uniform(0.01, 0.99, x.shape)
    expected = -scipy.stats.bernoulli(x_hat).logpmf(x).sum(axis=(1, 2, 3))
    assert np.allclose(objectives.reconstruction(x, x_hat), expected, rtol=1e-5)


def test_reconstruction_is_keras_mean_times_pixels():
    x, x_hat = RNG.uniform(0, 1, (2, 6, 8, 8, 3)).astype("float32")
    mean = keras.losses.BinaryCrossentropy()(x, x_hat)
    assert np.isclose(np.mean(objectives.reconstruction(x, x_hat)), 8 * 8 * 3 * mean, rtol=1e-5)


def test_reconstruction_of_a_hopeless_pixel_is_bounded():
    black, white = np.zeros((1, 2, 2, 1), "float32"), np.ones((1, 2, 2, 1), "float32")
    worst = float(objectives.reconstruction(white, black)[0])
    assert np.isclose(worst, 4 * -np.log(1e-7), rtol=1e-3)
    assert float(objectives.reconstruction(white, white)[0]) < 1e-5


def saturated_pixel(flavour, *layers):
    """Cost and gradient of a pixel whose logit is 20 and whose target is 0."""
    logit = tf.constant([[20.0]])
    inputs = x = flavour.Input((1,))
    for layer in layers:
        x = layer(x)
    model = flavour.Model(inputs, x)

    def cost():
        with tf.GradientTape() as tape:
            tape.watch(logit)
            output = model(logit)
            value = tf.reduce_sum(objectives.reconstruction(tf.zeros_like(output), output))
        return value, tape.gradient(value, logit)[0, 0]

    return np.array([cost(), tf.function(cost)()])  # eagerly, and as fit runs it


@pytest.mark.parametrize("flavour", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_a_sigmoid_at_the_end_keeps_its_logits(flavour):
    layers = flavour.layers
    sigmoid, shape = layers.Activation("sigmoid"), layers.Reshape((1, 1))
    assert np.allclose(saturated_pixel(flavour, sigmoid), [20, 1])
    assert np.allclose(saturated_pixel(flavour, shape, sigmoid), [20, 1])
    assert np.allclose(saturated_pixel(flavour, flavour.Sequential([sigmoid])), [20, 1])


@pytest.mark.parametrize("flavour", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_a_layer_behind_the_sigmoid_loses_its_logits(flavour):
    layers = flavour.layers
    sigmoid, shape = layers.Activation("sigmoid"), layers.Reshape((1, 1))
    lost = saturated_pixel(flavour, sigmoid, shape)
    assert np.all((15 < lost[:, 0]) & (lost[:, 0] < 17)) and np.all(lost[:, 1] == 0)
    # TensorFlow's own sigmoid is recognized in a graph only.
    eager, graph = saturated_pixel(flavour, layers.Activation(tf.sigmoid))
    assert eager[1] == 0 and np.allclose(graph, [20, 1])


def test_reconstruction_refuses_other_shapes():
    with pytest.raises(ValueError, match="x and x_hat must have one shape"):
        objectives.reconstruction(np.zeros((2, 28, 28)), np.zeros((2, 28, 28, 1)))


def test_the_terms_work_inside_a_compiled_function():
    x = tf.constant(RNG.uniform(0, 1, (3, 28, 28, 1)).astype("float32"))
    mu = tf.constant(MU[:3].astype("float32"))

    @tf.function(input_signature=[tf.TensorSpec((None, 28, 28, 1)), tf.TensorSpec((None, 5))])
    def compiled(images, means):
        return objectives.elbo(images, 0.9 * images + 0.05, means, 0.1 * means)

    assert np.allclose(compiled(x, mu), objectives.elbo(x, 0.9 * x + 0.05, mu, 0.1 * mu), rtol=1e-5)


# ELBO and weights ------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0, 0.01, 1, 10.0])
def test_elbo_is_minus_the_weighted_sum(beta):
    x, x_hat = RNG.uniform(0.05, 0.95, (2, 4, 6, 6, 1))
    mu, log_var = MU[:4], LOG_VAR[:4]
    terms = np.array(objectives.reconstruction(x, x_hat)) + beta * tfp_kl(mu, log_var)
    assert np.allclose(objectives.elbo(x, x_hat, mu, log_var, beta=beta), -terms, rtol=1e-5)


def test_elbo_is_below_the_evidence():
    """A model whose evidence is known: p(x=1) = E[sigmoid(z)] = 1/2 for z ~ N(0, 1)."""
    z = np.random.default_rng(3).normal(1.0, np.exp(-0.1), size=(200_000, 1))
    x_hat = 1 / (1 + np.exp(-z))
    mu, log_var = np.full_like(z, 1.0), np.full_like(z, -0.2)
    bound = np.mean(objectives.elbo(np.ones_like(z), x_hat, mu, log_var))
    assert np.log(0.5) - 0.5 < bound < np.log(0.5) - 0.05


def test_beta_may_be_a_tensor_inside_a_compiled_function():
    """As in a warm-up, where the model holds beta in a variable."""
    image, mu = tf.fill((2, 2, 2, 1), 0.5), tf.ones((2, 3))
    compiled = tf.function(lambda beta: objectives.elbo(image, image, mu, mu, beta=beta))
    expected = objectives.elbo(image, image, mu, mu, beta=0.25)
    assert np.allclose(compiled(tf.constant(0.25)), expected)


def test_elbo_refuses_one_posterior_for_many_images():
    images = np.full((2, 2, 2, 1), 0.5)
    with pytest.raises(ValueError, match="x holds 2 images, but mu holds 1"):
        objectives.elbo(images, images, np.zeros((1, 3)), np.zeros((1, 3)))


def test_reconstruction_of_images_of_unknown_size():
    x = RNG.uniform(0, 1, (2, 5, 7, 1)).astype("float32")
    unknown = tf.function(
        lambda a: objectives.reconstruction(a, a),
        input_signature=[tf.TensorSpec((None, None, None, 1))],
    )
    assert np.allclose(unknown(x), objectives.reconstruction(x, x))


@pytest.mark.parametrize("beta", [-1, np.nan])
def test_elbo_refuses_a_bad_beta(beta):
    image = np.full((1, 2, 2, 1), 0.5)
    with pytest.raises(ValueError, match="beta must be a number of at least 0"):
        objectives.elbo(image, image, np.zeros((1, 2)), np.zeros((1, 2)), beta=beta)


@pytest.mark.parametrize(
    ("fact", "z_dim", "beta"), [(6.5e-4, 2, 0.5096), (6.5e-4, 12, 0.08493), (0.5e-4, 16, 0.0049)]
)
def test_fact_and_beta_of_the_series(fact, z_dim, beta):
    assert np.isclose(objectives.beta_from_fact(fact, 784, z_dim), beta, rtol=1e-3)
    assert np.isclose(objectives.fact_from_beta(beta, 784, z_dim), fact, rtol=1e-3)


def test_fact_is_beta_on_real_tensors():
    """The series' loss, written as the series writes it, is ours divided by the pixels."""
    x, x_hat = RNG.uniform(0.05, 0.95, (2, 8, 28, 28, 1)).astype("float32")
    mu, log_var, fact = MU[:8], LOG_VAR[:8], 3e-4
    series = np.mean(keras.losses.BinaryCrossentropy()(x, x_hat)) - fact * np.mean(
        1 + log_var - mu**2 - np.exp(log_var)
    )
    beta = objectives.beta_from_fact(fact, n_pixels=784, z_dim=5)
    ours = -np.mean(objectives.elbo(x, x_hat, mu.astype("f"), log_var.astype("f"), beta=beta))
    assert np.isclose(784 * series, ours, rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1e-4, 784, 2), "fact must be a finite number"),
        ((np.nan, 784, 2), "fact must be a finite number"),
        ((np.inf, 784, 2), "fact must be a finite number"),
        ((1e-4, 0, 2), "n_pixels must be a positive whole number"),
        ((1e-4, 784, 0), "z_dim must be a positive whole number"),
        ((1e-4, 784, 2.5), "z_dim must be a positive whole number"),
        ((1e-4, float("inf"), 2), "n_pixels must be a positive whole number"),
        (("1e-4", 784, 2), "fact must be a finite number"),
        ((1e-4, "784", 2), "n_pixels must be a positive whole number, but is '784'"),
    ],
)
def test_conversions_refuse_nonsense(arguments, message):
    with pytest.raises(ValueError, match=message):
        objectives.beta_from_fact(*arguments)
    with pytest.raises(ValueError, match=message.replace("fact", "beta")):
        objectives.fact_from_beta(*arguments)


# Other ways to weigh the terms ----------------------------------------------------------------


def loss_written_in_another_way(weight, reconstruction_weight, pixels, dimensions, half):
    """Value of such a loss for one image, in NumPy, with its terms."""
    rng = np.random.default_rng(11)
    x, x_hat = rng.uniform(0.01, 0.99, (2, 6, 5, 3))
    mu, log_var = rng.normal(size=(2, 4))
    per_pixel = -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat))
    per_dimension = (0.5 if half else 1.0) * (mu**2 + np.exp(log_var) - 1 - log_var)
    value = reconstruction_weight * getattr(np, pixels)(per_pixel)
    value += weight * getattr(np, dimensions)(per_dimension)
    kl = 0.5 * np.sum(mu**2 + np.exp(log_var) - 1 - log_var)
    return value, per_pixel.sum(), kl


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("dimensions", ["sum", "mean"])
@pytest.mark.parametrize("pixels", ["sum", "mean"])
@pytest.mark.parametrize("weight, reconstruction_weight", [(1.0, 1.0), (0.3, 1.0), (2.0, 500.0)])
def test_effective_beta_makes_any_loss_ours(
    weight, reconstruction_weight, pixels, dimensions, half
):
    value, reconstruction, kl = loss_written_in_another_way(
        weight, reconstruction_weight, pixels, dimensions, half
    )
    beta = objectives.effective_beta(
        weight, 90, 4, reconstruction_weight, pixels=pixels, dimensions=dimensions, half=half
    )
    scale = reconstruction_weight / (90 if pixels == "mean" else 1)
    assert np.isclose(value / scale, reconstruction + beta * kl)


def test_effective_beta_of_the_sources():
    # keras.io and MachineCurve; Chollet's third edition; the series; Foster's second edition
    assert objectives.effective_beta(1.0, 784, 2) == 1.0
    assert objectives.effective_beta(1.0, 784, 2, dimensions="mean") == 0.5
    series = objectives.effective_beta(6.5e-4, 784, 2, pixels="mean", dimensions="mean", half=False)
    assert np.isclose(series, 0.5096) and series == objectives.beta_from_fact(6.5e-4, 784, 2)
    foster = objectives.effective_beta(1.0, 32 * 32, 2, reconstruction_weight=500, pixels="mean")
    assert np.isclose(foster, 2.048)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"weight": -1}, "weight must be a finite number of at least 0"),
        ({"pixels": "average"}, "pixels must be 'sum' or 'mean', but is 'average'"),
        ({"dimensions": None}, "dimensions must be 'sum' or 'mean'"),
        ({"reconstruction_weight": 0}, "without a reconstruction there is no beta"),
        ({"reconstruction_weight": "1"}, "reconstruction_weight must be a finite number"),
        ({"n_pixels": 0}, "n_pixels must be a positive whole number"),
        ({"z_dim": 2.5}, "z_dim must be a positive whole number"),
    ],
)
def test_effective_beta_refuses_nonsense(options, message):
    with pytest.raises(ValueError, match=message):
        objectives.effective_beta(**{"weight": 1.0, "n_pixels": 784, "z_dim": 2, **options})


# The importance-weighted bound ----------------------------------------------------------------


def one_dimensional_model():
    """A model whose evidence is an integral over one number: z to four pixels."""
    slope, offset = np.array([2.0, -1.0, 0.5, 3.0]), np.array([0.1, -0.2, 0.4, -1.0])
    x = np.array([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 0.0]])

    def decode(z):
        return scipy.special.expit(slope * z + offset)

    grid = np.linspace(-10, 10, 4_001)[:, None]
    x_hat = decode(grid)
    evidence = [
        np.log(
            np.trapezoid(
                np.prod(np.where(image, x_hat, 1 - x_hat), axis=1)
                * scipy.stats.norm.pdf(grid[:, 0]),
                grid[:, 0],
            )
        )
        for image in x
    ]
    return x, decode, np.array(evidence)


MU_1, LOG_VAR_1 = np.array([[0.6], [-0.7]]), np.array([[-0.4], [-0.2]])


def draws(k, seed):
    """Images, draws of z and reconstructions, k of each image, one below the other."""
    x, decode, _ = one_dimensional_model()
    epsilon = np.random.default_rng(seed).normal(size=(2 * k, 1))
    z = np.tile(MU_1, (k, 1)) + np.exp(np.tile(LOG_VAR_1, (k, 1)) / 2) * epsilon
    return np.tile(x, (k, 1)), z, decode(z)


def log_weights(k, seed):
    x, z, x_hat = draws(k, seed)
    clouds = np.tile(MU_1, (k, 1)), np.tile(LOG_VAR_1, (k, 1))
    return np.array(objectives.log_weight(x, x_hat, z, *clouds)).reshape(k, 2)


def test_log_weight_is_the_ratio_of_densities():
    x, decode, _ = one_dimensional_model()
    mu, log_var, z = np.array([[0.6], [-0.7]]), np.array([[-0.4], [0.3]]), np.array([[1.1], [0.2]])
    pixels = np.where(x, decode(z), 1 - decode(z))
    expected = np.log(pixels).sum(axis=1) + scipy.stats.norm.logpdf(z[:, 0])
    expected -= scipy.stats.norm(mu[:, 0], np.exp(log_var[:, 0] / 2)).logpdf(z[:, 0])
    ours = objectives.log_weight(x, decode(z), z, mu, log_var)
    assert ours.shape == (2,) and np.allclose(ours, expected, atol=1e-5)


def test_the_bound_climbs_from_the_elbo_to_the_evidence():
    weights, evidence = log_weights(200_000, seed=12), one_dimensional_model()[2]
    bounds = {}
    for k in (1, 10, 1_000):
        # k draws of each image, as often as they are there: one bound for each column.
        columns = weights.reshape(-1, k, 2).transpose(1, 0, 2).reshape(k, -1)
        bound = np.array(objectives.importance_weighted_bound(columns))
        bounds[k] = bound.reshape(-1, 2).mean(axis=0)
    error = weights.std(axis=0) / np.sqrt(len(weights))
    assert (bounds[1] < bounds[10]).all() and (bounds[10] < bounds[1_000]).all()
    assert (bounds[1] < evidence - 4 * error).all(), "this q is not the posterior"
    assert np.allclose(bounds[1_000], evidence, atol=0.005)


def test_a_narrow_proposal_keeps_the_bound_down_and_a_wider_one_lifts_it():
    """Every width of q gives a bound; which of them is near ln p(x), k alone does not mend."""
    x, decode, evidence = one_dimensional_model()
    epsilon = np.random.default_rng(15).normal(size=(100, 4_000))  # k, repetitions
    width = np.exp(LOG_VAR_1[0, 0] / 2)
    missing = {}
    for factor in (0.1, 0.3, 1.0, 1.3):
        z = (MU_1[0] + factor * width * epsilon).reshape(-1, 1)
        clouds = np.full_like(z, MU_1[0, 0]), np.full_like(z, 2 * np.log(factor * width))
        images = np.broadcast_to(x[0], (len(z), 4))
        weights = np.array(objectives.log_weight(images, decode(z), z, *clouds))
        bound = np.array(objectives.importance_weighted_bound(weights.reshape(100, -1)))
        error = bound.std() / np.sqrt(bound.size)
        assert bound.mean() < evidence[0] + 4 * error, "never above ln p(x) on average"
        missing[factor] = evidence[0] - bound.mean()
    assert missing[0.1] > 2 * missing[0.3] > 0.05
    assert max(missing[1.0], missing[1.3]) < 0.02


def test_the_bound_of_one_draw_is_the_elbo():
    x, _, x_hat = draws(40_000, seed=13)
    missing = -np.log(np.where(x, x_hat, 1 - x_hat)).sum(axis=1).reshape(-1, 2).mean(axis=0)
    elbo = -(missing + np.array(objectives.gaussian_kl(MU_1, LOG_VAR_1)))
    assert np.allclose(log_weights(40_000, seed=14).mean(axis=0), elbo, atol=0.03)


def test_the_bound_holds_where_exponentials_leave_float32():
    rows = np.full((3, 2), -5_000.0)
    assert np.allclose(objectives.importance_weighted_bound(rows), -5_000.0)


def test_the_bound_refuses_nonsense():
    with pytest.raises(ValueError, match=r"must have shape \(k, images\), but have \(5,\)"):
        objectives.importance_weighted_bound(np.zeros(5))
    with pytest.raises(ValueError, match="z and mu must have one shape"):
        objectives.log_weight(
            np.zeros((2, 4)), np.zeros((2, 4)), np.zeros((2, 1)), *np.zeros((2, 2, 2))
        )
