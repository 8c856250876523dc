import keras
from keras import layers, ops
from sklearn.datasets import load_digits
from vaelib.vae import Draw, KLTerm  # or copy them

images, digits = load_digits(return_X_y=True)
images = images.astype("float32") / 16  # (1797, 64), from 0 to 1


@keras.saving.register_keras_serializable()
def cross_entropy(x, x_hat):
    return 64 * keras.losses.binary_crossentropy(x, x_hat)


def encoded(h):
    """mu and log_var behind the KL term."""
    return KLTerm(name="kl_term")([layers.Dense(2)(h), layers.Dense(2)(h)])
