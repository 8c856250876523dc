"""The table of the other faults: what is drawn, the network, what is done with the model."""

from . import drawing as d
from . import keras2 as k2
from . import pixels as p
from . import saving as s
from . import structure as st
from . import subclassed_faults as subf
from . import tfp as t
from . import train_step_faults as tsf
from . import train_steps as ts
from . import warm_up as w
from .record import BOTH, NEW, NOT_LOADED, OLD, Patient

DRAW = (
    Patient(d.variance_taken_for_sigma, BOTH, ("sigma-mismatch",), comment="exp(log_var)"),
    Patient(
        d.half_outside_the_exponential, BOTH, ("sigma-mismatch",), comment="0.5 * exp(log_var)"
    ),
    Patient(d.log_var_taken_for_sigma, BOTH, ("sigma-mismatch",), comment="log_var * epsilon"),
    Patient(d.exponential_of_a_sigma, BOTH, ("sigma-mismatch",), comment="exp(0.5 * sigma)"),
    Patient(
        t.distribution_lambda_with_variance,
        OLD,
        ("sigma-mismatch",),
        comment="scale=exp",
        may=("cannot-be-saved",),
    ),
    Patient(
        k2.sigma_by_backend,
        OLD,
        ("sigma-mismatch",),
        comment="K.exp(z_log_var)",
        may_on_tf_keras=NOT_LOADED,
    ),
    Patient(
        d.uniform_noise, BOTH, ("noise-not-normal",), comment="in [0, 1]", may=("sigma-mismatch",)
    ),
    Patient(
        d.noise_of_a_tenth, BOTH, ("noise-not-normal",), comment="0.1", may=("sigma-mismatch",)
    ),
    Patient(
        d.numpy_noise_in_call,
        BOTH,
        ("epsilon-frozen", "epsilon-shared"),
        comment="np.random once, when the step is compiled; one row for all",
    ),
    Patient(
        d.noise_drawn_in_init,
        BOTH,
        ("epsilon-frozen", "epsilon-shared"),
        comment="one row, drawn with the layer",
    ),
    Patient(d.noise_with_an_integer_seed, NEW, ("epsilon-frozen",), comment="seed=42 in each call"),
    Patient(d.stateless_noise, BOTH, ("epsilon-frozen",), comment="fixed stateless seed"),
    Patient(d.one_draw_for_the_batch, BOTH, ("epsilon-shared",), comment="shape (d,)"),
    Patient(
        d.no_noise_in_the_last_batch,
        BOTH,
        ("noise-depends-on-batch-size",),
        comment="noise for full batches alone",
    ),  # fmt: skip
    Patient(d.one_row_for_the_batch, NEW, ("epsilon-shared",), comment="shape (1, d)"),
    Patient(d.one_draw_for_all_dimensions, BOTH, ("epsilon-shared",), comment="shape (n, 1)"),
    Patient(
        k2.one_epsilon_by_backend,
        OLD,
        ("epsilon-shared",),
        comment="K, shape (d,)",
        may_on_tf_keras=NOT_LOADED,
    ),
    Patient(
        d.z_drawn_and_not_used, BOTH, ("noise-unused",), comment="codes[0]", may=("mu-decoded",)
    ),
    Patient(
        subf.mu_decoded_in_call,
        BOTH,
        ("noise-unused",),
        may_on_tf_keras=NOT_LOADED,
        comment="z in one line, decode(mu) in the next: the compiler drops z",
        may=("mu-decoded",),
        instead=("mu-decoded",),
    ),
    Patient(d.nothing_drawn, BOTH, ("mu-decoded",), comment="no sampling layer"),
)

