"""Find the entries of the error index that fit a text, and say how sure that is.

Three kinds of evidence, the strongest first: a pattern of an entry, a known message, the words.
book/_static/matcher.js does the same in the page; tests/test_matcher.py compares the two.
"""

import functools
import re

from vaelib.errors.index import entries, read, reports
from vaelib.errors.logs import ERAS, clean, eras, groups, message_of
from vaelib.errors.words import Nearest, features

# Chosen with tests/data/texts.yaml; tools/measure_accuracy.py measures what comes of them.
SETTINGS = {
    "sure": 0.65,  # words alone are sure if the nearest entry is at least so near,
    "ahead": 0.15,  # and so far before the second
    "near": 0.25,  # nothing is claimed below
    "unrelated": 0.05,  # nor if the nearest unrelated text is nearer by this
    "also": 0.5,  # other candidates are at least so near, as a part of the first
    "known": 25,  # letters of a message that are enough to recognize it
}


def documents():
    """The texts that the matcher learns from: pairs of a text and the slug of its entry, or None.

    They are the titles, messages and phrases of the entries, the reports they link to, and
    unrelated errors.
    """
    known = {url: entry["entry"] for entry in entries() for url in entry["reports"] or []}
    pairs = [
        (text, entry["entry"])
        for entry in entries()
        for text in (entry["title"], *entry["phrases"], *_own_messages(entry))
    ]
    pairs += [(report["text"], known[report["url"]]) for report in reports()]
    return tuple(pairs + [(text, None) for text in read("unrelated.yaml")])


def _own_messages(entry):
    """What an entry's error says; nothing if others say the same, and only patterns know it."""
    return () if entry.get("generic") else (entry["typical"], *entry.get("messages", ()))


@functools.cache
def matcher(pairs=None):
    """A function that tells how near a text is to the entries; it learns from ``pairs``."""
    return Nearest(pairs or documents()).near


@functools.cache
def _patterns():
    """Of each entry: its slug, its patterns, its known messages, its eras."""
    return [
        (
            entry["entry"],
            [re.compile(pattern, re.I | re.S | re.A) for pattern in entry["patterns"]],
            known_messages(entry),
            set(entry.get("eras", ERAS)),
        )
        for entry in entries()
    ]


def known_messages(entry):
    """The messages of an entry, so far as they are told literally, in plain letters."""
    told = entry.get("messages", ()) if entry["seen"] == "symptom" else _own_messages(entry)
    lines = [line for text in told for line in text.splitlines()]
    lines = [line for line in lines if not re.match(r"\s*File ", line)]
    parts = [plain(part) for line in lines for part in re.split(r"\.\.\.|<[^>]*>", line)]
    return [part for part in parts if len(part) >= SETTINGS["known"] and part.count(" ") >= 3]


def plain(text):
    """The letters of a message alone: no type in front, quotes, numbers, signs."""
    text = re.sub(r"^\s*(?:\(or\)\s*)?(?:[\w.]*\.)?\w+(?:Error|Exception|Warning): ", "", text)
    return re.sub(r"[^a-z]+", " ", text.lower()).strip()


def _evidence(text, patterns):
    """The entries that a pattern or a known message speaks for, with what they are worth."""
    said = f" {plain(message_of(text))} "
    found = {}
    for slug, expressions, known, _ in _patterns() if patterns else ():
        if any(expression.search(text) for expression in expressions):
            found[slug] = 2.0
        elif any(
            f" {part} " in said or (len(said) > SETTINGS["known"] and said.strip() in part)
            for part in known
        ):
            found[slug] = 1.0
    return found


def _judge(group, named, near, patterns):
    """The entries that fit one traceback with its chain, best first: (score, slug) and sureness."""
    evidence = {}
    for part in group:  # what speaks for an entry later in a chain is worth less
        less = 0.5 * bool(evidence)
        later = {slug: worth - less for slug, worth in _evidence(part, patterns).items()}
        evidence = {**later, **evidence}
    said = message_of(group[-1])
    closeness = near(said)
    unrelated = closeness.pop(None, 0.0)
    few = sum(" " not in feature for feature in features(said)) < 2
    ranked = []
    for slug, _, _, of in _patterns():
        score = closeness.get(slug, 0.0)
        other_era = bool(named) and not named & of
        score = evidence.get(slug, 0.0) + (0.6 * score if other_era else score)
        ranked.append((score - (1.5 if other_era and slug in evidence else 0.0), slug, other_era))
    ranked.sort(key=lambda item: (-item[0], item[1]))
    best, second = ranked[0], ranked[1]
    if not evidence and (
        few or best[0] < SETTINGS["near"] or best[0] < unrelated + SETTINGS["unrelated"]
    ):
        return [], False
    ahead = best[0] - second[0] >= SETTINGS["ahead"]
    sure = not best[2] and ahead and (best[1] in evidence or best[0] >= SETTINGS["sure"])
    chosen = [item for item in ranked[:3] if item[0] >= SETTINGS["also"] * best[0]]
    return [(round(score, 3), slug, other_era) for score, slug, other_era in chosen], sure


def answer(text, near=None, patterns=True):
    """The entries that fit a text, at most three: pairs (score, slug, of another era), and whether
    the first one is sure.

    Args:
        text: all that is known, such as a message, a traceback, a log, or a symptom.
        near: the matcher to use.
        patterns: whether to use patterns and known messages.
    """
    text = clean(text)
    named = eras(text)
    for number, group in enumerate(groups(text)):
        found, sure = _judge(group, named, near or matcher(), patterns)
        if found:
            return found, sure and number == 0
    return [], False
