"""tools/move_chapter.py: one command moves a chapter, and nothing else has to be touched."""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import move_chapter  # noqa: E402


@pytest.fixture
def book(tmp_path):
    """The real lists, and empty chapters."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "book" / "_data").mkdir(parents=True)
    for path in (ROOT / "chapters").glob("*.ipynb"):
        (tmp_path / "chapters" / path.name).write_text(path.stem[3:])
    for name in ("_toc.yml", "README.md", "index.md", "book/_data/addresses.json"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    return tmp_path


def listed(book, name):
    """The chapters in the order in which a file lists them."""
    found = re.findall(
        r"^(?:\| ?|\s*- file: ).*?(?:/\d\d-([\w-]+)(?=\.ipynb|$)|\{ref\}`([\w-]+)`)",
        (book / name).read_text(), re.M,
    )  # fmt: skip
    return [one or other for one, other in found]


@pytest.mark.parametrize(("number", "step"), [(1, 1), (3, 1), (7, -1), (9, -4)])
def test_a_chapter_moves_and_the_lists_follow(book, number, step):
    before = move_chapter.slugs(book / "chapters")
    slug = before[number - 1 + step]
    move_chapter.move(slug, number, book)
    wanted = [name for name in before if name != slug]
    wanted.insert(number - 1, slug)
    assert move_chapter.slugs(book / "chapters") == wanted
    for name in ("_toc.yml", "README.md", "index.md"):
        assert listed(book, name) == wanted, name
    for place, name in enumerate(wanted, 1):
        path = book / "chapters" / f"{place:02d}-{name}.ipynb"
        assert path.read_text() == name
        assert f"chapters/{path.stem}\n" in (book / "_toc.yml").read_text()
    addresses = json.loads((book / "book/_data/addresses.json").read_text())
    old = f"{before.index(slug) + 1:02d}-{slug}"
    assert addresses[old] == slug
    assert not any((book / "chapters" / f"{name}.ipynb").exists() for name in addresses)


def test_room_for_a_chapter_to_come(book):
    before = move_chapter.slugs(book / "chapters")
    move_chapter.make_room(6, book)
    assert move_chapter.slugs(book / "chapters") == before
    assert not list((book / "chapters").glob("06-*"))
    assert (book / "chapters" / f"07-{before[5]}.ipynb").read_text() == before[5]
    assert listed(book, "_toc.yml") == before
    move_chapter.move(before[0], 1, book)  # closes the gap again
    assert [p.stem for p in sorted((book / "chapters").glob("*"))] == [
        f"{n:02d}-{slug}" for n, slug in enumerate(before, 1)
    ]


def test_what_cannot_be_moved_is_refused(book):
    files = sorted(path.name for path in (book / "chapters").iterdir())
    with pytest.raises(ValueError, match="There is no chapter 'two-rule': choose one of"):
        move_chapter.move("two-rule", 2, book)
    with pytest.raises(ValueError, match="numbered from 1 to .*: 99 is outside"):
        move_chapter.move("two-rules", 99, book)
    assert files == sorted(path.name for path in (book / "chapters").iterdir())
