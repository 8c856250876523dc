"""Move a chapter, or make room for a new one, and rename what follows.

``python tools/move_chapter.py two-rules 3`` makes it chapter 3; ``--room 6`` leaves number 6 free
for a chapter to come. Files, table of contents, README and front page follow; the addresses that
pages had are remembered in ``book/_data/addresses.json``, and the site keeps a page at each.
No other file has to change: everything else names a chapter by its slug.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from chapter_files import slugs

ROOT = Path(__file__).resolve().parent.parent


def move(slug, number, root=ROOT):
    """Give a chapter a new number; those between its old and its new place move up or down."""
    order = slugs(root / "chapters")
    if slug not in order:
        raise ValueError(f"There is no chapter {slug!r}: choose one of {', '.join(order)}.")
    if not 1 <= number <= len(order):
        raise ValueError(f"The chapters are numbered from 1 to {len(order)}: {number} is outside.")
    order.remove(slug)
    order.insert(number - 1, slug)
    # The line above it in the new order; the first chapter goes before what was the first.
    neighbor, after = (order[number - 2], True) if number > 1 else (order[1], False)
    for name in ("_toc.yml", "README.md", "index.md"):
        path = root / name
        path.write_text(_with_line_moved(path.read_text(), slug, neighbor, after))
    _renumber({name: place for place, name in enumerate(order, 1)}, root)


def make_room(number, root=ROOT):
    """Leave a number free: the chapter that has it, and all behind it, move up by one."""
    _renumber({s: n + (n >= number) for n, s in enumerate(slugs(root / "chapters"), 1)}, root)


def _with_line_moved(text, slug, neighbor, after):
    """The line that lists a chapter, put beside the line of its new neighbour."""
    lines = text.splitlines(keepends=True)

    def line_of(name):
        listed = re.compile(rf"^(?:\| ?|\s*- file: ).*(?:/\d\d-{name}\b|`{name}`)")
        found = [line for line in lines if listed.search(line)]
        if len(found) != 1:
            raise ValueError(f"{name!r} is listed in {len(found)} lines of one file, not in one.")
        return found[0]

    moved, fixed = line_of(slug), line_of(neighbor)
    lines.remove(moved)
    lines.insert(lines.index(fixed) + after, moved)
    return "".join(lines)


def _renumber(numbers, root):
    """Rename the files of chapters, wherever their names stand; remember the old ones."""
    folder, record = root / "chapters", root / "book" / "_data" / "addresses.json"
    former = {path.stem[3:]: path.stem for path in folder.glob("[0-9][0-9]-*.ipynb")}
    new = {slug: f"{number:02d}-{slug}" for slug, number in numbers.items()}
    changed = {slug: (former[slug], new[slug]) for slug in new if former[slug] != new[slug]}
    for slug, (old, _) in changed.items():
        (folder / f"{old}.ipynb").rename(folder / f"{slug}.moving")
    for slug, (_, name) in changed.items():
        (folder / f"{slug}.moving").rename(folder / f"{name}.ipynb")
    for name in ("_toc.yml", "README.md", "index.md"):
        path = root / name
        text = path.read_text()
        for old, name_now in changed.values():
            text = re.sub(rf"\b{old}\b", name_now, text)
        path.write_text(text)
    addresses = json.loads(record.read_text()) | {old: slug for slug, (old, _) in changed.items()}
    addresses = {old: slug for old, slug in sorted(addresses.items()) if old != new[slug]}
    record.write_text(json.dumps(addresses, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slug", nargs="?", help="the chapter, without its number")
    parser.add_argument("number", nargs="?", type=int, help="the number it is to have")
    parser.add_argument("--room", type=int, metavar="NUMBER", help="leave this number free")
    given = parser.parse_args()
    try:
        if given.room:
            make_room(given.room)
        elif given.slug and given.number:
            move(given.slug, given.number)
        else:
            parser.error("name a chapter and its new number, or --room and a number")
    except ValueError as error:
        sys.exit(str(error))
    for number, name in enumerate(slugs(), 1):
        print(f"{number:3} {name}")


if __name__ == "__main__":
    main()
