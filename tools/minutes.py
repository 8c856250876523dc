"""Count the honest minutes of each chapter: ``python tools/minutes.py [--write] [NAME ...]``.

Minutes = words / 200 + visible lines of code / 20, of what a reader cannot miss: exercises and
folded boxes are counted apart, folded code is not counted. ``--write`` puts the number where the
chapter states its time; a test holds it there.
"""

import argparse
import re
from typing import NamedTuple

import nbformat
from chapter_files import CHAPTERS

WORDS_A_MINUTE, LINES_A_MINUTE = 200, 20
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
STATED = re.compile(r"(\*\*Time\*\*: )(\d+)( minutes to read)")


class Reading(NamedTuple):
    """What there is to read: words, lines of code, cells; and words in folded boxes."""

    words: int
    code: int
    cells: int
    folded: int

    @property
    def minutes(self):
        """Honest minutes, in whole numbers."""
        return round(self.words / WORDS_A_MINUTE + self.code / LINES_A_MINUTE)


def split_markdown(text):
    """Separate a Markdown text into prose, listings and folded boxes, three lists of lines.

    Fences may be nested; the options of a directive are none of the three.
    """
    prose, listings, folded, open_fences = [], [], [], []
    for line in text.splitlines():
        fence = re.match(r"\s*(`{3,}|:{3,})(.*)", line)
        if fence and open_fences and not fence[2].strip() and fence[1] == open_fences[-1][0]:
            open_fences.pop()
        elif fence and fence[2].strip():
            info = fence[2].strip()
            kind = "prose" if info.startswith("{") else "listing"
            kind = "folded" if info.startswith("{dropdown}") else kind
            open_fences.append([fence[1], kind])
            prose.append(re.sub(r"^\{[\w-]+\}", "", info) if kind == "prose" else "")
        elif open_fences and re.match(r"\s*:[\w-]+:", line):
            if re.match(r"\s*:class:.*\bdropdown\b", line):
                open_fences[-1][1] = "folded"
        else:
            kinds = {kind for _, kind in open_fences}
            room = folded if "folded" in kinds else listings if "listing" in kinds else prose
            room.append(line)
    return prose, listings, folded


def words(lines):
    """Words of prose: names, numbers and formulas count as what stands between blanks."""
    text = re.sub(r"\{[\w-]+\}`|<[^>\s]+>|\]\([^)]*\)", " ", "\n".join(lines))
    return sum(1 for token in text.split() if re.search(r"\w", token))


def reading(notebook):
    """What a chapter asks of its reader, exercises and their solutions aside."""
    count, exercise = Reading(0, 0, 0, 0), False
    for cell in notebook.cells:
        exercise = exercise or bool(re.search(r"\{(exercise|solution)-start\}", cell.source))
        if not exercise:
            count = Reading(*(a + b for a, b in zip(count, _of_cell(cell))))
        if re.search(r"\{(exercise|solution)-end\}", cell.source):
            exercise = False
    return count


def _of_cell(cell):
    caption = words([cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")])
    if cell.cell_type == "markdown":
        prose, listings, folded = split_markdown(cell.source)
        return words(prose), _lines(listings), 1, words(folded)
    if FOLDED & set(cell.metadata.get("tags", [])):
        return caption, 0, 1, 0
    return caption, _lines(cell.source.splitlines()), 1, 0


def _lines(listing):
    return sum(1 for line in listing if line.strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="a slug or a number, such as 01")
    parser.add_argument("--write", action="store_true", help="state the minutes in the chapter")
    options = parser.parse_args()
    print("chapter                        words  code  cells  folded  minutes")
    total = 0
    for path in sorted(CHAPTERS.glob("[0-9][0-9]-*.ipynb")):
        if options.chapters and not {path.stem, path.stem[3:], path.stem[:2]} & set(
            options.chapters
        ):
            continue
        text = path.read_text(encoding="utf-8")
        found = reading(nbformat.reads(text, as_version=4))
        total += found.minutes
        print(
            f"{path.stem:30} {found.words:5} {found.code:5} {found.cells:6} {found.folded:7} "
            f"{found.minutes:8}"
        )
        if options.write:
            path.write_text(STATED.sub(rf"\g<1>{found.minutes}\g<3>", text), encoding="utf-8")
    print(f"{'in all':30} {total:36}")


if __name__ == "__main__":
    main()
