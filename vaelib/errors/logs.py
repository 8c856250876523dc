"""A pasted text: the tracebacks in it, their messages, the versions that it names.

book/_static/matcher.js does the same in the page.
"""

import html
import re

from vaelib.errors.texts import COLOR, LONGEST, essence, shorten

_TRACEBACK = "Traceback (most recent call last)"
_CHAINED = re.compile(
    r"\n\s*(?:During handling of the above exception"
    r"|The above exception was the direct cause of the following)"
)
# The last line of a traceback: the type of the error, and mostly a message.
_ERROR_LINE = re.compile(
    r"^(?:[A-Za-z_][\w.]*\.)?_?[A-Z]\w*(?:Error|Exception|Interrupt)(?::.*)?$", re.M | re.A
)
# An error that follows from another one of the same log.
_FOLLOWS = re.compile(r"(?:CalledProcessError|ChildProcessError|NameError|KeyboardInterrupt)\b")
_QUOTES = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0xA0: " ", 0xFEFF: " "}

# The figures of a log: what the three terms of a VAE are called there.
_NUMBER = r"(?:_loss)?['\"]?\s?[:=]\s?(\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
_FIGURES = [
    re.compile(rf"(?<!\w){name}{_NUMBER}", re.I | re.A)
    for name in ("(?:total_)?loss", "r(?:ec(?:on(?:struction)?)?)?", "kld?")
]
# Two entries have it as a pattern.
LITTLE = "by its log the KL weight is too small, the VAE behaves like an autoencoder"

# Of a text, at most so much is looked at: its beginning and its end.
MOST = 1_000_000
ERAS = ("keras-1", "tf-1", "tf-2", "keras-3")
_TENSORFLOW = re.compile(
    r"\b(?:tf|tensorflow)(?:[-_](?:gpu|cpu|macos|intel))?\s*(?:version|v|==|>=|~=|=|:)?\s*v?"
    r"([012])(?:\.(\d+))?(?![\w-])",
    re.I | re.A,
)
_KERAS = re.compile(
    r"(?<![\w.])keras\s*(?:version|v|==|>=|~=|=|:)?\s*v?([0123])(?:\.(\d+))?(?![\w-])", re.I | re.A
)


# The wrapper of R around every error of Python.
_R = re.compile(r"Error in py_call_impl\([^\n]*\)\s*:")


def clean(text):
    """A text without colours, HTML entities, typographic quotes, R's wrapper, blank ends."""
    if len(text) > MOST:
        text = text[: MOST // 5] + "\n" + text[-4 * MOST // 5 :]
    text = html.unescape(COLOR.sub("", text)).translate(_QUOTES)
    return _R.sub("", text.replace("\r\n", "\n")).strip()


def groups(text):
    """The tracebacks of a log, each a list: what was raised first, what it led to, all of it.

    The last traceback of a log stands in front, because it is what the reader is up against, unless
    it only follows from an earlier one, as the error of a process from that of its child. A text
    without a traceback is one group. Warnings before the first traceback are the last group.

    A log by which beta is small is a second group that says so, because only the first can be sure;
    a log that adds up is no sign of anything.
    """
    starts = [found.start() for found in re.finditer(re.escape(_TRACEBACK), text)]
    if not starts:
        part = _around_the_last_error(text)
        figures = _figures(part)
        if figures and _weighs_little(*figures):
            return [[""], [f"{part}\n{LITTLE}", LITTLE]]
        return [[""], [part]] if figures and _adds_up(*figures) else [[part]]
    chains, leads_on = [], False
    for start, end in zip(starts, [*starts[1:], len(text)]):
        block, *chained = _CHAINED.split(text[start:end], maxsplit=1)
        if leads_on:
            chains[-1].append(_cut_behind(block))
        else:
            chains.append([_cut_behind(block)])
        leads_on = bool(chained)
    later = [bool(_FOLLOWS.match(message_of(blocks[-1]))) for blocks in chains]
    ordered = [blocks for blocks, follows in zip(chains, later) if not follows][::-1]
    ordered += [blocks for blocks, follows in zip(chains, later) if follows][::-1]
    whole = [blocks if len(blocks) == 1 else [*blocks, "\n".join(blocks)] for blocks in ordered]
    head = text[: starts[0]].strip() if "Warning" in text[: starts[0]] else ""
    return [[shorten(part) for part in parts] for parts in [*whole, *([[head]] if head else [])]]


def _figures(text):
    """Loss, reconstruction and KL of the last line that has all three; None if they tell no beta.

    They do not beside an error or a warning, which matter more, and with a KL below a nat.
    """
    if _ERROR_LINE.search(text) or re.search("warning", text, re.I):
        return None
    for line in text.split("\n")[::-1]:
        told = [figure.findall(line) for figure in _FIGURES]
        if all(told):
            figures = [float(numbers[-1]) for numbers in told]
            return figures if figures[-1] > 1 else None
    return None


def _weighs_little(loss, error, kl):
    """Is beta below 0.1? A reconstruction below 1 is taken for a mean over 784 pixels."""
    return 0 < (loss - error) * (784 if error < 1 else 1) < 0.1 * kl


def _adds_up(loss, error, kl):
    """Is the loss the sum of the two, within a hundredth?"""
    return abs(loss - error - kl) < 0.01 * loss


def _around_the_last_error(text):
    errors = list(_ERROR_LINE.finditer(text)) if len(text) > LONGEST else []
    if not errors:
        return shorten(text)
    middle = errors[-1].start()
    return text[max(0, middle - LONGEST // 4) : middle + LONGEST // 4]


def _cut_behind(block):
    """A traceback without the log that goes on behind it."""
    errors = list(_ERROR_LINE.finditer(block))
    return block[: errors[-1].end() + LONGEST // 4] if errors else block


def message_of(text):
    """The last message of a traceback, without what Keras puts around it; of others, all of it."""
    found = list(_ERROR_LINE.finditer(text))
    if found and (_TRACEBACK in text or "---->" in text or len(text) > LONGEST // 8):
        text = text[found[-1].start() :]
    kind = re.match(r"(?:[\w.]*\.)?(\w+(?:Error|Exception)): ", text, re.A)
    if not kind:
        return essence(text)
    return f"{kind[1]}: {essence(text[kind.end() :])}"


def eras(text):
    """The eras of the versions that a text names, a set; empty if it names none."""
    found = set()
    for major, minor in _TENSORFLOW.findall(text):
        if major == "2":
            found |= {"tf-2"} if minor and int(minor) < 16 else {"keras-3"} if minor else set()
        else:
            found.add("tf-1")
    for major, minor in _KERAS.findall(text):
        if major == "2":
            old = {"tf-1"} if minor and int(minor) < 4 else {"tf-2"}
            found |= old if minor else {"tf-1", "tf-2"}
        else:
            found.add("keras-3" if major == "3" else "keras-1")
    if re.search(r"\btf_keras\b|TF_USE_LEGACY_KERAS", text):
        found.add("tf-2")
    return found
