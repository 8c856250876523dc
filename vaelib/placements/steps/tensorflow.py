"""The step on TensorFlow: a tape records the forward pass."""

import tensorflow as tf

from vaelib import replicas
from vaelib.placements.steps import batches, images_of


class Step:
    """``train_step`` and ``test_step`` for Keras 3 on TensorFlow, and for tf_keras."""

    def train_step(self, data):
        images = images_of(data)
        n = tf.shape(images)[0]
        with replicas.sharing(n), tf.GradientTape() as tape:
            loss = replicas.scaled(self.objective(images, training=True), n)
            enlarged = _enlarged(self.optimizer, loss)
        gradients = tape.gradient(enlarged, self.trainable_variables)
        if hasattr(self.optimizer, "get_unscaled_gradients"):
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        images = images_of(data)
        with replicas.sharing(tf.shape(images)[0]):
            self.objective(images, training=False)
        return {metric.name: metric.result() for metric in self.metrics}


def _enlarged(optimizer, loss):
    """The loss times what float16 needs to keep small gradients; Keras divides them again."""
    for name in ("scale_loss", "get_scaled_loss"):  # Keras 3; tf_keras
        if hasattr(optimizer, name):
            return getattr(optimizer, name)(loss)
    return loss


class OfKeras:
    """Keras' own steps; on several devices, each replica knows how many images the others have."""

    def train_step(self, data):
        with replicas.sharing(tf.shape(images_of(data))[0]):
            return super().train_step(data)

    def test_step(self, data):
        with replicas.sharing(tf.shape(images_of(data))[0]):
            return super().test_step(data)

    def predict_step(self, data):
        with replicas.sharing(tf.shape(images_of(data))[0]):
            return super().predict_step(data)


class Loops:
    """Training and testing on batches, one after the other, compiled, on all replicas."""

    def __init__(self, model):
        self.model, self.strategy = model, model.distribute_strategy
        self.train, self.test = self._compiled(model.train_step), self._compiled(model.test_step)

    def _compiled(self, step):
        def on_all(images):
            self.strategy.run(step, args=(images,))

        if self.model.run_eagerly:
            return on_all
        shape = (None, *self.model.encoder.input_shape[1:])
        # One trace for batches of any size: the last one is often smaller.
        signature = [tf.TensorSpec(shape, "float32")] if replicas.count(self.model) == 1 else None
        return tf.function(
            on_all, input_signature=signature, jit_compile=self.model.jit_compile,
            reduce_retracing=signature is None,
        )  # fmt: skip

    def batches(self, x, batch_size, order=None):
        """The batches of images; under a strategy, each spread over the replicas."""
        if replicas.count(self.model) == 1:
            return batches(x, batch_size, order)
        if hasattr(x, "element_spec"):
            data_set = x.map(lambda *batch: images_of(batch[0]))
        else:
            # Single images, put together last: a strategy cuts up what the last step of the
            # pipeline has put together.
            signature = tf.TensorSpec((None, *self.model.encoder.input_shape[1:]), "float32")
            data_set = tf.data.Dataset.from_generator(
                lambda: batches(x, batch_size, order), output_signature=signature
            )
            data_set = data_set.unbatch().batch(batch_size)
        options = tf.data.Options()  # every worker reads all and takes its share
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        return self.strategy.experimental_distribute_dataset(data_set.with_options(options))
