"""The classes of the placements for Keras 3: here Keras finds them when it loads a model."""

import keras

from vaelib import layers
from vaelib.placements import (
    compute_loss,
    custom_loop,
    encoder_layer,
    endpoint_layer,
    functional,
    model_call,
    outputs,
    subclassed,
    train_step,
)  # fmt: skip

Sampling = layers.Sampling
FunctionalVAE = functional.define(keras)
SubclassedVAE = subclassed.define(keras, Sampling)
AddKL = encoder_layer.define(keras)
AddObjective = endpoint_layer.define(keras)
TwoOutputVAE = outputs.define(keras, FunctionalVAE)
CallVAE = model_call.define(keras, SubclassedVAE)
ComputeLossVAE = compute_loss.define(keras, SubclassedVAE)
TrainStepVAE = train_step.define(keras, SubclassedVAE)
LoopVAE = custom_loop.define(keras, TrainStepVAE)

for _thing in list(vars().values()):
    if isinstance(_thing, type):  # a saved model names the module that holds the class
        _thing.__module__, _thing.__qualname__ = __name__, _thing.__name__
