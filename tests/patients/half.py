"""Mixed precision, as it should be: layers in half precision, KL term and pictures in float32."""

from .data import flat, stripes

POLICIES = ("mixed_float16", "mixed_bfloat16")
BETA = 0.5


def kl_in_float32(keras, policy):
    """Model, x, y; `policy` holds for the layers alone, not beyond this function."""
    ops, L = keras.ops, keras.layers

    class Draw(L.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seed = keras.random.SeedGenerator(1)

        def call(self, pair):
            mu, log_var = (ops.cast(tensor, "float32") for tensor in pair)
            kl = ops.sum(mu**2 + ops.exp(log_var) - 1 - log_var, axis=-1) / 2
            self.add_loss(BETA * ops.mean(kl))
            z = mu + ops.exp(log_var / 2) * keras.random.normal(ops.shape(mu), seed=self.seed)
            return ops.cast(z, self.compute_dtype)

    x = keras.Input((64,))
    h = L.Dense(24, activation="relu", dtype=policy)(x)
    pair = [L.Dense(3, name=name, dtype=policy)(h) for name in ("z_mean", "z_log_var")]
    h = L.Dense(24, activation="relu", dtype=policy)(Draw(dtype=policy)(pair))
    vae = keras.Model(x, L.Dense(64, activation="sigmoid", dtype="float32")(h))
    vae.compile("adam", lambda x, x_hat: 64 * keras.losses.binary_crossentropy(x, x_hat))
    images = flat(stripes())
    return vae, images, images