NETWORK = (
    Patient(p.pixels_to_255_cross_entropy, BOTH, ("pixels-out-of-range",), comment="no / 255"),
    Patient(p.pixels_to_255_squared_error, BOTH, ("pixels-out-of-range",), 0.5, "ReLU output"),
    Patient(
        p.tanh_with_cross_entropy,
        BOTH,
        ("output-out-of-range",),
        None,
        "tanh gives negative pixels",
        may=("loss-does-not-fit-output",),
    ),
    Patient(
        p.linear_output_with_cross_entropy,
        BOTH,
        ("loss-does-not-fit-output",),
        None,
        "logits without from_logits",
        may=("output-out-of-range",),
    ),
    Patient(
        p.from_logits_on_a_sigmoid,
        BOTH,
        ("loss-does-not-fit-output",),
        None,
        "two sigmoids",
    ),
    Patient(p.arguments_swapped, BOTH, ("cross-entropy-swapped",), None, "(x_hat, x)"),
    Patient(p.arguments_swapped_in_a_formula, BOTH, ("cross-entropy-swapped",), None, "own names"),
    Patient(st.decoder_gets_zeros, BOTH, ("decoder-ignores-z",), comment="zeros_like(z)"),
    Patient(st.decoder_is_dead, BOTH, ("decoder-ignores-z",), comment="no ReLU is ever on"),
    Patient(st.skip_connection, BOTH, ("decoder-sees-input",), comment="feature map to the end"),
    Patient(st.hidden_layer_joins_z, BOTH, ("decoder-sees-input",), comment="Concatenate([z, h])"),
    Patient(st.relu_on_log_var, BOTH, ("head-cut",), comment="sigma is never below 1"),
    Patient(st.relu_on_mu, BOTH, ("head-cut",), comment="mu is never negative"),
    Patient(st.relu_on_both, BOTH, ("head-cut",), comment="one Dense with a ReLU, sliced"),
    Patient(st.collapsed_by_the_decoder_variance, BOTH, ("collapsed",), comment="pale images"),
    Patient(st.collapsed_by_beta, BOTH, ("collapsed",), 10.0, "beta 10", may=("beta-unusual",)),
    Patient(st.weights_are_nan, BOTH, ("not-finite",), None, "layer z_mean"),
    Patient(st.nan_hidden_by_a_relu, BOTH, ("not-finite",), None, "the loss may be finite"),
    Patient(st.log_of_zero, BOTH, ("not-finite",), None, "0 * log(0) in an own cross-entropy"),
    Patient(st.sigma_overflows, BOTH, ("not-finite",), None, "Rescaling(255)"),
)

USE = (
    Patient(subf.kl_only_in_training, BOTH, ("validation-differs",), comment="if training"),
    Patient(tsf.kl_missing_in_test_step, BOTH, ("validation-differs",), comment="test_step"),
    Patient(
        ts.three_trackers,
        NEW,
        ("cannot-be-saved",),
        comment="the known example: no get_config, no call, no test_step",
        may=("validation-differs",),
    ),
    Patient(
        ts.three_trackers,
        OLD,
        ("cannot-be-loaded",),
        comment="the same: tf_keras writes an empty config and only warns",
        may=("validation-differs", "cannot-be-saved"),
    ),
    Patient(s.layer_takes_a_function, BOTH, ("cannot-be-saved",), comment="no get_config"),
    Patient(s.config_forgets_an_argument, BOTH, ("cannot-be-loaded",), comment="weight not in it"),
    Patient(s.lambda_over_a_closure, BOTH, ("cannot-be-loaded",), comment="tf is not in the file"),
    Patient(s.config_of_the_parent_class, BOTH, ("cannot-be-loaded",), comment="no encoder in it"),
    Patient(s.noise_for_a_fixed_batch, BOTH, ("batch-size-fixed",), comment="epsilon (32, d)"),
    Patient(
        s.input_for_a_fixed_batch,
        BOTH,
        ("batch-size-fixed",),
        comment="Input(batch_shape=(16, ...))",
        batch_size=16,
    ),
    Patient(
        w.number_in_the_object,
        BOTH,
        ("warm-up-not-heard",),
        callbacks=w.sets_the_number,
        comment="self.beta is compiled as a constant",
    ),
    Patient(
        w.number_in_a_layer,
        BOTH,
        ("warm-up-not-heard",),
        callbacks=w.sets_the_weight_of_the_layer,
        comment="layer.weight is compiled as a constant",
    ),
    Patient(
        w.value_taken_out_of_a_variable,
        OLD,
        ("warm-up-not-heard",),
        callbacks=w.sets_the_value,
        comment="K.get_value",
    ),
    Patient(
        w.watched_name_is_missing,
        BOTH,
        ("callback-watches-nothing",),
        callbacks=w.stops_early_by_kl_loss,
        comment="kl_loss, which nobody reports",
    ),
    Patient(
        w.step_returns_total_loss,
        BOTH,
        ("callback-watches-nothing",),
        callbacks=w.lowers_the_rate_by_loss,
        comment="total_loss is reported, loss is watched",
    ),
)
