"""Draw the picture that previews of a link show: ``python tools/share_picture.py``.

1,200 by 630 pixels, as the services that show previews ask for: the name of the course, its
sentence, and the two halves of the picture of the front page.
"""

import textwrap
from pathlib import Path

import matplotlib.image as mpimg
from matplotlib.figure import Figure

STATIC = Path(__file__).resolve().parent.parent / "book" / "_static"
SENTENCE = "Variational autoencoders in Keras: run, seen failing, understood, repaired, measured."


def draw():
    """The picture, as a figure."""
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="white")
    figure.text(0.04, 0.86, "Autoencoders that run", fontsize=40, weight="bold", color="#1b1b1b")
    lines = textwrap.fill(SENTENCE, 90)
    figure.text(0.04, 0.775, lines, fontsize=18, color="#333333")
    axes = figure.add_axes((0.14, 0.0, 0.72, 0.74))
    axes.imshow(mpimg.imread(STATIC / "front.png"))
    axes.axis("off")
    return figure


if __name__ == "__main__":
    draw().savefig(STATIC / "share" / "share.png", metadata={"Software": None})
    print(f"written: {STATIC / 'share.png'}")
