"""Measure how often ``explain`` is right: ``python tools/measure_accuracy.py``.

Writes book/_data/accuracy.json, from which the page "How it was measured" makes its tables. Four
sets: half b of tests/data/strangers.json, public reports that were collected by helpers who had not
seen the index, with their truth fixed before they were run (half a was opened after a first run);
tests/data/unseen.json, half b, collected two issues earlier in the same way (its truth is a class);
the reports behind the index, each answered by a matcher that has not seen it; and
tests/data/texts.yaml, with which patterns and thresholds were made. Nothing is tuned on the first
two.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import yaml
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "book" / "_data" / "accuracy.json"
DATA = ROOT / "tests" / "data"
sys.path.insert(0, str(ROOT))

from vaelib import errors  # noqa: E402
from vaelib.errors.matcher import matcher  # noqa: E402

FOLDS = 10
# A phrase that shares so much with a held-out report is held out with it.
ALIKE = 0.4
OUTCOMES = ("right", "unsure", "wrong, unsure", "wrong", "nothing")


def outcome(answer, wanted, none_too=False):
    """What an answer was: one of ``OUTCOMES``.

    "right" is sure and right, "unsure" has a right one among its at most three; where nothing is
    wanted, "right" says nothing, "wrong" is sure, and "wrong, unsure" offers something.

    Args:
        answer: as ``errors.answer`` returns it, or with classes in place of slugs.
        wanted: the slugs that are right; none for a text that is none of our subject.
        none_too: whether saying nothing is right as well.
    """
    found, sure = answer
    slugs = [slug for _, slug, _ in found]
    if not wanted:
        return "wrong" if sure else "wrong, unsure" if slugs else "right"
    if not slugs:
        return "right" if none_too else "nothing"
    if sure:
        return "right" if slugs[0] in wanted else "wrong"
    return "unsure" if set(slugs) & set(wanted) else "wrong, unsure"


def judge(row):
    """The outcome for a row of tests/data/texts.yaml or strangers.json."""
    return outcome(errors.answer(row["text"]), row["wanted"], row.get("none_too", False))


def by_class(answer):
    """An answer with the classes of its entries in place of their slugs."""
    classes = {entry["entry"]: entry["class"] for entry in errors.entries()}
    found, sure = answer
    return [(score, classes[slug], other) for score, slug, other in found], sure


def held_out():
    """Outcomes for the reports behind the index, and phrases much like them, left out by folds."""
    known = {url: e["entry"] for e in errors.entries() for url in e["reports"] or []}
    reports, pairs = errors.reports(), errors.documents()
    texts = [report["text"] for report in reports]
    words = TfidfVectorizer(ngram_range=(1, 2)).fit([text for text, _ in pairs])
    alike = (words.transform([text for text, _ in pairs]) @ words.transform(texts).T).toarray()
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=1)
    outcomes = []
    for _, out in folds.split(texts, [report["class"] for report in reports]):
        left = tuple(
            pair
            for pair, closeness in zip(pairs, alike[:, out].max(axis=1))
            if pair[1] is None or closeness < ALIKE
        )
        near = matcher(left)
        outcomes += [
            outcome(errors.answer(texts[i], near, patterns=False), [known[reports[i]["url"]]])
            for i in out
        ]
    return outcomes


def row(texts, outcomes, note=""):
    counts = Counter(outcomes)
    return {"texts": texts, "n": sum(counts.values()), **{name: counts[name] for name in OUTCOMES},
            "note": note}  # fmt: skip


def strangers():
    """The reports that nobody who wrote the index had seen; none, where they are not there yet."""
    path = DATA / "strangers.json"
    return json.loads(path.read_text()) if path.exists() else []


def closed():
    """Half b of the strangers: ours, and those that are none of our subject."""
    rows = [r for r in strangers() if r["half"] == "b"]
    return ([r for r in rows if r["kind"] != "foreign"],
            [r for r in rows if r["kind"] == "foreign"])  # fmt: skip


def measure():
    reports, foreign = closed()
    texts = yaml.safe_load((DATA / "texts.yaml").read_text())
    known = [r for r in reports if r["wanted"] != ["no-entry"]]
    made = "the texts that the matcher was made with"
    ours = [
        row("public reports never seen before", map(judge, reports)),
        row("those of them that the index has an entry for", map(judge, known)),
        row(made, [judge(r) for r in texts if r["wanted"]]),
    ]
    others = [
        row("public reports never seen before", map(judge, foreign)),
        row(made, [judge(r) for r in texts if not r["wanted"]]),
    ]
    unseen = [r for r in json.loads((DATA / "unseen.json").read_text()) if r["half"] == "b"]
    judged = [
        (outcome(by_class(errors.answer(r["text"])), [r["class"]] if r["class"] else []), r)
        for r in unseen
    ]
    told = "reports of an earlier collection"
    ours.insert(2, row(told, [o for o, r in judged if r["class"]], "by class, not by entry"))
    others.insert(1, row(told, [o for o, r in judged if not r["class"]]))
    ours.append(row("the 92 reports behind the index", held_out(), "held out, words alone"))
    return {"ours": ours, "others": others}


def main():
    measured = measure()
    unfinished = RECORD.with_suffix(".part")
    unfinished.write_text(json.dumps(measured, indent=1) + "\n")
    os.replace(unfinished, RECORD)
    print(RECORD.read_text())


if __name__ == "__main__":
    main()
