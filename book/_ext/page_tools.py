"""What stands around the text of a page: buttons in words, routes, reading times, the footer.

- Under the title of a notebook: where to run it, in words, how long it takes, a copy to keep.
- At its end: the neighbours on each route that it lies on, and a button that marks it as read.
- ``window.course``: the minutes of all chapters, for course.js, which writes them into the
  contents. What a reader has read is remembered in the browser, and nowhere else.
- Front page: the size of the course. Footer: version, date, licence, how to cite.
"""

import html
import json
import re
import subprocess
import textwrap
from functools import cache
from pathlib import Path

import yaml
from docutils import nodes
from vaelib import errors

from chapters import ROOT, chapters

STATED = re.compile(r"\*\*Time\*\*: (\d+) minutes to read[\w ]*, ([\w ]+?) to run")
RUN = (("mybinder.org", "Run on Binder"), ("colab.research", "Open in Colab"))
# Pages with a script of their own that no other extension brings.
SCRIPTS = {"book/version-atlas": "atlas.js", "book/source-ledger": "ledger.js"}
# A route is a list of parts, as numbered in _toc.yml; the error index opens the road to a repair.
ROUTES = {
    "understand": (1, 2, 5),
    "repair": ("book/error-index", 3, 4),
    "build": (4,),
}


def stated_times():
    """Document: (minutes to read, time to run) of each chapter, as its first screen says."""
    times = {}
    for _, name in chapters().values():
        found = STATED.search((ROOT / f"{name}.ipynb").read_text(encoding="utf-8"))
        times[name] = (int(found[1]), found[2])
    return times


def parts():
    """The chapters of each numbered part, in their order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    numbered = [part["chapters"] for part in toc["parts"] if part.get("numbered")]
    return [[entry["file"] for entry in part] for part in numbered]


def routes():
    """Route: its pages in their order."""
    listed = parts()
    return {
        name: [
            page
            for stop in stops
            for page in (listed[stop - 1] if isinstance(stop, int) else [stop])
        ]
        for name, stops in ROUTES.items()
    }


def launch_links(context):
    """(label, address) of what runs this notebook; the theme's menu for them is taken away."""
    found = []
    for group in list(context.get("header_buttons", [])):
        for button in group.get("buttons", []) if group["type"] == "group" else []:
            for place, label in RUN:
                if place in str(button.get("url", "")):
                    found.append((label, button["url"]))
        if group.get("label") == "launch-buttons":
            context["header_buttons"].remove(group)
    return found


def bar(context, pagename, times):
    """The line under the title of a notebook."""
    links = launch_links(context)
    if not context.get("page_source_suffix", "").endswith("ipynb"):
        return ""
    own = context["pathto"](f"_sources/{context['sourcename']}", 1)
    items = [
        f'<a class="page-tool" href="{html.escape(url)}" rel="noopener">{label}</a>'
        for label, url in links
    ]
    items.append(f'<a class="page-tool" href="{own}" download>Download notebook</a>')
    if pagename in times:
        read, run = times[pagename]
        items.append(f'<span class="page-time">{read} minutes to read, {run} to run</span>')
    return f'<p class="page-tools">{" ".join(items)}</p>'


def neighbours(app, context, pagename):
    """The previous and the next page on every route, as a table of links."""
    rows = []
    for route, pages in routes().items():
        if pagename not in pages:
            continue
        place = pages.index(pagename)
        cells = []
        for word, step in (("before", place - 1), ("next", place + 1)):
            name = pages[step] if 0 <= step < len(pages) else None
            title = html.escape(app.env.titles[name].astext()) if name else ""
            link = f'<a href="{context["pathto"](name)}">{title}</a>' if name else "·"
            cells.append(f'<td><span class="visually-hidden">{word}: </span>{link}</td>')
        rows.append(f'<tr><th scope="row"><i>{route}</i></th>{"".join(cells)}</tr>')
    if not rows:
        return ""
    head = "<tr><th>On the route</th><th>Before this chapter</th><th>After it</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<nav class="routes" aria-label="Routes through the course">{table}</nav>'


