"""Put MathJax into the site, so that formulas are drawn without a network.

The package sphinx-mathjax-offline ships all of MathJax, 24 MB; the book needs one
script and its fonts.
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


def setup(app):
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
