"""Fill the table of the page "Convert a KL weight" by the page's own script, and add its scripts.

``<!-- conversions -->`` becomes one row for each loss of ROWS. The formulas stand in
book/_static/conversions.js alone; here they are run in the engine of a browser.
"""

import json
from pathlib import Path

from script_engine import engine

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "book" / "_static" / "conversions.js"
PAGE = "book/conversions"
DIGITS = {"height": 28, "width": 28, "channels": 1}
COLOUR = {"height": 64, "width": 64, "channels": 3}
# As a loss is written where nothing else is said.
PLAIN = {
    "error": "bce", "pixels": "sum", "reconstruction_weight": 1,
    "bracket": "half", "dimensions": "sum", "kl_weight": 1,
}  # fmt: skip
MEAN = {"pixels": "mean"}
SERIES = {**MEAN, "dimensions": "mean", "bracket": "whole", "kl_weight": 6.5e-4}
SQUARED = {**MEAN, "error": "squared"}
# What stands in the code; the sizes; what differs from PLAIN.
ROWS = [
    ("mean BCE + `fact` 6.5e-4, as the series writes it", DIGITS, 2, SERIES),
    ("the same `fact`, more dimensions", DIGITS, 12, SERIES),
    ("sum of BCE + KL: the ELBO", DIGITS, 2, {}),
    ('`loss="binary_crossentropy"` + KL', DIGITS, 2, MEAN),
    ('`loss="binary_crossentropy"` + 0.001 KL', DIGITS, 2, {**MEAN, "kl_weight": 1e-3}),
    ("the same in colour", COLOUR, 2, {**MEAN, "kl_weight": 1e-3}),
    ("784 * mean BCE + KL", DIGITS, 2, {**MEAN, "reconstruction_weight": 784}),
    ("Keras' BCE of images, summed over rows and columns, + KL", COLOUR, 2,
     {"pixels": "channels"}),
    ("sum of BCE + mean of KL over `z_dim`", DIGITS, 16, {"dimensions": "mean"}),
    ("BCE summed over a batch of 128, too, + KL", DIGITS, 2, {"pixels": "batch", "images": 128}),
    ("`mse` + KL", DIGITS, 2, SQUARED),
    ("`mse` + 0.001 KL", DIGITS, 2, {**SQUARED, "kl_weight": 1e-3}),
    ("1000 * `mse` + KL", DIGITS, 2, {**SQUARED, "reconstruction_weight": 1000}),
    ("half of the summed squared error + KL", DIGITS, 2, {"error": "half"}),
]  # fmt: skip


def rows():
    """Words, the loss as conversions.js takes it, and what that finds: beta, constant, s."""
    browser = engine(SCRIPT)
    found = []
    for words, sizes, z_dim, written in ROWS:
        loss = {**PLAIN, **sizes, "z_dim": z_dim, **written}
        answer = browser.eval(f"JSON.stringify(Conversions.beta({json.dumps(loss)}))")
        found.append((words, loss, json.loads(answer)))
    return found


def table_as_markdown():
    """A table: the loss, the sizes, beta, and s where the error is squared."""
    lines = ["| Loss | Image | `z_dim` | beta | noise $s$ |", "|---|---|--:|--:|--:|"]
    for words, loss, found in rows():
        image = f"{loss['height']} x {loss['width']} x {loss['channels']}"
        noise = "" if found["s"] is None else f"{found['s']:.2f}"
        lines.append(f"| {words} | {image} | {loss['z_dim']} | {found['beta']:.3g} | {noise} |")
    return "\n".join(lines) + "\n"


def fill(app, docname, source):
    if docname == PAGE:
        app.env.note_dependency(str(SCRIPT))
        source[0] = source[0].replace("<!-- conversions -->", table_as_markdown())


def add_scripts(app, pagename, templatename, context, doctree):
    if pagename == PAGE:
        app.add_js_file("conversions.js", loading_method="defer")
        app.add_js_file("converter.js", loading_method="defer")
        app.add_css_file("converter.css")


def setup(app):
    app.connect("source-read", fill)
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
