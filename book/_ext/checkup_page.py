"""Fill the page "What the checkup finds" while Sphinx reads it.

``<!-- checkup-findings -->`` is where the table vaelib/checkup/findings.yaml goes. Nothing
generated is stored.
"""

from vaelib.checkup import table


def findings_as_markdown():
    lines = ["| Finding | What is expected | The smallest repair | More |", "|---|---|---|---|"]
    for slug, row in table().items():
        lines.append(
            f"| **{row['title']}** <br> `{slug}` | {row['expected']} | {row['repair']} | "
            f"{{ref}}`entry <{row['entry']}>`, {{chapter}}`{row['chapter']}` |"
        )
    return "\n".join(lines) + "\n"


FILLINGS = {
    "<!-- checkup-findings -->": findings_as_markdown,
}


def fill(app, docname, source):
    if docname == "book/checkup":
        for marker, filling in FILLINGS.items():
            source[0] = source[0].replace(marker, filling())


def setup(app):
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
