"""A variational autoencoder in one file, for Keras 3: ``python vae.py`` trains it on MNIST.

It needs nothing but Keras. What stands between the two marks is shown and explained in chapter
``points-to-distributions`` of the course *Autoencoders that run*, letter for letter.
"""

# --- to copy: from here
import keras
from keras import layers, ops

register = keras.saving.register_keras_serializable(package="vae")


@register
class KLTerm(layers.Layer):
    """Add beta * KL to the loss, log the KL, hand on mu and log_var."""

    log_in_call = True

    def __init__(self, beta=1.0, **kwargs):
        super().__init__(**kwargs)
        self.first_beta = beta

    def build(self, input_shape):
        start = keras.initializers.Constant(self.first_beta)
        self.beta = self.add_weight(initializer=start, trainable=False)
        names = ["kl"] + [f"kl_{i}" for i in range(input_shape[0][-1])]
        self.trackers = [keras.metrics.Mean(name=name) for name in names]

    def call(self, inputs):
        mu, log_var = inputs
        self.kl = ops.mean((mu**2 + ops.exp(log_var) - 1 - log_var) / 2, axis=0)
        self.add_loss(self.beta * ops.sum(self.kl))
        if self.log_in_call:
            self.log()
        return mu, log_var

    def log(self):
        values = [ops.sum(self.kl), *ops.unstack(self.kl)]
        for tracker, value in zip(self.trackers, values):
            tracker.update_state(value)

    def get_config(self):
        return {**super().get_config(), "beta": self.first_beta}


@register
class Draw(layers.Layer):
    """One draw for each image: z = mu + sigma * epsilon."""

    def build(self, input_shape):
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs):
        mu, log_var = inputs
        epsilon = keras.random.normal(ops.shape(mu), seed=self.seed_generator)
        return mu + ops.exp(log_var / 2) * epsilon


@register
class VAE(keras.Model):
    """Log for the layer kl_term on JAX, where a metric cannot change in a layer's call."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.get_layer("kl_term").log_in_call = keras.backend.backend() != "jax"

    def compute_loss(self, *args, **kwargs):
        kl_term = self.get_layer("kl_term")
        # no losses: Keras looks at shapes
        if self.losses and not kl_term.log_in_call:
            kl_term.log()
        return super().compute_loss(*args, **kwargs)


@register
def reconstruction(x, x_hat):
    """Cross-entropy in nats, summed over the pixels: one per image."""
    return ops.sum(keras.losses.binary_crossentropy(x, x_hat), axis=(1, 2))


class WarmUp(keras.callbacks.Callback):
    """Raise beta from 0 to its goal, by default the layer's own beta."""

    def __init__(self, kl_term, goal=None, epochs=3):
        super().__init__()
        self.kl_term, self.epochs = kl_term, epochs
        self.goal = kl_term.first_beta if goal is None else goal

    def on_epoch_begin(self, epoch, logs=None):
        self.kl_term.beta.assign(self.goal * min(1, epoch / self.epochs))


def build_vae(z_dim=2, beta=1.0):
    """Images -> mu and log_var -> KL term -> draw -> decoder -> images."""
    images = keras.Input((28, 28, 1))
    x = layers.Dense(512, "relu")(layers.Flatten()(images))
    x = layers.Dense(512, "relu")(x)
    mu = layers.Dense(z_dim, name="mu")(x)
    log_var = layers.Dense(z_dim, name="log_var")(x)
    mu, log_var = KLTerm(beta, name="kl_term")([mu, log_var])
    z = Draw(name="draw")([mu, log_var])
    decoder = keras.Sequential(
        [
            keras.Input((z_dim,)),
            layers.Dense(512, "relu"),
            layers.Dense(512, "relu"),
            layers.Dense(28 * 28),
            layers.Reshape((28, 28, 1)),
            layers.Activation("sigmoid"),  # last: exact near 0 and 1
        ],
        name="decoder",
    )
    vae = VAE(images, decoder(z), name="vae")
    vae.compile("adam", loss=reconstruction, metrics=[reconstruction])
    return vae


# --- to copy: up to here


def main(n_images=60_000, epochs=10):
    """Train it, save it, load it, and take its encoder and its decoder out again."""
    (images, _), _ = keras.datasets.mnist.load_data()
    images = images[:n_images, ..., None] / 255.0
    vae = build_vae()
    warm_up = WarmUp(vae.get_layer("kl_term"))
    vae.fit(
        images, images, batch_size=128, epochs=epochs, validation_split=0.1, callbacks=[warm_up],
        verbose=2,
    )  # fmt: skip

    vae.save("vae.keras")
    loaded = keras.saving.load_model("vae.keras")
    heads = [loaded.get_layer("mu").output, loaded.get_layer("log_var").output]
    encoder = keras.Model(loaded.input, heads)
    mu, log_var = encoder.predict(images[:5], verbose=0)
    new_images = loaded.get_layer("decoder").predict(keras.random.normal((5, 2)), verbose=0)
    print("codes of five images:", mu.round(2).tolist())
    print("five new images:", new_images.shape)


if __name__ == "__main__":
    main()
