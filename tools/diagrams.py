"""Draw the schematic diagrams of the course as SVG files: ``python tools/diagrams.py [NAME ...]``.

They lie in ``book/_static/diagrams``; the tests hold the stored files to what this draws.
Every diagram is an opaque white card, since the book has a dark mode. The KL term is orange
and the reconstruction loss blue in all of them; codes and clouds are purple, tensors grey.
Lengths are pixels at the width that the file states; a box is given by its middle.
"""

import argparse
from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "book" / "_static" / "diagrams"
BLUE, ORANGE, GREY, PURPLE, INK = "#0072B2", "#D55E00", "#555555", "#332288", "#1F1F1F"
PALE = {BLUE: "#E8F1F8", ORANGE: "#FBEBDD", GREY: "#F2F2F2", PURPLE: "#ECEAF4", INK: "#FFFFFF"}
ADVANCE = {False: 0.6, True: 0.61}  # estimated width of a character over the size; True: mono
DIAGRAMS = {}

# A handwritten 3, as a grid of ink from 0 to 9.
DIGIT = ("000000000", "002999400", "006001930", "000004900", "001599200", "000002930",
         "030000490", "059202920", "002999300", "000000000")  # fmt: skip


def diagram(name, width, height, title, alt):
    """Register a function that returns the parts of a diagram."""

    def register(function):
        DIAGRAMS[name] = (function, width, height, title, alt)
        return function

    return register


def svg(name):
    """The text of one SVG file."""
    function, width, height, title, alt = DIAGRAMS[name]
    heads = "".join(
        f'<marker id="head{colour[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="12" '
        f'markerHeight="12" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0.8 L10 5 L0 9.2 Z" fill="{colour}"/></marker>'
        for colour in (BLUE, ORANGE, GREY, PURPLE)
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(alt)}</desc>',
        f"<defs>{heads}</defs>",
        f'<rect width="{width}" height="{height}" rx="10" fill="#FFFFFF"/>',
        *flatten(function()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def flatten(parts):
    """The strings in nested lists, one after the other."""
    for part in parts:
        if isinstance(part, str):
            yield part
        else:
            yield from flatten(part)


def number(value):
    """A coordinate, with at most one decimal."""
    return f"{round(value, 1):g}"


def text_width(words, size, mono=False):
    """An estimate of the width of a line, on the large side."""
    return len(words) * size * ADVANCE[mono]


def text(x, y, words, size=17, colour=INK, anchor="middle", mono=False, bold=False):
    """Lines of text around the height y; a line may be a list of (words, colour)."""
    lines = words.split("\n") if isinstance(words, str) else [words]
    style = f'font-family="{"monospace" if mono else "sans-serif"}" font-size="{size}"'
    style += ' font-weight="bold"' if bold else ""
    parts = []
    for place, line in enumerate(lines):
        base = y + 0.36 * size + (place - (len(lines) - 1) / 2) * 1.25 * size
        spans = (
            escape(line)
            if isinstance(line, str)
            else "".join(f'<tspan fill="{hue}">{escape(piece)}</tspan>' for piece, hue in line)
        )
        parts.append(
            f'<text x="{number(x)}" y="{number(base)}" {style} fill="{colour}" '
            f'text-anchor="{anchor}" xml:space="preserve">{spans}</text>'
        )
    return parts


def box(x, y, width, height, words="", colour=GREY, dashed=False, fill=None, edge=2, **style):
    """A rounded box around its middle, with words in it."""
    dash = ' stroke-dasharray="6 5"' if dashed else ""
    frame = (
        f'<rect x="{number(x - width / 2)}" y="{number(y - height / 2)}" width="{number(width)}" '
        f'height="{number(height)}" rx="7" fill="{fill or PALE[colour]}" stroke="{colour}" '
        f'stroke-width="{edge}"{dash}/>'
    )
    return [frame, text(x, y, words, **style) if words else []]


def frame(left, top, right, bottom, label="", colour=GREY, **style):
    """An empty dashed frame given by its corners, with a label at its upper left."""
    style = {"size": 16, "colour": colour, "mono": True, **style}
    middle = (left + right) / 2, (top + bottom) / 2
    return [
        box(*middle, right - left, bottom - top, colour=colour, dashed=True, fill="none"),
        text(left + 10, top + 15, label, anchor="start", **style) if label else [],
    ]


def arrow(*points, colour=GREY, dashed=False, width=2.5, head=True):
    """A line through the points, with a head at the last one."""
    path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    dash = ' stroke-dasharray="7 5"' if dashed else ""
    tip = f' marker-end="url(#head{colour[1:]})"' if head else ""
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" '
        f'stroke-width="{width}"{dash}{tip}/>'
    )


