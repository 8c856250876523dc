"""Set formulas when the book is built: KaTeX runs here, and no page needs a script for them.

MathJax in the page weighs a megabyte, makes every formula a stop of the Tab key, and shows raw
TeX where scripts are off. KaTeX (folder katex/, from the npm package katex 0.19.1, MIT licence)
writes HTML for the eye and MathML for screen readers; a page loads its style sheet and fonts.
"""

import json
import re
import shutil
from functools import cache
from pathlib import Path

from docutils import nodes
from py_mini_racer import JSEvalException
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from script_engine import engine

HERE = Path(__file__).resolve().parent / "katex"
LOG = logging.getLogger(__name__)


@cache
def katex():
    """A JavaScript engine that has read KaTeX."""
    return engine(HERE / "katex.min.js", first="var self = this")


@cache
def to_html(tex, display):
    """The formula as HTML with MathML; a ValueError names what KaTeX cannot read."""
    options = {"displayMode": display, "throwOnError": True, "strict": "ignore"}
    try:
        return katex().eval(f"katex.renderToString({json.dumps(tex)}, {json.dumps(options)})")
    except JSEvalException as problem:
        told = re.search(r"KaTeX parse error: (.*)", str(problem))
        raise ValueError(told[1] if told else str(problem)) from problem


def rendered(node, display):
    """The formula of a node; one that cannot be set is a warning, and stands as TeX."""
    # MathJax, which JupyterLab uses, takes an underline in the name of a variable as it is.
    name = re.compile(r"\\texttt\{[^{}]*\}")
    tex = name.sub(lambda found: re.sub(r"(?<!\\)_", r"\_", found[0]), node.astext().strip())
    # As Sphinx does for MathJax: lines that are aligned without saying so.
    if display and "\\\\" in tex and "\\begin" not in tex:
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    try:
        return to_html(tex, display)
    except ValueError as problem:
        LOG.warning("formula not understood: %s", problem, location=node)
        return f"<code>{tex}</code>"


def visit_inline(translator, node):
    start = translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    translator.body.append(f"{start}{rendered(node, False)}</span>")
    raise nodes.SkipNode


def visit_block(translator, node):
    start = translator.starttag(node, "div", CLASS="math notranslate nohighlight")
    translator.body.append(start)
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(f"{rendered(node, True)}</div>\n")
    raise nodes.SkipNode


def style_where_needed(app, pagename, templatename, context, doctree):
    if 'class="katex' in context.get("body", ""):
        app.add_css_file("katex/katex.min.css")


def copy_katex(app, error):
    if error or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "katex"
    shutil.copytree(HERE / "fonts", target / "fonts", dirs_exist_ok=True)
    # The page asks for the newest kind of font alone; every browser since 2018 reads it.
    css = (HERE / "katex.min.css").read_text(encoding="utf-8")
    css = re.sub(r',url\(fonts/[\w-]+\.(?:woff|ttf)\) format\("\w+"\)', "", css)
    (target / "katex.min.css").write_text(css, encoding="utf-8")
    shutil.copyfile(HERE / "LICENSE", target / "LICENSE")


def setup(app):
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_block, None))
    app.connect("html-page-context", style_where_needed)
    app.connect("build-finished", copy_katex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
