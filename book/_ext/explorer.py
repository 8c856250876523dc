"""The latent explorer: ``{explorer}`` puts it on a page, ``{show-beta}`` lets a sentence set it.

The directive takes ``:start:``, the KL weight to begin with, ``:compact:`` for planes, weight and
little else, and ``:name:``. Its content is the caption. Without JavaScript and in print a picture
stands there. The role has a weight of the sweep, or words and settings::

    {show-beta}`16`
    {show-beta}`where 4 and 9 meet <1; z=-1.2,0.4; only=49; shows=codes; window=4>`

``z`` is the point, ``only`` the digits that are shown, ``shows`` what the planes show: codes,
clouds or sheet, the decoded digits. It becomes a button; without JavaScript it is text. Data and
picture are made by tools/explorer_data.py.
"""

import functools
import json
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import ReferenceRole, SphinxDirective

DATA = Path(__file__).resolve().parent.parent / "_static" / "explorer-data.js"
PICTURE = "/book/_static/explorer/explorer-fallback.png"
SCRIPTS = ("decoder", "plane", "words")
SHOWS, WINDOWS = ("codes", "clouds", "sheet"), (4, 8, 14)
ALT = (
    "Three planes with the codes of 2,000 test images, coloured by digit, and in each a circle and "
    "the digit decoded at the same point of it. Those of the plain autoencoder stretch far out of "
    "the circle, its 0s lie below it, and the image is a 6. Those of the VAE of beta 1 fill the "
    "circle, and the image is a 0. At beta 16 the digits overlap, and the image is a 0, too."
)


class explorer(nodes.General, nodes.Element):
    """The place of an explorer, with the picture that stands there without JavaScript."""


class show_beta(nodes.inline):
    """Words that set the explorer of their page."""


@functools.cache
def data():
    """What tools/explorer_data.py wrote."""
    text = DATA.read_text(encoding="utf-8")
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


def betas():
    """The KL weights of the sweep, in their order."""
    return [model["beta"] for model in data()["models"] if model["beta"] is not None]


def weight(text):
    """One of the KL weights, from text."""
    found = [beta for beta in betas() if text.strip() in (str(beta), f"{beta:g}")]
    if not found:
        raise ValueError(f"the explorer has no KL weight {text!r}: choose one of {betas()}")
    return found[0]


def settings(text):
    """What a sentence sets, from text such as ``1; z=0,2; only=49``."""
    first, *rest = text.split(";")
    found = {"beta": weight(first)}
    for part in rest:
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name == "z" and len(value.split(",")) == 2:
            found["point"] = [float(z) for z in value.split(",")]
        elif name == "only" and value.isdigit():
            found["only"] = value
        elif name == "shows" and value in SHOWS:
            found["shows"] = value
        elif name == "window" and value in map(str, WINDOWS):
            found["window"] = int(value)
        else:
            raise ValueError(f"the explorer cannot be set to {part.strip()!r}")
    return found


class Explorer(SphinxDirective):
    """An explorer, and the picture in its place."""

    has_content = True
    option_spec = {"start": str, "compact": directives.flag, "name": directives.unchanged}

    def run(self):
        """The place, and in it a figure with the caption."""
        self.env.note_dependency(str(DATA))
        try:
            start = weight(self.options.get("start", "1"))
        except ValueError as error:
            raise self.error(str(error)) from error
        told = {"betas": betas(), "start": start, "point": data()["point"]}
        told["compact"] = "compact" in self.options
        place = explorer(told=json.dumps(told, separators=(",", ":")))
        place += nodes.image(uri=PICTURE, alt=ALT)
        caption = nodes.container(classes=["explorer-caption"])
        self.state.nested_parse(self.content, self.content_offset, caption)
        place += caption
        self.add_name(place)
        return [place]


class ShowBeta(ReferenceRole):
    """A weight, or words and settings."""

    def run(self):
        """The words, with their settings."""
        try:
            found = settings(self.target)
        except ValueError as error:
            message = self.inliner.reporter.error(str(error), line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        words = self.title if self.has_explicit_title else f"show beta {found['beta']:g}"
        return [show_beta(words, words, show=json.dumps(found))], []


def visit_explorer(self, node):
    self.body.append(
        self.starttag(node, "div", CLASS="explorer", **{"data-explorer": node["told"]})
    )


def visit_show(self, node):
    attributes = {"data-show": node["show"]}
    self.body.append(self.starttag(node, "span", "", CLASS="explorer-show", **attributes))


def add_scripts(app, pagename, templatename, context, doctree):
    """To the pages that have an explorer, and to no others."""
    if doctree is not None and any(doctree.findall(explorer)):
        app.add_css_file("explorer.css")
        for name in SCRIPTS:
            app.add_js_file(f"explorer-{name}.js", loading_method="defer")
        app.add_js_file("explorer.js", loading_method="defer")


def setup(app):
    app.add_node(explorer, html=(visit_explorer, lambda self, node: self.body.append("</div>\n")))
    app.add_node(show_beta, html=(visit_show, lambda self, node: self.body.append("</span>")))
    app.add_directive("explorer", Explorer)
    app.add_role("show-beta", ShowBeta())
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