def line(*points, **style):
    """An arrow without a head."""
    return arrow(*points, head=False, **style)


def cross(x, y, size=13, colour=ORANGE):
    """A cross over something that does not work."""
    return [
        line((x - size, y - size), (x + size, y + size), colour=colour, width=5),
        line((x - size, y + size), (x + size, y - size), colour=colour, width=5),
    ]


def ellipse(x, y, a, b, colour, fill="none", width=2, dashed=False, opacity=1):
    """An ellipse with half-axes a and b."""
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    return (
        f'<ellipse cx="{number(x)}" cy="{number(y)}" rx="{number(a)}" ry="{number(b)}" '
        f'fill="{fill}" fill-opacity="{opacity:g}" stroke="{colour}" stroke-width="{width}"{dash}/>'
    )


def dot(x, y, radius=5, colour=INK):
    """A filled point."""
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{radius}" fill="{colour}"/>'


def network(x, y, width, height, words, narrows, size=17):
    """An encoder, which narrows to the right, or a decoder, which widens."""
    left, right = (0.5, 0.3) if narrows else (0.3, 0.5)
    corners = [(-0.5, -left), (0.5, -right), (0.5, right), (-0.5, left)]
    points = " ".join(f"{number(x + a * width)},{number(y + b * height)}" for a, b in corners)
    shape = (
        f'<polygon points="{points}" fill="{PALE[GREY]}" stroke="{GREY}" stroke-width="2" '
        f'stroke-linejoin="round"/>'
    )
    return [shape, text(x, y, words, size)]


def picture(x, y, height=76, blurred=False):
    """An image of a digit, or its somewhat blurred reconstruction."""
    ink = [[int(level) / 9 for level in row] for row in DIGIT]
    rows, columns = len(ink), len(ink[0])
    if blurred:
        padded = [[0] * (columns + 2), *([0, *row, 0] for row in ink), [0] * (columns + 2)]
        ink = [
            [
                0.55 * padded[i + 1][j + 1]
                + 0.11 * (padded[i][j + 1] + padded[i + 2][j + 1])
                + 0.11 * (padded[i + 1][j] + padded[i + 1][j + 2])
                for j in range(columns)
            ]
            for i in range(rows)
        ]
    cell = height / rows
    left, top = x - columns * cell / 2, y - height / 2
    pixels = [
        f'<rect x="{number(left + j * cell)}" y="{number(top + i * cell)}" '
        f'width="{number(cell + 0.2)}" height="{number(cell + 0.2)}" '
        f'fill="#000000" fill-opacity="{level:.2f}"/>'
        for i, row in enumerate(ink)
        for j, level in enumerate(row)
        if level > 0.01
    ]
    return [box(x, y, columns * cell, height, fill="#FFFFFF"), pixels]


@diagram(
    "autoencoder", 720, 300, "An autoencoder",
    "An encoder squeezes an image into a code z of two numbers, a decoder makes a reconstruction "
    "from the code; the loss, in blue, compares the reconstruction with the image.",
)  # fmt: skip
def autoencoder():
    """Image, encoder, code, decoder, reconstruction, and what is compared."""
    y = 105
    return [
        text(62, 40, "image"), picture(62, y, 84),
        arrow((102, y), (138, y)),
        network(202, y, 126, 110, "encoder", narrows=True, size=20),
        arrow((266, y), (302, y)),
        text(360, 40, "code"),
        box(360, y, 112, 64, colour=PURPLE),
        text(360, y - 12, "z", 20, mono=True), text(360, y + 14, "2 numbers", 16),
        arrow((417, y), (453, y)),
        network(518, y, 126, 110, "decoder", narrows=False, size=20),
        arrow((582, y), (616, y)),
        text(642, 40, "reconstruction"), picture(658, y, 84, blurred=True),
        arrow((62, y + 46), (62, 230), (207, 230), colour=BLUE),
        arrow((658, y + 46), (658, 230), (513, 230), colour=BLUE),
        box(360, 230, 300, 74, colour=BLUE),
        text(360, 216, "reconstruction loss", 19, BLUE, bold=True),
        text(360, 244, "compares the two", 17),
    ]  # fmt: skip


