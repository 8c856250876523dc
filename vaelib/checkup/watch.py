"""See what passes through every layer, also inside a compiled step.

While a ``Watch`` is entered, every call of a layer leaves a tap at each of its inputs and outputs.
Run eagerly, a tap keeps the value at once; traced into a compiled step, it keeps it whenever the
step runs. Nothing of the model is rewritten: the taps go with the compiled step.
"""

import sys

import numpy as np


class Tap:
    """One place where values pass: ``layer``, ``side`` ("in" or "out"), and what has passed."""

    drawn = False  # a draw from a distribution of TFP

    def __init__(self, layer, side, order, shape, symbolic):
        self.layer, self.side, self.order = layer, side, order
        self.shape, self.symbolic, self.values = shape, symbolic, []

    @property
    def first(self):
        """What passed in the first step of the run."""
        return self.values[0]

    def __repr__(self):
        return f"<{self.side} of {self.layer.name} {self.shape}>"


class Watch:
    """Keep what passes through the layers of one Keras; a context manager.

    A third kind of tap, side "loss", stands where a layer calls ``add_loss``.

    ``taps()`` are those that the last run passed, in the order of the calls; ``clear()`` before a
    run. ``wanted``, if set, says of a tap whether its values are worth keeping.
    """

    def __init__(self, keras):
        self.keras, self._taps, self._order = keras, [], 0
        self.wanted = None
        self.on_layer = None

    def __enter__(self):
        self._class = self.keras.layers.Layer
        self._call = self._class.__call__
        original, watch = self._call, self

        def call(layer, *args, **kwargs):
            if watch.on_layer:
                watch.on_layer(layer)
            watch._tap(layer, "in", (args, {k: v for k, v in kwargs.items() if k != "training"}))
            outputs = original(layer, *args, **kwargs)
            watch._tap(layer, "out", outputs)
            return outputs

        self._add_loss = add_loss = self._class.add_loss

        def add(layer, loss, *args, **kwargs):
            watch._tap(layer, "loss", loss)
            return add_loss(layer, loss, *args, **kwargs)

        self._class.__call__, self._class.add_loss = call, add
        self._functions = _fresh_functions()
        return self

    def __exit__(self, *error):
        self._class.__call__, self._class.add_loss = self._call, self._add_loss
        self._functions()

    def clear(self):
        """Forget the values; taps of compiled steps stay, those of eager calls go."""
        self._taps = [tap for tap in self._taps if tap.symbolic]
        for tap in self._taps:
            tap.values = []

    def taps(self):
        """The taps that something has passed since ``clear()``, in the order of the calls."""
        _finish(self.keras)
        return sorted((tap for tap in self._taps if tap.values), key=lambda tap: tap.order)

    def _tap(self, layer, side, structure):
        values = leaves(structure)
        # a layer of TFP puts out a distribution and beside it what was drawn from it
        drawn = any(hasattr(value, "log_prob") for value in values)
        for value in values:
            value = as_tensor(value)
            if value is None or isinstance(value, getattr(self.keras, "KerasTensor", ())):
                continue
            shape = getattr(value, "shape", None)
            device = getattr(getattr(value, "device", None), "type", None)
            if shape is None or "float" not in str(value.dtype) or device == "meta":
                continue  # on PyTorch, "meta" tensors stand for shapes alone
            if len(shape) == 0 and side != "loss":
                continue
            self._order += 1
            symbolic = _is_symbolic(value)
            tap = Tap(layer, side, self._order, tuple(shape), symbolic)
            tap.drawn = drawn
            if self.wanted and not self.wanted(tap):
                continue
            self._taps.append(tap)
            _emit(value, tap, symbolic)


def _fresh_functions():
    """Let every ``tf.function`` run as a copy, until the function that is returned is called.

    A reader's own, such as one around ``train_step``, would keep what it was compiled to here:
    our optimizer, our taps. And one that was compiled before has no taps.
    """
    tf = sys.modules.get("tensorflow")
    if tf is None:
        return lambda: None
    kind = type(tf.function(lambda: None))
    original, copies, ours = kind.__call__, {}, set()

    def call(function, *args, **kwargs):
        if id(function) not in ours:
            if id(function) not in copies:
                python = function.python_function
                copy = tf.function(python, autograph=getattr(function, "_autograph", True))
                copies[id(function)] = (copy, function)  # both stay alive, so ids stay theirs
                ours.add(id(copy))
            function = copies[id(function)][0]
        return original(function, *args, **kwargs)

    kind.__call__ = call
    return lambda: setattr(kind, "__call__", original)


def array_of(value):
    """A variable or a tensor of any Keras, or of a strategy, as an array of its own.

    Half precision becomes float32, for NumPy cannot count with all of its kinds.
    """
    if hasattr(value, "detach"):  # PyTorch gives no array where it records, nor of a GPU
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() and value.itemsize < 4 else value
    read = getattr(value, "numpy", None)
    array = np.array(read() if read else value)
    return array.astype("float32") if "float16" in str(array.dtype) else array


def leaves(structure):
    """What lies in nested lists, tuples and dictionaries."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in leaves(item)]
    return [] if structure is None else [structure]


def as_tensor(value):
    """A tensor; of a TFP distribution that a layer handed on, the draw that it already holds."""
    if hasattr(value, "log_prob"):
        held = getattr(value, "_value", None)
        return held() if callable(held) else None
    return value if hasattr(value, "dtype") and hasattr(value, "shape") else None


def _is_symbolic(value):
    """Whether the value is known only when a compiled step runs."""
    tensorflow, jax = sys.modules.get("tensorflow"), sys.modules.get("jax")
    if tensorflow and isinstance(value, tensorflow.Tensor):
        return not hasattr(value, "numpy")
    return bool(jax and isinstance(value, jax.core.Tracer))


def _emit(value, tap, symbolic):
    """Keep the value in the tap: now, or whenever the compiled step runs."""
    if not symbolic:
        tap.values.append(array_of(value))
        return
    if type(value).__module__.startswith("tensorflow"):
        import tensorflow as tf

        # A stateful operation: the step runs it although nobody uses its result.
        value = tf.cast(value, "float32") if value.dtype.size < 4 else value  # NumPy adds as it is
        tf.numpy_function(lambda array: tap.values.append(np.array(array)), [value], [])
        return
    import jax

    jax.debug.callback(lambda array: tap.values.append(array_of(array)), value)


def _finish(keras):
    """On JAX, wait for what is still on its way."""
    jax = sys.modules.get("jax")
    if jax and getattr(keras, "backend", None) and _backend(keras) == "jax":
        jax.effects_barrier()


def _backend(keras):
    return keras.backend.backend()