def describe(app, pagename, templatename, context, doctree):
    """What search engines and previews show of a page: the start of its text, not of a picture."""
    text = (context.get("meta") or {}).get("description", "")
    for paragraph in doctree.findall(nodes.paragraph) if doctree and not text else ():
        pictured = any(paragraph.findall(nodes.image))
        in_text = isinstance(paragraph.parent, nodes.section) and not pictured
        if in_text and len(paragraph.astext()) > 40:
            text = f"{text} {' '.join(paragraph.astext().split())}".strip()
            if len(text) > 110:
                break
    if text:
        text = html.escape(textwrap.shorten(text, 200, placeholder=" ..."))
        context["metatags"] += f'<meta name="description" content="{text}" />\n'
        context["meta"] = {**(context.get("meta") or {}), "og:description": text}


def furnish(app, pagename, templatename, context, doctree):
    """Put bar and neighbours around the text of a page."""
    times = app.config.course_times
    around = bar(context, pagename, times)
    if "body" in context and around:
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{around}", 1)
    if "body" in context and pagename in times:
        context["body"] += neighbours(app, context, pagename)
    app.add_js_file("course-data.js", loading_method="defer")
    app.add_js_file("course.js", loading_method="defer")
    if pagename in SCRIPTS:
        app.add_js_file(SCRIPTS[pagename], loading_method="defer")
    cite = f'<p><a href="{context["pathto"]("book/cite")}">Cite this course</a></p>'
    context["theme_extra_footer"] = context["theme_extra_footer"] + cite
    # The project's name stands in every title but that of the front page, where it is the title.
    if pagename == app.config.root_doc:
        context["docstitle"] = ""


@cache
def last_change():
    """The day of the last commit, or "" where there is no history."""
    try:
        asked = ["git", "-C", ROOT, "log", "-1", "--format=%cs"]
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def footer(version, day, home):
    """The lines at the foot of every page."""
    at = f' · <a href="https://github.com/{home}">{html.escape(home)}</a>' if home else ""
    changed = f", last changed {day}" if day else ""
    return (
        f"<p>Version {version}{changed}{at}</p>"
        '<p>Text and figures: <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>,'
        " code: BSD 3-Clause.</p>"
    )


def version_of_course():
    return re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)[1]


def facts(app, docname, source):
    """Size, version and date of the course, on the front page."""
    if docname != app.config.root_doc:
        return
    times = app.config.course_times.values()
    hours = round(sum(read for read, _ in times) / 60)
    exercises = yaml.safe_load((ROOT / "book" / "_data" / "exercises.yaml").read_text())
    entries = len(errors.entries())
    told = (
        f"{len(times)} chapters, {hours} hours of reading, {len(exercises)} exercises with "
        f"solutions that run, {entries} errors explained · version {version_of_course()}"
    )
    day = last_change()
    told += f", {day}" if day else ""
    source[0] = source[0].replace("<!-- facts -->", told)


def prepare(app, config):
    config.course_times = stated_times()
    version = version_of_course()
    config.html_theme_options["extra_footer"] = footer(
        version, last_change(), config.course_home.get("name", "")
    )


def write_data(app, error):
    if error or app.builder.name != "html":
        return
    minutes = {f"{name}.html": read for name, (read, _) in app.config.course_times.items()}
    text = f"window.course = {json.dumps({'minutes': minutes})};\n"
    (Path(app.outdir) / "_static" / "course-data.js").write_text(text, encoding="utf-8")


def setup(app):
    app.add_config_value("course_times", {}, "")
    app.connect("config-inited", prepare, priority=200)
    app.connect("source-read", facts)
    app.connect("html-page-context", describe, priority=400)
    app.connect("html-page-context", furnish, priority=900)
    app.connect("build-finished", write_data)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
