"""Fill the page "Cheat sheet" from what is measured and written elsewhere, while Sphinx reads it.

Placements: book/_data/cheat-sheet.json (tools/cheat_sheet_record.py), the version atlas, and the
runs on other backends. What to choose: the tables of the chapters, without their reasons. Errors:
the entries of the error index with the most public reports. Nothing generated is stored.
"""

import json
import re
from pathlib import Path

from vaelib import errors

from error_pages import prose

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "book" / "_data"
PAGE = "book/cheat-sheet"
# Placement: the chapter that teaches it, and where the KL term stands.
PLACES = {
    "encoder_layer": ("encoder-layer", "a layer behind `mu` and `log_var`"),
    "endpoint_layer": ("two-rules", "a last layer, given all tensors"),
    "outputs": ("outputs", "an output with its own loss"),
    "model_add_loss": ("model-loss", "`model.add_loss` on symbols"),
    "model_call": ("model-loss", "`add_loss` in the model's `call`"),
    "compute_loss": ("model-loss", "the model's `compute_loss`"),
    "train_step": ("training-step", "the model's `train_step`"),
    "custom_loop": ("training-step", "a loop by hand"),
    "tfp_add_loss": ("distributions", "TFP's `KLDivergenceAddLoss`"),
    "tfp_regularizer": ("distributions", "TFP's `KLDivergenceRegularizer`"),
}
# What Keras cannot save as a whole (chapter ``distributions``).
WEIGHTS_ONLY = {"tfp_add_loss", "tfp_regularizer"}
KERASES = {"keras": "3", "tf_keras": "2"}
# What ``compile`` is given, where the recipe uses it and ``fit``.
LOSSES = {0: "both, no loss", 1: "both", 2: "both, two losses"}
# How often (KL term, reconstruction) count in a step on two devices: what has to be done.
DEVICES = {
    (1, 1): "as it is",
    (2, 2): "divide by the replicas",
    (0.5, 1): "weight 1 / images of a replica",
}
TABLES = {
    "placements": ("one-objective", "Your situation"),
    "weights": ("collapse-and-choice", "You want"),
    "likelihoods": ("decoder-noise", "Your pixels"),
}
TEN = 10


def read(name):
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def versions(recipe):
    """The Kerases on which the plain recipe works today, as the version atlas has it."""
    rows = [
        row for row in read("atlas.json")
        if row["recipe"] == recipe and row["mode"] == "eager" and row["outcome"] == "works"
    ]  # fmt: skip
    newest = max(rows, key=lambda row: [int(n) for n in (row["tensorflow"] or "0").split(".")])
    flavours = {row["flavour"] for row in rows if row["tensorflow"] == newest["tensorflow"]}
    return ", ".join(number for flavour, number in KERASES.items() if flavour in flavours)


def backends(name, recipe):
    """The backends of a placement: whether its text is the same on JAX and PyTorch."""
    if read("backends.json")["placements"]["jax"][name] != "trains":
        return "TensorFlow"
    outcomes = {
        row["outcome"] for row in read("atlas.json")
        if row["recipe"] == recipe and row.get("backend", "").split()[:1] in (["jax"], ["torch"])
    }  # fmt: skip
    return "all three" if outcomes == {"works"} else "all three, a step for each"


def validation(measured):
    """What ``validation_data`` does."""
    if measured.get("kl_in_validation") == 1:
        return "yes"
    return "by hand" if measured["validation"] == "yours" else "needs a `test_step`"


def devices(measured):
    """What has to be done on several devices."""
    found = measured["devices"]
    if isinstance(found, str):
        return "`strategy.run`, by hand"
    return DEVICES[found["kl"], found["reconstruction"]]


def placements_as_markdown():
    """A row for each placement, as one writes it without any library."""
    lines = [
        "| The KL term stands in | Keeps `compile`, `fit` | Names in the history | Validation "
        "| `save` | Keras | Backends | Several devices |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, measured in read("cheat-sheet.json")["placements"].items():
        chapter, stands = PLACES[name]
        history = [f"`{each}`" for each in sorted(measured["history"], key=lambda n: n != "loss")]
        cells = [
            f"{stands}: {{ref}}`{name} <{chapter}>`",
            LOSSES[measured["loss_in_compile"]] if measured["fit"] else "neither",
            ", ".join(history) or "by hand",
            validation(measured),
            "weights" if name in WEIGHTS_ONLY else "yes",
            versions(measured["recipe"]),
            backends(name, measured["recipe"]),
            devices(measured),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def choice_as_markdown(which):
    """A table of a chapter, its first two columns."""
    slug, head = TABLES[which]
    (path,) = (ROOT / "chapters").glob(f"[0-9][0-9]-{slug}.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (text,) = [text for text in ("".join(c["source"]) for c in cells) if f"| {head} |" in text]
    rows = text[text.index(f"| {head} |") :].split("\n\n")[0].splitlines()
    shown = ("|".join(re.split(r"(?<!\\)\|", row)[:3]) + "|" for row in rows)
    return "\n".join(shown) + "\n"


def ten_errors():
    """The entries for Keras 3, or for any version, that most reports are about."""
    counts = read("cheat-sheet.json")["reports"]["entries"]
    known = {entry["entry"]: entry for entry in errors.entries()}
    today = [slug for slug in counts if "keras-3" in known[slug].get("eras", ["keras-3"])]
    return [known[slug] for slug in sorted(today, key=lambda slug: (-counts[slug], slug))[:TEN]]


def first_sentence(text):
    """The first sentence of a text, its code in code style."""
    first = re.split(r"(?<=[.!?])\s+(?=[A-Z`])", prose(" ".join(text.split())))[0]
    return first.replace("|", "\\|")


def errors_as_markdown():
    """A row for each of them: title, cause, repair."""
    lines = ["| You see | Because | Do |", "|---|---|---|"]
    for entry in ten_errors():
        cause, repair = (first_sentence(entry[key]) for key in ("cause", "repair"))
        lines.append(f"| {{ref}}`{entry['entry']}` | {cause} | {repair} |")
    return "\n".join(lines) + "\n"


def report_count():
    return str(read("cheat-sheet.json")["reports"]["all"])


def measured_with():
    found = read("cheat-sheet.json")["versions"]
    return f"Keras {found['keras']} and `tf_keras` {found['tf_keras']}"


FILLINGS = {
    "placements": placements_as_markdown,
    "errors": errors_as_markdown,
    "reports": report_count,
    "versions": measured_with,
    **{f"choose-{which}": lambda which=which: choice_as_markdown(which) for which in TABLES},
}


def filled(text):
    """The page with its data."""
    return re.sub(r"<!-- cheat ([\w-]+) -->", lambda found: FILLINGS[found[1]](), text)


def fill(app, docname, source):
    if docname == PAGE:
        for name in ("cheat-sheet.json", "atlas.json", "backends.json"):
            app.env.note_dependency(str(DATA / name))
        source[0] = filled(source[0])


def add_style(app, pagename, templatename, context, doctree):
    if pagename == PAGE:
        app.add_css_file("cheat-sheet.css")


def setup(app):
    app.connect("source-read", fill)
    app.connect("html-page-context", add_style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
