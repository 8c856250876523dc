"""``python -m vaelib explain``: a text, a file or standard input, and the exit status.

0: there is an answer, sure or not; 1: nothing fits; 2: there was nothing to read.
"""

import codecs
import json
import re
import sys
from pathlib import Path

from vaelib import errors

# Of a longer log, the beginning and the end are read.
BEGINNING, END = 1_000_000, 4_000_000
NOTHING = "There is no text to explain: paste the message or the whole traceback."
CLOSED = "Standard input is closed: give the text as an argument, or pipe a log into the command."
BINARY = "This is no text but binary data: give what your program printed, not a file of a model."
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def main(words, as_json):
    """Print what fits; complaints go to the standard error, one sentence each."""
    try:
        text = read(words)
        explanation = errors.explain(text)
    except ValueError as error:  # there is no text
        print(error, file=sys.stderr)
        if as_json:
            print("[]")
        return 2
    if as_json:
        print(json.dumps(explanation.candidates, indent=2))
    elif explanation:
        print(explanation)
    if not explanation:
        print(errors.NOTHING_FITS, file=sys.stderr)
    return 0 if explanation else 1


def read(words):
    """The text that is meant: "-" is standard input, the name of a file is its content.

    Raises:
        ValueError: there is none.
    """
    text = " ".join(words)
    if text == "-":
        if sys.stdin is None:
            raise ValueError(CLOSED)
        return decode(*_ends(sys.stdin.buffer))
    if len(words) == 1 and len(text) < 255 and Path(text).is_file():
        with open(text, "rb") as file:
            return decode(*_ends(file))
    return text


def _ends(stream):
    """The beginning and the end of a stream, joined, and how long it was."""
    begin, end, size = stream.read(BEGINNING), b"", 0
    while chunk := stream.read(BEGINNING):
        size += len(chunk)
        end = (end + chunk)[-END:]
    return begin + (b"\n" if size > END else b"") + end, len(begin) + size


def decode(data, size):
    """Bytes as text, of UTF-8 or UTF-16, which PowerShell writes.

    Raises:
        ValueError: they are no text.
    """
    if size > len(data):
        told = f"Of {size / 1e6:.0f} MB, the first {BEGINNING // 10**6} and the last"
        print(f"{told} {END // 10**6} MB were read.", file=sys.stderr)
    encoding = next((name for bom, name in _BOMS.items() if data.startswith(bom)), None)
    if not encoding:  # Latin letters in UTF-16 have a zero in every second place
        sample = data[:2_000]
        zeros = [sample[place::2].count(0) for place in (0, 1)]
        wide = max(zeros) > 0.4 * len(sample) and min(zeros) < 0.02 * len(sample)
        encoding = ("utf-16-le" if zeros[1] > zeros[0] else "utf-16-be") if wide else "utf-8"
    text = data.decode(encoding, errors="replace")
    strange = len(re.findall(r"[\x00-\x06\x0e-\x1a\x1c-\x1f\ufffd]", text[:20_000]))
    if strange > 0.05 * len(text[:20_000]) and strange > 5:
        raise ValueError(BINARY)
    if not text.strip():
        raise ValueError(NOTHING)
    return text
