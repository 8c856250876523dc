"""Fill the page "Inspect a script" while Sphinx reads it.

The page holds the prose; ``<!-- inspection-example -->``, ``<!-- inspection-rules -->`` and
``<!-- inspection-measured -->`` are where a stored report, the table of rules in ``vaelib`` and
book/_data/inspection.json go. Nothing generated is stored.
"""

import json
from collections import Counter
from pathlib import Path

from vaelib import inspection

ROOT = Path(__file__).resolve().parent.parent.parent
RECORD = ROOT / "book" / "_data" / "inspection.json"
EXAMPLE = ROOT / "tests" / "data" / "inspection" / "example.txt"
HALVES = {"a": "a, seen", "b": "b, unseen"}


def example_as_markdown():
    return f"```text\n{EXAMPLE.read_text(encoding='utf-8')}```\n"


def rules_as_markdown():
    lines = ["| Finding | How sure | What it means | Entry |", "|---|---|---|---|"]
    for name, rule in inspection.rules().items():
        means = " ".join(part for part in (rule["means"], rule.get("versions")) if part)
        entry = f"{{ref}}`{rule['entry']} <{rule['entry']}>`"
        lines.append(f"| `{rule.get('slug', name)}` | {rule['sure']} | {means} | {entry} |")
    return "\n".join(lines) + "\n"


def measured_as_markdown():
    """Found of what is there, by kind, and false alarms, for each half."""
    table = inspection.rules()
    silent = {rule.get("slug", name) for name, rule in table.items() if rule.get("silent")}
    lines = [
        "| Half | Scripts | Do not parse | Stops: found | Silent: found | False alarms |",
        "|---|---|---|---|---|---|",
    ]
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    for half, name in HALVES.items():
        rows = [row for row in record if row["half"] == half]
        read = [row for row in rows if "found" in row]
        cells = [name, str(len(rows)), str(len(rows) - len(read))]
        for kind in (False, True):
            found = [slug for row in read for slug in row["found"] if (slug in silent) == kind]
            missed = [slug for row in read for slug in row["missed"] if (slug in silent) == kind]
            cells.append(f"{len(found)} of {len(found) + len(missed)}")
        false = Counter(sure for row in read for sure in row["false"].values())
        sure = [s for s in ("certain", "likely", "look here") if false[s]]
        cells.append(", ".join(f"{false[s]} {s}" for s in sure) or "none")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


FILLINGS = {
    "<!-- inspection-example -->": example_as_markdown,
    "<!-- inspection-rules -->": rules_as_markdown,
    "<!-- inspection-measured -->": measured_as_markdown,
}


def fill(app, docname, source):
    if docname == "book/inspect":
        for marker, filling in FILLINGS.items():
            source[0] = source[0].replace(marker, filling())


def setup(app):
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
