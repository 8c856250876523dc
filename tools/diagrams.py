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
BLUE, ORANGE, GRAY, PURPLE, INK = "#0072B2", "#D55E00", "#555555", "#332288", "#1F1F1F"
PALE = {BLUE: "#E8F1F8", ORANGE: "#FBEBDD", GRAY: "#F2F2F2", PURPLE: "#ECEAF4", INK: "#FFFFFF"}
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
        f'<marker id="head{color[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="12" '
        f'markerHeight="12" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0.8 L10 5 L0 9.2 Z" fill="{color}"/></marker>'
        for color in (BLUE, ORANGE, GRAY, PURPLE)
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


def text(x, y, words, size=17, color=INK, anchor="middle", mono=False, bold=False):
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
            f'<text x="{number(x)}" y="{number(base)}" {style} fill="{color}" '
            f'text-anchor="{anchor}" xml:space="preserve">{spans}</text>'
        )
    return parts


def box(x, y, width, height, words="", color=GRAY, dashed=False, fill=None, edge=2, **style):
    """A rounded box around its middle, with words in it."""
    dash = ' stroke-dasharray="6 5"' if dashed else ""
    frame = (
        f'<rect x="{number(x - width / 2)}" y="{number(y - height / 2)}" width="{number(width)}" '
        f'height="{number(height)}" rx="7" fill="{fill or PALE[color]}" stroke="{color}" '
        f'stroke-width="{edge}"{dash}/>'
    )
    return [frame, text(x, y, words, **style) if words else []]


def frame(left, top, right, bottom, label="", color=GRAY, **style):
    """An empty dashed frame given by its corners, with a label at its upper left."""
    style = {"size": 16, "color": color, "mono": True, **style}
    middle = (left + right) / 2, (top + bottom) / 2
    return [
        box(*middle, right - left, bottom - top, color=color, dashed=True, fill="none"),
        text(left + 10, top + 15, label, anchor="start", **style) if label else [],
    ]


def arrow(*points, color=GRAY, dashed=False, width=2.5, head=True):
    """A line through the points, with a head at the last one."""
    path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    dash = ' stroke-dasharray="7 5"' if dashed else ""
    tip = f' marker-end="url(#head{color[1:]})"' if head else ""
    return (
        f'<polyline points="{path}" fill="none" stroke="{color}" '
        f'stroke-width="{width}"{dash}{tip}/>'
    )


def line(*points, **style):
    """An arrow without a head."""
    return arrow(*points, head=False, **style)


def cross(x, y, size=13, color=ORANGE):
    """A cross over something that does not work."""
    return [
        line((x - size, y - size), (x + size, y + size), color=color, width=5),
        line((x - size, y + size), (x + size, y - size), color=color, width=5),
    ]


def ellipse(x, y, a, b, color, fill="none", width=2, dashed=False, opacity=1):
    """An ellipse with half-axes a and b."""
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    return (
        f'<ellipse cx="{number(x)}" cy="{number(y)}" rx="{number(a)}" ry="{number(b)}" '
        f'fill="{fill}" fill-opacity="{opacity:g}" stroke="{color}" stroke-width="{width}"{dash}/>'
    )


def dot(x, y, radius=5, color=INK):
    """A filled point."""
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{radius}" fill="{color}"/>'


