"""What is no VAE with one latent vector, or cannot be examined: an honest sentence is wanted."""

import numpy as np
import tensorflow as tf

from . import blocks
from .data import flat, stripes


def healthy(keras, images=None):
    """A VAE that is right, for the patients whose images are not."""
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    return model, images, images


def classifier(keras):
    L = keras.layers
    image = keras.Input((8, 8, 1))
    h = L.Flatten()(L.Conv2D(4, 3, activation="relu")(image))
    model = keras.Model(image, L.Dense(2, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images = stripes()
    return model, images, (np.arange(64) % 2).astype("int32")


def plain_autoencoder(keras):
    L = keras.layers
    inputs = keras.Input((64,))
    code = L.Dense(3, name="code")(L.Dense(24, activation="relu")(inputs))
    h = L.Dense(24, activation="relu")(code)
    model = keras.Model(inputs, L.Dense(64, activation="sigmoid")(h))
    model.compile("adam", "binary_crossentropy")
    images = flat(stripes())
    return model, images, images


def two_inputs(keras):
    L = keras.layers
    left, right = keras.Input((32,), name="left"), keras.Input((32,), name="right")
    h = L.Dense(24, activation="relu")(L.Concatenate()([left, right]))
    mu, log_var = blocks.kl_layer(keras)()([L.Dense(3)(h), L.Dense(3)(h)])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    model = keras.Model([left, right], blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, [images[:, :32], images[:, 32:]], images


def label_as_input(keras):
    L = keras.layers
    image, label = keras.Input((64,)), keras.Input((2,))
    h = L.Dense(24, activation="relu")(L.Concatenate()([image, label]))
    mu, log_var = blocks.kl_layer(keras)()(
        [L.Dense(3, name="mu")(h), L.Dense(3, name="log_var")(h)]
    )
    z = blocks.sampling_layer(keras)()([mu, log_var])
    h = L.Dense(24, activation="relu")(L.Concatenate()([z, label]))
    model = keras.Model([image, label], L.Dense(64, activation="sigmoid")(h))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    labels = np.eye(2, dtype="float32")[np.arange(64) % 2]
    return model, [images, labels], images


def three_heads(keras):
    """mu, log_var and a third head of the same size that bends the draw."""
    L = keras.layers

    class Skewed(L.Layer):
        def call(self, inputs):
            mu, log_var, skew = inputs
            kl = tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var + skew**2, axis=1) / 2
            self.add_loss(tf.reduce_mean(kl))
            epsilon = tf.random.normal(tf.shape(mu))
            return mu + tf.exp(log_var / 2) * (epsilon + skew * tf.abs(epsilon))

    inputs = keras.Input((64,))
    h = L.Dense(24, activation="relu")(inputs)
    z = Skewed()([L.Dense(3)(h), L.Dense(3)(h), L.Dense(3)(h)])
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(z))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def two_latent_layers(keras):
    """A ladder: z1 is drawn from the image, z2 from z1, and both reach the decoder."""
    L = keras.layers
    AddKL, Sampling = blocks.kl_layer(keras), blocks.sampling_layer(keras)
    inputs = keras.Input((64,))
    h = L.Dense(24, activation="relu")(inputs)
    z1 = Sampling()(AddKL()([L.Dense(4)(h), L.Dense(4)(h)]))
    h = L.Dense(16, activation="relu")(z1)
    z2 = Sampling()(AddKL()([L.Dense(2)(h), L.Dense(2)(h)]))
    h = L.Dense(24, activation="relu")(L.Concatenate()([z1, z2]))
    model = keras.Model(inputs, L.Dense(64, activation="sigmoid")(h))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def latent_map(keras):
    L = keras.layers

    class Latent(L.Layer):
        def call(self, inputs):
            mu, log_var = inputs
            kl = tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=(1, 2, 3)) / 2
            self.add_loss(tf.reduce_mean(kl))
            return mu + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mu))

    image = keras.Input((8, 8, 1))
    h = L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    z = Latent()([L.Conv2D(2, 3, padding="same")(h), L.Conv2D(2, 3, padding="same")(h)])
    out = L.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(z)
    model = keras.Model(image, out)

    def loss(x, y):
        return tf.reduce_sum(keras.losses.binary_crossentropy(x, y), axis=(1, 2))

    model.compile("adam", loss)
    images = stripes()
    return model, images, images


