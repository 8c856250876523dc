"""The table of the healthy."""

from . import functional as f
from . import keras2 as k2
from . import outputs as o
from . import pixels as p
from . import structure as st
from . import subclassed as sub
from . import tfp as t
from . import train_steps as ts
from . import warm_up as w
from .record import NEW, NOT_LOADED, OLD, Patient

HEALTHY = (
    Patient(
        f.kl_layer_and_summed_cross_entropy, comment="identity layer with add_loss, own formula"
    ),
    Patient(f.sampling_layer_that_adds_the_kl, beta=1.5, comment="one layer draws and adds the KL"),
    Patient(f.nested_models_with_three_outputs, NEW, beta=0.5, comment="encoder -> 3 outputs, ops"),
    Patient(f.heads_without_names, comment="dense_2 and dense_3 of a deeper network"),
    Patient(f.one_dense_split_by_ops, NEW, comment="one layer splits, draws and adds the KL"),
    Patient(f.one_dense_split_by_slicing, comment="slices of a symbol"),
    Patient(f.one_dense_split_log_var_first, comment="log_var is the first half"),
    Patient(
        f.lambda_sampling, beta=0.25, comment="Lambda of a named function; log_var named sigma"
    ),
    Patient(f.convolutions, beta=0.5, comment="BatchNorm, Dropout, Conv2DTranspose"),
    Patient(f.log_sigma_head, comment="the head is log sigma, KL and draw know it"),
    Patient(f.softplus_sigma_head, comment="the head is sigma"),
    Patient(f.variance_head, beta=3.0, comment="softplus in the latent layer gives the variance"),
    Patient(p.squared_error_summed, beta=0.5, comment="no half before the squares"),
    Patient(p.half_squared_error_linear_output, comment="Gaussian decoder, no activation"),
    Patient(p.mean_squared_error_small_weight, beta=0.392, comment="mse + 0.001 KL, 784 pixels"),
    Patient(p.mean_cross_entropy_weight_of_one_pixel, comment="both divided by the pixels"),
    Patient(p.logits_summed, comment="BinaryCrossentropy(from_logits=True)"),
    Patient(p.logits_of_tensorflow, comment="sigmoid_cross_entropy_with_logits, one head sliced"),
    Patient(
        p.tanh_and_pixels_from_minus_one,
        may=("pixels-out-of-range",),
        comment="pixels in [-1, 1], squared error: right, though not in [0, 1]",
    ),
    Patient(o.kl_of_an_output, comment="second output is mu and log_var, its loss the KL"),
    Patient(o.outputs_weighted_by_pixels, comment="loss_weights=[784, 1]"),
    Patient(o.outputs_in_a_dictionary, NEW, beta=0.25, comment="dicts of losses and weights"),
    Patient(o.everything_in_one_output, comment="pixels, mu, log_var in one row"),
    Patient(sub.kl_added_in_call, may_on_tf_keras=NOT_LOADED, comment="model.add_loss in call"),
    Patient(
        sub.encoder_and_decoder_as_layers,
        may_on_tf_keras=NOT_LOADED,
        comment="Encoder and Decoder are layers; one epoch",
    ),
    Patient(sub.beta_as_attribute, beta=4.0, may_on_tf_keras=NOT_LOADED, comment="self.beta"),
    Patient(
        sub.beta_in_a_variable,
        beta=0.1,
        may_on_tf_keras=NOT_LOADED,
        comment="float32 tf.Variable outside the model",
    ),
    Patient(
        sub.beta_in_a_global, beta=0.5, may_on_tf_keras=NOT_LOADED, comment="BETA of the module"
    ),
    Patient(
        sub.mean_decoded_when_not_training,
        may_on_tf_keras=NOT_LOADED,
        may=("validation-differs",),
        comment="mu is decoded in validation: usual, though its loss is another",
    ),
    Patient(
        sub.reconstruction_in_call_too,
        may_on_tf_keras=NOT_LOADED,
        comment="whole loss added in call, fit(x)",
    ),
    Patient(sub.compute_loss_overridden, NEW, comment="Gaussian; outputs in a nested dict"),
    Patient(ts.train_and_test_steps, comment="train_step, test_step, get_config"),
    Patient(ts.shared_step_and_closure, beta=0.5, comment="fit(x, x), squares, beta of a closure"),
    Patient(ts.beta_of_the_object, beta=3.0, comment="class attribute beta"),
    Patient(ts.keras_3_step_with_losses_of_layers, NEW, comment="compute_loss, optimizer.apply"),
    Patient(st.trained_and_awake, comment="100 short epochs; z is used"),
    Patient(
        w.variable_warmed_up,
        callbacks=w.assigns_the_variable,
        comment="the compiled step hears a variable",
    ),
    Patient(
        w.variable_warmed_up_from_zero,
        beta=None,
        may=("no-kl-term",),
        callbacks=w.assigns_the_variable,
        comment="beta is 0 before the first epoch, and only then",
    ),
    Patient(
        w.watched_name_is_there,
        callbacks=w.stops_early_by_loss,
        comment="monitors loss and kl_loss, both in the history",
    ),
    Patient(
        t.regularizer_of_half_weight,
        OLD,
        may=("kl-counted-twice",),
        comment="IndependentNormal, exact KL; added twice, each time with 0.5",
    ),
    Patient(
        t.regularizer_by_sampling,
        OLD,
        beta=0.5,
        may=("kl-counted-twice",),
        comment="log q - log p of the z drawn; twice with 0.25",
    ),
    Patient(
        k2.symbolic_add_loss,
        OLD,
        comment="symbols, K, no compiled loss",
        may_on_tf_keras=NOT_LOADED,
    ),
    Patient(
        k2.symbolic_add_loss_and_compiled_loss,
        OLD,
        beta=0.5,
        comment="squares summed",
        may_on_tf_keras=NOT_LOADED,
    ),
    Patient(
        k2.layer_with_the_whole_loss,
        OLD,
        beta=0.392,
        may=("kl-averaged-over-dimensions",),
        comment="5e-4 * mean over 2 dimensions beside a mean over 784 pixels: a weight of 0.392",
        may_on_tf_keras=NOT_LOADED,
    ),
    Patient(
        k2.lambda_for_each_half,
        OLD,
        comment="Lambda slices, Lambda draw, symbolic add_loss",
        may_on_tf_keras=NOT_LOADED,
    ),
)
