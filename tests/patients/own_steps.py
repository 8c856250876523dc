"""A train_step in the idiom of JAX or of PyTorch, right and with a fault; not in the table.

They are for the test of the checkup on these backends; `tests/patients/train_steps.py` has
TensorFlow's. `losses_of` is what differs from patient to patient.
"""

from . import blocks
from .data import flat, stripes
from .record import NEW, Patient


def networks(keras, seed):
    class Draw(keras.layers.Layer):
        def __init__(self, seed=None, **kwargs):
            super().__init__(**kwargs)
            self.seed = seed

        def call(self, pair):
            mu, log_var = pair
            epsilon = keras.random.normal(keras.ops.shape(mu), seed=self.seed)
            return mu + keras.ops.exp(log_var / 2) * epsilon

    inputs, mu, log_var = blocks.encoder(keras, 64, 3)
    encoder = keras.Model(inputs, [mu, log_var, Draw(seed)([mu, log_var])], name="encoder")
    return encoder, blocks.decoder(keras, 64, 3)


def base(keras):
    """Encoder, decoder, trackers, and the two parts of the loss of what `call` gives."""

    class Base(keras.Model):
        beta = 1.0

        def __init__(self, encoder, decoder, **kwargs):
            super().__init__(**kwargs)
            self.encoder, self.decoder = encoder, decoder
            names = ("loss", "reconstruction_loss", "kl_loss")
            self.trackers = [keras.metrics.Mean(name=name) for name in names]

        @property
        def metrics(self):
            return self.trackers

        def call(self, x):
            mu, log_var, z = self.encoder(x)
            return self.decoder(z), mu, log_var

        def losses_of(self, x, x_hat, mu, log_var):
            """The number that is trained, the reconstruction, the KL term."""
            ops = keras.ops
            reconstruction = ops.mean(64 * keras.losses.binary_crossentropy(x, x_hat))
            kl = ops.mean(ops.sum(mu**2 + ops.exp(log_var) - 1 - log_var, axis=1)) / 2
            return reconstruction + self.beta * kl, reconstruction, kl

    return Base


def stateless(keras):
    """JAX: state in, state out."""
    import jax

    class VAE(base(keras)):
        def loss_and_more(self, trainable, non_trainable, x):
            outputs, non_trainable = self.stateless_call(trainable, non_trainable, x)
            losses = self.losses_of(x, *outputs)
            return losses[0], (losses, non_trainable)

        def report(self, losses, metrics):
            logs, after = {}, []
            for place, (tracker, value) in enumerate(zip(self.trackers, losses)):
                held = tracker.stateless_update_state(metrics[2 * place : 2 * place + 2], value)
                logs[tracker.name] = tracker.stateless_result(held)
                after += held
            return logs, after

        def train_step(self, state, x):
            trainable, non_trainable, optimizer, metrics = state
            step = jax.value_and_grad(self.loss_and_more, has_aux=True)
            (_, (losses, non_trainable)), gradients = step(trainable, non_trainable, x)
            trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
            logs, metrics = self.report(losses, metrics)
            return logs, (trainable, non_trainable, optimizer, metrics)

        def test_step(self, state, x):
            trainable, non_trainable, metrics = state
            _, (losses, non_trainable) = self.loss_and_more(trainable, non_trainable, x)
            logs, metrics = self.report(losses, metrics)
            return logs, (trainable, non_trainable, metrics)

    return VAE


def backward(keras):
    """PyTorch: autograd, and an optimizer of Keras."""
    import torch

    class VAE(base(keras)):
        def report(self, losses):
            for tracker, value in zip(self.trackers, losses):
                tracker.update_state(value)
            return {tracker.name: tracker.result() for tracker in self.trackers}

        def train_step(self, x):
            self.zero_grad()
            losses = self.losses_of(x, *self(x, training=True))
            losses[0].backward()
            weights = list(self.trainable_weights)
            gradients = [weight.value.grad for weight in weights]
            with torch.no_grad():
                self.optimizer.apply(gradients, weights)
            return self.report(losses)

        def test_step(self, x):
            return self.report(self.losses_of(x, *self(x)))

    return VAE


def healthy(keras, seed=None, **more):
    """The step right; `more` are methods and attributes that stand in the class."""
    kind = {"jax": stateless, "torch": backward}[keras.backend.backend()](keras)
    seed = keras.random.SeedGenerator(1) if seed is None else seed
    vae = type("VAE", (kind,), more)(*networks(keras, seed))
    vae.compile(optimizer="adam")
    images = flat(stripes())
    vae(images[:1])
    return vae, images, None


def weighted(keras):
    return healthy(keras, beta=4.0)


def kl_shown_and_not_trained(keras):
    def losses_of(self, *outputs):
        loss, reconstruction, kl = base_of(self).losses_of(self, *outputs)
        return loss + keras.ops.stop_gradient(kl) - kl, reconstruction, kl

    return healthy(keras, losses_of=losses_of)


def kl_not_in_the_number(keras):
    def losses_of(self, *outputs):
        _, reconstruction, kl = base_of(self).losses_of(self, *outputs)
        return reconstruction, reconstruction, kl

    return healthy(keras, losses_of=losses_of)


def kl_summed(keras):
    def losses_of(self, x, x_hat, mu, log_var):
        _, reconstruction, kl = base_of(self).losses_of(self, x, x_hat, mu, log_var)
        kl = kl * keras.ops.cast(keras.ops.shape(mu)[0], "float32")
        return reconstruction + kl, reconstruction, kl

    return healthy(keras, losses_of=losses_of)


def epsilon_of_one_number(keras):
    return healthy(keras, seed=7)


def optimizer_of_pytorch(keras):
    """The step leaves Keras' optimizer alone. On JAX it is the healthy one."""
    if keras.backend.backend() != "torch":
        return healthy(keras)
    import torch

    def train_step(self, x):
        self.adam.zero_grad()
        losses = self.losses_of(x, *self(x, training=True))
        losses[0].backward()
        self.adam.step()
        return self.report(losses)

    vae, images, _ = healthy(keras, train_step=train_step)
    vae.adam = torch.optim.Adam(vae.parameters())
    return vae, images, None


def base_of(model):
    """The class that `type` was given."""
    return type(model).__mro__[1]


OWN_STEPS = (
    Patient(healthy, NEW),
    Patient(weighted, NEW, beta=4.0),
    Patient(optimizer_of_pytorch, NEW),
    Patient(kl_shown_and_not_trained, NEW, ("kl-no-gradient",)),
    Patient(kl_not_in_the_number, NEW, ("no-kl-term",), 0.0),
    Patient(kl_summed, NEW, ("kl-depends-on-batch-size",), None),
    Patient(epsilon_of_one_number, NEW, ("epsilon-frozen",)),
)
