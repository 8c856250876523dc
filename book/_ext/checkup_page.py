"""Fill the page "What the checkup finds" while Sphinx reads it.

``<!-- checkup-findings -->`` is where the list vaelib/checkup/findings.yaml goes. Nothing
generated is stored.
"""

from vaelib.checkup import table


def findings_as_markdown():
    lines = []
    for slug, row in table().items():
        more = f"{{ref}}`index <{row['entry']}>`, {{chapter}}`{row['chapter']}`"
        lines.append(
            f"{row['title']} (`{slug}`)\n"
            f": Expected: {row['expected']}.\n  {row['repair']}\n  More: {more}.\n"
        )
    return "\n".join(lines)


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
