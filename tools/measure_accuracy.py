"""Measure how often the error index is right: ``python tools/measure_accuracy.py``.

Writes book/_data/accuracy.json, from which the page "Error index" makes its table. Three sets:
the reports behind the index, by cross-validation; and the two halves of tests/data/unseen.json,
collected by someone who had not seen the entries (half a was used to adjust the matcher).
"""

import json
import os
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold

from vaelib import errors

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "book" / "_data" / "accuracy.json"
UNSEEN = ROOT / "tests" / "data" / "unseen.json"
FOLDS = 10
# A phrase that shares so much with a held-out report is held out with it.
ALIKE = 0.4


def judge(text, wanted, **options):
    """Is the class of the first candidate right, is the right one among the candidates?"""
    classes = [c["class"] for c in errors.candidates(text, **options)]
    return bool(classes) and classes[0] == wanted, wanted in classes


def cross_validated(patterns):
    """Judge every report by a matcher that has not seen it, nor phrases much like it."""
    reports = errors.reports()
    texts, labels = [r["text"] for r in reports], [r["class"] for r in reports]
    pairs = errors.documents()
    words = TfidfVectorizer(ngram_range=(1, 2)).fit([text for text, _ in pairs])
    alike = (words.transform([text for text, _ in pairs]) @ words.transform(texts).T).toarray()
    outcomes = []
    for _, held_out in StratifiedKFold(FOLDS, shuffle=True, random_state=1).split(texts, labels):
        known = tuple(
            pair
            for pair, closeness in zip(pairs, alike[:, held_out].max(axis=1))
            if pair[1] is None or closeness < ALIKE
        )
        scores = errors.matcher(known)
        outcomes += [judge(texts[i], labels[i], scores=scores, patterns=patterns) for i in held_out]
    return outcomes


def row(texts, outcomes):
    first, among = np.mean(outcomes, axis=0)
    return {"texts": texts, "n": len(outcomes), "first": first, "among_three": among}


def measure():
    unseen = json.loads(UNSEEN.read_text())
    positive = [
        row("the 92 reports, cross-validated", cross_validated(True)),
        row("the same, without the patterns", cross_validated(False)),
    ]
    negative = []
    for half, name in (("a", "collected later, half a"), ("b", "collected later, half b")):
        mine = [report for report in unseen if report["half"] == half]
        judged = [judge(r["text"], r["class"]) for r in mine if r["class"]]
        positive.append(row(f"reports {name}", judged))
        claimed = [bool(errors.explain(r["text"])) for r in mine if not r["class"]]
        negative.append(
            {"texts": f"unrelated errors {name}", "n": len(claimed), "claimed": sum(claimed)}
        )
    return {"positive": positive, "negative": negative}


def main():
    measured = measure()
    unfinished = RECORD.with_suffix(".part")
    unfinished.write_text(json.dumps(measured, indent=1) + "\n")
    os.replace(unfinished, RECORD)
    print(RECORD.read_text())


if __name__ == "__main__":
    main()
