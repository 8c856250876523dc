"""Find the file of a chapter by its slug, whatever its number is today."""

from pathlib import Path

CHAPTERS = Path(__file__).resolve().parent.parent / "chapters"


def slugs(folder=CHAPTERS):
    """The slugs of all chapters, in the order of the book."""
    return [path.stem[3:] for path in sorted(folder.glob("[0-9][0-9]-*.ipynb"))]


def path_of(slug):
    """The notebook of a chapter.

    Raises:
        ValueError: there is no such chapter.
    """
    found = list(CHAPTERS.glob(f"[0-9][0-9]-{slug}.ipynb"))
    if len(found) != 1:
        raise ValueError(f"There is no chapter {slug!r}: choose one of {', '.join(slugs())}.")
    return found[0]
