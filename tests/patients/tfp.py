"""TensorFlow Probability on tf_keras: distributions are layers, the KL is a regularizer."""

import tensorflow as tf

from .data import flat, stripes


def probability():
    """tfp, its distributions, its layers; TFP takes long to import and is imported when needed."""
    import tensorflow_probability as tfp

    return tfp, tfp.distributions, tfp.layers


def standard_normal(tfd, z_dim):
    return tfd.Independent(tfd.Normal(tf.zeros(z_dim), scale=1.0), reinterpreted_batch_ndims=1)


def bernoulli_decoder(keras, tfpl, z_dim):
    return keras.Sequential(
        [
            keras.Input((z_dim,)),
            keras.layers.Dense(24, activation="relu"),
            keras.layers.Dense(tfpl.IndependentBernoulli.params_size((64,))),
            tfpl.IndependentBernoulli((64,)),
        ]
    )


def assemble(keras, latent_layers, z_dim):
    """Encoder with these last layers, Bernoulli decoder, log likelihood: (model, x, y)."""
    _, _, tfpl = probability()
    encoder = keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(24, activation="relu"), *latent_layers]
    )
    decoder = bernoulli_decoder(keras, tfpl, z_dim)
    vae = keras.Model(encoder.inputs, decoder(encoder.outputs[0]))
    vae.compile("adam", loss=lambda x, rv_x: -rv_x.log_prob(x))
    images = flat(stripes())
    return vae, images, images


def regularizer_of_full_weight(keras):
    """As TFP's own example has it. The regularizer is applied to the distribution and its draw."""
    _, tfd, tfpl = probability()
    prior = standard_normal(tfd, 3)
    regularizer = tfpl.KLDivergenceRegularizer(prior, use_exact_kl=True)
    dense = keras.layers.Dense(tfpl.IndependentNormal.params_size(3))
    return assemble(keras, [dense, tfpl.IndependentNormal(3, activity_regularizer=regularizer)], 3)


def regularizer_of_half_weight(keras):
    """Half the weight, as it is added twice."""
    _, tfd, tfpl = probability()
    regularizer = tfpl.KLDivergenceRegularizer(
        standard_normal(tfd, 3), use_exact_kl=True, weight=0.5
    )
    dense = keras.layers.Dense(tfpl.IndependentNormal.params_size(3))
    return assemble(keras, [dense, tfpl.IndependentNormal(3, activity_regularizer=regularizer)], 3)


def regularizer_by_sampling(keras):
    """The default: the KL is estimated from the z that was drawn, and so is a random number."""
    _, tfd, tfpl = probability()
    regularizer = tfpl.KLDivergenceRegularizer(standard_normal(tfd, 2), weight=0.25)
    dense = keras.layers.Dense(tfpl.IndependentNormal.params_size(2))
    return assemble(keras, [dense, tfpl.IndependentNormal(2, activity_regularizer=regularizer)], 2)


def add_loss_layer(keras):
    """KLDivergenceAddLoss sums over the batch."""
    _, tfd, tfpl = probability()
    layers = [
        keras.layers.Dense(tfpl.IndependentNormal.params_size(4)),
        tfpl.IndependentNormal(4),
        tfpl.KLDivergenceAddLoss(standard_normal(tfd, 4), use_exact_kl=True),
    ]
    return assemble(keras, layers, 4)


def full_covariance(keras):
    _, tfd, tfpl = probability()
    prior = tfd.MultivariateNormalDiag(loc=tf.zeros(2))
    regularizer = tfpl.KLDivergenceRegularizer(prior, use_exact_kl=True, weight=0.5)
    layers = [
        keras.layers.Dense(tfpl.MultivariateNormalTriL.params_size(2)),
        tfpl.MultivariateNormalTriL(2, activity_regularizer=regularizer),
    ]
    return assemble(keras, layers, 2)


def prior_made_and_not_used(keras):
    _, tfd, tfpl = probability()
    standard_normal(tfd, 3)
    dense = keras.layers.Dense(tfpl.IndependentNormal.params_size(3))
    return assemble(keras, [dense, tfpl.IndependentNormal(3)], 3)


def distribution_lambda_with_variance(keras):
    """Two named heads, the KL in closed form, and a Normal that gets the variance as scale."""
    _, tfd, tfpl = probability()

    class AddKL(keras.layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            kl = tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1) / 2
            self.add_loss(tf.reduce_mean(kl))
            return mu, log_var

    x = keras.Input((64,))
    h = keras.layers.Dense(24, activation="relu")(x)
    mu, log_var = keras.layers.Dense(3, name="mu")(h), keras.layers.Dense(3, name="log_var")(h)
    mu, log_var = AddKL()([mu, log_var])
    z = tfpl.DistributionLambda(
        lambda t: tfd.Independent(tfd.Normal(t[0], tf.exp(t[1])), reinterpreted_batch_ndims=1)
    )([mu, log_var])
    vae = keras.Model(x, bernoulli_decoder(keras, tfpl, 3)(z))
    vae.compile("adam", loss=lambda x, rv_x: -rv_x.log_prob(x))
    images = flat(stripes())
    return vae, images, images
