"""vaelib.exercises.check: right, wrong, and wrong in a way that has a name."""

import numpy as np
import pytest

from vaelib.exercises import check

SLIPS = {"you forgot the factor 1/2": 2.0, "you averaged": 0.5}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (1.0, "Correct."),
        (1.0005, "Correct."),
        (np.float32(1), "Correct."),
        (2.0, "it looks as if you forgot the factor 1/2."),
        (0.5, "it looks as if you averaged."),
        (7.0, "none of the usual slips"),
        (float("nan"), "the answer holds NaN"),
        (1 + 5j, "a number is wanted"),
        (10**400, "a number is wanted"),
        (None, "No answer yet"),
        (..., "No answer yet"),
        ("one", "a number is wanted, but the answer is a str"),
        ([1.0, 2.0], "shape () is wanted, but the answer has (2,)"),
    ],
)
def test_verdicts(answer, sentence, capsys):
    assert check(answer, correct=1.0, slips=SLIPS) is None
    printed = capsys.readouterr().out
    assert sentence in printed and printed.count("\n") == 1
    assert ("Correct" in printed) == (sentence == "Correct.")


@pytest.mark.parametrize(
    ("answer", "correct", "sentence"),
    [
        ([1, 2], np.array([1.0, 2.0]), "Correct."),
        ([2, 1], [1, 2], "you swapped the axes"),
        (0.0, 0.0, "Correct."),
        (1e-6, 0.0, "Not yet"),
    ],
)
def test_arrays_and_zeros(answer, correct, sentence, capsys):
    check(answer, correct, slips={"you swapped the axes": [2, 1]})
    assert sentence in capsys.readouterr().out
