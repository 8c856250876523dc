"""Fill the page "What the checkup finds" while Sphinx reads it.

``<!-- checkup-findings -->`` is where the table vaelib/checkup/findings.yaml goes,
``<!-- checkup-measured -->`` is for book/_data/checkup.json. Nothing generated is stored.
"""

import json
from pathlib import Path

from vaelib.checkup import table

RECORD = Path(__file__).resolve().parent.parent / "_data" / "checkup.json"


def findings_as_markdown():
    lines = ["| Finding | What is expected | The smallest repair | More |", "|---|---|---|---|"]
    for slug, row in table().items():
        lines.append(
            f"| **{row['title']}** <br> `{slug}` | {row['expected']} | {row['repair']} | "
            f"{{ref}}`entry <{row['entry']}>`, {{chapter}}`{row['chapter']}` |"
        )
    return "\n".join(lines) + "\n"


def counts(record):
    """For each Keras: patients with a fault, found, healthy ones, false alarms, limits."""
    rows = {}
    for name in ("keras", "tf_keras"):
        seen = [row for row in record["patients"] if row["keras"] == name]
        vaes = [row for row in seen if row["kind"] == "vae"]
        ill = [row for row in vaes if row["planted"]]
        rows[name] = {
            "ill": len(ill),
            "found": sum(row["right"] for row in ill),
            "healthy": len(vaes) - len(ill),
            "clean": sum(row["right"] for row in vaes if not row["planted"]),
            "limits": len(seen) - len(vaes),
        }
    return rows


def measured_as_markdown():
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    lines = [
        "| Keras | Models with a planted fault | found, and nothing else claimed | Healthy models "
        "| nothing claimed | Limits |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in counts(record).items():
        version = record["versions"][name]
        lines.append(
            f"| {name} {version} | {row['ill']} | {row['found']} | {row['healthy']} | "
            f"{row['clean']} | {row['limits']} |"
        )
    healthy = record["healthy"]
    lines += [
        "",
        f"Beside that, {healthy['models']} healthy models (each on one Keras or on both) were "
        f"examined {healthy['runs']} times in turn, each time from other first weights: "
        f"{len(healthy['false_alarms'])} false alarms.",
    ]
    return "\n".join(lines) + "\n"


FILLINGS = {
    "<!-- checkup-findings -->": findings_as_markdown,
    "<!-- checkup-measured -->": measured_as_markdown,
}


def fill(app, docname, source):
    if docname == "book/checkup":
        for marker, filling in FILLINGS.items():
            source[0] = source[0].replace(marker, filling())


def setup(app):
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
