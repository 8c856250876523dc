"""What cannot work on several devices is refused before anything runs, in one sentence."""

import keras

from vaelib import replicas
from vaelib.data import DataError


def check_scope(encoder, decoder):
    """Refuse networks that were not built where the model is being built.

    Raises:
        ValueError: the scope of a ``tf.distribute`` strategy was entered too late, or left.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    strategy = tf.distribute.get_strategy() if tf.distribute.has_strategy() else None
    for role, network in (("encoder", encoder), ("decoder", decoder)):
        if _differ(strategy, _built_in(network)):
            order = ("outside", "inside") if _several(strategy) else ("inside", "outside")
            raise ValueError(
                f"The {role} was built {order[0]} the scope of a strategy, the placement "
                f"{order[1]}: build encoder, decoder and placement in one "
                "`with strategy.scope():`."
            )


def check(model, images, batch_size, keras_fit):
    """Refuse what no step could do with this model on these devices.

    Args:
        model: a model of a placement.
        images: how many images there are, None for a data set.
        batch_size: the batch of all devices together, None for a data set.
        keras_fit: whether Keras' own ``fit`` is to run.

    Raises:
        ValueError: ``fit`` in the scope of another strategy, or of several workers on Keras 3.
        DataError: batches that cannot be spread.
    """
    if keras.backend.backend() == "jax":
        _check_even(images, batch_size)
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    # Not `model.distribute_strategy`: of a model without one, that is the strategy of the moment.
    strategy = _built_in(model.encoder)
    if tf.distribute.has_strategy() and _differ(tf.distribute.get_strategy(), strategy):
        raise ValueError(
            "This model was built outside the strategy in whose scope you train it, so it would "
            "train on one device: build it in `with strategy.scope():`."
        )
    if keras_fit and hasattr(model, "stateless_call") and _workers(strategy) > 1:
        raise ValueError(
            f"Keras {keras.__version__} cannot fit on several workers (keras issue 20585): take "
            "the placement 'custom_loop', whose loop can, or build the model with tf_keras."
        )
    count = replicas.count(model)
    if images is not None and (batch_size or 32) < count:
        raise DataError(
            f"A batch of {batch_size} cannot be spread over {count} replicas: batch_size is the "
            f"batch of all of them together, so choose at least {count}."
        )


def _check_even(images, batch_size):
    """JAX cuts a batch into equal parts, the last one, too."""
    distribution = keras.distribution.distribution()
    if images is None or distribution is None:
        return
    devices = distribution.device_mesh.shape[0]
    batch_size = min(batch_size or 32, images)
    left = images % batch_size
    if batch_size % devices or left % devices:
        raise DataError(
            f"JAX spreads a batch over {devices} devices in equal parts, but {images} images in "
            f"batches of {batch_size} leave {left or batch_size} for the last one: make both a "
            f"multiple of {devices}, or leave the odd images away."
        )


def _built_in(network):
    """The strategy in whose scope a network's weights were made, or None."""
    for weight in network.weights:
        variable = weight if hasattr(weight, "read_value") else weight.value  # Keras 2; 3
        return getattr(variable, "distribute_strategy", None)


def _differ(first, second):
    """Are they two strategies, one of them of several devices?"""
    return first is not second and (_several(first) or _several(second))


def _several(strategy):
    return getattr(strategy, "num_replicas_in_sync", 1) > 1


def _workers(strategy):
    """How many processes train together."""
    cluster = getattr(getattr(strategy, "cluster_resolver", None), "cluster_spec", dict)()
    return len(cluster.as_dict().get("worker", [])) if hasattr(cluster, "as_dict") else 1
