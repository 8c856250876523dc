"""Patients: small VAEs as strangers write them, each with one planted fault or none.

They test `vaelib.checkup`, know nothing of it and import nothing of vaelib. The rules:

* `patient.build(keras)` gives `(model, x, y)`: compiled, ready for `fit(x, y)`; `y` is None where
  the script says `fit(x)`. The `keras` given is one of those named in `patient.kerases`.
* Classes stand in the functions, as their base belongs to the Keras given. A loader needs them as
  `custom_objects`: "can be loaded" means: with the custom classes and functions at hand and
  `safe_mode=False`.
* `slugs` are what a checkup must find. `may` are true consequences of the same fault, or matters
  of view: found or not found, both is right. `instead` may stand for `slugs`, where nobody can tell
  the two apart from outside (a KL twice in one sum, a KL without its half). Anything else is a
  false alarm. `patient.allowed(keras)` has them all.
* `may_on_tf_keras` is `may` for tf_keras alone. What stands there was measured: tf_keras cannot
  load a subclassed model whose `call` adds a loss from a .keras file, nor a Lambda over a closure.
* `beta` is the weight in the loss that `fit` reports, in nats per image: divide the loss by a
  constant until it reads `reconstruction + beta * KL`; the reconstruction is the cross-entropy
  summed over the pixels, or half the sum of squared errors (a Gaussian decoder of variance 1), and
  the KL is 0.5 * sum(mu^2 + sigma^2 - 1 - log sigma^2). None: it cannot be told, do not compare.
* `kind` is "vae", or "limit": no VAE with one latent vector, or nothing to examine. For a limit,
  one of `words` (in lower case) stands in the sentence or in what is said to be undetermined, and a
  beta that is told is the one given here.
* `callbacks(keras, model)` gives the list that the reader hands over beside the model.
* `fits` is False where `fit` itself fails; `batch_size` is what the script trains with.
"""

from .record import Patient
from .table_faults import DRAW, NETWORK, USE
from .table_healthy import HEALTHY
from .table_kl import KL
from .table_limits import LIMITS

__all__ = ["PATIENTS", "Patient"]

PATIENTS = (*HEALTHY, *KL, *DRAW, *NETWORK, *USE, *LIMITS)
