"""Fill the page "Cite this course" from CITATION.cff, while Sphinx reads it; mend the references.

``<!-- cite-bibtex -->`` and ``<!-- cite-text -->`` become blocks of code, which have a button that
copies them.
"""

import re
from pathlib import Path

import yaml

PAGE, REFERENCES = "book/cite", "book/references"
CITATION = Path(__file__).resolve().parent.parent.parent / "CITATION.cff"


def citation():
    return yaml.safe_load(CITATION.read_text(encoding="utf-8"))


def authors(entry, separator, family_first):
    """Names in the order of a style; a group has one name and no first name."""
    names = []
    for author in entry["authors"]:
        family, given = author.get("family-names"), author.get("given-names")
        if family is None:
            # Braces keep BibTeX from looking for first names.
            names.append(f"{{{author['name']}}}" if family_first else author["name"])
        else:
            names.append(f"{family}, {given}" if family_first else f"{given} {family}")
    return separator.join(names)


def bibtex(entry):
    """A ``@software`` entry; classic BibTeX styles treat it as ``@misc``."""
    year, month, day = str(entry["date-released"]).split("-")
    fields = {
        "author": authors(entry, " and ", family_first=True),
        "title": f"{{{entry['title']}}}",
        "version": entry["version"],
        "date": f"{year}-{month}-{day}",
        "year": year,
        "url": entry["repository-code"],
        "note": entry["abstract"].rstrip("."),
    }
    key = re.sub(r"\W+", "-", entry["title"].lower()).strip("-")
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@software{{{key},\n{lines}\n}}"


def plain(entry):
    """One line, in the manner of APA."""
    year = str(entry["date-released"])[:4]
    return (
        f"{authors(entry, ', ', family_first=False)} ({year}). {entry['title']} "
        f"(version {entry['version']}) [Course and software]. {entry['repository-code']}"
    )


def fill(app, docname, source):
    if docname == PAGE:
        app.env.note_dependency(str(CITATION))
        entry = citation()
        # What is "text" elsewhere is an error's message, and has a border of its own.
        for marker, language, text in (
            ("bibtex", "bibtex", bibtex(entry)),
            ("text", "none", plain(entry)),
        ):
            block = f"```{{code-block}} {language}\n:class: cite-block\n\n{text}\n```"
            source[0] = source[0].replace(f"<!-- cite-{marker} -->", block)


def finish(app, pagename, templatename, context, doctree):
    """The style of these pages; and entries of a list of works that are items of a list."""
    if pagename in (PAGE, REFERENCES):
        app.add_css_file("about-pages.css")
    if pagename == REFERENCES:
        # Docutils gives them a role that is deprecated, and none of its own to the list around.
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app):
    app.connect("source-read", fill)
    app.connect("html-page-context", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
