"""Names of the library lead to their entries among the API pages, in text and in code.

In text, code that is exactly a name, ``objectives.gaussian_kl`` or ``checkpoints.load("...")``, is
a link where a section first has it. In a chapter's code, the first use of a name in each cell is a
link; it looks as the code around it does until the mouse is over it. Only the first on a page, and
the first outside of folds, can be reached with the Tab key, or a reader would have a hundred stops
more.

Which name is meant is read from the page's own imports: ``from vaelib import plots``. A name that
the page binds itself, by an assignment or a ``def``, is its own from there on.
"""

import html
import re

from docutils import nodes
from sphinx import addnodes

import api_pages
from api_names import bound, imported, kept, known, parsed, uses

STYLE = "api-links.css"
# Names without an underscore that mean nothing else on any page.
DISTINCT = {"checkup", "explain"}
NAME = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*)(?:\(.*\))?", re.S)
BLOCK = re.compile(
    r'(<div class="highlight-i?python3? notranslate"><div class="highlight"><pre>)(.*?)(</pre>)',
    re.S,
)
PIECE = re.compile(r'(<span class="[^"]*">)([^<]*)(</span>)|([^<]+)|(<[^>]*>)')


def entries(env):
    """Full name: entry of the Python domain, of everything the API pages describe."""
    objects = env.get_domain("py").objects
    return {name: entry for name, entry in objects.items() if name.startswith("vaelib.")}


def link_cell(markup, scope, objects, make_link):
    """The highlighted code of a cell with links; the scope is brought up to date."""
    code = html.unescape(re.sub(r"<[^>]*>", "", markup))
    tree = parsed(code)
    if tree is None or '<span class="hll">' in markup:
        return markup
    scope.update(imported(tree))
    own = bound(tree)
    here = {name: full for name, full in scope.items() if name not in own}
    lines = code.splitlines(keepends=True)
    begins, ends, seen = {}, {}, set()
    for line, first, last, name in uses(tree, here, objects):
        if name in seen:
            continue
        seen.add(name)
        start = sum(map(len, lines[: line - 1]))
        text = lines[line - 1].encode()
        begins[start + len(text[:first].decode())] = name
        ends[start + len(text[:last].decode())] = name
    for name in kept(tree):
        scope.pop(name, None)
    return insert(markup, begins, ends, make_link)


def insert(markup, begins, ends, make_link):
    """Put tags at positions of the text, between the pieces that Pygments made."""
    out, position, open_link = [], 0, None
    for piece in PIECE.finditer(markup):
        text = html.unescape(piece[2] or piece[4] or "")
        if text and position in begins and open_link is None:
            open_link = begins[position]
            out.append(make_link(open_link))
        out.append(piece[0])
        position += len(text)
        if text and open_link and ends.get(position) == open_link:
            out.append("</a>")
            open_link = None
    return "".join(out) if open_link is None else markup


def link_code(app, pagename, templatename, context, doctree):
    """Links in the code of a page that is about to be written."""
    entry_page = api_pages.is_api(pagename) or pagename == "genindex"
    if entry_page:
        app.add_css_file(STYLE)
    if doctree is None or "vaelib" not in context.get("body", ""):
        return
    objects, scope, told = entries(app.env), {}, set()

    def link_block(found):
        before = found.string[: found.start()]
        folded = before.count("<details") > before.count("</details>")

        def make_link(name):
            entry = objects[name]
            target = app.builder.get_relative_uri(pagename, entry.docname) + f"#{entry.node_id}"
            stop = ' tabindex="-1"' if (name, folded) in told else ""
            told.add((name, folded))
            title = html.escape(app.env.api_sentences.get(name, name))
            return f'<a class="api-link" href="{target}" title="{title}"{stop}>'

        return found[1] + link_cell(found[2], scope, objects, make_link) + found[3]

    context["body"] = BLOCK.sub(link_block, context["body"])
    if told and not entry_page:
        app.add_css_file(STYLE)


def link_text(app, doctree, docname):
    """Links in the text of a page."""
    objects = entries(app.env)
    names, own = {}, set()
    for block in doctree.findall(nodes.literal_block):
        tree = parsed(block.astext()) if "python" in block.get("language", "") else None
        if tree is not None:
            names |= imported(tree)
            own |= bound(tree)
    seen = set()
    for node in list(doctree.findall(nodes.literal)):
        name = meant(node, docname, names, own, objects)
        section = next((id(a) for a in ancestors(node) if isinstance(a, nodes.section)), None)
        if name is None or (section, name) in seen or not may_be_link(node, objects[name].node_id):
            continue
        seen.add((section, name))
        entry = objects[name]
        target = app.builder.get_relative_uri(docname, entry.docname) + f"#{entry.node_id}"
        title = app.env.api_sentences.get(name, name)
        link = nodes.reference("", "", refuri=target, internal=True, reftitle=title)
        node.replace_self(link)
        link += node


def ancestors(node):
    while node.parent is not None:
        node = node.parent
        yield node


def may_be_link(node, target):
    """Not in a link, a heading or a signature, nor in the entry that it would lead to."""
    inside = (nodes.reference, nodes.title, addnodes.desc_signature)
    return not any(
        isinstance(above, inside)
        or isinstance(above, addnodes.desc)
        and any(target in signature["ids"] for signature in above.children[:1])
        for above in ancestors(node)
    )


def meant(node, docname, names, own, objects):
    """The full name of the entry that a piece of code in a text names; None if it names none."""
    found = NAME.fullmatch(node.astext())
    if not found:
        return None
    name = found[1]
    first, _, rest = name.partition(".")
    if first == "vaelib":
        return known(name, objects)
    if first in names and first not in own:
        return known(f"{names[first]}.{rest}".rstrip("."), objects) if name != "vaelib" else None
    if rest:
        return known(f"vaelib.{name}", objects)
    if api_pages.is_api(docname):
        near = next((a["module"] for a in enclosing_signatures(node)), None)
        return known(f"{near}.{name}", objects) or alone(name, objects)
    distinct = "_" in name.strip("_") or name in DISTINCT
    return alone(name, objects) if distinct and name not in own else None


def enclosing_signatures(node):
    for above in ancestors(node):
        if isinstance(above, addnodes.desc):
            yield above[0]


def alone(name, objects):
    """The only function, class or constant of that name."""
    found = [full for full, entry in objects.items() if full.endswith(f".{name}")
             and entry.objtype not in ("module", "method", "property", "attribute")]  # fmt: skip
    return found[0] if len(found) == 1 else None


def keep_sentences(app, doctree):
    """The first sentence of each entry, for the tips of the links."""
    if not hasattr(app.env, "api_sentences"):
        app.env.api_sentences = {}
    for entry in doctree.findall(addnodes.desc):
        text = next(iter(entry[-1].findall(nodes.paragraph)), nodes.Text("")).astext()
        # A tip cannot hold a link: a chapter in brackets goes.
        text = re.sub(r"\s*\([^()]*\b[a-z]+-[a-z-]+\)", "", " ".join(text.split()))
        sentence = re.split(r"(?<=\.)\s+(?=[A-Z])", text)[0]
        for signature in entry.findall(addnodes.desc_signature):
            for name in signature["ids"]:
                app.env.api_sentences.setdefault(name, sentence)


def start(app, env, docnames):
    env.api_sentences = getattr(env, "api_sentences", {})


def setup(app):
    app.setup_extension("api_pages")
    app.connect("env-before-read-docs", start)
    app.connect("doctree-read", keep_sentences)
    # After the chapters that docstrings name have become links.
    app.connect("doctree-resolved", link_text, priority=600)
    app.connect("html-page-context", link_code)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
