class VAE(keras.Model):
    def __init__(self, encoder, decoder, beta=1.0):
        super().__init__()
        self.encoder, self.decoder, self.beta = encoder, decoder, beta
        self.draw = Draw()
        self.kl = keras.metrics.Mean(name="kl")

    def call(self, x):
        mu, log_var = self.encoder(x)
        x_hat = self.decoder(self.draw([mu, log_var]))
        return {"x_hat": x_hat, "mu": mu, "log_var": log_var}

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        mu, log_var = y_pred["mu"], y_pred["log_var"]
        kl = ops.sum(mu**2 + ops.exp(log_var) - 1 - log_var, axis=-1) / 2
        self.kl.update_state(kl)
        return ops.mean(cross_entropy(x, y_pred["x_hat"]) + self.beta * kl)


x = keras.Input((64,))
h = layers.Dense(64, "relu")(x)
encoder = keras.Model(x, [layers.Dense(2)(h), layers.Dense(2)(h)])
decoder = keras.Sequential([keras.Input((2,)), layers.Dense(64, "sigmoid")])
vae = VAE(encoder, decoder)
vae.compile("adam")
vae.fit(images, verbose=2)
