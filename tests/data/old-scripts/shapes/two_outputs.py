x = keras.Input((64,))
mu, log_var = encoded(layers.Dense(64, "relu")(x))
h = layers.Dense(64, "relu")(Draw()([mu, log_var]))
outputs = {
    "image": layers.Dense(64, "sigmoid", name="image")(h),
    "digit": layers.Dense(10, "softmax", name="digit")(h),
}
vae = keras.Model(x, outputs)
losses = {"image": cross_entropy, "digit": "sparse_categorical_crossentropy"}
vae.compile("adam", loss=losses, loss_weights={"image": 1.0, "digit": 5.0})
vae.fit(images, {"image": images, "digit": digits}, verbose=2)
