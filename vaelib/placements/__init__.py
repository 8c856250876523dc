"""Every place where the KL term can enter a Keras model, with one signature.

===================  =======================================================  ==========
name                 where the KL term enters                                 Keras
===================  =======================================================  ==========
``encoder_layer``    a layer at the end of the encoder (``encoder-layer``)    3 and 2
``endpoint_layer``   a final layer that is given all tensors (``two-rules``)  3 and 2
``outputs``          the loss of an output of its own (``outputs``)           3 and 2
``model_add_loss``   symbolic ``model.add_loss`` (``model-loss``)             2
``model_call``       ``add_loss`` in the model's ``call`` (``model-loss``)    3
``compute_loss``     the model's ``compute_loss`` (``model-loss``)            3
``train_step``       ``GradientTape`` in ``train_step`` (``training-step``)   3 and 2
``custom_loop``      a loop written by hand (``training-step``)               3
``tfp_add_loss``     TFP's ``KLDivergenceAddLoss`` (``distributions``)        2 with TFP
``tfp_regularizer``  TFP's ``KLDivergenceRegularizer`` (``distributions``)    2 with TFP
===================  =======================================================  ==========

All of them train the same objective, ``reconstruction + beta * KL`` in nats per image,
and chapter ``one-objective`` checks it at chosen points. Those of Keras 3 exist on TensorFlow, JAX
and PyTorch; all of them train it on several devices, too (``replicas``).
"""

import importlib
import math
import numbers

import keras as keras_module

from vaelib.placements import devices
from vaelib.placements import keras_3 as keras_3  # registers what a saved model names

PLACEMENTS = {
    "encoder_layer": (3, 2),
    "endpoint_layer": (3, 2),
    "outputs": (3, 2),
    "model_add_loss": (2,),
    "model_call": (3,),
    "compute_loss": (3,),
    "train_step": (3, 2),
    "custom_loop": (3,),
    "tfp_add_loss": (2,),
    "tfp_regularizer": (2,),
}


def names(keras=keras_module):
    """The placements that one Keras allows, in the order of the chapters.

    Raises:
        ValueError: ``keras`` is neither ``keras`` nor ``tf_keras``.
    """
    version = _version(keras)
    return [name for name, versions in PLACEMENTS.items() if version in versions]


