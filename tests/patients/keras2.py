"""Scripts of the Keras 2 years, which tf_keras still runs: symbols, K, symbolic add_loss."""

import tensorflow as tf

from .data import blobs, flat, stripes


def parts(keras, pixels=784, z_dim=2, activation="relu"):
    """The functional model of those years: x, z_mean, z_log_var, x_decoded."""
    K, L = keras.backend, keras.layers

    def sampling(args):
        z_mean, z_log_var = args
        epsilon = K.random_normal(shape=(K.shape(z_mean)[0], z_dim), mean=0.0, stddev=1.0)
        return z_mean + K.exp(z_log_var / 2) * epsilon

    x = L.Input(shape=(pixels,))
    h = L.Dense(32, activation=activation)(x)
    z_mean = L.Dense(z_dim)(h)
    z_log_var = L.Dense(z_dim)(h)
    z = L.Lambda(sampling, output_shape=(z_dim,))([z_mean, z_log_var])
    h = L.Dense(32, activation=activation)(z)
    return x, z_mean, z_log_var, L.Dense(pixels, activation="sigmoid")(h)


def symbolic_add_loss(keras):
    K = keras.backend
    original_dim = 784
    x, z_mean, z_log_var, x_decoded = parts(keras)
    vae = keras.Model(x, x_decoded)
    reconstruction_loss = keras.losses.binary_crossentropy(x, x_decoded) * original_dim
    kl_loss = K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1) * -0.5
    vae.add_loss(K.mean(reconstruction_loss + kl_loss))
    vae.compile(optimizer="rmsprop")
    return vae, flat(blobs()), None


def symbolic_add_loss_and_compiled_loss(keras):
    x, mu, log_sigma, x_decoded = parts(keras, pixels=64, z_dim=3)
    vae = keras.Model(x, x_decoded)
    kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_sigma) - 1.0 - log_sigma, axis=1)
    vae.add_loss(tf.reduce_mean(kl))

    def sum_of_squares(x, x_hat):
        return keras.backend.sum(keras.backend.square(x - x_hat), axis=-1)

    vae.compile("adam", loss=sum_of_squares)
    images = flat(stripes())
    return vae, images, images


def symbolic_without_the_pixels(keras):
    K = keras.backend
    x, z_mean, z_log_var, x_decoded = parts(keras)
    vae = keras.Model(x, x_decoded)
    xent_loss = keras.losses.binary_crossentropy(x, x_decoded)
    kl_loss = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
    vae.add_loss(K.mean(xent_loss + kl_loss))
    vae.compile(optimizer="rmsprop")
    return vae, flat(blobs()), None


