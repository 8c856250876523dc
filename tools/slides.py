"""Slides from the figures of a chapter: ``python tools/slides.py SLUG ...``.

Writes ``slides/SLUG/slides.md`` and the figures as PNG files: the first picture and its question,
each figure with its caption, each prediction, the summary. Marp, Quarto and pandoc read it.
"""

import argparse
import base64
import re
import shutil
import sys
from pathlib import Path

import nbformat
from chapter_files import CHAPTERS, path_of

ROOT = CHAPTERS.parent
FOLDER = ROOT / "slides"


def slides_of(path):
    """The slides of a notebook, each as Markdown, and the pictures by their file name."""
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0].source
    pictures = {}
    slides = [first_slide(first, pictures)]
    for cell in notebook.cells[1:]:
        if cell.cell_type == "markdown":
            slides += [f"## Predict\n\n{plain(text)}" for text in predictions(cell.source)]
        elif "figure" in cell.metadata.get("mystnb", {}):
            slides += figure_slide(cell, pictures)
    return [*slides, summary_slide(notebook)], pictures


def first_slide(source, pictures):
    """Title, first picture, and the paragraph that ends in the question."""
    title = source.splitlines()[0]
    opening = source.split("```{admonition}")[0]
    picture = re.search(r"!\[([^\]]*)\]\(\.\./(book/_static/[^)]+)\)", opening)
    paragraphs = [p for p in opening.split("\n\n") if p.rstrip().endswith("?")]
    shown = ""
    if picture:
        file = Path(picture[2]).name
        pictures[file] = (ROOT / picture[2]).read_bytes()
        shown = f"![]({file})\n\n"
    question = plain(paragraphs[-1]) if paragraphs else ""
    return f"{title}\n\n{shown}{question}"


def figure_slide(cell, pictures):
    """A figure with its caption; what it shows is the note of the speaker."""
    told = cell.metadata["mystnb"]
    for output in cell.outputs:
        if "image/png" in output.get("data", {}):
            file = f"{told['figure']['name']}.png"
            pictures[file] = base64.b64decode(output.data["image/png"])
            note = told.get("image", {}).get("alt", "")
            caption = plain(told["figure"]["caption"])
            return [f"![]({file})\n\n{caption}\n\n::: notes\n{note}\n:::"]
    return []


def predictions(source):
    """The paragraphs that ask for a prediction."""
    return [
        paragraph.split("**Predict:**")[1].strip()
        for paragraph in source.split("\n\n")
        if "**Predict:**" in paragraph
    ]


def summary_slide(notebook):
    text = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    points = re.search(r"^## Summary\n.*?(?=\*\*What comes next)", text, re.DOTALL | re.MULTILINE)
    return plain(points[0])


def plain(text):
    """Without what only the book resolves: references, citations, labels."""
    text = re.sub(r"\{(?:ref|doc)\}`([^`<]+?) *<[^`]*>`", r"\1", text)
    text = re.sub(r"\{(?:ref|doc|[Cc]hapter)\}`([^`]+)`", r"*\1*", text)
    text = re.sub(r"\{numref\}`[^`]+`", "the figure", text)
    return re.sub(r" *\{cite(?::t)?\}`[^`]+`", "", text).strip()


def write(slug, folder=FOLDER):
    """Make the slides of a chapter; return their path."""
    slides, pictures = slides_of(path_of(slug))
    target = folder / slug
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file, content in pictures.items():
        (target / file).write_bytes(content)
    path = target / "slides.md"
    path.write_text("\n\n---\n\n".join(slides) + "\n", encoding="utf-8")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slugs", nargs="+", metavar="SLUG", help="such as weigh-the-kl-term")
    for slug in parser.parse_args().slugs:
        try:
            path = write(slug)
        except ValueError as error:
            sys.exit(str(error))
        print(
            path.relative_to(ROOT),
            f"({path.read_text().count(chr(10) + '---' + chr(10)) + 1} slides)",
        )


if __name__ == "__main__":
    main()
