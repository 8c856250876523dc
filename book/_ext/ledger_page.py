"""Fill the page "Source ledger" from book/_data/ledger.json, while Sphinx reads it.

The page holds the prose; ``<!-- ledger-counts -->``, ``<!-- ledger-summary -->`` and
``<!-- ledger-rows -->`` are where the data goes. Nothing generated is stored.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LEDGER = ROOT / "book" / "_data" / "ledger.json"
# Verdict: sign, class of the style sheet.
MARKS = {
    "reproduced": ("✓", "reproduced"),
    "not reproduced": ("✗", "refuted"),
    "depends on version": ("◐", "depends"),
    "could not be tested here": ("?", "untested"),
}
# In the order of the page.
SOURCES = {
    "anracom-vae-1": "Post I",
    "anracom-vae-3": "Post III",
    "anracom-vae-4": "Post IV",
    "anracom-vae-5": "Post V",
    "anracom-vae-7": "Post VII",
    "anracom-vae-6": "The other posts",
    "machinecurve-vae": "MachineCurve",
    "zhu-vae": "TFP notes",
    "burda2016": "Burda et al.",
    "nbip-iwae": "IWAE in TensorFlow 2",
    "pythae": "pythae",
}
KINDS = {
    "deterministic": "measured again with every run of the tests",
    "atlas": "from the {doc}`version-atlas`",
    "training": "one training at the source's size",
    "checkpoint": "from {ref}`checkpoints <checkpoints>`",
    "run": "one run of `python tools/ledger.py`",
    "timing": "timed by `python tools/ledger.py timing`",
}
# What a row's provenance may hold besides versions and seconds.
BEHIND = {
    "training": "training `{}`",
    "checkpoint": "`{}`",
    "seed": "seed {}",
    "seeds": "seeds {}",
    "numbers": "losses that were a number: {}",
    "epochs": "{} epochs",
    "images": "{:,} images",
    "steps": "{}",
    "training_seconds": "{:,} s of training",
}


def rows():
    """The rows of the ledger, grouped as the page groups them."""
    found = json.loads(LEDGER.read_text())
    order = list(SOURCES)
    return sorted(found, key=lambda row: order.index(row["source"]))


def badge(verdict):
    sign, style = MARKS[verdict]
    # The sign stays with its word where a verdict has to wrap.
    return f"[{sign}\N{NO-BREAK SPACE}{verdict}]{{.verdict .{style}}}"


def counts_as_markdown():
    found = rows()
    counts = Counter(row["verdict"] for row in found)
    lines = [f"- {badge(verdict)} {counts[verdict]}" for verdict in MARKS]
    return f"{len(found)} claims:\n\n" + "\n".join(lines) + "\n"


def summary_as_markdown():
    lines = ["| Source | Claim | Verdict |", "|---|---|---|"]
    before = None
    for row in rows():
        source = SOURCES[row["source"]]
        # In every row, for who filters or hears the table; a repeated one is not seen (course.css).
        shown = f"[{source}]{{.again}}" if source == before else source
        before = source
        lines.append(f"| {shown} | {{ref}}`ledger-{row['id']}` | {badge(row['verdict'])} |")
    return "```{div} ledger-summary\n" + "\n".join(lines) + "\n```\n"


def rows_as_markdown():
    pieces, before = [], None
    for row in rows():
        if row["source"] != before:
            before = row["source"]
            pieces.append(f"## {SOURCES[before]}\n")
        pieces.append(row_as_markdown(row))
    return "\n".join(pieces)


def row_as_markdown(row):
    pieces = [
        f"{badge(row['verdict'])} {row['why'] or ''}\n",
        f"*Claim* ({{cite:t}}`{row['source']}`, {row['where']}). {row['claim']}\n",
    ]
    if row["kind"] != "untestable":
        pieces.append(f"*Test.* {row['test']}\n")
        pieces.append(f"*Tolerance.* {row['tolerance']}\n")
    if row["measured"]:
        pieces.append(f"*Measured.* {row['measured']}\n")
        if "table" in row["values"]:
            pieces.append(table(row["values"]["table"]))
    pieces.append(f"*Where.* {where(row)}\n")
    block = "\n".join(pieces)
    return f"(ledger-{row['id']})=\n### {row['title']}\n\n````{{div}} ledger-row\n{block}````\n"


def table(values):
    """Losses beside losses, epoch by epoch."""
    names = list(values["source"])
    head = "| Epoch | " + " | ".join(f"{name}: source | ours" for name in names) + " |"
    lines = [head, "|---" * (1 + 2 * len(names)) + "|"]
    for number, epoch in enumerate(values["epochs"]):
        figures = [
            f"{values[side][name][number]:.4f}" for name in names for side in ("source", "ours")
        ]
        lines.append(f"| {epoch} | " + " | ".join(figures) + " |")
    return "```{div} compact\n" + "\n".join(lines) + "\n```\n"


def where(row):
    """Chapters, and what stands behind the numbers."""
    # A chapter that is not yet in the table of contents has no page to link to.
    contents = (ROOT / "_toc.yml").read_text()
    listed = [slug for slug in row["chapters"] if re.search(rf"/\d\d-{slug}\n", contents)]
    said = [", ".join(f"{{ref}}`{slug}`" for slug in listed)] if listed else []
    if row["measured"]:
        said += behind_the_numbers(row)
    return "; ".join(said) + "." if said else "Nowhere."


def behind_the_numbers(row):
    """Kind, training, seed, versions and seconds of a measured row, as far as they are known."""
    behind, said = row["provenance"], [KINDS[row["kind"]]]
    for key, words in BEHIND.items():
        if key in behind:
            value = behind[key]
            value = ", ".join(map(str, value)) if isinstance(value, list) else value
            said.append(words.format(value))
    if row["kind"] != "atlas":
        wanted = ("tensorflow", "keras", "tf_keras")
        versions = [f"{p} {behind['versions'][p]}" for p in wanted if p in behind["versions"]]
        said.append(", ".join(versions))
    # Rows that share one measurement: only the first of them took time.
    if behind["seconds"] >= 1 and row["kind"] not in ("atlas", "training"):
        said.append(f"{behind['seconds']:.0f} s")
    return said


FILLINGS = {
    "<!-- ledger-counts -->": counts_as_markdown,
    "<!-- ledger-summary -->": summary_as_markdown,
    "<!-- ledger-rows -->": rows_as_markdown,
}


def fill(app, docname, source):
    if docname == "book/source-ledger":
        for marker, filling in FILLINGS.items():
            source[0] = source[0].replace(marker, filling())


def setup(app):
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    sys.stdout.write(FILLINGS[f"<!-- ledger-{sys.argv[1]} -->"]())
