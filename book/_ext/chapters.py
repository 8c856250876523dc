"""Chapters by name: the number of a chapter is written once, in front of its file name.

``chapters/08-encoder-layer`` is chapter 8 with the slug ``encoder-layer``.

- ``{ref}`encoder-layer` `` links to it by its title, ``{chapter}`encoder-layer` `` as "chapter 8",
  and ``{Chapter}`encoder-layer` `` begins a sentence with that. No page writes a number by hand.
- Its address never breaks: ``chapters/encoder-layer.html`` always leads to it, and so does every
  numbered address it once had (book/_data/addresses.json, kept by tools/move_chapter.py).
- It is numbered as its file is. Sphinx counts the entries of the table of contents instead.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxRole

ROOT = Path(__file__).resolve().parent.parent.parent
ADDRESSES = ROOT / "book" / "_data" / "addresses.json"
STUB = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="canonical" href="{target}"><meta name="robots" content="noindex">
<script>location.replace("{target}" + location.search + location.hash)</script>
<noscript><meta http-equiv="refresh" content="0; url={target}"></noscript></head>
<body><p>This page is now <a href="{target}">{title}</a>.</p></body></html>
"""


def chapters():
    """Slug: (number, document) of all chapters, in their order."""
    found = sorted((ROOT / "chapters").glob("[0-9][0-9]-*.ipynb"))
    return {path.stem[3:]: (int(path.stem[:2]), f"chapters/{path.stem}") for path in found}


class ChapterRole(SphinxRole):
    """The number of a chapter, as a link to it."""

    def run(self):
        """The link, or what is wrong with the slug."""
        slug, known = self.text.strip(), chapters()
        if slug not in known:
            message = f"There is no chapter {slug!r}: its file would be chapters/NN-{slug}.ipynb."
            problem = self.inliner.reporter.error(message, line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, problem)], [problem]
        # Docutils gives the name of a role in lower case; the source keeps what was written.
        word = "Chapter" if "Chapter" in self.rawtext.split("`")[0] else "chapter"
        text = f"{word} {known[slug][0]}"
        link = addnodes.pending_xref(
            self.rawtext, nodes.inline(text, text), refdomain="std", reftype="doc",
            reftarget=f"/{known[slug][1]}", refexplicit=True, refwarn=True, refdoc=self.env.docname,
        )  # fmt: skip
        return [link], []


def name_chapters(app, env):
    """Make each slug a label, and number each chapter as its file is numbered."""
    labels = env.domaindata["std"]
    for slug, (chapter, name) in chapters().items():
        if name not in env.titles:
            continue
        title = env.titles[name]
        labels["labels"][slug] = (name, "", title.astext())
        labels["anonlabels"][slug] = (name, "")
        if name not in env.toc_secnumbers:
            continue
        numbers = env.toc_secnumbers[name]
        for anchor, number in numbers.items():
            numbers[anchor] = (chapter, *number[1:])
        title["secnumber"] = (chapter, *title["secnumber"][1:])
        for kinds in env.toc_fignumbers.get(name, {}).values():
            for label, figure in kinds.items():
                kinds[label] = (chapter, *figure[1:])
        for reference in env.tocs[name].findall(nodes.reference):
            if "secnumber" in reference:
                reference["secnumber"] = (chapter, *reference["secnumber"][1:])
    return []


def write_stubs(app, exception):
    """A page at each address that a chapter has without its number, or once had."""
    if exception or app.builder.format != "html":
        return
    present = {name for _, name in chapters().values()}
    wanted = {slug: slug for slug in chapters()} | json.loads(ADDRESSES.read_text())
    for address, slug in wanted.items():
        _, name = chapters()[slug]
        if f"chapters/{address}" in present or name not in app.env.titles:
            continue
        page = STUB.format(title=app.env.titles[name].astext(), target=f"{Path(name).name}.html")
        Path(app.outdir, "chapters", f"{address}.html").write_text(page, encoding="utf-8")


def setup(app):
    app.add_role("chapter", ChapterRole())
    app.add_role("Chapter", ChapterRole())
    # After Sphinx' own collectors have counted sections and figures: no page is written again.
    app.connect("env-get-updated", name_chapters, priority=900)
    app.connect("build-finished", write_stubs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
