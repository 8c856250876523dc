"""Several devices: the same beta and the same step as on one, and noise of their own.

A model that was built in the scope of a ``tf.distribute`` strategy is measured twice, on its
replicas and, with the strategy set aside, on one device, with the same images.
"""

import contextlib
import dataclasses
import functools

import numpy as np

from vaelib.checkup.anatomy import flat
from vaelib.checkup.diagnosis import near
from vaelib.checkup.watch import array_of


def strategy_of(model):
    """The strategy of a model that has several replicas; None otherwise."""
    strategy = getattr(model, "distribute_strategy", None)
    return strategy if getattr(strategy, "num_replicas_in_sync", 1) > 1 else None


def judge(report, still, found):
    """Compare the model on its replicas with itself on one device.

    Returns:
        the ``Objective`` of one device, if its beta is another; else None.
    """
    strategy = strategy_of(still.subject.model)
    if strategy is None or found.beta is None:
        return None
    replicas = strategy.num_replicas_in_sync
    report.facts["devices"] = f"{replicas} replicas"
    one, other = _draws(still, replicas)
    if other is None:
        report.find("replica-unused", f"a step sees its whole batch of {len(one)} images on one "
                    f"device; the strategy has {replicas}")  # fmt: skip
        return None
    if np.allclose(one, other, atol=1e-6):
        report.find("replica-shares-noise", "the images of the second device have the numbers of "
                    "those of the first")  # fmt: skip
    many, alone = _measure(still, found), _measure_on_one(still)
    grows = [step / rest if rest else np.nan for step, rest in zip(many, alone)]
    if near(*grows):
        if not near(grows[1], 1.0):
            report.find("replica-changes-step", "with the same images, the step on "
                        f"{replicas} devices is {grows[1]:.3g} times that on one")  # fmt: skip
        return None
    by_one = dataclasses.replace(
        found, from_mu=found.from_mu / grows[0], scale=found.scale / grows[1]
    )
    report.find("replica-changes-beta", f"beta is {by_one.beta:.4g} on one device, "
                f"{found.beta:.4g} on {replicas}")  # fmt: skip
    return by_one


def _measure(still, found):
    """What one step moves, per unit of rate: the constant of mu, and the grey of the decoder."""
    unit, last = still.anatomy.mu, still.anatomy.last
    rate = 1e-2 / max(abs(found.weight), abs(found.scale))
    still.set(mu=3.0)
    biases = unit.weights()[1], last.weights()[1]
    before = [array_of(bias) for bias in biases]
    still.subject.run(rate=rate, copies=True)
    moved = [(b - array_of(bias)).astype(float) / rate for b, bias in zip(before, biases)]
    still.subject.undo_step()
    still.subject.let_go()
    moved[0] = moved[0][unit.start : unit.stop]
    return float(moved[0].mean()), float(np.abs(moved[1]).max())


def _measure_on_one(still):
    """The same for the model on one device, from the gradients of one step."""
    unit, last = still.anatomy.mu, still.anatomy.last
    biases = unit.weights()[1], last.weights()[1]
    with _one_device(still.subject, biases) as gradients:
        still.set(mu=3.0)
        still.subject.run(copies=True)
        still.subject.let_go()
    of_mu, of_grey = (gradients[id(bias)].astype(float) for bias in biases)
    return float(of_mu[unit.start : unit.stop].mean()), float(np.abs(of_grey).max())


def _draws(still, replicas):
    """What the decoder reads on the first two replicas; None for a second that sees nothing."""
    n = replicas * (still.subject.batch // replicas)
    still.set()
    still.subject.run(n=n, copies=True)
    still.subject.let_go()
    layer, side, index = still.anatomy.entry
    taps = [tap for tap in still.subject.watch.taps() if tap.layer is layer and tap.side == side]
    values = [flat(value) for tap in taps for value in tap.values]
    one = values[index]
    return one, None if len(one) == n else values[index + len(values) // replicas]


@contextlib.contextmanager
def _one_device(subject, wanted):
    """Set the strategy aside: the step is compiled for one device, and moves nothing.

    Yields a dictionary, identity of a variable -> its gradient in the last step.
    """
    import tensorflow as tf
    from tensorflow.python.distribute import values

    model, gradients = subject.model, {}
    name = "_distribute_strategy" if hasattr(subject.keras, "ops") else "_distribution_strategy"
    held = getattr(model, name)
    setattr(model, name, tf.distribute.get_strategy())
    model.optimizer = _recorder(subject.keras, {id(variable) for variable in wanted}, gradients)
    subject.retrace()
    # metrics of a strategy cannot count outside it; nobody reads them here
    count = values.SyncOnReadVariable.assign_add
    values.SyncOnReadVariable.assign_add = lambda *arguments, **more: tf.no_op()
    try:
        yield gradients
    finally:
        values.SyncOnReadVariable.assign_add = count
        setattr(model, name, held)
        model.optimizer = subject.optimizer
        subject.retrace()


def _recorder(keras, wanted, gradients):
    """An optimizer that keeps gradients; a mirrored variable cannot be moved without its scope."""
    import tensorflow as tf

    def keep(pairs):
        for gradient, variable in pairs:
            if id(variable) in wanted and gradient is not None:
                store = functools.partial(gradients.__setitem__, id(variable))
                tf.numpy_function(lambda array, store=store: store(np.array(array)), [gradient], [])

    class Recorder(keras.optimizers.SGD):
        def apply(self, grads, trainable_variables=None):
            keep(zip(grads, trainable_variables or self._trainable_variables))

        def apply_gradients(self, grads_and_vars, **more):
            keep(list(grads_and_vars))

    return Recorder(0.0)
