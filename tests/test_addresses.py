"""No number of a chapter is written by hand: pages name slugs, and every slug exists.

A chapter's number stands in front of its file name; `tools/move_chapter.py` changes it, in the
lists below and nowhere else. So a chapter can be moved or inserted, and nothing becomes wrong.
"""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from vaelib import errors

ROOT = Path(__file__).resolve().parent.parent
SLUGS = sorted(path.stem[3:] for path in (ROOT / "chapters").glob("[0-9][0-9]-*.ipynb"))
WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
NUMBER = re.compile(
    rf"""\b(?: chapters? (?:[ \t~-]|\\n|\n(?!\d+\.\s))+ (?:\d | (?:{WORDS})\b)  # chapter 5
          | (?:chs?|chaps?)\.\s*\d                                # ch. 5
          | chapters?["']?\]?\s*[:=]\s*[\[(]?\s*["']?\d              # chapter: 5, "chapters": [5
          | ex-\d+-                                               # ex-05-name
         )""",
    re.I | re.X,
)
# They list chapters by file name; tools/move_chapter.py keeps them.
LISTS = {"_toc.yml", "README.md", "index.md", "book/_data/addresses.json"}
# They explain how a number is made, or try it out.
EXPLAIN = {
    "CONTRIBUTING.md", "book/_ext/chapters.py", "tools/move_chapter.py",
    "tests/test_move_chapter.py", "tests/test_addresses.py",
}  # fmt: skip
# Other people's words, and chapters of other people's books.
QUOTES = {
    "book/references.bib",
    "tests/data/old-scripts/record.json",
    "tests/data/strangers.json",
    "tests/data/unseen.json",
    "vaelib/errors/index/reports.yaml",
}
OTHER_BOOKS = re.compile(r"(?:Chollet|deep learning with Python) chapter \d", re.I)
TEXT = {".md", ".py", ".ipynb", ".yaml", ".yml", ".json", ".toml", ".cfg", ".js", ".css", ""}


def tracked():
    """What git tracks, or would if it were added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    return [name for name in sorted(set(listing.splitlines())) if (ROOT / name).is_file()]


def source(name):
    """The text of a file; of a notebook, the sources of its cells, and not what they print."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if not name.endswith(".ipynb"):
        return text
    return "\n\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])


def pages():
    """Names and sources of what Sphinx reads."""
    return {name: source(name) for name in tracked() if name.endswith((".md", ".ipynb"))}


def numbers_in(name, text):
    """Every place where a text writes the number of a chapter by hand."""
    found = []
    if name not in EXPLAIN:
        text = OTHER_BOOKS.sub("", text)
        found += NUMBER.finditer(text)
    if name not in EXPLAIN | LISTS:
        found += re.finditer(rf"\b\d\d-(?:{'|'.join(SLUGS)})\b", text)
    return [
        f"{name}: ...{' '.join(text[max(0, m.start() - 30) : m.end() + 30].split())}..."
        for m in found
    ]


def test_no_chapter_is_named_by_a_number():
    found = [
        place
        for name in tracked()
        if Path(name).suffix in TEXT and name not in QUOTES
        for place in numbers_in(name, source(name))
    ]
    assert not found, "name it by its slug:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "as chapter 5 shows", "Chapters 5 to 7", "(chapter\n    12)", "see ch. 4", "chapter five",
        'row["chapters"] = [3]', '"chapter": 11,', "chapter: 7", "chapters=(4, 5)", "ex-05-bars",
        "chapters/08-encoder-layer.ipynb", '"Chapter 9\\nTFP"', "r'Chapter\\n9'",
    ],
)  # fmt: skip
def test_a_number_is_found(text):
    assert numbers_in("a.md", text)


@pytest.mark.parametrize(
    "text",
    [
        "{chapter}`encoder-layer` has 5 sections", "Chollet chapter 8", "each chapter; 5 of them",
        "in this chapter\n5. It goes on",
        "chapters/encoder-layer.html", "14 chapters", "the chapter's 3 nets", 'chapter: "outputs"',
    ],
)  # fmt: skip
def test_what_is_no_number_is_not_found(text):
    assert not numbers_in("a.md", text)


def test_roles_name_chapters_that_exist():
    for name, text in pages().items():
        for slug in re.findall(r"\{[Cc]hapter\}`([^`]*)`", text):
            assert slug in SLUGS or name in EXPLAIN, (name, slug)


def test_references_lead_somewhere():
    """Sphinx says so, too, after a minute."""
    labels, texts = set(SLUGS), pages()
    for text in texts.values():
        labels |= set(re.findall(r"^\(([\w-]+)\)=$", text, re.M))
        labels |= set(re.findall(r"^:(?:label|name): (\S+)$", text, re.M))
        labels |= set(re.findall(r"^```+\{math\} *\n:label: (\S+)", text, re.M))
    ledger = json.loads((ROOT / "book" / "_data" / "ledger.json").read_text())
    labels |= {f"ledger-{row['id']}" for row in ledger}
    for path in [*(ROOT / "chapters").glob("*.ipynb"), *(ROOT / "book").glob("*.ipynb")]:
        for cell in json.loads(path.read_text())["cells"]:
            labels |= {cell["metadata"].get("mystnb", {}).get("figure", {}).get("name")}
    labels |= {entry["entry"] for entry in errors.entries()}
    for name, text in texts.items():
        for target in re.findall(r"\{(?:ref|numref|eq)\}`(?:[^`<]*<)?([^`>]+)>?`", text):
            assert target in labels or name in EXPLAIN, (name, target)


def test_labels_of_exercises_are_names_and_unique():
    texts = {name: text for name, text in pages().items() if name.startswith("chapters/")}
    labels = [
        label
        for text in texts.values()
        for label in re.findall(r"\{exercise-start\}.*\n:label: (\S+)", text)
    ]
    assert len(labels) >= 2 * len(texts)
    for label, times in Counter(labels).items():
        assert times == 1, f"{label} is used {times} times"
        assert re.fullmatch(r"ex(-[a-z][a-z0-9]*)+", label), label
