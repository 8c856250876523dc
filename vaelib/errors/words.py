"""The words of a text, as the matcher compares them; book/_static/matcher.js does the same."""

import math
import re

# Addresses and numbers differ from report to report; "float16" and "conv2d" are names.
_NUMBERS = re.compile(r"\b0x[0-9a-fA-F]+\b|_[0-9]+\b|\b[0-9][0-9.]*\b", re.A)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
# The type of an error is one word, for its parts say nothing.
_TYPE = re.compile(r"\w+(?:Error|Exception|Warning)$", re.A)
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def stem(word):
    """A word without its commonest endings: "layers" is "layer", "saving" and "save" are "sav"."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 5 and word.endswith("ing"):
        word = word[:-3]
    elif len(word) > 4 and word.endswith("ed"):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def features(text):
    """How often each word, each pair of words and each composed name stands in a text.

    ``z_log_var`` and ``KLDivergence`` count as themselves and as their parts.
    """
    counts, before = {}, None
    for name in _NAME.findall(_NUMBERS.sub(" ", text)):
        pieces = [name.lower()] if _TYPE.match(name) else name.split("_")
        parts = [stem(part.lower()) for piece in pieces for part in _PART.findall(piece)]
        found = [name.lower()] if len(parts) > 1 else []
        for part in parts:
            found += [part, f"{before} {part}"] if before else [part]
            before = part
        for feature in found:
            counts[feature] = counts.get(feature, 0) + 1
    return counts


class Nearest:
    """Texts with a label each; tells how near another text is to those of each label.

    Words are weighted by how rare they are (tf-idf); near is the cosine with the nearest text of a
    label, and a little for the second and the third.
    """

    def __init__(self, pairs):
        bags = [features(text) for text, _ in pairs]
        number = {}
        for bag in bags:
            for feature in bag:
                number[feature] = number.get(feature, 0) + 1
        self.rarity = {f: math.log((1 + len(bags)) / (1 + n)) + 1 for f, n in number.items()}
        self.unknown = math.log(1 + len(bags)) + 1
        self.labels = [label for _, label in pairs]
        self.where = {}
        for place, bag in enumerate(bags):
            for feature, weight in self._weights(bag).items():
                self.where.setdefault(feature, []).append((place, weight))

    def _weights(self, bag):
        weights = {f: (1 + math.log(n)) * self.rarity.get(f, self.unknown) for f, n in bag.items()}
        length = math.sqrt(sum(w * w for w in weights.values())) or 1.0
        return {feature: weight / length for feature, weight in weights.items()}

    def near(self, text):
        """A dictionary of how near each label is, for those that share a word with the text."""
        closeness, by_label = {}, {}
        for feature, weight in self._weights(features(text)).items():
            for place, other in self.where.get(feature, ()):
                closeness[place] = closeness.get(place, 0.0) + weight * other
        for place, value in closeness.items():
            by_label.setdefault(self.labels[place], []).append(value)
        return {label: _together(values) for label, values in by_label.items()}


def _together(values):
    first, second, third = [*sorted(values, reverse=True), 0.0, 0.0][:3]
    return first + 0.3 * second + 0.15 * third
