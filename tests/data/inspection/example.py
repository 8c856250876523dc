"""A VAE for the digits, as one finds it: it does not start on Keras 3, and it is wrong."""

from keras import backend as K
from keras.callbacks import EarlyStopping
from keras.datasets import mnist
from keras.layers import Dense, Input, Lambda
from keras.models import Model
from keras.optimizers import Adam

(x_train, _), _ = mnist.load_data()
x_train = x_train.reshape(-1, 784) / 255

x = Input(shape=(784,))
h = Dense(256, activation="relu")(x)
z_mean = Dense(2)(h)
z_log_var = Dense(2)(h)


def sampling(args):
    z_mean, z_log_var = args
    epsilon = K.random_normal(shape=K.shape(z_mean))
    return z_mean + K.exp(z_log_var) * epsilon


z = Lambda(sampling)([z_mean, z_log_var])
x_hat = Dense(784, activation="sigmoid")(Dense(256, activation="relu")(z))
vae = Model(x, x_hat)


def vae_loss(x, x_hat):
    reconstruction = K.mean(K.binary_crossentropy(x, x_hat), axis=-1)
    kl = 1 + z_log_var - K.square(z_mean) - K.exp(z_log_var)
    return reconstruction - 0.5 * K.sum(kl, axis=-1)


vae.compile(Adam(lr=0.001), loss=vae_loss)
stop = EarlyStopping(monitor="val_kl_loss", patience=3)
vae.fit(x_train, x_train, epochs=20, validation_split=0.1, callbacks=[stop])
vae.save_weights("vae.h5")
