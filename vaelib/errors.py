"""The error index: what a message means and how to repair it (chapter 3, the page Error index).

``explain`` finds the entry that fits an exception or a text. The entries are the YAML files of the
folder ``error_index``, one for each class of errors; the page of the book is made from them, too.
``provoke``, ``report`` and ``first_sentence`` let chapters run what is expected to fail, and keep
what it says.
"""

import functools
import html
import math
import re
import sys
import textwrap
import traceback
from pathlib import Path

INDEX = Path(__file__).parent / "error_index"
PAGE = "book/error-index.html"
# More than a screen of stack: its beginning and its end say what there is to know.
LONGEST = 20_000

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What the Kerases put in front of a message: a stack of "user code", the name of a layer.
_WRAPPERS = re.compile(
    r"^(?:in user code:\n.*?\n\s*\w*(?:Error|Exception): "
    r"|Exception encountered when calling [^\n]*\n"
    r"|Could not automatically infer [^\n]* Error encountered:\n)\s*",
    re.S,
)

_APPENDIX = re.compile(r"\n\s*(?:Call arguments|Arguments) received by .*", re.S)


def provoke(action, width=100):
    """Run what is expected to fail; print the type and the first sentence of its error.

    Args:
        action: a function without arguments.
        width: the sentence is cut after so many characters.

    Returns:
        the exception, for the assertion that follows.

    Raises:
        AssertionError: the action did not fail.
    """
    try:
        action()
    except Exception as error:
        print(f"{type(error).__name__}: {first_sentence(error, width) or '(no message at all)'}")
        return error
    raise AssertionError("This was expected to fail, but it ran: has the installed Keras changed?")


def report(verdict, width=78):
    """Print what ``recipes.attempt`` found: outcome, stage, line, and what the error says first.

    Args:
        verdict: a ``recipes.Verdict``.
        width: of the lines that are printed.
    """
    if verdict.exception is None:
        print(verdict.outcome)
        return
    said = first_sentence(verdict.message, width=3 * width) or "(no message at all)"
    rows = [("stage", verdict.stage), ("line", verdict.line), (verdict.exception, said)]
    print(verdict.outcome)
    for name, text in rows:
        print(
            textwrap.fill(f"{name}: {text}", width, initial_indent="  ", subsequent_indent="    ")
        )


def first_sentence(error, width=100):
    """What an error says first, without colours, stack and layer names around it.

    Args:
        error: an exception, or its text.
        width: longer sentences are cut, and end in an ellipsis.
    """
    sentence = re.split(r"(?<=[.!?])\s", essence(error), maxsplit=1)[0]
    return sentence if len(sentence) <= width else sentence[: width - 3].rstrip() + "..."


def essence(error):
    """The message of an exception, or a text, in one line, without what Keras puts around it."""
    text, inner = None, _shorten(_COLOUR.sub("", str(error)))
    # Without blank lines the patterns cannot lose themselves in them.
    inner = "\n".join(line for line in map(str.strip, inner.splitlines()) if line)
    inner = _APPENDIX.sub("", inner)
    while inner != text:  # they may be nested
        text, inner = inner, _WRAPPERS.sub("", inner)
    return " ".join(text.split())


@functools.cache
def entries():
    """The entries of the error index, a tuple of dictionaries; the page lists their fields."""
    found = []
    for path in sorted(INDEX.glob("*.yaml")):
        content = _read(path.name)
        if path.stem not in ("prelude", "reports", "unrelated"):
            found += [{**entry, "class": path.stem} for entry in content]
    return tuple(found)


def prelude():
    """What stands before the snippets: code for "keras", for "tf_keras", and "shared"."""
    return _read("prelude.yaml")


@functools.cache
def reports():
    """The reports behind the entries: dictionaries with url, tf (versions), date and text."""
    return tuple(_read("reports.yaml"))


def _read(name):
    import yaml  # here, because the chapters that only provoke errors do not need it

    with open(INDEX / name, encoding="utf-8") as file:
        return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


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
        where = f"More: {self.candidates[0]['page']}, and chapter {best['chapter']}."
        return "\n\n".join([*paragraphs, code, where, *others])

    def _repr_html_(self):
        if not self.candidates:
            return f"<p>{html.escape(NOTHING_FITS)}</p>"
        best = {k: html.escape(str(v).strip()) for k, v in self._best().items()}
        links = [f'<a href="../{c["page"]}">{html.escape(c["title"])}</a>' for c in self.candidates]
        others = f"<p>It may also be: {'; '.join(links[1:])}.</p>" if links[1:] else ""
        return (
            f"<div><p><strong>{best['title']}</strong></p><p>{best['cause']}</p>"
            f"<p><strong>Repair.</strong> {best['repair']}</p>"
            f"<pre><code>{best['after']}</code></pre>"
            f"<p>More in the error index: {links[0]}, and in chapter {best['chapter']}.</p>"
            f"{others}</div>"
        )


NOTHING_FITS = (
    "No entry of the error index fits this text: it seems to be no error of the kind that "
    "this course is about."
)


