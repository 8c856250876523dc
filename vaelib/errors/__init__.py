"""The error index: what a message means and how to repair it (the page Error index).

=========== =====================================================================
``index``   the entries: one YAML file for each class of errors; the page of the
            book is made from them, too
``matcher`` which entries fit a text
``texts``   what an error says first; ``provoke`` and ``report`` let chapters run
            what is expected to fail, and keep what it says
=========== =====================================================================

``explain`` joins them: it takes an exception or a text, and shows what fits.
"""

import html
import sys
import textwrap
import traceback

from vaelib.errors.index import entries, prelude, reports
from vaelib.errors.matcher import candidates, documents, matcher
from vaelib.errors.texts import (
    COLOR,
    essence,
    first_sentence,
    last_error,
    message_of,
    provoke,
    report,
)

__all__ = [
    "Explanation",
    "NOTHING_FITS",
    "candidates",
    "documents",
    "entries",
    "essence",
    "explain",
    "first_sentence",
    "matcher",
    "prelude",
    "provoke",
    "report",
    "reports",
]


class Explanation:
    """The entries that fit an error, best first; a notebook shows the best, ready to read.

    ``candidates`` is a list of at most three dictionaries with the keys class, entry, title,
    score (0 to 1), page and repair; it is empty if nothing fits.
    """

    def __init__(self, candidates):
        self.candidates = candidates

    def __bool__(self):
        return bool(self.candidates)

    def _best(self):
        slug = self.candidates[0]["entry"]
        return next(entry for entry in entries() if entry["entry"] == slug)

    def __repr__(self):
        if not self.candidates:
            return NOTHING_FITS
        best = self._best()
        paragraphs = [best["title"], best["cause"].strip(), f"Repair: {best['repair'].strip()}"]
        paragraphs = [textwrap.fill(text, 78) for text in paragraphs]
        code = textwrap.indent(best["after"].rstrip(), "    ")
        rest = [f"  {c['title']} ({c['page']})" for c in self.candidates[1:]]
        others = ["It may also be:\n" + "\n".join(rest)] if rest else []
        where = f"More: {self.candidates[0]['page']}, and chapters/{best['chapter']}.html."
        if best.get("finding"):
            where += f"\n{FOUND}: chapters/examine-a-vae.html."
        return "\n\n".join([*paragraphs, code, where, *others])

    def _repr_html_(self):
        if not self.candidates:
            return f"<p>{html.escape(NOTHING_FITS)}</p>"
        best = {k: html.escape(str(v).strip()) for k, v in self._best().items()}
        links = [f'<a href="../{c["page"]}">{html.escape(c["title"])}</a>' for c in self.candidates]
        others = f"<p>It may also be: {'; '.join(links[1:])}.</p>" if links[1:] else ""
        room = '<a href="../chapters/examine-a-vae.html">examine-a-vae</a>'
        found = f"<p>{FOUND}: {room}.</p>" if best.get("finding") else ""
        return (
            f"<div><p><strong>{best['title']}</strong></p><p>{best['cause']}</p>"
            f"<p><strong>Repair.</strong> {best['repair']}</p>"
            f"<pre><code>{best['after']}</code></pre>"
            f"<p>More in the error index: {links[0]}, and in the chapter "
            f'<a href="../chapters/{best["chapter"]}.html">{best["chapter"]}</a>.</p>'
            f"{found}{others}</div>"
        )


FOUND = "vaelib.checkup(vae, images) finds this in a compiled model"
NOTHING_FITS = (
    "No entry of the error index fits this text: it seems to be no error of the kind that "
    "this course is about."
)


def explain(error=None):
    """Find the entry of the error index that fits an error.

    Args:
        error: an exception, or a text: a message, a whole traceback, or a symptom in your own
            words. None takes the last error that was shown in this notebook or interpreter.

    Returns:
        an ``Explanation``; false if nothing fits.

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
    text = html.unescape(COLOR.sub("", text))
    if not text.strip():
        raise ValueError("There is no text to explain: paste the message or the whole traceback.")
    text = last_error(text)
    return Explanation(candidates(text, message_of(text)))
