"""Let the site work without a network: bundle MathJax, drop the loader of Thebe.

The package sphinx-mathjax-offline ships all of MathJax, 24 MB; the book needs one
script and its fonts. Jupyter Book 1 adds Thebe's loader to every page even where the
book does not use it, twice, which is an error in the browser's console.
"""

import shutil
from importlib import resources
from pathlib import Path

PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2")


def copy_mathjax(app, error):
    if error or app.builder.format != "html":
        return
    source = Path(str(resources.files("sphinx-mathjax-offline"))) / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / part, target / part)


def drop_thebe(app, pagename, templatename, context, doctree):
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in f"{script} {getattr(script, 'attributes', '')}".lower()
    ]


def setup(app):
    app.connect("build-finished", copy_mathjax)
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
