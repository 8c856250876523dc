"""The model under examination, and its own steps, run under conditions that we know."""

import contextlib
import re

import numpy as np

from vaelib.checkup.watch import array_of

MOST = 256  # images of one run


class Subject:
    """A compiled model with the arrays it is trained on.

    ``run`` takes the road of the reader, ``model.fit``, with plain gradient descent of a rate that
    is 0 unless we ask for a step. Between two runs the weights are put back.
    """

    def __init__(self, model, x, y, keras, watch, keeper):
        self.model, self.keras, self.watch, self.keeper = model, keras, watch, keeper
        self.x, self.y = x, y
        self.size = len(first(x))
        self.batch = min(32, self.size)
        strategy = getattr(model, "distribute_strategy", None)  # a loop may run outside its scope
        with strategy.scope() if strategy else contextlib.nullcontext():
            self.optimizer = _descent(keras)
        self.given = model.optimizer
        self._touched, self._assigned = {}, {}
        model.optimizer = self.optimizer
        self.retrace()

    steps = 1  # of the last run
    foreign = False  # an optimizer of the model's own moves the weights

    def look_for_foreign(self):
        """Whether a step at rate 0 moves weights: then another optimizer is at work."""
        self.run()
        trained = {id(weight) for weight in self.model.trainable_weights}
        self.foreign = any(
            not np.array_equal(array_of(variable), value, equal_nan=True)
            for key, (variable, value) in self.keeper.variables.items()
            if key in trained
        )
        if self.foreign:
            self.undo_step()

    def retrace(self):
        """Let the next run compile the step anew, with taps in it."""
        self.model.train_function = None
        self.model.test_function = None
        self.model.predict_function = None
        # a tap cannot stand in a step that XLA compiles; JAX knows how
        if not (hasattr(self.keras, "ops") and self.keras.backend.backend() == "jax"):
            if hasattr(self.model, "jit_compile"):
                self.model.jit_compile = False

    def take(self, n, copies=False):
        """The first n images and targets.

        ``copies`` may be True, for n copies of the first one, or "labels": then what is smaller
        than the images, such as a label, is the same for all.
        """
        sizes = []
        every(self.x, lambda array: sizes.append(array[0].size))

        def cut(array):
            same = copies is True or copies == "labels" and array[0].size < max(sizes)
            rows = np.zeros(n, int) if same else np.arange(n) % len(array)
            return array[rows]

        return every(self.x, cut), None if self.y is None else every(self.y, cut)

    def run(self, n=None, batch=None, rate=0.0, validate=False, copies=False):
        """One epoch of ``fit`` without shuffling; returns its history, name -> number."""
        n = n or self.batch
        x, y = self.take(n, copies)
        self.steps = -(-n // (batch or min(n, self.batch)))
        self._rewind()
        self.optimizer.learning_rate.assign(rate)
        self.watch.clear()
        more = {"validation_data": (x, y) if y is not None else (x,)} if validate else {}
        with self._values_kept():
            history = self.model.fit(
                x, y, batch_size=batch or min(n, self.batch), epochs=1, shuffle=False, verbose=0,
                **more,
            )  # fmt: skip
        if self.foreign:
            self.undo_step()
        return {name: number(values[-1]) for name, values in history.history.items()}

    def evaluate(self, n=None, batch=None, copies=False):
        """``model.evaluate`` as a dictionary."""
        x, y = self.take(n or self.batch, copies)
        self.watch.clear()
        self.steps = -(-(n or self.batch) // (batch or self.batch))
        with self._values_kept():
            found = self.model.evaluate(
                x, y, batch_size=batch or self.batch, verbose=0, return_dict=True
            )
        return {name: number(value) for name, value in found.items()}

    def predict(self, n=None):
        """``model.predict``."""
        x, _ = self.take(n or self.batch)
        self.watch.clear()
        with self._values_kept():
            return self.model.predict(x, batch_size=self.batch, verbose=0)

    @contextlib.contextmanager
    def _values_kept(self):
        """On JAX, Keras takes the values out of the variables, and loses them if the step fails."""
        try:
            yield
        except Exception:
            self.keeper.refill(self.model)
            raise

    def hold(self, units, value):
        """Let units of a layer put out a constant, before their activation.

        Args:
            units: a ``Units``.
            value: a number.
        """
        kernels, bias = units.weights()
        for kernel in kernels:
            array = array_of(kernel)
            if not units.whole and kernel.shape[-1] == bias.shape[0]:
                array[..., units.start : units.stop] = 0
            else:
                array[...] = 0
            self._assign(kernel, array)
        if bias is None:  # then it puts out 0, whatever the value
            return
        array = array_of(bias)
        array[units.start : units.stop] = value
        self._assign(bias, array)

    def _assign(self, variable, array):
        self._touched.setdefault(id(variable), (variable, array_of(variable)))
        variable.assign(array)

    def _rewind(self):
        """Put back what a step counts up, such as a beta that rises; seeds go on."""
        steps = getattr(self.given, "iterations", None)
        if steps is not None:
            self.optimizer.iterations.assign(array_of(steps))
        trained = {id(weight) for weight in self.model.trainable_weights}
        for key, (variable, value) in self.keeper.variables.items():
            value = self._assigned.get(key, value)
            counts = value.dtype.kind == "f" or value.dtype.kind == "i" and value.ndim == 0
            if counts and key not in trained and key not in self._touched:
                if not np.array_equal(array_of(variable), value, equal_nan=value.dtype.kind == "f"):
                    variable.assign(value)

    def take_over(self, what=True):
        """From now on a step begins with what callbacks have assigned, such as beta; or not."""
        held = self.keeper.variables.items() if what else ()
        self._assigned = {key: array_of(variable) for key, (variable, _) in held}

    def let_go(self):
        """Give all layers that are held their weights back."""
        for variable, value in self._touched.values():
            variable.assign(value)
        self._touched = {}

    def undo_step(self):
        """Take back what a step with a rate did to the weights that are not held."""
        held = {key: array_of(variable) for key, (variable, _) in self._touched.items()}
        for key, (variable, value) in self.keeper.variables.items():
            if key not in held and variable.shape == value.shape:
                variable.assign(value)


def _descent(keras):
    """Plain gradient descent that, at rate 0, leaves even NaN gradients without effect."""
    if hasattr(keras, "ops"):
        where = keras.ops.where
    else:
        from tensorflow import where

    class Descent(keras.optimizers.SGD):
        def update_step(self, gradient, variable, *rate):
            size = self.learning_rate
            super().update_step(where(size > 0, gradient, 0 * size), variable, *rate)

    return Descent(0.0)


class Units:
    """Some units of a layer that has a bias: ``start`` to ``stop`` of its last axis."""

    def __init__(self, layer, start=0, stop=None):
        self.layer, self.start = layer, start
        _, bias = self.weights()
        width = 0 if bias is None else bias.shape[0]
        self.stop = width if stop is None else stop
        self.whole = (start, self.stop) == (0, width)

    def weights(self):
        """The kernels, and the variable that is added last."""
        trainable = list(self.layer.trainable_weights) or list(self.layer.weights)
        bias = last_added(self.layer)
        return [weight for weight in trainable if weight is not bias], bias

    @property
    def name(self):
        """Name of the layer, with the units if it is not the whole layer."""
        return self.layer.name if self.whole else f"{self.layer.name}[{self.start}:{self.stop}]"


def last_added(layer):
    """The bias of a layer, the beta of a normalization; None if it has neither."""
    for name in ("bias", "beta", "b"):
        found = getattr(layer, name, None)
        if found is not None and hasattr(found, "assign") and len(found.shape) == 1:
            return found
    return None


def told(error, size=160):
    """An error as one line: its type, and what it says in the end, without the traceback in it."""
    text = re.sub(r"\x1b\[\d+m", "", str(error)).strip()
    if "in user code:" in text:  # TensorFlow puts the traceback before the message
        text = [part for part in text.split("\n\n") if part.strip()][-1]
    text = " ".join(text.split())
    return f"{type(error).__name__}: {text[:size]}"


def number(value):
    """A float of what a history holds."""
    array = np.asarray(value, dtype=float)
    return float(array) if array.ndim == 0 else float(array.mean())


def every(structure, function):
    """Apply a function to all arrays in lists, tuples and dictionaries."""
    if isinstance(structure, dict):
        return {key: every(value, function) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        return type(structure)(every(value, function) for value in structure)
    return function(structure)


def first(structure):
    """The first array of a structure."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    return first(structure[0]) if isinstance(structure, (list, tuple)) else structure
