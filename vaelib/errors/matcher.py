"""Find the entries of the error index that fit a text: by patterns, and by the words they share."""

import functools
import math
import re

from vaelib.errors.index import entries, read, reports

PAGE = "book/error-index.html"
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
    return tuple(pairs + [(text, None) for text in read("unrelated.yaml")])


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
