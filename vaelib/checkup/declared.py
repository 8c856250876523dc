"""Numbers that a model names as the weight of its KL term."""

import inspect
import re

import numpy as np

NAME = re.compile(
    r"beta|(^|_)(kl|kld)\w*(w|weight|coef|factor|scale|lambda)"
    r"|gamma|weight(?!_decay)|fact|lambd|alpha"
)


def weights(model, layers, losses):
    """All numbers with a telling name: attributes, variables, loss weights, globals, closures.

    They are not taken for the truth; a measured weight that equals one of them is no slip.
    """
    found = []
    for owner in [model, *layers]:
        for name, value in vars(owner).items():
            if NAME.search(name.lower()):
                found += _numbers(value)
    for variable in getattr(model, "variables", []):
        if NAME.search(variable.name.lower()) and np.prod(variable.shape) == 1:
            found += _numbers(variable)
    config = getattr(model, "_compile_config", None)
    config = getattr(config, "config", config) or {}
    found += _numbers(config.get("loss_weights"))
    functions = [*losses, *(_methods(type(owner)) for owner in [model, *layers])]
    for item in functions:
        for function in item if isinstance(item, list) else [item]:
            found += _names_in(function)
    return sorted({float(number) for number in found if np.isfinite(number)})


def _methods(kind):
    names = ("call", "train_step", "test_step", "compute_loss", "add_loss")
    own = [vars(base).get(name) for base in kind.__mro__ for name in names
           if base.__module__.split(".")[0] not in ("keras", "tf_keras", "tensorflow")]  # fmt: skip
    return [function for function in own if callable(function)]


def _names_in(function):
    try:
        seen = inspect.getclosurevars(inspect.unwrap(function))
    except (TypeError, ValueError):
        return []
    held = {**seen.globals, **seen.nonlocals}
    return [n for name, value in held.items() if NAME.search(name.lower()) for n in _numbers(value)]


def _numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in _numbers(item)]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return []
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError):
        return []
    return [float(array)] if array.ndim == 0 else []
