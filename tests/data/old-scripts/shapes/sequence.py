rows = ops.reshape(images, (-1, 8, 8))  # 8 steps of 8 numbers


@keras.saving.register_keras_serializable()
def per_sequence(x, x_hat):
    """Summed over the features and over time: one value per sequence."""
    return ops.sum(8 * keras.losses.binary_crossentropy(x, x_hat), axis=-1)


x = keras.Input((8, 8))
mu, log_var = encoded(layers.LSTM(32)(x))
h = layers.RepeatVector(8)(Draw()([mu, log_var]))
h = layers.LSTM(32, return_sequences=True)(h)
x_hat = layers.TimeDistributed(layers.Dense(8, "sigmoid"))(h)
vae = keras.Model(x, x_hat)
vae.compile("adam", loss=per_sequence)
vae.fit(rows, rows, verbose=2)
