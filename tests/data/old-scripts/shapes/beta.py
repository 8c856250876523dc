class BetaKL(layers.Layer):
    def build(self, input_shape):
        self.beta = keras.Variable(0.0, trainable=False)

    def call(self, inputs):
        mu, log_var = inputs
        kl = ops.sum(mu**2 + ops.exp(log_var) - 1 - log_var, axis=-1) / 2
        self.add_loss(self.beta * ops.mean(kl))
        return inputs


class RaiseBeta(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.get_layer("kl").beta.assign(min(1.0, epoch / 2))


x = keras.Input((64,))
h = layers.Dense(64, "relu")(x)
mu, log_var = BetaKL(name="kl")([layers.Dense(2)(h), layers.Dense(2)(h)])
x_hat = layers.Dense(64, "sigmoid")(Draw()([mu, log_var]))
vae = keras.Model(x, x_hat)
vae.compile("adam", loss=cross_entropy)
vae.fit(images, images, epochs=3, callbacks=[RaiseBeta()], verbose=2)
