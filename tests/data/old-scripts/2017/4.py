'''A variational autoencoder for the small digits of scikit-learn.'''
import numpy as np
from scipy.stats import norm
from sklearn.datasets import load_digits

import keras
from keras import ops
from keras.layers import Input, Dense, Lambda
from keras.losses import binary_crossentropy
from keras.models import Model
from keras.optimizers import Adam

batch_size = 100
latent_dim = 2
intermediate_dim = 128
epochs = 15
epsilon_std = 1.0

x_train = load_digits().images[:1700].astype('float32') / 16.
original_dim = int(np.prod(x_train.shape[1:]))
x_train = x_train.reshape((len(x_train), original_dim))

x = Input(batch_shape=(batch_size, original_dim))
h = Dense(intermediate_dim, activation='relu')(x)
z_mean = Dense(latent_dim)(h)
z_log_var = Dense(latent_dim)(h)


def sampling(args):
    z_mean, z_log_var = args
    epsilon = keras.random.normal(shape=(batch_size, latent_dim),
                                  mean=0., stddev=epsilon_std)
    return z_mean + ops.exp(z_log_var / 2) * epsilon


z = Lambda(sampling, output_shape=(latent_dim,))([z_mean, z_log_var])

decoder_h = Dense(intermediate_dim, activation='relu')
decoder_mean = Dense(original_dim, activation='sigmoid')
x_decoded_mean = decoder_mean(decoder_h(z))
vae = Model(x, x_decoded_mean)


def vae_loss(x, x_decoded_mean):
    xent_loss = original_dim * binary_crossentropy(x, x_decoded_mean)
    kl_loss = - 0.5 * ops.mean(1 + z_log_var - ops.square(z_mean)
                               - ops.exp(z_log_var), axis=-1)
    return xent_loss + kl_loss


vae.compile(optimizer=Adam(learning_rate=0.003), loss=vae_loss)
vae.fit(x_train, x_train, shuffle=True, epochs=epochs,
        batch_size=batch_size, verbose=2)
vae.save_weights('vae.h5')

# new digits from a grid of codes
decoder_input = Input(shape=(latent_dim,))
generator = Model(decoder_input, decoder_mean(decoder_h(decoder_input)))
n = 15
figure = np.zeros((8 * n, 8 * n))
grid = norm.ppf(np.linspace(0.05, 0.95, n))
for i, yi in enumerate(grid):
    z_sample = np.array([[xi, yi] for xi in grid])
    for j, digit in enumerate(generator.predict(z_sample, verbose=0)):
        figure[i * 8: (i + 1) * 8, j * 8: (j + 1) * 8] = digit.reshape(8, 8)
