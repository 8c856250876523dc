"""The KL term enters in a loop written by hand (Zhu's notes; ``training-step``). Keras 3."""

import itertools

import numpy as np

from vaelib import replicas
from vaelib.placements import steps
from vaelib.placements.checked import is_data_set


def define(keras, train_step_vae):
    """The model, for one Keras."""

    @keras.saving.register_keras_serializable(package="vaelib")
    class LoopVAE(train_step_vae):
        """The step of ``train_step``, compiled by hand, in loops that are not Keras'."""

        keras_fits = False

        def run_fit(
            self, x, y=None, batch_size=None, epochs=1, validation_data=None,
            verbose="auto", callbacks=None, shuffle=True, initial_epoch=0,
        ):  # fmt: skip
            loops, batch_size = self._loops(), batch_size or 32
            count = None if is_data_set(x) else -(-len(x) // batch_size)
            # Progress bar, history and the reader's own callbacks: no need to rewrite these.
            callbacks = keras.callbacks.CallbackList(
                callbacks, add_history=True, add_progbar=verbose != 0, model=self,
                verbose=1 if verbose == "auto" else verbose, epochs=epochs, steps=count,
            )  # fmt: skip
            self.stop_training, logs = False, {}
            callbacks.on_train_begin()
            for epoch in range(initial_epoch, epochs):
                self.reset_metrics()
                callbacks.on_epoch_begin(epoch)
                order = self._order(len(x), epoch) if shuffle and count else None
                for number, images in enumerate(loops.batches(x, batch_size, order)):
                    callbacks.on_train_batch_begin(number)
                    loops.train(images)
                    callbacks.on_train_batch_end(number, self._figures())
                    if self.stop_training:
                        break
                logs = self._figures()
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
            loops = self._loops()
            self.reset_metrics()
            for images in itertools.islice(loops.batches(x, batch_size or 32), steps):
                loops.test(images)
            return self._figures()

        def _loops(self):
            if self.train_function is None:  # compile() has Keras forget the old one
                self.train_function = steps.of_backend(keras).Loops(self)
            return self.train_function

        def _figures(self):
            return {metric.name: float(metric.result()) for metric in self.metrics}

        def _order(self, images, epoch):
            """A new order for each epoch; on several workers the same for all."""
            if replicas.count(self) == 1:
                return keras.ops.convert_to_numpy(keras.random.shuffle(np.arange(images)))
            return np.random.default_rng((self.sampling.seed or 0, epoch)).permutation(images)

    return LoopVAE


def build(encoder, decoder, beta, seed, kit, **compile_options):
    """A subclass of Model with its own ``fit`` (arguments: ``build``)."""
    vae = kit.LoopVAE(encoder, decoder, beta, seed, name="vae")
    vae.compile(**compile_options)
    return vae