def symbolic_mean(keras):
    K = keras.backend
    x, z_mean, z_log_var, x_decoded = parts(keras, pixels=64, z_dim=4)
    vae = keras.Model(x, x_decoded)
    xent_loss = 64 * keras.losses.binary_crossentropy(x, x_decoded)
    kl_loss = -0.5 * K.mean(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
    vae.add_loss(K.mean(xent_loss + kl_loss))
    vae.compile(optimizer="adam")
    return vae, flat(stripes()), None


def symbolic_twice(keras):
    """add_loss has the KL, and the compiled loss takes the whole of it again."""
    K = keras.backend
    x, z_mean, z_log_var, x_decoded = parts(keras, pixels=64, z_dim=3)
    vae = keras.Model(x, x_decoded)
    kl_loss = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
    vae.add_loss(K.mean(kl_loss))
    vae.add_loss(K.mean(64 * keras.losses.binary_crossentropy(x, x_decoded) + kl_loss))
    vae.compile(optimizer="adam")
    return vae, flat(stripes()), None


def layer_with_the_whole_loss(keras):
    """A last layer that takes everything, adds the loss and hands the image on."""
    K = keras.backend

    class VariationalLayer(keras.layers.Layer):
        def vae_loss(self, x, z_decoded, z_mean, z_log_var):
            xent_loss = keras.losses.binary_crossentropy(K.flatten(x), K.flatten(z_decoded))
            kl = -5e-4 * K.mean(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
            return K.mean(xent_loss + kl)

        def call(self, inputs):
            self.add_loss(self.vae_loss(*inputs))
            return inputs[1]

    x, z_mean, z_log_var, x_decoded = parts(keras)
    y = VariationalLayer()([x, x_decoded, z_mean, z_log_var])
    vae = keras.Model(x, y)
    vae.compile(optimizer="rmsprop", loss=None)
    return vae, flat(blobs()), None


def lambda_for_each_half(keras):
    L, K = keras.layers, keras.backend

    def first(t):
        return t[:, :3]

    def second(t):
        return t[:, 3:]

    def draw(t):
        return t[0] + K.exp(0.5 * t[1]) * K.random_normal(K.shape(t[0]))

    x = L.Input((64,))
    t = L.Dense(6)(L.Dense(24, activation="relu")(x))
    mu, log_var = L.Lambda(first)(t), L.Lambda(second)(t)
    h = L.Dense(24, activation="relu")(L.Lambda(draw)([mu, log_var]))
    vae = keras.Model(x, L.Dense(64, activation="sigmoid")(h))
    vae.add_loss(K.mean(K.sum(K.square(mu) + K.exp(log_var) - 1 - log_var, axis=1)) / 2)
    vae.compile("adam", loss=lambda x, p: K.sum(K.binary_crossentropy(x, p), axis=-1))
    images = flat(stripes())
    return vae, images, images


def one_epsilon_by_backend(keras):
    L, K = keras.layers, keras.backend
    latent_dim = 2

    def sampling(args):
        z_mean, z_log_sigma = args
        epsilon = K.random_normal(shape=(latent_dim,), mean=0.0, stddev=1.0)
        return z_mean + K.exp(z_log_sigma / 2) * epsilon

    x = L.Input((64,))
    h = L.Dense(24, activation="relu")(x)
    z_mean, z_log_sigma = L.Dense(latent_dim)(h), L.Dense(latent_dim)(h)
    z = L.Lambda(sampling)([z_mean, z_log_sigma])
    x_hat = L.Dense(64, activation="sigmoid")(L.Dense(24, activation="relu")(z))
    vae = keras.Model(x, x_hat)
    kl_loss = -0.5 * K.sum(1 + z_log_sigma - K.square(z_mean) - K.exp(z_log_sigma), axis=-1)
    vae.add_loss(K.mean(64 * keras.losses.binary_crossentropy(x, x_hat) + kl_loss))
    vae.compile("adam")
    return vae, flat(stripes()), None


def sigma_by_backend(keras):
    L, K = keras.layers, keras.backend

    def sampling(args):
        z_mean, z_log_var = args
        return z_mean + K.exp(z_log_var) * K.random_normal(K.shape(z_mean))

    x = L.Input((64,))
    h = L.Dense(24, activation="relu")(x)
    z_mean, z_log_var = L.Dense(3, name="z_mean")(h), L.Dense(3, name="z_log_var")(h)
    z = L.Lambda(sampling)([z_mean, z_log_var])
    vae = keras.Model(x, L.Dense(64, activation="sigmoid")(L.Dense(24, activation="relu")(z)))
    vae.add_loss(-0.5 * K.mean(K.sum(1 + z_log_var - z_mean**2 - K.exp(z_log_var), axis=1)))
    vae.compile("adam", loss=lambda x, p: 64 * keras.losses.binary_crossentropy(x, p))
    images = flat(stripes())
    return vae, images, images


def losses_lost_on_the_way(keras):
    """The KL is added to a model that is then only a part of another one's weights."""
    L, K = keras.layers, keras.backend
    x, z_mean, z_log_var, x_decoded = parts(keras, pixels=64, z_dim=3)
    first = keras.Model(x, x_decoded)
    first.add_loss(K.mean(-0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), -1)))
    vae = keras.Model(x, L.Reshape((8, 8, 1))(x_decoded))
    vae.compile("adam", loss=lambda x, p: K.sum(K.binary_crossentropy(x, p), axis=[1, 2, 3]))
    images = stripes()
    return vae, flat(images), images