def network(x, y, width, height, words, narrows, size=17):
    """An encoder, which narrows to the right, or a decoder, which widens."""
    left, right = (0.5, 0.3) if narrows else (0.3, 0.5)
    corners = [(-0.5, -left), (0.5, -right), (0.5, right), (-0.5, left)]
    points = " ".join(f"{number(x + a * width)},{number(y + b * height)}" for a, b in corners)
    shape = (
        f'<polygon points="{points}" fill="{PALE[GRAY]}" stroke="{GRAY}" stroke-width="2" '
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
        box(360, y, 112, 64, color=PURPLE),
        text(360, y - 12, "z", 20, mono=True), text(360, y + 14, "2 numbers", 16),
        arrow((417, y), (453, y)),
        network(518, y, 126, 110, "decoder", narrows=False, size=20),
        arrow((582, y), (616, y)),
        text(642, 40, "reconstruction"), picture(658, y, 84, blurred=True),
        arrow((62, y + 46), (62, 230), (207, 230), color=BLUE),
        arrow((658, y + 46), (658, 230), (513, 230), color=BLUE),
        box(360, 230, 300, 74, color=BLUE),
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
        box(290, 58, 270, 66, color=ORANGE),
        text(290, 45, "KL", 20, ORANGE, bold=True), text(290, 72, "how far from the prior?", 17),
        box(575, 58, 130, 66, "prior\nN(0, I)", size=17),
        arrow((509, 58), (428, 58), color=ORANGE),
        arrow((290, 146), (290, 94), color=ORANGE),
        box(290, y, 116, 116, color=ORANGE, dashed=True, fill="#FFFFFF"),
        text(54, y - 66, "image"), picture(54, y, 76),
        arrow((90, y), (112, y)),
        network(162, y, 98, 104, "encoder", narrows=True, size=18),
        arrow((213, y - 10), (238, y - 24)), arrow((213, y + 10), (238, y + 24)),
        box(290, y - 27, 98, 40, "mu", mono=True, size=18),
        box(290, y + 27, 98, 40, "log_var", mono=True, size=18),
        arrow((341, y - 24), (379, y - 8)), arrow((341, y + 24), (379, y + 8)),
        box(424, y, 86, 58, color=PURPLE),
        text(424, y - 12, "draw"), text(424, y + 12, "z", 19, mono=True),
        text(424, 303, "epsilon", 17, mono=True), text(424, 325, "from N(0, I)", 16),
        arrow((424, 288), (424, 240)),
        arrow((469, y), (497, y)),
        network(548, y, 98, 104, "decoder", narrows=False, size=18),
        arrow((599, y), (628, y)),
        text(640, y - 66, "reconstruction"), picture(666, y, 76, blurred=True),
        arrow((54, y + 43), (54, 382), (217, 382), color=BLUE),
        arrow((666, y + 43), (666, 382), (503, 382), color=BLUE),
        box(360, 382, 280, 44, color=BLUE),
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
    up = {"color": BLUE, "dashed": True, "width": 3}
    return [
        line((288, 30), (288, 378), width=1.5),
        text(144, 46, "An opaque draw", 20, bold=True),
        heads_above(112, 80, 208),
        arrow((80, 136), (80, 178)), arrow((208, 136), (208, 178)),
        box(144, 217, 236, 74, "draw z\nfrom N(mu, sigma²)", size=17),
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


def lane(top, height, heading, note, color):
    """A band of the timeline with its heading."""
    return [
        box(360, top + height / 2, 688, height, color=color, fill=PALE[GRAY], edge=0),
        text(32, top + 24, heading, 19, anchor="start", bold=True),
        text(32, top + 51, note, 17, GRAY, anchor="start"),
    ]


def labeled(x, y, width, code, words, color=GRAY, **style):
    """A box with a line of code and a line of words."""
    return [
        box(x, y, width, 66, color=color, **{"fill": "#FFFFFF", **style}),
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
             GRAY),
        labeled(96, top, 124, "x", "symbol"), arrow((159, top), (187, top)),
        labeled(260, top, 142, "layer.call", "runs once"), arrow((332, top), (360, top)),
        labeled(424, top, 124, "mu", "symbol"),
        box(608, top, 160, 66, "loss function\ndoes not run", dashed=True, fill="none",
            size=17, color=GRAY),
        arrow((96, 176), (96, 212)),
        box(96, 238, 124, 44, "compile", mono=True, size=18, fill="#FFFFFF"),
        arrow((96, 261), (96, 298)),
        lane(306, 178, "Step: fit runs it for each batch", "tensors: real numbers", BLUE),
        labeled(96, low, 124, "x", "tensor"), arrow((159, low), (187, low)),
        labeled(260, low, 142, "layer.call", "runs again"), arrow((332, low), (360, low)),
        labeled(424, low, 124, "y_pred", "tensor"), arrow((487, low), (526, low)),
        box(608, low, 160, 98, color=BLUE, fill=PALE[BLUE]),
        text(608, low - 26, "loss function"), text(608, low + 12, "y_true,\ny_pred", 17, mono=True),
        arrow((440, 162), (582, 368), color=ORANGE, dashed=True, width=3),
        cross(511, 265, 15),
        text(330, 238, "a symbol has no number\nin the step", 18, ORANGE, bold=True),
    ]  # fmt: skip


# The miniatures share this frame: 640 wide, one line of code below.
MINI = 640, 300
LOSS = (510, 218)  # middle of the box where the loss is summed


def miniature(code, inside, wall="fit", vae_top=40, output=True):
    """The small drawing of the VAE that all placements share; ``inside`` marks the place."""
    y = 122
    return [
        frame(12, 10, 628, 252, wall) if wall else [],
        frame(54, vae_top, 566, 178, "vae"),
        inside,
        text(32, y, "x", 16, mono=True), arrow((41, y), (62, y)),
        network(103, y, 80, 84, "encoder", narrows=True, size=16),
        network(432, y, 80, 84, "decoder", narrows=False, size=16),
        box(345, y, 56, 44, "draw", size=16), arrow((374, y), (390, y)),
        [arrow((473, y), (489, y)), box(522, y, 64, 40, "x_hat", mono=True, size=16),
         arrow((522, 143), (522, 195), color=BLUE)] if output else [],
        box(*LOSS, 92, 42, "loss", size=17),
        text(320, 278, code, 17, mono=True),
    ]  # fmt: skip


def two_heads():
    """mu and log_var between the encoder and the draw."""
    return [
        arrow((144, 114), (160, 103)), arrow((144, 130), (160, 141)),
        box(202, 98, 82, 36, "mu", mono=True, size=16),
        box(202, 146, 82, 36, "log_var", mono=True, size=16),
    ]  # fmt: skip


def to_the_draw():
    """The way of mu and log_var to the draw."""
    return [arrow((244, 98), (316, 115)), arrow((244, 146), (316, 129))]


def kl_box(x, y, width=56, height=42):
    """The place of the KL term."""
    return [box(x, y, width, height, color=ORANGE), text(x, y, "KL", 18, ORANGE, bold=True)]


def kl_below():
    """The KL term computed below the model, from what the heads give."""
    return [
        arrow((202, 165), (202, 218), (268, 218)),
        kl_box(300, 218), arrow((329, 218), (462, 218), color=ORANGE),
    ]  # fmt: skip


def placement(name, alt, label):
    """Register a miniature of a placement."""
    return diagram(f"placement-{name}", *MINI, f"Where the KL term enters: {label}", alt)


@placement(
    "encoder-layer",
    "The small VAE, with the KL term in a layer of its own between mu and log_var on the left "
    "and the draw on the right; the layer adds it to the loss.",
    "a layer at the end of the encoder",
)
def placement_encoder_layer():
    """A layer between the heads and the draw."""
    place = [
        two_heads(),
        arrow((244, 98), (258, 107)), arrow((244, 146), (258, 137)),
        arrow((301, 113), (316, 115)), arrow((301, 131), (316, 129)),
        kl_box(280, 122, 42, 80),
        arrow((280, 163), (280, 218), (462, 218), color=ORANGE),
    ]  # fmt: skip
    return miniature("self.add_loss(beta * kl)", place)


@placement(
    "endpoint-layer",
    "The small VAE, with the KL term in a last layer that is given the image x, mu, log_var and "
    "the reconstruction; the layer adds it to the loss.",
    "a last layer that is given all tensors",
)
def placement_endpoint_layer():
    """A last layer that gets the image, both heads and the reconstruction."""
    place = [
        two_heads(), to_the_draw(),
        arrow((48, 122), (48, 70), (522, 70), (522, 87)),
        arrow((202, 165), (202, 171), (480, 171), (480, 148), (491, 148)),
        arrow((473, 122), (491, 122)),
        kl_box(522, 125, 60, 72),
        arrow((510, 162), (510, 195), color=BLUE), arrow((534, 162), (534, 195), color=ORANGE),
    ]  # fmt: skip
    return miniature("add_objective([mu, log_var, x, x_hat])", place, output=False)


@placement(
    "outputs",
    "The small VAE, whose mu and log_var go past the decoder and become a second output of the "
    "model beside the reconstruction; the KL term is the loss of that output.",
    "an output with a loss of its own",
)
def placement_outputs():
    """mu and log_var as a further output."""
    place = [
        two_heads(), to_the_draw(),
        arrow((202, 79), (202, 61), (430, 61)),
        box(496, 61, 128, 30, "mu, log_var", mono=True, size=16),
        arrow((561, 61), (598, 61), (598, 120)),
        kl_box(598, 144, 48, 44),
        arrow((598, 167), (598, 218), (559, 218), color=ORANGE),
    ]  # fmt: skip
    return miniature('loss={"reconstruction": ..., "kl": kl}', place)


@placement(
    "model-loss",
    "The small VAE; the KL term, computed from mu and log_var, is attached to the model as a "
    "whole, whose frame is orange, and added to the loss.",
    "the loss of the whole model",
)
def placement_model_loss():
    """The whole model adds the KL term."""
    place = [
        frame(54, 40, 566, 178, color=ORANGE), two_heads(), to_the_draw(),
        kl_box(300, 178), arrow((202, 165), (202, 190), (268, 190)),
        arrow((300, 200), (300, 218), (462, 218), color=ORANGE),
    ]  # fmt: skip
    return miniature("vae.add_loss(beta * kl)", place)


@placement(
    "compute-loss",
    "The small VAE; the KL term is computed below it, beside the loss, in an orange frame "
    "compute_loss inside of fit.",
    "the model's compute_loss",
)
def placement_compute_loss():
    """The method in which fit computes the loss."""
    place = [
        two_heads(), to_the_draw(), kl_below(),
        frame(252, 190, 612, 246, color=ORANGE),
        text(395, 203, "compute_loss", 16, ORANGE, mono=True),
    ]  # fmt: skip
    return miniature("vae.compute_loss(x, y, y_pred)", place)


@placement(
    "training-step",
    "The small VAE, its loss and the KL term together in an orange frame train_step inside of "
    "fit: the step itself computes the KL term.",
    "the training step",
)
def placement_training_step():
    """The training step around everything, inside fit."""
    place = [
        two_heads(), to_the_draw(), kl_below(),
        frame(22, 38, 618, 246, color=ORANGE),
        text(32, 232, "train_step", 16, ORANGE, "start", mono=True),
    ]  # fmt: skip
    return miniature("with tf.GradientTape() as tape: ...", place, vae_top=48)


@placement(
    "custom-loop",
    "The small VAE, its loss and the KL term in an orange frame, a loop over the batches that is "
    "written by hand; there is no fit around it.",
    "a loop written by hand",
)
def placement_custom_loop():
    """A loop without fit."""
    place = [
        two_heads(), to_the_draw(), kl_below(),
        frame(12, 10, 628, 252, "a loop by hand, no fit", ORANGE, mono=False),
    ]  # fmt: skip
    return miniature("for x in batches: ...", place, wall="")


@placement(
    "distributions",
    "The small VAE, whose encoder gives a distribution q(z|x) instead of two heads; the KL term "
    "sits on that distribution and is added to the loss.",
    "a distribution as the encoder's output",
)
def placement_distributions():
    """A layer whose output is a distribution."""
    place = [
        arrow((144, 122), (164, 122)), arrow((264, 122), (316, 122)),
        box(214, 122, 100, 84, color=PURPLE),
        text(214, 102, "q(z|x)", 17, bold=True),
        kl_box(214, 142, 52, 36),
        arrow((214, 161), (214, 218), (462, 218), color=ORANGE),
    ]  # fmt: skip
    return miniature("KLDivergenceRegularizer(prior, weight=...)", place)


def badge(x, y, figure):
    """A number in an orange disc: a place of the KL term."""
    return [dot(x, y, 14, ORANGE), text(x, y, str(figure), 17, "#FFFFFF", bold=True)]


PLACES = (
    ("encoder_layer", "a layer behind the heads"),
    ("tfp_add_loss, tfp_regularizer", "a distribution as output"),
    ("outputs", "an output of its own"),
    ("endpoint_layer", "a last layer, given all"),
    ("model_add_loss, model_call", "the whole model"),
    ("compute_loss", "where fit computes the loss"),
    ("train_step", "the step"),
    ("custom_loop", "the loop"),
)


@diagram(
    "placements", 720, 640, "Every place where the KL term can enter",
    "One VAE with eight numbered places of the KL term: 1 a layer behind the heads "
    "(encoder_layer), 2 a distribution (tfp_add_loss, tfp_regularizer), 3 an output of its own "
    "(outputs), 4 a last layer that is given all tensors (endpoint_layer), 5 the whole model "
    "(model_add_loss, model_call), 6 compute_loss, 7 the training step (train_step), 8 a loop "
    "written by hand (custom_loop).",
)  # fmt: skip
def placements():
    """The ten names of vaelib.placements, grouped at their places."""
    y = 180
    drawing = [
        frame(14, 14, 706, 378, "fit, or a loop by hand", mono=False), badge(262, 29, 8),
        frame(30, 48, 690, 364, "train_step"), badge(170, 63, 7),
        frame(64, 84, 660, 282, "vae"), badge(362, 282, 5),
        text(44, y, "x", 17, mono=True), arrow((53, y), (72, y)),
        network(122, y, 96, 100, "encoder", narrows=True),
        arrow((171, y - 10), (190, y - 22)), arrow((171, y + 10), (190, y + 22)),
        box(238, y - 29, 92, 40, "mu", mono=True),
        box(238, y + 29, 92, 40, "log_var", mono=True),
        arrow((285, y - 26), (378, y - 7)), arrow((285, y + 26), (378, y + 7)), badge(326, y, 1),
        line((238, y + 50), (238, y + 62), width=2), badge(238, y + 72, 2),
        box(410, y, 60, 48, "draw"), arrow((441, y), (460, y)),
        network(508, y, 94, 100, "decoder", narrows=False), arrow((556, y), (574, y)),
        box(607, y, 64, 44, "x_hat", mono=True),
        arrow((238, y - 50), (238, 113), (590, 113)), badge(607, 113, 3),
        line((607, 203), (607, 226), color=BLUE), badge(607, 240, 4),
        arrow((607, 254), (607, 298), color=BLUE),
        box(607, 322, 104, 46, "loss", size=18),
        badge(557, 322, 6),
    ]  # fmt: skip
    legend = []
    for place, (names, words) in enumerate(PLACES):
        x, top = 40 + 345 * (place // 4), 412 + 58 * (place % 4)
        legend += [
            badge(x, top, place + 1),
            text(x + 24, top - 2, names, 16, INK, "start", True, True),
            text(x + 24, top + 20, words, 16, GRAY, "start"),
        ]
    return [drawing, legend]


# Clouds of the diagram below: middle and half-axes, in units of the prior's sigma.
CLOUDS = (
    (-1.5, 0.5, 0.30, 0.36), (-0.9, 1.2, 0.36, 0.28), (-0.2, 0.6, 0.26, 0.30),
    (0.6, 1.4, 0.34, 0.28), (1.3, 0.8, 0.30, 0.38), (0.5, 0.1, 0.28, 0.24),
    (1.5, -0.4, 0.36, 0.28), (0.8, -1.0, 0.28, 0.34), (0.0, -1.5, 0.38, 0.28),
    (-0.3, -0.5, 0.26, 0.26), (-1.0, -0.2, 0.30, 0.26), (-1.1, -1.2, 0.32, 0.36),
)  # fmt: skip


@diagram(
    "clouds", 720, 352, "Clouds, prior and aggregate posterior",
    "Three panels on the same axes, schematic. Left: twelve small clouds q(z|x), one for each "
    "image. Middle: the prior N(0, I), one round cloud around the origin. Right: the aggregate "
    "posterior q(z), the average of the clouds, which covers about the same place as the prior "
    "but not evenly.",
)  # fmt: skip
def clouds():
    """The same axes three times: many clouds, the prior, the average."""
    y, unit, parts = 170, 44, []
    shade = "".join(
        f'<stop offset="{place}" stop-color="{PURPLE}" stop-opacity="{strength}"/>'
        for place, strength in ((0, 0.62), (0.35, 0.42), (0.7, 0.13), (1, 0))
    )
    parts.append(f'<defs><radialGradient id="shade">{shade}</radialGradient></defs>')
    panels = (
        (126, "q(z|x)", "a cloud for each image"),
        (360, "N(0, I)", "the prior"),
        (594, "q(z)", "the average of them"),
    )
    for x, symbol, words in panels:
        parts += [
            box(x, y, 216, 216, fill="#FFFFFF", edge=1),
            line((x - 104, y), (x + 104, y), width=0.8),
            line((x, y - 104), (x, y + 104), width=0.8),
            text(x, 34, symbol, 20, INK, bold=True), text(x, 302, words, 17),
        ]  # fmt: skip
    parts += [
        ellipse(126 + unit * a, y - unit * b, unit * u, unit * v, PURPLE, PALE[PURPLE], 2)
        for a, b, u, v in CLOUDS
    ]
    parts += [
        ellipse(360, y, unit * r, unit * r, GRAY, GRAY, 2, opacity=0.14) for r in (2.1, 1.4, 0.7)
    ]
    parts += [
        ellipse(594 + unit * a, y - unit * b, 2.1 * unit * u, 2.1 * unit * v, "none", "url(#shade)")
        for a, b, u, v in CLOUDS
    ]
    parts.append(ellipse(594, y, 2.1 * unit, 2.1 * unit, GRAY, dashed=True))
    parts.append(text(594, 329, "dashed: the prior", 16, GRAY))
    return [*parts, text(126, 329, "schematic", 16, GRAY)]


def trade_off(rate):
    """A convex, falling distortion, and its slope; schematic, both from 0 to 1."""
    return 0.13 / (rate + 0.12), -0.13 / (rate + 0.12) ** 2


@diagram(
    "tangent", 720, 415, "The weight beta is the slope of a tangent",
    "Schematic: the distortion falls with the rate along a convex curve. A line of slope minus "
    "beta touches the curve at the point that training finds; a steeper line, of a larger beta, "
    "touches it further left, where the rate is lower and the distortion higher.",
)  # fmt: skip
def tangent():
    """A rate-distortion curve with two tangents."""

    def at(rate, distortion):
        return 40 + 636 * rate, 360 - 320 * distortion

    curve = [at(k / 100, trade_off(k / 100)[0]) for k in range(1, 101)]
    parts = [
        arrow((40, 360), (40, 22)), arrow((40, 360), (700, 360)),
        text(370, 390, "rate: the KL term", 19, ORANGE, bold=True),
        text(696, 390, "schematic", 16, GRAY, "end"),
        text(76, 30, "distortion: the reconstruction loss", 19, BLUE, "start", bold=True),
        line(*curve, color=INK, width=3.5),
    ]  # fmt: skip
    for rate, right, dashed in ((0.5, 1.0, False), (0.18, 0.44, True)):
        distortion, slope = trade_off(rate)
        ends = [at(r, distortion + slope * (r - rate)) for r in (0.012, right)]
        parts += [
            line(*ends, color=PURPLE, dashed=dashed, width=2.5),
            dot(*at(rate, distortion), 7),
        ]
    return [
        *parts,
        text(180, 206, "larger beta: a steeper line,\nlower rate, higher distortion", 17,
             anchor="start"),
        text(376, 268, "training finds the point where\na line of slope -beta touches", 17,
             anchor="start"),
    ]  # fmt: skip


@diagram(
    "dead-end", 720, 430, "A layer that nobody uses is not in the plan",
    "Left: the layer add_kl branches off and its output goes nowhere; Keras keeps only layers on "
    "a path from input to output, so the KL term is lost without an error. Right: mu and log_var "
    "pass through add_kl to the draw, so the layer is in the plan, and the KL term in the loss.",
)  # fmt: skip
def dead_end():
    """The dead end, and the layer that hands on."""
    heads, style = "mu, log_var", {"mono": True, "size": 17}
    return [
        line((360, 30), (360, 400), width=1.5),
        text(180, 42, "A dead end: lost", 20, bold=True),
        box(116, 96, 150, 44, heads, **style), arrow((116, 119), (116, 218)),
        box(116, 242, 150, 44, "draw", size=18), arrow((116, 265), (116, 302)),
        box(116, 326, 150, 44, "decoder", size=18),
        arrow((192, 96), (276, 96), (276, 144), color=ORANGE, dashed=True),
        box(276, 168, 120, 44, "add_kl", ORANGE, True, fill="#FFFFFF", **style),
        line((276, 191), (276, 232), color=ORANGE, dashed=True), cross(276, 240, 11),
        text(276, 284, "nobody uses\nits output", 17),
        text(180, 388, "not in the plan: no KL, no error", 17, bold=True),
        text(540, 42, "Handed on: kept", 20, bold=True),
        box(540, 96, 150, 44, heads, **style), arrow((540, 119), (540, 144)),
        box(540, 168, 150, 44, "add_kl", ORANGE, **style), arrow((540, 191), (540, 218)),
        box(540, 242, 150, 44, "draw", size=18), arrow((540, 265), (540, 302)),
        box(540, 326, 150, 44, "decoder", size=18),
        text(540, 388, "in the plan: KL in the loss", 17, bold=True),
    ]  # fmt: skip


RULE = (
    ("1  Estimate", "one number\nfor each image", "1 per image", "1 per image"),
    ("2  Mean", "over the axes\nthat you name", "skipped", "skipped"),
    ("3  Sum", "what is left,\ntimes weight", "x N", "x N"),
    ("4  Add", "layer: once\nregularizer:\ntwice, / N", "x 1", "x 2 / N"),
)


@diagram(
    "tfp-rule", 720, 420, "What multiple of the KL a layer of TFP adds",
    "Four boxes: 1 estimate one number for each image; 2 take the mean over the axes that you "
    "name, which the exact KL skips; 3 sum what is left, times weight; 4 the layer adds it once, "
    "the regularizer divides by the batch size N and adds it twice. With the exact KL, a weight "
    "of 1 and N images, KLDivergenceAddLoss adds N times the mean KL, KLDivergenceRegularizer "
    "twice the mean KL.",
)  # fmt: skip
def tfp_rule():
    """The four steps, and what each contributes for the exact KL."""
    parts = [text(360, 34, "Exact KL, weight 1, a batch of N images", 19, bold=True)]
    for place, (heading, words, layer, regularizer) in enumerate(RULE):
        x = 96 + 176 * place
        parts += [
            box(x, 126, 148, 128),
            text(x, 84, heading, 18, bold=True), text(x, 137, words, 17),
            text(x, 274, layer.replace("x ", "× "), 19),
            text(x, 384, regularizer.replace("x ", "× "), 19),
        ]  # fmt: skip
        parts += [arrow((x - 101, 126), (x - 76, 126))] if place else []
    for y, tool, total in (
        (234, "KLDivergenceAddLoss", "N × mean KL"),
        (344, "KLDivergenceRegularizer", "2 × mean KL"),
    ):
        parts += [
            line((22, y - 22), (698, y - 22), width=1),
            text(22, y, tool, 17, INK, "start", True),
            text(698, y, total, 19, ORANGE, "end", bold=True),
        ]
    return parts


@diagram(
    "held", 720, 380, "The heads held, the decoder held",
    "The VAE, with three layers that put out constants, as their kernels are 0: mu gives c, "
    "log_var gives s, and the last layer of the decoder gives one grey, for every image. So the "
    "reconstruction, in blue, stays the same, and what the loss does with c and s is the KL term, "
    "in orange. What the decoder reads, z, is c plus the noise.",
)  # fmt: skip
def held():
    """A VAE under examination: what is held, and what is then read where."""
    y = 142
    still = {"color": INK, "fill": "#FFFFFF", "edge": 3, "size": 17}
    return [
        text(262, 40, "held:\nkernel 0, bias c and s", 16),
        text(571, 40, "held:\nkernel 0, bias g", 16),
        picture(44, y, 70), arrow((78, y), (98, y)),
        network(146, y, 92, 104, "encoder", narrows=True, size=17),
        arrow((193, y - 10), (208, y - 22)), arrow((193, y + 10), (208, y + 22)),
        box(262, y - 26, 106, 40, "mu = c", mono=True, **still),
        box(262, y + 26, 106, 40, "log_var = s", mono=True, **{**still, "size": 14}),
        arrow((317, y - 22), (340, y - 8)), arrow((317, y + 22), (340, y + 8)),
        box(372, y, 60, 48, "draw", size=17), arrow((403, y), (426, y), color=PURPLE),
        network(478, y, 100, 104, "decoder", narrows=False, size=17),
        box(571, y, 76, 104, "last\nlayer", **still), arrow((529, y), (532, y), head=False),
        arrow((610, y), (638, y)), box(670, y, 62, 70, color=GRAY, fill=PALE[GRAY]),
        text(670, y, "grey", 17),
        text(415, 222, [("z", PURPLE)], 18, mono=True), text(415, 246, "= c + noise", 16, PURPLE),
        arrow((415, 208), (415, y + 6), color=PURPLE, dashed=True),
        arrow((262, 190), (262, 292), color=ORANGE),
        box(262, 318, 56, 46, color=ORANGE), text(262, 318, "KL", 19, ORANGE, bold=True),
        text(156, 318, "moves with\nc and s", 17, ORANGE),
        arrow((291, 318), (421, 318), color=ORANGE),
        box(470, 318, 96, 50, "loss", size=19),
        arrow((670, 179), (670, 318), (519, 318), color=BLUE),
        text(594, 345, "reconstruction", 17, BLUE), text(594, 366, "stays the same", 17, BLUE),
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
