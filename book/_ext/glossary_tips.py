"""Tips for the terms of the glossary: what they mean, where they are used.

On each page the first occurrence of a term in plain prose becomes a link to the glossary that
carries its definition, and so does every ``{term}``; glossary.js shows it on hover and on focus.
Nothing is written into the pages' sources. A tip is the first paragraph of a definition as plain
text; the paragraph below it names the lessons, and a lesson's own pages get no tip for it.
"""

import re
from typing import NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

GLOSSARY = "book/glossary"
LIMIT = 12
BASIC_LIMIT = 6  # terms of the first two chapters only fill a page up to here
# Words that mean something else just as often are marked by {term} alone.
BY_HAND = {
    "beta", "checkpoint", "cloud", "code", "collapse", "factor", "graph", "heads", "judge", "rate",
    "recipe", "reconstruction", "symbol",
}  # fmt: skip
# Pages that are no running prose, or explain the words themselves.
PLAIN = re.compile(
    r"index$|search$|genindex$|book/(notation|references|error-index|source-ledger|exercises)$"
    r"|book/(errors/.*|cheat-sheet|version-atlas|check-.*)$"
)
# Taught in the first two chapters.
BASIC = {"compress-digits", "points-to-distributions"}
# Sections of a chapter that repeat or list.
ENDING = {"Summary", "Sources"}
RUNNING = (nodes.section, nodes.bullet_list, nodes.enumerated_list, nodes.list_item)


class glossary_tip(nodes.inline):
    """A link to a term, with its definition in ``tip``."""


class Entry(NamedTuple):
    """A term of the glossary: its spellings, what the tip says, labels of its lessons."""

    name: str
    spellings: tuple
    code: bool
    tip: str
    lessons: frozenset


class Place(NamedTuple):
    """Where a term occurs in a text or a piece of inline code."""

    entry: Entry
    node: nodes.Node
    start: int
    end: int


def entries(doctree):
    """All entries of the glossary, from the doctree of its page."""
    found = []
    for item in doctree.findall(nodes.definition_list_item):
        terms, definition = list(item.findall(nodes.term)), item[-1]
        links = definition.findall(addnodes.pending_xref)
        found.append(
            Entry(
                terms[0].astext(),
                tuple(term.astext() for term in terms),
                any(isinstance(child, nodes.literal) for term in terms for child in term),
                " ".join(definition[0].astext().split()),
                frozenset(link["reftarget"] for link in links if link["reftype"] == "ref"),
            )
        )
    return found


def pattern(known):
    """Spelling to entry, and a pattern that finds the longest spelling of any in a text."""
    forms = {form: entry for entry in known for form in entry.spellings if form not in BY_HAND}
    words = [
        re.escape(form) if form != form.lower() else f"(?i:{re.escape(form)})"
        for form in sorted(forms, key=len, reverse=True)
        if not (forms[form].code and form == form.lower())
    ]
    found = re.compile(rf"(?<![\w-])({'|'.join(words)})s?(?![\w-])")
    return {form.lower(): entry for form, entry in forms.items()}, found


def running(paragraph):
    """Whether a paragraph stands in the running text, not in a box, a table or a caption."""
    above = paragraph.parent
    while type(above) in RUNNING and above[0].astext() not in ENDING:
        above = above.parent
    return isinstance(above, nodes.document)


def places(document, known):
    """The first place of each term in plain prose, in the order of the page."""
    forms, found = pattern(known)
    first = {}
    for paragraph in filter(running, document.findall(nodes.paragraph)):
        for child in paragraph:
            if isinstance(child, nodes.literal):
                entry = forms.get(child.astext().lower())
                if entry and entry.code:
                    first.setdefault(entry.name, Place(entry, child, 0, 0))
            elif isinstance(child, nodes.Text):
                for match in found.finditer(child):
                    entry = forms[match[1].lower()]
                    first.setdefault(entry.name, Place(entry, child, *match.span()))
    return list(first.values())


def chosen(candidates, taught_here, marked):
    """The places to mark besides ``marked`` ones: not of what the page teaches, few basic ones."""
    wanted = [place for place in candidates if not place.entry.lessons & taught_here]
    basic = [place for place in wanted if place.entry.lessons & BASIC]
    others = [place for place in wanted if place not in basic][: max(LIMIT - marked, 0)]
    return others + basic[: max(BASIC_LIMIT - marked - len(others), 0)]


def link(entry, *children, page):
    """The children as a link to the term, with its tip; Sphinx resolves the link."""
    reference = addnodes.pending_xref(
        "", nodes.inline("", "", *children), refdomain="std", reftype="term",
        reftarget=entry.name, refexplicit=True, refwarn=True, refdoc=page,
    )  # fmt: skip
    return glossary_tip("", "", reference, tip=entry.tip, classes=["glossary-tip"])


def mark(found, page):
    """Replace the places, which may share a text, by links."""
    by_node = {}
    for place in found:
        by_node.setdefault(id(place.node), []).append(place)
    for group in by_node.values():
        node, pieces, at = group[0].node, [], 0
        if isinstance(node, nodes.literal):
            pieces = [link(group[0].entry, node.deepcopy(), page=page)]
        else:
            text = node.astext()
            for place in sorted(group, key=lambda place: place.start):
                pieces.append(nodes.Text(text[at : place.start]))
                word = nodes.Text(text[place.start : place.end])
                pieces.append(link(place.entry, word, page=page))
                at = place.end
            pieces.append(nodes.Text(text[at:]))
        node.parent.replace(node, [piece for piece in pieces if piece.astext()])


class MarkTerms(SphinxPostTransform):
    """Mark the terms of a page, before Sphinx resolves its references."""

    default_priority = 5
    formats = ("html",)

    def run(self, **kwargs):
        """Give each explicit term its tip, then mark what is found in the prose."""
        page = self.env.docname
        if page == GLOSSARY or GLOSSARY not in self.env.all_docs:
            return
        known = entries(self.env.get_doctree(GLOSSARY))
        explicit = self.explicit({form.lower(): e for e in known for form in e.spellings})
        if PLAIN.match(page):
            return
        labels = self.env.domaindata["std"]["anonlabels"]
        taught_here = {name for name, (document, _) in labels.items() if document == page}
        rest = [entry for entry in known if entry not in explicit]
        mark(chosen(places(self.document, rest), taught_here, len(explicit)), page)

    def explicit(self, by_spelling):
        """Give every ``{term}`` its tip; return their entries."""
        found = set()
        for reference in list(self.document.findall(addnodes.pending_xref)):
            entry = by_spelling.get(reference["reftarget"].lower())
            if reference["reftype"] == "term" and entry:
                tip = glossary_tip("", "", tip=entry.tip, classes=["glossary-tip"])
                reference.replace_self(tip)
                tip += reference
                found.add(entry)
        return found


def visit(self, node):
    self.body.append(self.starttag(node, "span", "", **{"data-tip": node["tip"]}))


def depart(self, node):
    self.body.append("</span>")


def depend(app, docname, source):
    """A change of the glossary changes the tips of every page."""
    if docname != GLOSSARY and app.env.found_docs and GLOSSARY in app.env.found_docs:
        app.env.note_dependency(app.env.doc2path(GLOSSARY))


def add_script(app, pagename, templatename, context, doctree):
    if doctree is not None and next(doctree.findall(glossary_tip), None):
        app.add_js_file("glossary.js", loading_method="defer")
        app.add_css_file("glossary.css")


def setup(app):
    app.add_node(glossary_tip, html=(visit, depart))
    app.add_post_transform(MarkTerms)
    app.connect("source-read", depend)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
