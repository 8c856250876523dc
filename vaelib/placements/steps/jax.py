"""The step on JAX: a function of the whole state, which returns the new one."""

import jax
import keras

from vaelib.placements.steps import batches, images_of


class Step:
    """``train_step`` and ``test_step`` for Keras 3 on JAX."""

    def train_step(self, state, data):
        weights, rest, of_optimizer, metrics = state

        def loss_of(weights):
            variables = self.optimizer.variables, of_optimizer
            with self._scope(weights, rest, metrics, variables) as scope:
                loss = self.optimizer.scale_loss(self.objective(images_of(data), training=True))
            return loss, self._taken_from(scope)

        gradients, (rest, metrics, logs) = jax.grad(loss_of, has_aux=True)(weights)
        weights, of_optimizer = self.optimizer.stateless_apply(of_optimizer, gradients, weights)
        return logs, (weights, rest, of_optimizer, metrics)

    def test_step(self, state, data):
        weights, rest, metrics = state
        with self._scope(weights, rest, metrics) as scope:
            self.objective(images_of(data), training=False)
        rest, metrics, logs = self._taken_from(scope)
        return logs, (weights, rest, metrics)

    def _scope(self, weights, rest, metrics, more=((), ())):
        """Where every variable of the model has the value of the state, and changes nothing."""
        pairs = [
            (self.trainable_variables, weights), (self.non_trainable_variables, rest),
            (self.metrics_variables, metrics), more,
        ]  # fmt: skip
        return keras.StatelessScope(
            [pair for names, values in pairs for pair in zip(names, values)]
        )

    def _taken_from(self, scope):
        """Seeds and moving averages, metrics, and what the metrics say by now."""
        groups = self.non_trainable_variables, self.metrics_variables
        rest, metrics = ([scope.get_current_value(v) for v in group] for group in groups)
        with keras.StatelessScope(list(zip(self.metrics_variables, metrics))):
            logs = {metric.name: metric.result() for metric in self.metrics}
        return rest, metrics, logs


class OfKeras:
    """Keras' own steps; they keep what a layer's metric counts in ``call``.

    Keras' own step gives the forward pass the weights and seeds, but not the variables of metrics
    (keras 3.15.1, ``compute_loss_and_updates``): counting in a layer fails. Here forward pass and
    loss share one scope, which holds them all.
    """

    def compute_loss_and_updates(
        self, weights, rest, metrics, x, y, sample_weight, training=False, optimizer_variables=None
    ):
        groups = self.trainable_variables, self.non_trainable_variables, self.metrics_variables
        values = weights, rest, metrics
        pairs = [pair for names, given in zip(groups, values) for pair in zip(names, given)]
        if training:
            pairs += zip(self.optimizer.variables, optimizer_variables)
        with keras.StatelessScope(pairs, collect_losses=True) as scope:
            x_hat = self(x, training=training)
            loss = self.compute_loss(x, y, x_hat, sample_weight, training=training)
            enlarged = self.optimizer.scale_loss(loss) if training else loss
        rest, metrics = ([scope.get_current_value(v) for v in group] for group in groups[1:])
        return enlarged, (loss, x_hat, rest, metrics)


class Loops:
    """Training and testing on batches, one after the other, each step compiled."""

    def __init__(self, model):
        self.model = model
        compiled = (lambda step: step) if model.run_eagerly else jax.jit
        self.steps = {True: compiled(model.train_step), False: compiled(model.test_step)}

    def train(self, images):
        self._step(True, images)

    def test(self, images):
        self._step(False, images)

    def _step(self, training, images):
        """Values out of the variables, one step, values back into the variables."""
        model = self.model
        groups = [model.trainable_variables, model.non_trainable_variables]
        groups += [model.optimizer.variables] * training + [model.metrics_variables]
        state = tuple([variable.value for variable in group] for group in groups)
        _, state = self.steps[training](state, images)
        for group, values in zip(groups, state):
            for variable, value in zip(group, values):
                variable.assign(value)

    def batches(self, x, batch_size, order=None):
        """The batches of images; under ``keras.distribution``, each spread over the devices."""
        distribution = keras.distribution.distribution()
        for images in batches(x, batch_size, order):
            if distribution is not None:
                layout = distribution.get_data_layout(images.shape)
                images = keras.distribution.distribute_tensor(images, layout)
            yield images
