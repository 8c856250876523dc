"""One batch on several devices of TensorFlow: what a replica has to know of the others.

Under a ``tf.distribute`` strategy every replica computes on a part of the batch, and TensorFlow
adds up their gradients (``tf.distribute``, "Custom training"). Away from a strategy, and on JAX and
PyTorch, where one program sees the whole batch, every function here is the plain one. Chapter
``several-devices`` shows what becomes of a loss without them.
"""

import contextlib
import threading

import keras
from keras import ops

_HERE = threading.local()  # TensorFlow runs each replica in a thread of its own


@contextlib.contextmanager
def sharing(images):
    """Around a step: let the replicas tell each other how many images each of them has.

    They may do so only here, before the forward pass. Where replicas wait for each other within
    it, what one has handed to ``add_loss`` is gone when it goes on: the layers are shared.

    Args:
        images: how many this replica has.
    """
    context = _context()
    if context is None:
        yield
        return
    import tensorflow as tf

    replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
    mine = tf.one_hot(replica, replicas) * tf.cast(images, "float32")
    sizes = tf.cast(context.all_reduce(tf.distribute.ReduceOp.SUM, mine), "int32")
    _HERE.place = tf.cumsum(sizes, exclusive=True)[replica], tf.reduce_sum(sizes)
    try:
        yield
    finally:
        _HERE.place = None


def normal(shape, generator):
    """Standard normal numbers for this replica's part of the batch, float32.

    Keras' generator gives every replica the same numbers. So each draws those of the whole batch
    and takes its own rows: no two images share their noise, and one device would draw the same.
    In a step without ``sharing`` each replica draws numbers of its own.

    Args:
        shape: of this replica's part, (images, ...).
        generator: a ``keras.random.SeedGenerator``.
    """
    context, place = _context(), getattr(_HERE, "place", None)
    if context is None:
        return keras.random.normal(shape, dtype="float32", seed=generator)
    if place is None:
        import tensorflow as tf

        # A large step: the next seed may be another layer's, the next count is the next step's.
        own = tf.stack([1_000_003 * tf.cast(context.replica_id_in_sync_group, "int64"), 0])
        seed = tf.math.floormod(tf.cast(generator.next(), "int64") + own, tf.int32.max)
        return tf.random.stateless_normal(shape, tf.cast(seed, "int32"))
    first, images = place
    everything = keras.random.normal((images, *shape[1:]), dtype="float32", seed=generator)
    return everything[first : first + shape[0]]


def mean(values):
    """Mean over this replica's images; 0 where the batch had none left for it."""
    if _context() is None:
        return ops.mean(values)
    return ops.sum(values) / ops.cast(ops.maximum(ops.shape(values)[0], 1), values.dtype)


def scaled(loss, images):
    """This replica's share of a loss: what is to be added up over the replicas.

    Args:
        loss: the mean over this replica's images.
        images: how many images this replica has.
    """
    context = _context()
    return loss if context is None else weighed(loss / context.num_replicas_in_sync, images)


def weighed(loss, images):
    """A loss that Keras divided by the number of replicas, with the gradient of the whole batch.

    A mean of the replicas' means is not the mean of the images where a batch does not divide. The
    gradient is weighed with the replica's share of the images; the value, which Keras weighs
    itself for its log, stays.

    Args:
        loss, images: as in ``scaled``.
    """
    context, place = _context(), getattr(_HERE, "place", None)
    if context is None or place is None:
        return loss
    share = ops.cast(images, loss.dtype) / ops.cast(place[1], loss.dtype)
    value = ops.stop_gradient(loss)
    return value + share * context.num_replicas_in_sync * (loss - value)


def counting():
    """Whether a metric may count here: not where a model is put together in a strategy's scope."""
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    return not (tf.distribute.has_strategy() and tf.distribute.in_cross_replica_context())


def count(model):
    """On how many devices a model trains; 1 away from ``tf.distribute``."""
    strategy = getattr(model, "distribute_strategy", None)
    return getattr(strategy, "num_replicas_in_sync", 1)


def _context():
    """The replica we are in, if it is one of several."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None
