"""The KL term enters in a loop written by hand (Zhu's notes; ``training-step``). Keras 3."""

import itertools

import numpy as np
import tensorflow as tf

from vaelib.placements.checked import is_data_set


def batches(x, batch_size, order=None):
    """The batches of images in an array, a pair (images, targets), or a data set."""
    x = x[0] if isinstance(x, tuple) else x
    if is_data_set(x):
        for batch in x:
            yield batch[0] if isinstance(batch, tuple) else batch
        return
    order = np.arange(len(x)) if order is None else order
    for start in range(0, len(x), batch_size):
        yield np.asarray(x[order[start : start + batch_size]], dtype="float32")


def define(keras, train_step_vae):
    """The model, for one Keras."""

    @keras.saving.register_keras_serializable(package="vaelib")
    class LoopVAE(train_step_vae):
        """The step of ``train_step``, compiled by hand, in loops that are not Keras'."""

        def run_fit(
            self, x, y=None, batch_size=None, epochs=1, validation_data=None,
            verbose="auto", callbacks=None, shuffle=True, initial_epoch=0,
        ):  # fmt: skip
            if self.train_function is None:  # compile() has Keras forget the old one
                self.train_function = self._compiled(self.train_step)
            batch_size = batch_size or 32
            steps = None if is_data_set(x) else -(-len(x) // batch_size)
            # Progress bar, history and the reader's own callbacks: no need to rewrite these.
            callbacks = keras.callbacks.CallbackList(
                callbacks, add_history=True, add_progbar=verbose != 0, model=self,
                verbose=1 if verbose == "auto" else verbose, epochs=epochs, steps=steps,
            )  # fmt: skip
            self.stop_training, logs = False, {}
            callbacks.on_train_begin()
            for epoch in range(initial_epoch, epochs):
                self.reset_metrics()
                callbacks.on_epoch_begin(epoch)
                order = tf.random.shuffle(range(len(x))).numpy() if shuffle and steps else None
                for number, images in enumerate(batches(x, batch_size, order)):
                    callbacks.on_train_batch_begin(number)
                    logs = self.train_function(images)
                    callbacks.on_train_batch_end(number, logs)
                    if self.stop_training:
                        break
                logs = {name: float(value) for name, value in logs.items()}
                if validation_data is not None:
                    figures = self.run_evaluate(validation_data, batch_size=batch_size)
                    logs |= {f"val_{name}": value for name, value in figures.items()}
                callbacks.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            callbacks.on_train_end(logs)
            return self.history

        def run_evaluate(
            self, x, y=None, batch_size=None, steps=None, verbose=0, return_dict=True
        ):  # fmt: skip
            if self.test_function is None:
                self.test_function = self._compiled(self.test_step)
            self.reset_metrics()
            for images in itertools.islice(batches(x, batch_size or 32), steps):
                logs = self.test_function(images)
            return {name: float(value) for name, value in logs.items()}

        def _compiled(self, step):
            if self.run_eagerly:
                return step
            # One trace for batches of any size: the last one is often smaller.
            images = tf.TensorSpec((None, *self.encoder.input_shape[1:]), "float32")
            return tf.function(step, input_signature=[images], jit_compile=self.jit_compile)

    return LoopVAE


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """A subclass of Model with its own ``fit`` (arguments: ``build``)."""
    vae = kit.LoopVAE(encoder, decoder, beta, seed, name="vae")
    vae.compile(**compile_options)
    return vae
