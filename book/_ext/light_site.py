"""Take out of the finished site what no page needs, and mend what the theme leaves wrong.

Icons: the theme loads all of Font Awesome, 1.5 MB of script and 0.7 MB of fonts, for some twenty
icons. Here the fonts shrink to the icons that occur, and a style sheet names them.
"""

import logging
import re
import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

# What no page asks for: source maps, translations of "copy", Thebe, the script of all icons.
UNUSED = ("**/*.map", "locales", "scripts/fontawesome.js*", "sphinx-thebe.*", "**/*.woff2")
FONTS = ("fa-solid-900.ttf", "fa-brands-400.ttf", "fa-regular-400.ttf")

# (what the theme writes, what stands there instead): each is one line of its templates.
REPAIRS = (
    # Loaders of what is not there, or is not used.
    (r'\s*<script defer src="[^"]*scripts/fontawesome\.js[^>]*></script>', ""),
    (r'\s*<script type="text/x-thebe-config">.*?</script>', ""),
    (r"\s*<script>\s*kernelName = .*?</script>", ""),
    (r'\s*<link[^>]*sphinx-thebe\.css[^>]*>', ""),
    (r'\s*<div id="ethical-ad-placement".*?</div>', ""),
    # Two of one kind: the first viewport stays.
    (r'(<meta name="viewport"[^>]*>)\s*(?:<meta name="viewport"[^>]*>)+', r"\1"),
    # The heading of the printed page, hidden on the screen, came before the real one.
    (r'(<div id="jb-print-docs-body"[^>]*>\s*)<h1>(.*?)</h1>', r'\1<p class="print-title">\2</p>'),
    (r'(<div id="jb-print-toc">\s*<div>\s*)<h2>(.*?)</h2>',
     r'\1<p class="print-contents">\2</p>'),
    # The colours are settled before the first paint, by the reader's system unless he chose; a
    # page without scripts is light.
    (r'localStorage\.getItem\("mode"\) \|\| ""', 'localStorage.getItem("mode") || "auto"'),
    (r'localStorage\.getItem\("theme"\) \|\| ""', 'localStorage.getItem("theme") || '
     '(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")'),
    (r'(<html lang="en" data-content_root="[^"]*") ', r'\1 data-theme="light"'),
    # The sidebar lies outside every landmark.
    (r'<div id="pst-primary-sidebar" class', '<div id="pst-primary-sidebar" role="complementary" '
     'aria-label="Contents of the book" class'),
    # A fold says aloud what it shows.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'(<summary>)(<span class="toctree-toggle")', r'\1<span class="visually-hidden">Show or hide '
     r'the pages below</span>\2'),
    # A cell without words heads nothing.
    (r"<th[^>]*>\s*(?:<p>\s*</p>)?\s*</th>", "<td></td>"),
    # One id for many boxes.
    (r' id="(exercise|solution)-content"', ""),
)  # fmt: skip


def mended(html):
    """A page without the theme's left-overs."""
    for pattern, instead in REPAIRS:
        html = re.sub(pattern, instead, html, flags=re.DOTALL)
    return html


def drop_scripts(app, pagename, templatename, context, doctree):
    """Thebe runs nothing here, and its loader stands twice; formulas need no MathJax."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if not re.search("thebe|mathjax", f"{script} {getattr(script, 'attributes', '')}", re.I)
    ]


def icon_codes(script):
    """Name: code point of every icon that Font Awesome's script defines, old names included."""
    codes = {}
    for name, others, code in re.findall(
        r'"?([a-z0-9-]+)"?:\[\d+,\d+,\[([^\]]*)\],"([0-9a-f]{2,4})"', script
    ):
        for each in (name, *re.findall(r'"([a-z0-9-]+)"', others)):
            codes.setdefault(each, int(code, 16))
    return codes


def shrink_fonts(folder, wanted):
    """Keep in each font of the folder the wanted code points alone."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    for name in FONTS:
        font = TTFont(folder / name)
        chooser = subset.Subsetter(subset.Options(notdef_outline=True, layout_features=[]))
        chooser.populate(unicodes=wanted)
        chooser.subset(font)
        font.save(folder / name)


def write_icons(static, pages):
    """The fonts and the style sheet of the icons that the pages and the theme use."""
    codes = icon_codes((static / "scripts" / "fontawesome.js").read_text(encoding="utf-8"))
    theme = static / "styles" / "pydata-sphinx-theme.css"
    css = theme.read_text(encoding="utf-8")
    named = {name for page in pages for name in re.findall(r"\bfa-([a-z0-9-]+)", page)}
    used = {name: codes[name] for name in sorted(named) if name in codes}
    in_css = {ord(sign) for sign in re.findall(r'--pst-icon-[a-z-]+: ?"(.)"', css)}
    shrink_fonts(static / "vendor" / "fontawesome" / "webfonts", {*used.values(), *in_css, 0xF107})
    rules = [f'.fa-{name}::before {{ content: "\\{code:x}"; }}' for name, code in used.items()]
    (static / "icons.css").write_text("\n".join(rules) + "\n", encoding="utf-8")
    # Of two kinds of the same font the page would ask for the one that is gone.
    css = re.sub(r'url\([^)]*webfonts/[\w-]+\.woff2\) format\("woff2"\),', "", css)
    theme.write_text(css, encoding="utf-8")


def lighten(app, error):
    if error or app.builder.name != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    found = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    pages = {path: mended(path.read_text(encoding="utf-8")) for path in found}
    write_icons(static, pages.values())
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    for pattern in UNUSED:
        for path in list(static.glob(pattern)):
            if "katex" not in path.parts:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in [*static.rglob("*.js"), *static.rglob("*.css")]:
        text = path.read_text(encoding="utf-8")
        if "sourceMappingURL" in text:
            short = re.sub(r"(?://|/\*)# sourceMappingURL=\S+\.map(?:\*/)?", "", text)
            path.write_text(short, encoding="utf-8")


def setup(app):
    app.add_css_file("icons.css")
    app.connect("html-page-context", drop_scripts, priority=900)
    # After everything else has written its pages.
    app.connect("build-finished", lighten, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
