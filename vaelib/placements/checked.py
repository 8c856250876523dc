"""What all placements share: checked images go in, one set of names comes out."""

import operator

import numpy as np

from vaelib.data import DataError, check_images


class Checked:
    """Mixed into the Keras model of every placement; all else is Keras' own.

    ``fit``, ``evaluate`` and ``predict`` take images, as an array or as a batched
    ``tf.data.Dataset``; an array is checked before Keras sees it. The figures are
    called ``loss``, ``reconstruction`` and ``kl`` everywhere, in nats per image.
    """

    def fit(self, x=None, y=None, batch_size=None, *, validation_data=None, **options):
        """Train as Keras does. Leave ``y`` away, or pass the images a second time.

        ``validation_data`` may be images, a pair (images, images), or a data set.

        Raises:
            DataError: images that are no batch of pixels in [0, 1] of the encoder's shape,
                labels among them, or fewer images than ``batch_size``.
        """
        self._check(x, y)
        if batch_size is not None:
            _check_batch_size(batch_size, x)
        if validation_data is not None:
            pair = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            if len(pair) not in (1, 2):
                raise DataError(
                    f"validation_data holds {len(pair)} things: pass images, or a pair of them "
                    "twice, (images, images)."
                )
            self._check(*pair, what="validation images")
            x_valid, y_valid = self._with_targets(pair[0])
            validation_data = x_valid if y_valid is None else (x_valid, y_valid)
        x, y = self._with_targets(x)
        return self.run_fit(x, y, batch_size=batch_size, validation_data=validation_data, **options)

    def evaluate(self, x=None, y=None, batch_size=None, verbose=0, **options):
        """The figures of these images: a dict of ``loss``, ``reconstruction``, ``kl``.

        Raises:
            DataError: as ``fit``.
        """
        if "_use_cached_eval_dataset" in options:  # fit validates: checked there already
            return super().evaluate(x, y, batch_size=batch_size, verbose=verbose, **options)
        self._check(x, y)
        x, y = self._with_targets(x)
        options["return_dict"] = True  # names and order of a list differ (chapter 6)
        return self.run_evaluate(x, y, batch_size=batch_size, verbose=verbose, **options)

    def predict(self, x, batch_size=None, verbose=0, **options):
        """The reconstruction of every image, from one draw of z for each.

        Raises:
            DataError: as ``fit``.
        """
        self._check(x)
        x = x if is_data_set(x) else np.asarray(x)
        outputs = super().predict(x, batch_size=batch_size, verbose=verbose, **options)
        return outputs["reconstruction"] if isinstance(outputs, dict) else outputs

    def run_fit(self, x, y, **options):
        """Keras' ``fit``, unless a placement has a loop of its own."""
        return super().fit(x, y, **options)

    def run_evaluate(self, x, y, **options):
        """Keras' ``evaluate``, unless a placement has a loop of its own."""
        return super().evaluate(x, y, **options)

    def _targets(self, images):
        """What Keras gets as y: the images, unless a placement wants more."""
        return images

    def _with_targets(self, x):
        """x and y for Keras; a data set carries its y itself."""
        if is_data_set(x):
            return x.map(lambda *batch: (batch[0], self._targets(batch[0]))), None
        x = np.asarray(x)  # lists are welcome, too
        return x, self._targets(x)

    def _check(self, x, y=None, what="images"):
        shape = tuple(self.encoder.input_shape[1:])
        if is_data_set(x):
            spec = x.element_spec
            given = (spec[0] if isinstance(spec, (tuple, list)) else spec).shape
            if given.rank != 4 or not given[1:].is_compatible_with(shape):
                raise DataError(
                    f"The encoder takes batches of images of shape {shape}, but this data set "
                    f"gives {given}: map its images to that shape, then call .batch(...)."
                )
            return
        check_images(x, what, shape)
        if y is not None and y is not x and not np.array_equal(x, y):
            raise DataError(
                f"A VAE learns to give back its input, but the targets of the {what} are "
                "something else, labels perhaps: leave them away."
            )


def is_data_set(x):
    """Whether x is a ``tf.data.Dataset``, told without importing TensorFlow."""
    return hasattr(x, "element_spec")


def _check_batch_size(batch_size, x):
    try:
        size = operator.index(batch_size)
    except TypeError:
        size = 0
    if size < 1:
        raise DataError(f"batch_size must be a positive whole number, but is {batch_size!r}.")
    if not is_data_set(x) and size > len(x):
        raise DataError(
            f"A batch of {size} is larger than the data, {len(x)} images: choose a smaller "
            "batch_size."
        )
