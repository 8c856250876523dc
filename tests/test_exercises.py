"""vaelib.exercises.check: right, wrong, and wrong in a way that has a name."""

import numpy as np
import pytest

from vaelib.exercises import check

SLIPS = {"you forgot the factor 1/2": 2.0, "you averaged": 0.5}


@pytest.mark.parametrize(
    ("answer", "verdict", "sentence"),
    [
        (1.0, True, "Correct."),
        (1.0005, True, "Correct."),
        (np.float32(1), True, "Correct."),
        (2.0, False, "you forgot the factor 1/2"),
        (0.5, False, "you averaged"),
        (7.0, False, "none of the usual slips"),
        (float("nan"), False, "none of the usual slips"),
        (None, False, "No answer yet"),
        (..., False, "No answer yet"),
        ("one", False, "a number is wanted, but the answer is a str"),
        ([1.0, 2.0], False, "shape () is wanted, but the answer has (2,)"),
    ],
)
def test_verdicts(answer, verdict, sentence, capsys):
    assert check(answer, correct=1.0, slips=SLIPS) is verdict
    printed = capsys.readouterr().out
    assert sentence in printed and printed.count("\n") == 1


def test_arrays(capsys):
    assert check([1, 2], correct=np.array([1.0, 2.0]))
    assert not check([2, 1], correct=[1, 2], slips={"you swapped the axes": [2, 1]})
    assert "you swapped the axes" in capsys.readouterr().out


def test_zero_is_an_answer():
    assert check(0.0, correct=0.0)
    assert not check(1e-6, correct=0.0)
