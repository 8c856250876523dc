"""Leave a model as it was found: weights, optimizers, metrics, random state, Python attributes."""

import contextlib
import copy
import random
import sys

import numpy as np

from vaelib.checkup.watch import array_of, leaves


@contextlib.contextmanager
def kept(model, keras):
    """Put everything back at the end, also after an exception.

    Bit for bit: variables (weights, metrics, optimizers, seeds), the attributes of the model and
    of its layers (compiled steps, history, counters), and the random state of Python, NumPy,
    Keras and its backend. The model's own compiled step is set aside and not used, for its random
    operations have a state that nobody can put back.
    """
    keeper = Keeper(keras)
    random_state = _random_state(keras)
    keeper.add(model)
    for layer in model._flatten_layers(include_self=False, recursive=True):
        keeper.add(layer)
    try:
        yield keeper
    finally:
        keeper.put_back()
        _put_random_state_back(keras, random_state)


class Keeper:
    """Remembers layers, each once; layers that are met later may be added."""

    def __init__(self, keras):
        self.keras, self.layers, self.attributes, self.variables = keras, {}, {}, {}
        self.of_torch = []  # optimizers, which have no variables of Keras

    def add(self, layer):
        """Remember a layer, its variables, its metrics, and optimizers that hang on it."""
        if id(layer) in self.layers:
            return
        self.layers[id(layer)] = layer
        self.attributes[id(layer)] = {
            name: (value, _contents(value)) for name, value in vars(layer).items()
        }
        self.of_torch += [
            (value, copy.deepcopy(value.state_dict()))
            for value in vars(layer).values()
            if hasattr(value, "load_state_dict") and hasattr(value, "param_groups")
        ]
        with _outside_the_step(self.keras):  # a layer may be met while the step is compiled
            for variable in _variables(layer, self.keras):
                if id(variable) not in self.variables:
                    self.variables[id(variable)] = (variable, array_of(variable))

    def refill(self, model):
        """Give variables that a failed step on JAX left without a value their own, or 0."""
        for variable in _variables(model, self.keras):
            if getattr(variable, "_value", self) is None:
                _, value = self.variables.get(id(variable), (None, np.zeros(variable.shape)))
                variable.assign(value)

    def put_back(self):
        """Restore what was remembered; what was not there before goes."""
        for key, layer in self.layers.items():
            now, then = vars(layer), self.attributes[key]
            for name in [name for name in now if name not in then]:
                del now[name]
            for name, (value, items) in then.items():
                if now.get(name) is not value:
                    now[name] = value
                if items is not None and not _same(value, items):
                    if isinstance(value, list):
                        value[:] = items  # the same list, for others may hold it
                    else:
                        value.clear()
                        value.update(items)
        for optimizer, state in self.of_torch:
            optimizer.load_state_dict(state)
        for layer in self.layers.values():  # what was made since then begins at 0
            for variable in _variables(layer, self.keras):
                if id(variable) not in self.variables:
                    variable.assign(np.zeros_like(array_of(variable)))
        for variable, value in self.variables.values():
            if not np.array_equal(array_of(variable), value, equal_nan=value.dtype.kind == "f"):
                variable.assign(value)


def _contents(value):
    """What a list or a dictionary holds; None for all else."""
    if isinstance(value, list):
        return list(value)
    return dict(value) if type(value) is dict else None


def _same(value, items):
    if isinstance(value, list):
        return [*map(id, value)] == [*map(id, items)]
    return value.keys() == items.keys() and all(value[key] is items[key] for key in items)


def _outside_the_step(keras):
    if hasattr(keras, "ops") and keras.backend.backend() != "tensorflow":
        return contextlib.nullcontext()
    import tensorflow as tf

    return tf.init_scope()


def _variables(layer, keras):
    found = list(getattr(layer, "variables", []))
    found += list(getattr(layer, "metrics_variables", []))
    kinds = (keras.metrics.Metric, keras.optimizers.Optimizer)
    held = [value for value in vars(layer).values() if not isinstance(value, keras.layers.Layer)]
    for value in held:
        for item in leaves(value) if isinstance(value, (dict, list, tuple)) else [value]:
            if hasattr(item, "assign") and hasattr(item, "shape"):  # a variable of one's own
                found.append(item)
            if isinstance(item, kinds):
                more = item.variables
                found += list(more() if callable(more) else more)
            # a tf_keras layer that draws keeps the state of its generator here
            state = getattr(getattr(item, "_generator", None), "state", None)
            found += [] if state is None else [state]
    metrics = getattr(layer, "metrics", None)
    for metric in metrics if isinstance(metrics, list) else []:
        found += list(metric.variables)
    # what is not yet a value (a variable of a later build) has nothing to keep
    return [variable for variable in found if hasattr(variable, "assign")]


def _random_state(keras):
    # the global state is what a reader's code may draw from
    state = {"python": random.getstate(), "numpy": np.random.get_state()}  # noqa: NPY002
    tensorflow, torch = sys.modules.get("tensorflow"), sys.modules.get("torch")
    if tensorflow:
        from tensorflow.python.eager import context
        from tensorflow.python.ops import stateful_random_ops

        rng = getattr(context.context(), "_rng", None)
        state["tensorflow"] = rng.getstate() if rng else None
        generator = stateful_random_ops.global_generator
        state["generator"] = generator.state.numpy() if generator else None
    if torch:
        state["torch"] = torch.get_rng_state(), torch.cuda.get_rng_state_all()
    held = _global_seed(keras)
    state["keras"] = (held, None if held is None else array_of(held.state))
    return state


def _put_random_state_back(keras, state):
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    if state.get("tensorflow"):
        from tensorflow.python.eager import context

        context.context()._rng.setstate(state["tensorflow"])
    if state.get("generator") is not None:
        from tensorflow.python.ops import stateful_random_ops

        stateful_random_ops.global_generator.state.assign(state["generator"])
    if "torch" in state:
        torch, (of_cpu, of_gpus) = sys.modules["torch"], state["torch"]
        torch.set_rng_state(of_cpu)
        torch.cuda.set_rng_state_all(of_gpus)
    generator, value = state["keras"]
    if _global_seed(keras) is not generator:
        _set_global_seed(generator)
    if generator is not None:
        generator.state.assign(value)


def _global_seed(keras):
    """The generator behind ``keras.random`` where no seed is given; None if there is none yet."""
    if not hasattr(keras, "ops"):
        return None
    from keras.src.backend.common import global_state

    return global_state.get_global_attribute("global_seed_generator")


def _set_global_seed(generator):
    from keras.src.backend.common import global_state

    global_state.set_global_attribute("global_seed_generator", generator)