def build(
    name,
    encoder,
    decoder,
    beta=1.0,
    seed=None,
    optimizer="adam",
    keras=keras_module,
    **compile_options,
):
    """A compiled VAE whose KL term enters at the named place.

    Args:
        name: one of ``PLACEMENTS``.
        encoder: a functional model from images to ``[mu, log_var]``, named "encoder".
        decoder: a functional model from z to images in [0, 1], named "decoder".
            ``networks.build_encoder`` and ``build_decoder`` make both.
        beta: the KL weight.
        seed: an integer makes the draws repeatable.
        optimizer: of the same Keras, or a name.
        keras: the Keras that encoder and decoder were built with, ``keras`` or ``tf_keras``.
        compile_options: for ``compile``, such as ``jit_compile`` or ``steps_per_execution``.

    Returns:
        a Keras model with ``encoder`` and ``decoder``. ``fit(images)``,
        ``evaluate(images)`` and ``predict(images)`` report ``loss``, ``reconstruction``
        and ``kl`` in nats per image and return reconstructions. ``vae.encoder.predict``
        gives mu, the code of an image, first. ``save("name.keras")`` and Keras'
        ``load_model`` work once ``vaelib.placements`` is imported. Exception: TFP's layers do not
        survive that; build the model again and load its weights (``distributions``).

    Raises:
        ValueError: an unknown placement, or one that this Keras does not allow; encoder and
            decoder that do not fit each other or this Keras; a beta that is negative or not
            a number; a seed that is not an integer.
    """
    version = _version(keras)
    if not isinstance(name, str) or name not in PLACEMENTS:
        raise ValueError(f"There is no placement {name!r}: use one of {tuple(PLACEMENTS)}.")
    if version not in PLACEMENTS[name]:
        other = "tf_keras" if version == 3 else "keras"
        raise ValueError(
            f"The placement {name!r} does not exist in Keras {version}: build encoder and decoder "
            f"with {other} and pass keras={other}, or use one of {tuple(names(keras))}."
        )
    try:
        finite = not isinstance(beta, (bool, str)) and 0 <= float(beta) < math.inf
    except (TypeError, ValueError, OverflowError):
        finite = False
    if not finite:
        raise ValueError(f"beta must be a finite number of at least 0, but is {beta!r}.")
    whole = isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
    if seed is not None and not (whole and 0 <= seed < 2**32):
        raise ValueError(f"seed must be None or a whole number from 0 to 2**32 - 1, not {seed!r}.")
    if not isinstance(optimizer, str) and _library(optimizer) != keras.__name__:
        raise ValueError(
            f"optimizer must be a name or an optimizer of {keras.__name__}, but is "
            + ("None." if optimizer is None else f"a {_name(optimizer)}.")
        )
    if getattr(optimizer, "built", getattr(optimizer, "_built", False)):
        raise ValueError("This optimizer serves another model already: make a new one for each.")
    seed = None if seed is None else int(seed)
    own = sorted({"loss", "metrics", "loss_weights", "weighted_metrics"} & set(compile_options))
    if own:
        raise ValueError(f"The placement sets {', '.join(own)} itself: leave it away.")
    _check_networks(encoder, decoder, keras)
    devices.check_scope(encoder, decoder)
    kit = importlib.import_module(f"vaelib.placements.keras_{version}")
    module = importlib.import_module(f"vaelib.placements.{name}")
    vae = module.build(
        encoder, decoder, float(beta), seed, kit, optimizer=optimizer, **compile_options
    )
    # Or a model saved before its first step would be loaded with a warning.
    if hasattr(vae.optimizer, "build"):  # the oldest ones of tf_keras have no such method
        vae.optimizer.build(vae.trainable_variables)
    return vae


def _version(keras):
    name = getattr(keras, "__name__", None)
    if name not in ("keras", "tf_keras"):
        raise ValueError(f"keras must be the module keras or tf_keras, but is {keras!r}.")
    if name == "tf_keras" and keras_module.backend.backend() != "tensorflow":
        raise ValueError(
            f"tf_keras runs on TensorFlow alone, but Keras 3 runs on "
            f"{keras_module.backend.backend()} here: set KERAS_BACKEND=tensorflow, or use keras."
        )
    return 3 if name == "keras" else 2


def _name(thing):
    return f"{type(thing).__module__}.{type(thing).__name__}"


def _library(thing):
    return _name(thing).split(".")[0]


def _check_networks(encoder, decoder, keras):
    for role, network in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(network, keras.Model):
            raise ValueError(
                f"The {role} is no model of {keras.__name__} but a {_name(network)}: build both "
                "networks with the Keras you pass as keras=."
            )
        if not getattr(network, "inputs", None):
            raise ValueError(
                f"The {role} has no known shapes: build it in the Functional API, as "
                f"networks.build_{role} does."
            )
        if network.name != role:
            raise ValueError(
                f"The {role} is named {network.name!r}: build it with name={role!r}, the name "
                "under which a loaded model finds it."
            )
    outputs = encoder.output if isinstance(encoder.output, (list, tuple)) else [encoder.output]
    shapes = [tuple(output.shape[1:]) for output in outputs]
    z_shape, x_shape = tuple(decoder.input_shape[1:]), tuple(decoder.output_shape[1:])
    if shapes != [z_shape, z_shape]:
        raise ValueError(
            f"The encoder puts out {len(shapes)} tensors of shapes {shapes}, but this decoder "
            f"needs [mu, log_var], both of shape {z_shape}: give both the same z_dim, and build "
            "the encoder with variational=True."
        )
    if tuple(encoder.input_shape[1:]) != x_shape:
        raise ValueError(
            f"The decoder gives back images of shape {x_shape}, but the encoder takes "
            f"{tuple(encoder.input_shape[1:])}: build both from one spec."
        )