@diagram(
    "vae", 720, 480, "A variational autoencoder and its two losses",
    "The encoder turns an image into mu and log_var; a draw z, fed by epsilon from N(0, I), goes "
    "to the decoder, which makes the reconstruction. The KL term, in orange, compares mu and "
    "log_var with the prior N(0, I); the reconstruction loss, in blue, compares the "
    "reconstruction with the image; the loss is reconstruction plus beta times KL.",
)  # fmt: skip
def vae():
    """The data flow, with the two losses at their places."""
    y = 205
    return [
        box(290, 58, 270, 66, colour=ORANGE),
        text(290, 45, "KL", 20, ORANGE, bold=True), text(290, 72, "how far from the prior?", 17),
        box(575, 58, 130, 66, "prior\nN(0, I)", size=17),
        arrow((509, 58), (428, 58), colour=ORANGE),
        arrow((290, 146), (290, 94), colour=ORANGE),
        box(290, y, 116, 116, colour=ORANGE, dashed=True, fill="#FFFFFF"),
        text(54, y - 66, "image"), picture(54, y, 76),
        arrow((90, y), (112, y)),
        network(162, y, 98, 104, "encoder", narrows=True, size=18),
        arrow((213, y - 10), (238, y - 24)), arrow((213, y + 10), (238, y + 24)),
        box(290, y - 27, 98, 40, "mu", mono=True, size=18),
        box(290, y + 27, 98, 40, "log_var", mono=True, size=18),
        arrow((341, y - 24), (379, y - 8)), arrow((341, y + 24), (379, y + 8)),
        box(424, y, 86, 58, colour=PURPLE),
        text(424, y - 12, "draw"), text(424, y + 12, "z", 19, mono=True),
        text(424, 303, "epsilon", 17, mono=True), text(424, 325, "from N(0, I)", 16),
        arrow((424, 288), (424, 240)),
        arrow((469, y), (497, y)),
        network(548, y, 98, 104, "decoder", narrows=False, size=18),
        arrow((599, y), (628, y)),
        text(640, y - 66, "reconstruction"), picture(666, y, 76, blurred=True),
        arrow((54, y + 43), (54, 382), (217, 382), colour=BLUE),
        arrow((666, y + 43), (666, 382), (503, 382), colour=BLUE),
        box(360, 382, 280, 44, colour=BLUE),
        text(360, 382, "reconstruction loss", 19, BLUE, bold=True),
        text(360, 446, [("loss = ", INK), ("reconstruction", BLUE), (" + beta * ", INK),
             ("KL", ORANGE)], 19, mono=True, bold=True),
    ]  # fmt: skip


def heads_above(y, left, right):
    """mu and log_var as boxes side by side."""
    return [
        box(left, y, 104, 44, "mu", mono=True, size=18),
        box(right, y, 104, 44, "log_var", mono=True, size=18),
    ]


@diagram(
    "reparameterization", 720, 440, "The reparameterization of the draw",
    "Left: z is drawn by a step that cannot be differentiated, and the gradient stops there. "
    "Right: z = mu + exp(log_var / 2) * epsilon, where epsilon enters from the side, and the "
    "gradient passes through to mu and log_var.",
)  # fmt: skip
def reparameterization():
    """The gradient's way back, without and with the reparameterization."""
    up = {"colour": BLUE, "dashed": True, "width": 3}
    return [
        line((288, 30), (288, 378), width=1.5),
        text(144, 46, "An opaque draw", 20, bold=True),
        heads_above(112, 80, 208),
        arrow((80, 136), (80, 178)), arrow((208, 136), (208, 178)),
        box(144, 217, 236, 74, "draw z\nfrom N(mu, sigma)", size=17),
        arrow((110, 256), (110, 320)),
        box(144, 346, 104, 44, "z", PURPLE, mono=True, size=19),
        arrow((180, 322), (180, 270), **up), cross(180, 284, 11),
        text(206, 290, "stops", 17, anchor="start", bold=True),
        text(500, 46, "The reparameterization", 20, bold=True),
        heads_above(112, 370, 498),
        arrow((350, 136), (350, 178)), arrow((478, 136), (478, 178)),
        arrow((390, 176), (390, 138), **up), arrow((518, 176), (518, 138), **up),
        box(434, 217, 250, 74, "mu + exp(log_var / 2)\n* epsilon", mono=True, size=17),
        box(645, 217, 96, 74), text(645, 204, "epsilon", 17, mono=True),
        text(645, 230, "N(0, I)", 16), arrow((596, 217), (561, 217)),
        arrow((400, 256), (400, 320)),
        box(434, 346, 104, 44, "z", PURPLE, mono=True, size=19),
        arrow((470, 322), (470, 258), **up),
        text(496, 290, "passes", 17, anchor="start", bold=True),
        arrow((196, 410), (150, 410), **up),
        text(208, 410, "gradient of the reconstruction loss", 17, BLUE, anchor="start"),
    ]  # fmt: skip