def explain(error=None):
    """Find the entry of the error index that fits an error (chapter 3).

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
    text = html.unescape(_COLOUR.sub("", text))
    if not text.strip():
        raise ValueError("There is no text to explain: paste the message or the whole traceback.")
    text = _last_error(text)
    return Explanation(candidates(text, _message(text)))


_TRACEBACK = "Traceback (most recent call last)"
_CHAINED = ("During handling of the above exception", "was the direct cause of the following")
# The last line of a traceback: the type of the error, and mostly a message.
_ERROR_LINE = re.compile(
    r"^(?:[A-Za-z_][\w.]*\.)?_?[A-Z]\w*(?:Error|Exception|Interrupt)\b.*", re.M
)


def _last_error(text):
    """The last traceback of a log, with what it is chained to; or the end of the text around it."""
    begin = text.rfind(_TRACEBACK)
    if begin < 0:
        found = list(_ERROR_LINE.finditer(text)) if len(text) > LONGEST else []
        if not found:
            return _shorten(text)
        middle = found[-1].start()
        return text[max(0, middle - LONGEST // 4) : middle + LONGEST // 4]
    before = text.rfind(_TRACEBACK, 0, begin)
    while before >= 0 and any(link in text[before:begin] for link in _CHAINED):
        begin, before = before, text.rfind(_TRACEBACK, 0, before)
    text = text[begin:]
    found = list(_ERROR_LINE.finditer(text))
    if found and len(text) > LONGEST:  # a log goes on behind the traceback
        text = text[: found[-1].end() + LONGEST // 4]
    return _shorten(text)


def _shorten(text):
    if len(text) <= LONGEST:
        return text
    return text[: LONGEST // 4] + "\n" + text[-3 * LONGEST // 4 :]


def _message(text):
    """The last message in a traceback, without what Keras puts around it."""
    found = list(_ERROR_LINE.finditer(text))
    if found and (_TRACEBACK in text or "---->" in text or len(text) > LONGEST // 8):
        text = text[found[-1].start() :]
    kind = re.match(r"(?:[\w.]*\.)?(\w+(?:Error|Exception)): ", text)
    if not kind:
        return essence(text)
    return f"{kind[1]}: {essence(text[kind.end() :])}"


# A class is claimed if the classifier puts it so far before "unrelated"; chosen with half a of
# tests/data/unseen.json (tools/measure_accuracy.py measures what comes of it).
MARGIN = 0.0
# What else it may be, once something is claimed.
ALSO = -0.6


def documents():
    """The texts that the matcher learns from: pairs of a text and the slug of its entry, or None.

    They are the titles, typical messages and phrases of the entries, the reports they link to, and
    unrelated errors.
    """
    known = {url: entry["entry"] for entry in entries() for url in entry["reports"] or []}
    pairs = [
        (text, entry["entry"])
        for entry in entries()
        for text in (entry["title"], entry["typical"], *entry["phrases"])
    ]
    pairs += [(report["text"], known[report["url"]]) for report in reports()]
    return tuple(pairs + [(text, None) for text in _read("unrelated.yaml")])


@functools.cache
def matcher(pairs=None):
    """Learn to match texts; returns a function from a text to the scores of entries.

    Words, pairs of words and pieces of words are weighted by how rare they are (tf-idf); a linear
    classifier tells the classes apart, and "unrelated" is one of them. The entry is the one in the
    class with the nearest texts.

    Args:
        pairs: as ``documents`` returns them, which is the default.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union
    from sklearn.svm import LinearSVC

    texts, slugs = zip(*(pairs or documents()))
    of_entry = {entry["entry"]: entry["class"] for entry in entries()}
    vectors = make_union(
        TfidfVectorizer(
            preprocessor=_plain, token_pattern=r"\w\w+", ngram_range=(1, 2), sublinear_tf=True
        ),
        TfidfVectorizer(
            preprocessor=_plain, analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True
        ),
    )
    table = vectors.fit_transform(texts)
    classes = [of_entry.get(slug, "unrelated") for slug in slugs]
    classifier = LinearSVC(C=0.5, random_state=0).fit(table, classes)

    def scores(text):
        query = vectors.transform([text])
        by_class = dict(zip(classifier.classes_, classifier.decision_function(query)[0]))
        margins = {name: value - by_class["unrelated"] for name, value in by_class.items()}
        near = dict.fromkeys(of_entry, 0.0)
        for slug, closeness in zip(slugs, (table @ query.T).toarray().ravel() / 2):
            if slug:
                near[slug] = max(near[slug], closeness)
        return {slug: (margins[name], near[slug]) for slug, name in of_entry.items()}

    return scores


def _plain(text):
    """A text without addresses and numbers, which differ from report to report."""
    return re.sub(r"0x[0-9a-f]+|\d+", "0", text).lower()


def candidates(text, message=None, scores=None, patterns=True):
    """The entries that fit, best first; ``explain`` is what readers call.

    Args:
        text: all that is known, such as a traceback; the patterns of the entries look here.
        message: the message in it; the words are compared here. The default is the whole text.
        scores: the matcher to use.
        patterns: whether to use the patterns.
    """
    found = []
    fits = (scores or matcher())(message or text)
    for entry in entries():
        margin, near = fits[entry["entry"]]
        hit = patterns and any(re.search(p, text, re.I | re.S) for p in entry["patterns"])
        score = 1 / (1 + math.exp(-2 * margin - near))
        found.append((0.9 + 0.1 * score if hit else 0.9 * score, margin, hit, entry))
    found.sort(key=lambda item: item[0], reverse=True)
    one_word = len(set(re.findall(r"\w\w+", text))) < 2  # says too little, whatever it is
    if not any(hit or margin > MARGIN and not one_word for _, margin, hit, _ in found):
        return []
    chosen = []
    for score, margin, hit, entry in found:
        # A second entry of a class is worth a place only if a pattern speaks for it.
        known = entry["class"] in [c["class"] for c in chosen]
        if not hit and (known or margin < ALSO):
            continue
        chosen.append(
            {
                "class": entry["class"],
                "entry": entry["entry"],
                "title": entry["title"],
                "score": round(score, 3),
                "page": f"{PAGE}#{entry['entry']}",
                "repair": entry["repair"].strip(),
            }
        )
    return chosen[:3]
