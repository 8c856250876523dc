"""The schematic diagrams: stored as they are drawn, described, legible and uncrowded."""

import itertools
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import diagrams  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"
SMALLEST = 13  # pixels at the stated width; on a phone about half of it


def parsed(name):
    return ElementTree.fromstring(diagrams.svg(name))


def words_of(element):
    return "".join(element.itertext())


def texts(root):
    """Words and the estimated left, top, right and bottom of every line of text."""
    for element in root.iter(f"{SVG}text"):
        words, size = words_of(element), float(element.get("font-size"))
        width = diagrams.text_width(words, size, element.get("font-family") == "monospace")
        x, base = float(element.get("x")), float(element.get("y"))
        left = x - {"start": 0, "middle": width / 2, "end": width}[element.get("text-anchor")]
        yield words, (left, base - 0.72 * size, left + width, base + 0.2 * size)


def segments(root):
    """The straight pieces of all drawn lines."""
    for element in root.iter(f"{SVG}polyline"):
        points = [tuple(map(float, p.split(","))) for p in element.get("points").split()]
        yield from itertools.pairwise(points)


def through(segment, rectangle):
    """Whether a segment passes through a rectangle, by 60 points on it."""
    (x0, y0), (x1, y1) = segment
    left, top, right, bottom = rectangle
    steps = [k / 60 for k in range(61)]
    return any(
        left < x0 + t * (x1 - x0) < right and top < y0 + t * (y1 - y0) < bottom for t in steps
    )


def test_stored_files_are_what_the_tool_draws():
    stored = {path.stem: path.read_text(encoding="utf-8") for path in diagrams.FOLDER.iterdir()}
    assert set(stored) == set(diagrams.DIAGRAMS), "run: python tools/diagrams.py"
    for name, drawn in stored.items():
        assert drawn == diagrams.svg(name), f"run: python tools/diagrams.py {name}"


@pytest.mark.parametrize("name", diagrams.DIAGRAMS)
def test_a_diagram_says_what_it_shows(name):
    root = parsed(name)
    title, desc = root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text
    assert len(title.split()) >= 2 and len(desc.split()) >= 12
    assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"


@pytest.mark.parametrize("name", diagrams.DIAGRAMS)
def test_text_is_large_enough_and_inside(name):
    root = parsed(name)
    _, _, width, height = map(float, root.get("viewBox").split())
    assert (width, height) == (float(root.get("width")), float(root.get("height")))
    assert 600 <= width <= 720
    sizes = [float(element.get("font-size")) for element in root.iter(f"{SVG}text")]
    assert min(sizes) >= SMALLEST
    for words, (left, top, right, bottom) in texts(root):
        assert 0 < left and right < width and 0 < top and bottom < height, words


@pytest.mark.parametrize("name", diagrams.DIAGRAMS)
def test_no_text_lies_on_text_or_under_an_arrow(name):
    root = parsed(name)
    lines = list(texts(root))
    for (words, a), (others, b) in itertools.combinations(lines, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, f"{words!r} lies on {others!r}"
    for segment, (words, rectangle) in itertools.product(segments(root), lines):
        assert not through(segment, rectangle), f"a line {segment} through {words!r}"


@pytest.mark.parametrize("name", diagrams.DIAGRAMS)
def test_a_white_card_in_the_colors_of_the_book(name):
    root = parsed(name)
    card = root.find(f"{SVG}rect")
    assert card.get("fill") == "#FFFFFF" and card.get("width") == root.get("width")
    used = {
        element.get(key)
        for element in root.iter()
        for key in ("fill", "stroke", "stop-color")
        if (element.get(key) or "").startswith("#")
    }
    assert used <= {*diagrams.PALE, *diagrams.PALE.values(), "#000000"}
    for element in root.iter():
        if element.tag in (f"{SVG}text", f"{SVG}tspan") and words_of(element).strip() == "KL":
            assert element.get("fill") == diagrams.ORANGE
        if words_of(element).startswith("reconstruction") and element.tag == f"{SVG}tspan":
            assert element.get("fill") == diagrams.BLUE


def test_the_overview_names_every_placement():
    from vaelib.placements import PLACEMENTS

    words = " ".join(words for words, _ in texts(parsed("placements")))
    for name in PLACEMENTS:
        assert name in words
        assert name in diagrams.DIAGRAMS["placements"][-1]


def test_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setattr(diagrams, "FOLDER", tmp_path / "diagrams")
    diagrams.draw(["vae"])
    assert [path.name for path in diagrams.FOLDER.iterdir()] == ["vae.svg"]
    command = [sys.executable, str(ROOT / "tools" / "diagrams.py"), "no-such-picture"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2 and "no diagram no-such-picture" in result.stderr