def lane(top, height, heading, note, colour):
    """A band of the timeline with its heading."""
    return [
        box(360, top + height / 2, 688, height, colour=colour, fill=PALE[GREY], edge=0),
        text(32, top + 24, heading, 19, anchor="start", bold=True),
        text(32, top + 51, note, 17, GREY, anchor="start"),
    ]


def labelled(x, y, width, code, words, colour=GREY, **style):
    """A box with a line of code and a line of words."""
    return [
        box(x, y, width, 66, colour=colour, **{"fill": "#FFFFFF", **style}),
        text(x, y - 12, code, 17, mono=True),
        text(x, y + 14, words, 16),
    ]


@diagram(
    "timeline", 720, 500, "Symbols in the plan, tensors in the step",
    "Two lanes in time. In the plan, Keras builds the model and runs the call of a layer once, "
    "with symbols, which have a shape and a type but no numbers; then comes compile; in the "
    "step, which fit runs for each batch, the call of the layer runs again, with tensors, and "
    "the loss function runs with y_true and y_pred. A crossed-out arrow leads from the symbol "
    "mu of the plan to the loss function: a symbol has no number in the step.",
)  # fmt: skip
def timeline():
    """The plan above the step, and the arrow that must not cross."""
    top, low = 126, 420
    return [
        lane(16, 156, "Plan: Keras builds the model, once", "symbols: shape and type, no numbers",
             GREY),
        labelled(96, top, 124, "x", "symbol"), arrow((159, top), (187, top)),
        labelled(260, top, 142, "layer.call", "runs once"), arrow((332, top), (360, top)),
        labelled(424, top, 124, "mu", "symbol"),
        box(608, top, 160, 66, "loss function\ndoes not run", dashed=True, fill="none",
            size=17, colour=GREY),
        arrow((96, 176), (96, 212)),
        box(96, 238, 124, 44, "compile", mono=True, size=18, fill="#FFFFFF"),
        arrow((96, 261), (96, 298)),
        lane(306, 178, "Step: fit runs it for each batch", "tensors: real numbers", BLUE),
        labelled(96, low, 124, "x", "tensor"), arrow((159, low), (187, low)),
        labelled(260, low, 142, "layer.call", "runs again"), arrow((332, low), (360, low)),
        labelled(424, low, 124, "y_pred", "tensor"), arrow((487, low), (526, low)),
        box(608, low, 160, 98, colour=BLUE, fill=PALE[BLUE]),
        text(608, low - 26, "loss function"), text(608, low + 12, "y_true,\ny_pred", 17, mono=True),
        arrow((440, 162), (582, 368), colour=ORANGE, dashed=True, width=3),
        cross(511, 265, 15),
        text(330, 238, "a symbol has no number\nin the step", 18, ORANGE, bold=True),
    ]  # fmt: skip


def draw(names=None):
    """Write the named diagrams, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or DIAGRAMS:
        (FOLDER / f"{name}.svg").write_text(svg(name), encoding="utf-8", newline="\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all diagrams")
    names = parser.parse_args().names
    unknown = sorted(set(names) - set(DIAGRAMS))
    if unknown:
        parser.error(f"no diagram {', '.join(unknown)}: there are {', '.join(DIAGRAMS)}")
    draw(names)


if __name__ == "__main__":
    main()
