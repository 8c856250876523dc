"""The checkup on JAX and on PyTorch: what was planted is found, and nothing else.

The patients are those of the table, TensorFlow's functions in them replaced by those of
``keras.ops`` (``tf_of_keras``), and some with a training step in the idiom of the backend. Four of
them every time, all of them if ALL_PATIENTS is set, after a change of the checkup.
"""

import os
from pathlib import Path

import pytest
from backends import needs, run_on
from patients.half import BETA, POLICIES

EXAMINED = """
own_steps.healthy own_steps.weighted own_steps.optimizer_of_pytorch own_steps.kl_summed
own_steps.kl_shown_and_not_trained own_steps.kl_not_in_the_number own_steps.epsilon_of_one_number
functional.kl_layer_and_summed_cross_entropy functional.convolutions
outputs.outputs_in_a_dictionary subclassed.beta_as_attribute subclassed.compute_loss_overridden
drawing.variance_taken_for_sigma warm_up.variable_warmed_up
""".split()
if not os.environ.get("ALL_PATIENTS"):
    EXAMINED = """
    own_steps.healthy own_steps.epsilon_of_one_number functional.kl_layer_and_summed_cross_entropy
    drawing.variance_taken_for_sigma
    """.split()
BACKENDS = [pytest.param(name, marks=needs(name)) for name in ("jax", "torch")]


@pytest.fixture(scope="module")
def examined():
    """Backend -> what was found, each backend once."""
    kept = {}

    def of(backend):
        if backend not in kept:
            script = Path(__file__).with_name("checkup_on_backend.py")
            # PyTorch's threads wait for each other, which costs a busy machine most of its time
            env = {"OMP_NUM_THREADS": "1"}
            kept[backend] = run_on(backend, script, *EXAMINED, env=env, timeout=1800)
        return kept[backend]

    return of


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", EXAMINED)
def test_the_planted_fault_is_found_and_nothing_else(examined, backend, name):
    answer = examined(backend)[name]
    assert answer["right"], answer


@pytest.mark.parametrize("backend", BACKENDS)
def test_tensorflow_is_not_needed(examined, backend):
    told = examined(backend)
    assert told["backend"] == backend and not told["tensorflow"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("policy", POLICIES)
def test_mixed_precision(examined, backend, policy):
    found, unknown, beta = examined(backend)[policy]
    assert (found, unknown) == ([], []) and beta == pytest.approx(BETA, rel=0.02)
