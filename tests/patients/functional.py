"""Healthy functional models: a KL layer, a sampling layer, nested models, unusual heads."""

import tensorflow as tf

from . import blocks
from .data import blobs, flat, stripes


def kl_layer_and_summed_cross_entropy(keras):
    layers = keras.layers

    class KLDivergenceLayer(layers.Layer):
        """Hands its inputs on and adds their KL divergence to the loss."""

        def call(self, inputs):
            mu, log_var = inputs
            kl_batch = -0.5 * tf.reduce_sum(1 + log_var - tf.square(mu) - tf.exp(log_var), axis=-1)
            self.add_loss(tf.reduce_mean(kl_batch))
            return inputs

    class Sample(layers.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            return mu + tf.exp(log_var / 2) * tf.random.normal(tf.shape(log_var))

    def nll(y_true, y_pred):
        """Negative log likelihood (Bernoulli)."""
        y_true, y_pred = (tf.clip_by_value(v, 1e-7, 1 - 1e-7) for v in (y_true, y_pred))
        cross = y_true * tf.math.log(y_pred) + (1 - y_true) * tf.math.log(1 - y_pred)
        return -tf.reduce_sum(cross, axis=-1)

    x = keras.Input(shape=(784,))
    h = layers.Dense(32, activation="relu")(x)
    z_mu = layers.Dense(2)(h)
    z_log_var = layers.Dense(2)(h)
    z_mu, z_log_var = KLDivergenceLayer()([z_mu, z_log_var])
    z = Sample()([z_mu, z_log_var])
    decoder = keras.Sequential(
        [layers.Dense(32, activation="relu"), layers.Dense(784, activation="sigmoid")]
    )
    vae = keras.Model(inputs=x, outputs=decoder(z))
    vae.compile(optimizer="rmsprop", loss=nll)
    images = flat(blobs())
    return vae, images, images


def sampling_layer_that_adds_the_kl(keras):
    layers = keras.layers

    class Sampling(layers.Layer):
        def __init__(self, kl_weight=1.0, **kwargs):
            super().__init__(**kwargs)
            self.kl_weight = kl_weight

        def call(self, inputs):
            mean, logvar = inputs
            kl = tf.reduce_sum(tf.square(mean) + tf.exp(logvar) - logvar - 1.0, axis=1) / 2.0
            self.add_loss(self.kl_weight * tf.reduce_mean(kl))
            return mean + tf.random.normal(tf.shape(mean)) * tf.exp(logvar * 0.5)

        def get_config(self):
            return {**super().get_config(), "kl_weight": self.kl_weight}

    image = keras.Input((8, 8, 1))
    h = layers.Dense(32, activation="tanh")(layers.Flatten()(image))
    code = Sampling(kl_weight=1.5)([layers.Dense(4)(h), layers.Dense(4)(h)])
    h = layers.Dense(32, activation="tanh")(code)
    out = layers.Reshape((8, 8, 1))(layers.Dense(64, activation="sigmoid")(h))

    def reconstruction_loss(x, x_hat):
        return tf.reduce_sum(keras.losses.binary_crossentropy(x, x_hat), axis=(1, 2))

    model = keras.Model(image, out)
    model.compile(optimizer="adam", loss=reconstruction_loss, metrics=["mse"])
    images = stripes()
    return model, images, images


def nested_models_with_three_outputs(keras):
    from keras import ops

    class AddKL(keras.layers.Layer):
        def call(self, z_mean, z_log_var):
            kl = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
            self.add_loss(0.5 * ops.mean(ops.sum(kl, axis=1)))
            return z_mean

    class Sampling(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seed_generator = keras.random.SeedGenerator(1337)

        def call(self, inputs):
            z_mean, z_log_var = inputs
            epsilon = keras.random.normal(ops.shape(z_mean), seed=self.seed_generator)
            return z_mean + ops.exp(0.5 * z_log_var) * epsilon

    encoder_inputs = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(encoder_inputs)
    x = keras.layers.Dense(16, activation="relu")(x)
    z_mean = keras.layers.Dense(3, name="z_mean")(x)
    z_log_var = keras.layers.Dense(3, name="z_log_var")(x)
    z_mean = AddKL()(z_mean, z_log_var)
    z = Sampling()([z_mean, z_log_var])
    encoder = keras.Model(encoder_inputs, [z_mean, z_log_var, z], name="encoder")

    latent_inputs = keras.Input((3,))
    x = keras.layers.Dense(16, activation="relu")(latent_inputs)
    x = keras.layers.Dense(64, activation="sigmoid")(x)
    decoder = keras.Model(latent_inputs, keras.layers.Reshape((8, 8, 1))(x), name="decoder")

    inputs = keras.Input((8, 8, 1))
    vae = keras.Model(inputs, decoder(encoder(inputs)[2]), name="vae")

    def loss(x, y):
        return ops.sum(keras.losses.binary_crossentropy(x, y), axis=[1, 2])

    vae.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    images = stripes()
    return vae, images, images


def heads_without_names(keras):
    inputs = keras.Input((64,))
    x = keras.layers.Dense(32, activation="relu")(inputs)
    x = keras.layers.Dense(16, activation="relu")(x)
    a, b = keras.layers.Dense(3)(x), keras.layers.Dense(3)(x)
    a, b = blocks.kl_layer(keras)()([a, b])
    x = blocks.sampling_layer(keras)()([a, b])
    x = keras.layers.Dense(16, activation="relu")(x)
    x = keras.layers.Dense(32, activation="relu")(x)
    outputs = keras.layers.Dense(64, activation="sigmoid")(x)
    model = keras.Model(inputs, outputs)
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def one_dense_split_by_ops(keras):
    from keras import ops

    class Bottleneck(keras.layers.Layer):
        """(n, 2 d) -> z (n, d); the KL goes into the loss."""

        def call(self, params):
            mu, log_var = ops.split(params, 2, axis=-1)
            kl = ops.sum(ops.square(mu) + ops.exp(log_var) - 1 - log_var, axis=-1) / 2
            self.add_loss(ops.mean(kl))
            return mu + ops.exp(log_var / 2) * keras.random.normal(ops.shape(mu))

    x = keras.Input((64,))
    h = keras.layers.Dense(24, activation="gelu")(x)
    z = Bottleneck()(keras.layers.Dense(2 * 4)(h))
    h = keras.layers.Dense(24, activation="gelu")(z)
    model = keras.Model(x, keras.layers.Dense(64, activation="sigmoid")(h))
    model.compile("adamw", lambda x, p: 64 * keras.losses.binary_crossentropy(x, p))
    images = flat(stripes())
    return model, images, images


def one_dense_split_by_slicing(keras):
    inputs = keras.Input((64,))
    h = keras.layers.Dense(24, activation="relu")(inputs)
    stats = keras.layers.Dense(6)(h)
    mu, log_var = blocks.kl_layer(keras)()([stats[:, :3], stats[:, 3:]])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def one_dense_split_log_var_first(keras):
    class Split(keras.layers.Layer):
        def call(self, t):
            return tf.split(t, 2, axis=1)

    inputs = keras.Input((64,))
    h = keras.layers.Dense(24, activation="relu")(inputs)
    log_var, mu = Split()(keras.layers.Dense(8, name="code")(h))
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 4)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def lambda_sampling(keras):
    Lambda = keras.layers.Lambda

    def sample_z(args):
        m, s = args
        eps = tf.random.normal(shape=(tf.shape(m)[0], 2))
        return m + tf.exp(s / 2) * eps

    inputs, mu, sigma = blocks.encoder(keras, 64, 2, names=("mu", "log_sigma"))
    mu, sigma = blocks.kl_layer(keras)(weight=0.25)([mu, sigma])
    z = Lambda(sample_z, output_shape=(2,))([mu, sigma])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 2)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def convolutions(keras):
    L = keras.layers
    image = keras.Input((8, 8, 1))
    h = L.Conv2D(8, 3, strides=2, padding="same")(image)
    h = L.LeakyReLU()(L.BatchNormalization()(h))
    h = L.Flatten()(L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(h))
    h = L.Dropout(0.2)(h)
    mu, log_var = blocks.kl_layer(keras)(0.5)([L.Dense(3)(h), L.Dense(3)(h)])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    h = L.Reshape((2, 2, 8))(L.Dense(32, activation="relu")(z))
    h = L.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(h)
    h = L.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(h)
    model = keras.Model(image, h)

    def loss(x, y):
        return tf.reduce_sum(keras.losses.binary_crossentropy(x, y), axis=(1, 2))

    model.compile("adam", loss)
    images = stripes()
    return model, images, images


