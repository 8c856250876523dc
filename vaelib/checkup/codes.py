"""What the codes of the images tell: KL per dimension, active dimensions, collapse."""

from dataclasses import dataclass

import numpy as np

from vaelib.checkup import formulas

ACTIVE = 0.01  # variance of mu over the images, from which a dimension counts as active


@dataclass
class Codes:
    """For each dimension ``kl`` (nats), ``variance`` of mu over the images, ``sigma`` (mean)."""

    kl: np.ndarray
    variance: np.ndarray
    sigma: np.ndarray
    images: int
    aggregate: np.ndarray  # variance of z over images and draws; 1 is the prior's

    @property
    def active(self):
        """Dimensions that tell images apart."""
        return int(np.sum(self.variance > ACTIVE))


def measure(subject, anatomy, parameter, mu, second):
    """KL and spread of each dimension.

    Args:
        parameter: what the second head is, a key of ``formulas.VARIANCE``.
        mu, second: outputs of the heads for all images, (images, z_dim).
    """
    mu = np.asarray(mu, float)
    with np.errstate(all="ignore"):
        variance = formulas.VARIANCE[parameter](np.asarray(second, float))
        kl = np.mean(mu**2 / 2 + formulas.divergence(variance), axis=0)
    spread = mu.var(axis=0)
    return Codes(
        kl, spread, np.sqrt(variance).mean(axis=0), len(mu), spread + variance.mean(axis=0)
    )