def codebook(keras):
    """Vectors of a table instead of a draw, straight through."""

    class Quantize(keras.layers.Layer):
        def build(self, input_shape):
            self.table = self.add_weight(
                name="table", shape=(8, 3), initializer="random_normal", trainable=True
            )

        def call(self, code):
            distance = tf.reduce_sum((code[:, None] - self.table[None]) ** 2, axis=-1)
            nearest = tf.gather(tf.convert_to_tensor(self.table), tf.argmin(distance, axis=1))
            self.add_loss(tf.reduce_mean((tf.stop_gradient(code) - nearest) ** 2))
            self.add_loss(0.25 * tf.reduce_mean((code - tf.stop_gradient(nearest)) ** 2))
            return code + tf.stop_gradient(nearest - code)

    L = keras.layers
    inputs = keras.Input((64,))
    code = L.Dense(3)(L.Dense(24, activation="relu")(inputs))
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(Quantize()(code)))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def flow_before_the_prior(keras):
    """A planar step after the draw: no closed form, log q(z) - log p(z) of one sample."""

    class Flow(keras.layers.Layer):
        def build(self, input_shape):
            self.u, self.w = (
                self.add_weight(name=name, shape=(3,), initializer="random_normal")
                for name in ("u", "w")
            )

        def call(self, inputs):
            mu, log_var = inputs
            epsilon = tf.random.normal(tf.shape(mu))
            z = mu + tf.exp(log_var / 2) * epsilon
            inner = tf.tanh(tf.reduce_sum(z * self.w, axis=1, keepdims=True))
            turned = z + self.u * inner
            slope = 1 + (1 - inner[:, 0] ** 2) * tf.reduce_sum(self.u * self.w)
            log_q = -0.5 * tf.reduce_sum(epsilon**2 + log_var, axis=1)
            log_p = -0.5 * tf.reduce_sum(turned**2, axis=1)
            self.add_loss(tf.reduce_mean(log_q - tf.math.log(tf.abs(slope)) - log_p))
            return turned

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    model = keras.Model(inputs, blocks.decoder(keras, 64, 3)(Flow()([mu, log_var])))
    model.compile("adam", blocks.cross_entropy(keras))
    images = flat(stripes())
    return model, images, images


def decoder_variance_learned(keras):
    """One trained number scales the squared error, so that beta changes with the training."""

    class Likelihood(keras.layers.Layer):
        def build(self, input_shape):
            self.log_sigma = self.add_weight(name="log_sigma", shape=(), initializer="zeros")

        def call(self, inputs):
            x, x_hat = inputs
            squares = tf.reduce_sum((x - x_hat) ** 2, axis=1)
            nll = 0.5 * squares * tf.exp(-2 * self.log_sigma) + 64 * self.log_sigma
            self.add_loss(tf.reduce_mean(nll))
            return x_hat

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    x_hat = blocks.decoder(keras, 64, 3)(z)
    model = keras.Model(inputs, Likelihood()([inputs, x_hat]))
    model.compile("adam")
    return model, flat(stripes()), None


def not_compiled(keras):
    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    mu, log_var = blocks.kl_layer(keras)()([mu, log_var])
    z = blocks.sampling_layer(keras)()([mu, log_var])
    images = flat(stripes())
    return keras.Model(inputs, blocks.decoder(keras, 64, 3)(z)), images, images


def not_a_model(keras):
    images = flat(stripes())
    return keras.layers.Dense(3), images, images


def sequential_autoencoder(keras):
    Dense = keras.layers.Dense
    model = keras.Sequential(
        [keras.Input((64,)), Dense(24, "relu"), Dense(3), Dense(24, "relu"), Dense(64, "sigmoid")]
    )
    model.compile("adam", "mse")
    images = flat(stripes())
    return model, images, images


def subclass_not_built(keras):
    """Compiled, never called: it has no weights yet. The first call would build it."""

    class VAE(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.h = keras.layers.Dense(24, activation="relu")
            self.mu, self.log_var = keras.layers.Dense(3), keras.layers.Dense(3)
            self.out = keras.layers.Dense(64, activation="sigmoid")

        def call(self, x):
            h = self.h(x)
            mu, log_var = self.mu(h), self.log_var(h)
            kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(log_var) - 1 - log_var, axis=1)
            self.add_loss(tf.reduce_mean(kl))
            return self.out(mu + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mu)))

    model = VAE()
    model.compile("adam", lambda x, p: 64 * keras.losses.binary_crossentropy(x, p))
    images = flat(stripes())
    return model, images, images


def images_of_another_shape(keras):
    return healthy(keras, stripes(size=9))


def no_images(keras):
    return healthy(keras, flat(stripes())[:0])


def images_with_nan(keras):
    images = flat(stripes())
    images[5, 7] = np.nan
    return healthy(keras, images)