def log_sigma_head(keras):
    class GaussianKL(keras.layers.Layer):
        def call(self, mu, log_sigma):
            kl = 0.5 * (mu**2 + tf.exp(2 * log_sigma) - 1) - log_sigma
            self.add_loss(tf.reduce_mean(tf.reduce_sum(kl, axis=1)))
            return mu + tf.exp(log_sigma) * tf.random.normal(tf.shape(mu))

    inputs, mu, log_sigma = blocks.encoder(keras, 64, 3, names=("mu", "log_sigma"))
    z = GaussianKL()(mu, log_sigma)
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def softplus_sigma_head(keras):
    class Latent(keras.layers.Layer):
        def call(self, inputs):
            mean, std = inputs
            kl = 0.5 * (mean**2 + std**2 - 1 - 2 * tf.math.log(std + 1e-8))
            self.add_loss(tf.reduce_mean(tf.reduce_sum(kl, -1)))
            return mean + std * tf.random.normal(tf.shape(std))

    inputs = keras.Input((64,))
    h = keras.layers.Dense(24, activation="relu")(inputs)
    mean = keras.layers.Dense(3, name="mean")(h)
    std = keras.layers.Dense(3, activation="softplus", name="stddev")(h)
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(Latent()([mean, std])))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def variance_head(keras):
    class Latent(keras.layers.Layer):
        def call(self, mean, raw):
            variance = tf.nn.softplus(raw) + 1e-5
            kl = 0.5 * tf.reduce_sum(mean**2 + variance - 1 - tf.math.log(variance), axis=1)
            self.add_loss(3 * tf.reduce_mean(kl))
            return mean + tf.sqrt(variance) * tf.random.normal(tf.shape(mean))

    inputs, mean, raw = blocks.encoder(keras, 64, 3, names=("mean", "variance"))
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(Latent()(mean, raw)))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images
