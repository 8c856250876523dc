"""Check a reader's own answer, and say what was probably mixed up (used in every chapter)."""

from decimal import Decimal

import numpy as np


def check(answer, correct, slips=None, rtol=1e-3):
    """Compare an answer with the correct one and print one sentence about it.

    Args:
        answer: the reader's number or array; ``None`` or ``...`` means "not answered yet".
        correct: the right number or array.
        slips: maps a phrase such as ``"you forgot the factor 1/2"`` to the wrong
            result it leads to.
        rtol: relative tolerance (absolute below 1e-9).

    A number that the reader has rounded counts, too: 1.3 for 1.3023, from two digits on.

    It returns nothing: what it prints is the result, and nbval compares that.
    """
    print(_verdict(answer, np.asarray(correct, dtype=float), slips or {}, rtol))


def _verdict(answer, correct, slips, rtol):
    if answer is None or answer is ...:
        return "No answer yet: put your result in place of the None, then run the cell again."
    try:
        if np.iscomplexobj(answer):
            raise TypeError
        answer = np.asarray(answer, dtype=float)
    except (TypeError, ValueError, OverflowError):
        return f"Not yet: a number is wanted, but the answer is a {type(answer).__name__}."
    if answer.shape != correct.shape:
        return f"Not yet: shape {correct.shape} is wanted, but the answer has {answer.shape}."
    if np.isnan(answer).any():
        return "Not yet: the answer holds NaN, from an unfinished step or a division by zero."
    if np.allclose(answer, correct, rtol=rtol, atol=1e-9):
        return "Correct."
    for phrase, wrong in slips.items():
        wrong = np.asarray(wrong, dtype=float)
        if wrong.shape == answer.shape and np.allclose(answer, wrong, rtol=rtol, atol=1e-9):
            return f"Not yet: it looks as if {phrase}."
    if np.all(np.isclose(answer, correct, rtol=rtol, atol=1e-9) | _rounded(answer, correct)):
        return "Correct."
    return "Not yet, and it is none of the usual slips: go back to the formula, one term at a time."


@np.vectorize(otypes=[bool])
def _rounded(answer, correct):
    """Whether a number is the correct one, rounded to the digits that it has, two at least."""
    if not (np.isfinite(correct) and 0 < abs(answer) < 1e15):
        return False
    written = Decimal(repr(float(answer)).removesuffix(".0")).as_tuple()
    half = 0.5 * 10.0**written.exponent
    return len(written.digits) >= 2 and abs(answer - correct) <= half * (1 + 1e-9)
