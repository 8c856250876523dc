"""Where the course lives: one address, and everything in the site that follows from it.

The repository is taken from the first of these that says something:

1. the environment variable ``COURSE_REPOSITORY``, as ``owner/name`` (the workflow that publishes
   sets it; set and empty, it means "nowhere", and no button leads anywhere);
2. the remote ``origin`` of this clone, if it is on GitHub: a fork's site leads to the fork;
3. ``repository: url:`` in ``_config.yml``.

The address of the site is ``COURSE_URL``, or what GitHub Pages makes of the repository. From both
follow the launch buttons, the canonical addresses, the site map, and the lines that a page at
another address needs: ``robots.txt``, ``.nojekyll``, and the notebooks in ``_sources``, whose
first cell installs the library from the repository.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "tools"))
import fork

NOT_FOUND = """<h1>There is no page at this address</h1>
<p>It may have moved: the contents beside this text have every page, and the search looks into all
of them. An error message is best looked up in the <a href="{0}book/error-index.html">error
index</a>; the <a href="{0}index.html">front page</a> has the ways in.</p>"""

ROOT = Path(__file__).resolve().parent.parent.parent
BUTTONS = ("use_issues_button", "use_repository_button", "use_edit_page_button")


def origin():
    """``owner/name`` of the remote of this clone, or "" if it is not on GitHub."""
    try:
        told = subprocess.run(
            ["git", "-C", ROOT, "remote", "get-url", "origin"], capture_output=True, text=True
        ).stdout
    except OSError:  # no git here: an archive was downloaded
        return ""
    found = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", told.strip())
    return found[1] if found else ""


def repository(configured, environment=os.environ, remote=origin):
    """``owner/name`` of the repository that the site leads to, or "" for none."""
    if "COURSE_REPOSITORY" in environment:
        return environment["COURSE_REPOSITORY"].strip().strip("/")
    return remote() or (configured or "").removeprefix("https://github.com/").strip("/")


def address(name, environment=os.environ):
    """The address of the published site, ending in a slash, or "" if nobody knows it."""
    told = environment.get("COURSE_URL", "").strip()
    if not told and name:
        owner, project = name.split("/")
        told = f"https://{owner.lower()}.github.io/{project}"
    return told.rstrip("/") + "/" if told else ""


def settle(app, config):
    """Put repository and address where the theme and the other extensions look for them."""
    options = config.html_theme_options
    configured = options.get("repository_url")
    name = repository(configured)
    config.course_home = {"written": (configured or "").removeprefix("https://github.com/")}
    config.course_home.update(name=name, url=address(name))
    options["repository_url"] = f"https://github.com/{name}" if name else ""
    if not name:
        options["launch_buttons"] = {}
        options.update(dict.fromkeys(BUTTONS, False))
    config.html_baseurl = config.ogp_site_url = config.course_home["url"]
    # A server shows this page at any depth: its addresses begin at the root of the host.
    path = urlsplit(config.html_baseurl).path or "/"
    config.notfound_urls_prefix = path
    config.notfound_context = {"title": "Page not found", "body": NOT_FOUND.format(path)}
    if config.html_baseurl:
        config.ogp_image = f"{config.html_baseurl}_static/share/share.png"


def publish(app, error):
    """What a server needs beside the pages."""
    if error or app.builder.name != "html":
        return
    site, home = Path(app.outdir), app.config.course_home
    (site / ".nojekyll").touch()  # or GitHub Pages leaves out every folder that begins with _
    site_map = f"Sitemap: {home['url']}sitemap.xml\n" if home["url"] else ""
    (site / "robots.txt").write_text(f"User-agent: *\nDisallow:\n{site_map}", encoding="utf-8")
    if home["name"] and home["name"] != home["written"]:
        owner, project = home["name"].split("/")
        for path in (site / "_sources").rglob("*.ipynb"):
            text = path.read_text(encoding="utf-8")
            # As tools/fork.py: a notebook may break the address after its "/".
            text = fork.pattern(home["written"]).sub(lambda m: owner + m[1] + project, text)
            path.write_text(text, encoding="utf-8")


def setup(app):
    app.add_config_value("course_home", {}, "")
    # Before the theme reads its options.
    app.connect("config-inited", settle, priority=100)
    app.connect("build-finished", publish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
