"""The table of the limits."""

from . import not_vaes as n
from . import tfp as t
from .record import NOT_LOADED, OLD, limit

LIMITS = (
    limit(n.classifier, ("no vae", "latent", "mu", "head")),
    limit(
        n.plain_autoencoder, ("no vae", "latent", "mu", "drawn"), may=("no-kl-term", "mu-decoded")
    ),
    limit(n.two_inputs, ("input",), beta=1.0),
    limit(n.label_as_input, ("input", "label", "condition"), beta=1.0),
    limit(n.three_heads, ("head", "three", "third")),
    limit(n.two_latent_layers, ("latent", "heads", "two"), beta=1.0),
    limit(n.latent_map, ("map", "vector", "shape"), beta=1.0),
    limit(n.codebook, ("no vae", "latent", "mu", "drawn"), may=("no-kl-term", "mu-decoded")),
    limit(n.flow_before_the_prior, ("kl", "prior", "formula")),
    limit(n.decoder_variance_learned, ("variance", "scale", "reconstruction")),
    limit(
        t.full_covariance, ("covariance", "log_var", "head"), OLD, 1.0, may=("kl-counted-twice",)
    ),
    limit(n.not_compiled, ("compile",), fits=False),
    limit(n.not_a_model, ("model",), fits=False),
    limit(
        n.sequential_autoencoder,
        ("no vae", "latent", "mu", "head"),
        may=("no-kl-term", "mu-decoded", "beta-unusual"),
    ),
    limit(n.subclass_not_built, ("built", "build", "call"), beta=1.0, may_on_tf_keras=NOT_LOADED),
    limit(n.images_of_another_shape, ("shape",), beta=1.0, fits=False),
    limit(n.no_images, ("no image", "empty", "0 images"), beta=1.0, fits=False),
    limit(
        n.images_with_nan, ("nan", "finite"), beta=1.0, may=("not-finite", "pixels-out-of-range")
    ),
)
