"""The error index: what a message means and how to repair it (the page Error index).

=============== =================================================================
``index``       the entries: one YAML file for each class of errors; the pages of
                the book are made from them, too
``matcher``     which entries fit a text, by ``words`` and patterns
``logs``        a pasted text: its tracebacks, messages, versions
``explanation`` what is shown of an answer
``texts``       what an error says first; ``provoke`` and ``report`` let chapters
                run what is expected to fail, and keep what it says
=============== =================================================================

``explain`` joins them: it takes an exception or a text, and shows what fits.
"""

import re
import sys
import traceback

from vaelib.errors.explanation import NOTHING_FITS, Explanation
from vaelib.errors.index import backend_names, entries, prelude, reports
from vaelib.errors.logs import clean, eras
from vaelib.errors.matcher import answer, documents, matcher
from vaelib.errors.texts import essence, first_sentence, provoke, report

__all__ = [
    "Explanation",
    "NOTHING_FITS",
    "answer",
    "backend_names",
    "documents",
    "entries",
    "essence",
    "explain",
    "first_sentence",
    "matcher",
    "page_of",
    "prelude",
    "provoke",
    "report",
    "reports",
]

_ERAS = {
    "keras-1": "Keras 1",
    "tf-1": "TensorFlow 1 and Keras 2",
    "tf-2": "TensorFlow 2.0 to 2.15",
    "keras-3": "Keras 3",
}


def page_of(entry):
    """The address of an entry within the book."""
    return f"book/errors/{entry['class']}.html#{entry['entry']}"


def explain(error=None):
    """Find the entry of the error index that fits an error.

    Args:
        error: an exception, or a text: a message, a whole traceback, a log, or a symptom in your
            own words. None takes the last error that was shown in this notebook or interpreter.

    Returns:
        an ``Explanation``; false if nothing fits. If it is ``sure`` it shows one entry with its
        repair, else at most three with what tells them apart.

    Raises:
        ValueError: there is no text to look at.
        TypeError: neither an exception nor a text was given.
    """
    if error is None:
        error = getattr(sys, "last_value", None)
        if error is None:
            raise ValueError("No error has happened here yet: give explain() one, or its text.")
    if isinstance(error, BaseException):
        text = "".join(traceback.format_exception(error))
    elif isinstance(error, str):
        text = error
    else:
        raise TypeError(
            f"explain() takes an exception or a text, and this is a {type(error).__name__}: "
            "give it the exception itself, or str(...) of it."
        )
    if not clean(text):
        raise ValueError("There is no text to explain: paste the message or the whole traceback.")
    found, sure = answer(text)
    by_slug = {entry["entry"]: entry for entry in entries()}
    candidates = [
        _candidate(by_slug[slug], score, sure and number == 0)
        for number, (score, slug, _) in enumerate(found)
    ]
    notes = [_translation(text), _note(text, found)]
    return Explanation(candidates, sure, " ".join(filter(None, notes)))


def _candidate(entry, score, sure):
    told = {key: entry[key] for key in ("class", "entry", "title", "versions")}
    told |= {key: entry[key].strip() for key in ("recognize", "repair")}
    return {**told, "score": score, "sure": sure, "page": page_of(entry)}


_MISSING = re.compile(
    r"\b(?:backend|ops)\W{0,2} has no attribute \W?(\w+)"
    r"|cannot import name \W?(\w+)\W? from \W?[\w.]*keras[\w.]*\.(?:backend|ops)\b",
    re.A,
)


def _translation(text):
    """What the table says of the function of keras.backend that a text misses, or nothing."""
    for found in _MISSING.finditer(clean(text)):
        for row in backend_names():
            if row["name"] in found.groups():
                told = f"K.{row['name']} is now {row['keras3']}. " if row.get("keras3") else ""
                return (told + row.get("note", "")).strip()
    return ""


_R = re.compile(
    r"\bpy_(?:call|str)_impl\b|reticulate|\blibrary\(|%>%|\b(?:in|for|of) R\b|\bR keras"
)


def _note(text, found):
    """What to say about the versions and the language of a text, or nothing."""
    told = []
    if found and found[0][2]:
        named = eras(clean(text))
        names = " and ".join(_ERAS[era] for era in _ERAS if era in named)
        told.append(f"Your text names {names}; the code here is for other versions.")
    if found and _R.search(text):
        told.append("Your text is of R; the code here is Python, whose names R writes alike.")
    return " ".join(told)
