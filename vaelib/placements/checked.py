"""What all placements share: checked images go in, one set of names comes out."""

import operator

import numpy as np
from keras import ops

from vaelib import replicas
from vaelib.data import DataError, check_images
from vaelib.placements import devices


class Checked:
    """Mixed into the Keras model of every placement; all else is Keras' own.

    ``fit``, ``evaluate`` and ``predict`` take images, as an array or as a batched
    ``tf.data.Dataset``; an array is checked before Keras sees it, of a data set the
    first batch. The figures are called ``loss``, ``reconstruction`` and ``kl``
    everywhere, in nats per image.
    """

    needs_loss = False  # whether compile has to bring the reconstruction
    keras_fits = True  # whether fit is Keras' own

    def fit(self, x=None, y=None, batch_size=None, *, validation_data=None, **options):
        """Train as Keras does. Leave ``y`` away, or pass the images a second time.

        ``validation_data`` may be images, a pair (images, images), or a data set.

        Raises:
            DataError: images that are no batch of pixels in [0, 1] of the encoder's shape,
                labels among them, or fewer images than ``batch_size``.
        """
        self._check(x, y)
        self._check_options(options)
        batch_size = _batch_size(batch_size, None if is_data_set(x) else len(x))
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
        self._check_devices(x, batch_size, fits=True)
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
        self._check_options(options)
        batch_size = _batch_size(batch_size)
        self._check_devices(x, batch_size)
        x, y = self._with_targets(x)
        options["return_dict"] = True  # names and order of a list differ
        return self.run_evaluate(x, y, batch_size=batch_size, verbose=verbose, **options)

    def predict(self, x, batch_size=None, verbose=0, **options):
        """The reconstruction of every image, from one draw of z for each.

        Raises:
            DataError: as ``fit``.
        """
        self._check(x)
        batch_size = _batch_size(batch_size)
        self._check_devices(x, batch_size)
        x = x if is_data_set(x) else np.asarray(x)
        outputs = super().predict(x, batch_size=batch_size, verbose=verbose, **options)
        return outputs["reconstruction"] if isinstance(outputs, dict) else outputs

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Keras' sum of all losses; on several devices with the gradient of the whole batch."""
        more = {"training": training} if hasattr(self, "stateless_call") else {}  # Keras 3 alone
        loss = super().compute_loss(x, y, y_pred, sample_weight, **more)
        return replicas.weighed(loss, ops.shape(x)[0])

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
            import tensorflow as tf  # a data set is of TensorFlow, whatever the backend

            floats = x.map(lambda *batch: tf.cast(batch[0], "float32"))
            return floats.map(lambda images: (images, self._targets(images))), None
        x = np.asarray(x)  # lists are welcome, too
        return x, self._targets(x)

    def _check_options(self, options):
        """Refuse what the placements would each understand differently."""
        weights = [
            name for name in ("sample_weight", "class_weight") if options.get(name) is not None
        ]
        if weights:
            raise ValueError(f"The objective weighs all images alike: leave {weights[0]} away.")
        if self.needs_loss and not getattr(self, "loss", None):
            raise ValueError(
                "This model was compiled again without the loss of its placement, so it would "
                "train on the KL term alone: build the placement anew, with the optimizer you want."
            )

    def _check_devices(self, x, batch_size, fits=False):
        """Refuse what several devices cannot do with these batches."""
        images = None if is_data_set(x) else len(x)
        devices.check(self, images, batch_size, fits and self.keras_fits)

    def _check(self, x, y=None, what="images"):
        shape = tuple(self.encoder.input_shape[1:])
        if is_data_set(x):
            spec = x.element_spec
            spec = spec[0] if isinstance(spec, (tuple, list)) else spec
            given = getattr(spec, "shape", None)
            if given is None or given.rank != 4 or not given[1:].is_compatible_with(shape):
                raise DataError(
                    f"The encoder takes batches of images of shape {shape}, but this data set "
                    f"gives {given or spec}: map its images to that shape, then call .batch(...)."
                )
            for batch in x.take(1):  # one look is cheap; the rest is seen only while training
                check_images(batch[0] if isinstance(batch, (tuple, list)) else batch, what, shape)
                return
            raise DataError(f"The {what} are an empty data set: pass at least one batch.")
        check_images(x, what, shape)
        if y is not None and y is not x and not np.array_equal(x, y):
            raise DataError(
                f"A VAE learns to give back its input, but the targets of the {what} are "
                "something else, labels perhaps: leave them away."
            )


def is_data_set(x):
    """Whether x is a ``tf.data.Dataset``, told without importing TensorFlow."""
    return hasattr(x, "element_spec")


def _batch_size(batch_size, limit=None):
    """The batch size as a plain integer, or None; refuses one that is larger than the data."""
    if batch_size is None:
        return None
    try:
        size = operator.index(batch_size)
    except TypeError:
        size = 0
    if size < 1 or isinstance(batch_size, bool):
        raise DataError(f"batch_size must be a positive whole number, but is {batch_size!r}.")
    if limit is not None and size > limit:
        raise DataError(
            f"A batch of {size} is larger than the data, {limit} images: choose a smaller "
            "batch_size."
        )
    return size
