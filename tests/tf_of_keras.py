"""What the patients call by TensorFlow's names, in Keras' own operations, for other backends.

``import_patients()`` imports ``tests/patients`` with this module in the place of TensorFlow, and
takes it away again, so that nobody else mistakes it for TensorFlow.
"""

import sys
import types

import keras
import numpy as np
from keras import ops

MORE = {
    "Variable": keras.Variable,
    "constant": ops.convert_to_tensor,
    "clip_by_value": ops.clip,
    "gather": ops.take,
    "reduce_mean": ops.mean,
    "reduce_sum": ops.sum,
}


def import_patients():
    """The package ``patients``, its scripts on Keras' own operations."""
    tensorflow = _module()
    held = {name: sys.modules.get(name) for name in ("tensorflow", "tensorflow_probability")}
    sys.modules["tensorflow"], sys.modules["tensorflow_probability"] = tensorflow, tensorflow
    try:
        import patients
    finally:
        for name, module in held.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return patients


def _module():
    module = types.ModuleType("tensorflow")
    vars(module).update(vars(ops))
    vars(module).update(MORE)
    module.GradientTape = _Tape
    module.random = types.SimpleNamespace(
        normal=_normal, uniform=keras.random.uniform, stateless_normal=_stateless
    )
    module.math = types.SimpleNamespace(log=ops.log)
    module.nn = types.SimpleNamespace(
        softplus=ops.softplus, sigmoid_cross_entropy_with_logits=_cross_entropy_of_logits
    )
    module.cond = lambda condition, yes, no: ops.cond(condition, yes, no)
    return module


def _normal(shape, mean=0.0, stddev=1.0, seed=None):
    """Numbers that differ from step to step, also in a step that JAX compiles."""
    if keras.backend.backend() != "jax" or seed is not None:
        return keras.random.normal(shape, mean, stddev, seed=seed)
    import jax
    from jax.experimental import io_callback

    kind, rng = jax.ShapeDtypeStruct(tuple(shape), "float32"), np.random.default_rng(1)
    return io_callback(lambda: rng.normal(mean, stddev, kind.shape).astype("float32"), kind)


def _stateless(shape, seed):
    return keras.random.normal(shape, seed=int(seed[0]))


def _cross_entropy_of_logits(labels, logits):
    return ops.binary_crossentropy(labels, logits, from_logits=True)


class _Tape:
    """``GradientTape`` on PyTorch, where autograd records without being asked."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def gradient(self, loss, variables):
        import torch

        values = [variable.value for variable in variables]
        return torch.autograd.grad(loss, values, allow_unused=True)
