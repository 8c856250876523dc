"""Search that answers: an index of all sections, which search.html alone loads.

The index is _static/search-sections.js, a script that sets a global, because a page that is opened
from disk may read no file. It has the text of every section, exercise and glossary entry without
menus, outputs and solutions, and of the code only the words. site-search.js searches it.

Sphinx' own index and tools, 0.4 MB in the head of every page, are neither made nor loaded.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx_exercise.nodes import is_exercise_node, is_solution_node

TEMPLATES = Path(__file__).parent / "search_templates"
UNREAD = (nodes.raw, nodes.comment, nodes.math_block, nodes.image, nodes.rubric, nodes.title)
BLOCKS = (nodes.TextElement, nodes.entry, nodes.list_item)
# Names that a reader may look for: add_loss, KerasTensor. Words in quotes are drawn or printed.
NAME = re.compile(r"[A-Za-z]\w*_\w+|[A-Z]+[a-z]\w*[A-Z]\w*|[A-Z]{2,}[a-z]\w*")
QUOTED = re.compile(r"\"\"\".*?\"\"\"|\"[^\"\n]*\"|'[^'\n]*'", re.S)
ADDRESS = re.compile(r"https?://\S+")
# The end of a row of the ledger: how the claim was tested, with tolerances, versions and seeds.
LEDGER_END = re.compile(r" Test\. .*")
# These pages list what stands elsewhere.
LISTS = ("book/error-index", "book/exercises")


# The sections of a page -------------------------------------------------------------------------


def plain(text):
    """One line without addresses."""
    return " ".join(ADDRESS.sub("", text).split())


def formula(node):
    """Mathematics as words: \\beta is beta."""
    node = re.sub(r"\\(?:mid|vert|lvert|rvert)\b", "|", node)
    text = re.sub(r"\\(?:math[a-z]+|text\w*|operatorname|tfrac|frac|big\w*|[,;!{}])", "", node)
    return re.sub(r"[\\{}$]", "", text).strip()


def own(node):
    """What stands in a node, inner sections and exercises aside, in the order of reading."""
    for child in node.children:
        if isinstance(child, nodes.section) or is_exercise_node(child) or is_solution_node(child):
            # The content of an exercise is a section, too, without a title of its own.
            if isinstance(child, nodes.section) and not _title(child):
                yield from own(child)
            continue
        if not isinstance(child, UNREAD) and not _is_output(child) and not _is_answer(child):
            yield child


def _title(section):
    return next((child for child in section.children if isinstance(child, nodes.title)), None)


def _is_output(node):
    return isinstance(node, nodes.container) and "cell_output" in node["classes"]


def _is_answer(node):
    """A choice of a self-check question: its explanation gives the answer away."""
    return type(node).__name__ == "choice"


def words_of(node):
    """(text, code) of a node: the prose as it is, the code as a list of lines."""
    texts, code = [], []

    def visit(node):
        if isinstance(node, nodes.literal_block):
            code.append(code_of(node))
        elif isinstance(node, nodes.math):
            texts.append(formula(node.astext()))
        elif isinstance(node, nodes.Text):
            texts.append(node.astext())
        elif not isinstance(node, UNREAD) and not _is_output(node) and not _is_answer(node):
            if not (is_solution_node(node) or isinstance(node, nodes.definition_list_item)):
                for child in node.children:
                    visit(child)
            if isinstance(node, BLOCKS) and not isinstance(node, nodes.Inline):
                texts.append(" ")

    visit(node)
    return "".join(texts), code


def code_words(blocks, text):
    """The names in code that the prose does not have, once each."""
    known = set(NAME.findall(text))
    found = dict.fromkeys(name for block in blocks for name in NAME.findall(block))
    return " ".join(name for name in found if name not in known)


def code_of(block):
    """The lines of a block that teach: no check of an exercise, and no strings of Python."""
    code = block.astext()
    if "exercises.check(" in code:
        return ""
    return QUOTED.sub("", code) if "python" in block.get("language", "") else code


def sections_of(doctree):
    """(anchor, title, text, code words) of every section, exercise and glossary entry of a page."""
    found = []

    def add(anchor, title, parts):
        pairs = [words_of(part) for part in parts]
        text = plain(" ".join(text for text, _ in pairs))
        code = code_words([line for _, lines in pairs for line in lines], text)
        if text or code or title:
            found.append((anchor, plain(title), text, code))

    for node in doctree.findall():
        if isinstance(node, nodes.section) and _title(node):
            # The first section is the page itself.
            anchor = node["ids"][0] if isinstance(node.parent, nodes.section) else ""
            add(anchor, _title(node).astext(), own(node))
        elif is_exercise_node(node):
            title = re.sub(r"^Exercise *[\d.]*", "", plain(node.children[0].astext()))
            add(node["ids"][0], f"Exercise: {title.strip('() ')}", own(node))
        elif isinstance(node, nodes.definition_list_item) and node.children[0].get("ids"):
            terms = [child for child in node.children if isinstance(child, nodes.term)]
            title = ", ".join(term.astext() for term in terms)
            add(terms[0]["ids"][0], title, node.children[len(terms) :])
    return found


# The site ---------------------------------------------------------------------------------------


def collect(app, pagename, templatename, context, doctree):
    """Keep the sections of a page that is written; style the page of the search."""
    if doctree is not None:
        app.search_sections[pagename] = sections_of(doctree)
    if pagename == "search":
        app.add_css_file("site-search.css")


def drop_scripts(app, pagename, templatename, context, doctree):
    """Sphinx marks found words in the menus, too; search-marks.js does not."""
    context["script_files"] = [
        script for script in context["script_files"] if "sphinx_highlight" not in str(script)
    ]


def title_of(env, name):
    """The title of a page, with the number of a chapter."""
    number = env.toc_secnumbers.get(name, {}).get("", ())
    title = plain(env.titles[name].astext())
    return f"{number[0]}. {title}" if number else title


def index(app):
    """[address, title, sections] of every page, the index that the page of the search loads."""
    found = []
    for name in sorted(app.env.all_docs):
        sections = app.search_sections.get(name)
        if sections is None:  # not written this time
            sections = sections_of(app.env.get_and_resolve_doctree(name, app.builder))
        if name == "book/source-ledger":
            sections = [(a, title, LEDGER_END.sub("", text), c) for a, title, text, c in sections]
        if name in LISTS:
            sections = [sections[0], *((*section[:2], "", "") for section in sections[1:])]
        if sections:
            address = app.builder.get_target_uri(name)
            found.append([address, title_of(app.env, name), sections])
    return found


def write(app, error):
    if error is None and app.builder.name == "html":
        text = json.dumps(index(app), ensure_ascii=False, separators=(",", ":"))
        place = Path(app.outdir) / "_static" / "search-sections.js"
        place.write_text(f"window.searchPages = {text};\n", encoding="utf-8")
        for name in ("searchtools.js", "language_data.js", "sphinx_highlight.js"):
            place.with_name(name).unlink(missing_ok=True)


def prepare(app):
    """No index by Sphinx; the page of the search is one of ours."""
    app.search_sections = {}
    app.builder.search = False


def setup(app):
    app.config.templates_path.append(str(TEMPLATES))
    app.connect("builder-inited", prepare)
    app.connect("html-collect-pages", lambda app: [("search", {}, "search.html")])
    app.add_js_file("search-marks.js", loading_method="defer")
    app.connect("html-page-context", collect)
    app.connect("html-page-context", drop_scripts, priority=950)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
