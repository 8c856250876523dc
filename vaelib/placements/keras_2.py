"""The classes of the placements for tf_keras, Keras 2: here it finds them when it loads a model."""

import tf_keras as keras

from vaelib import layers, objectives
from vaelib.placements import (
    encoder_layer,
    endpoint_layer,
    functional,
    outputs,
    subclassed,
    train_step,
)  # fmt: skip

Sampling = layers.define_sampling(keras)
keras.saving.register_keras_serializable(package="vaelib")(objectives.reconstruction)
FunctionalVAE = functional.define(keras)
SubclassedVAE = subclassed.define(keras, Sampling)
AddKL = encoder_layer.define(keras)
AddObjective = endpoint_layer.define(keras)
TwoOutputVAE = outputs.define(keras, FunctionalVAE)
TrainStepVAE = train_step.define(keras, SubclassedVAE)

for _thing in list(vars().values()):
    if isinstance(_thing, type):  # a saved model names the module that holds the class
        _thing.__module__, _thing.__qualname__ = __name__, _thing.__name__
