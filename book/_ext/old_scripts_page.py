"""Fill the page "Bring an old script home" while Sphinx reads it.

``{old-script} 2017/3 says`` shows the line where a stage stops and its error, with a link to the
entry that fits, ``edit`` what differs in the next stage, ``code`` the script, ``inspect`` what a
reading lists, ``checkup`` what the checkup says; all as tools/old_scripts.py recorded it.
``{old-script} beta code`` shows a snippet for another shape of model. The marks are where tables
go: ``<!-- ways -->``, ``<!-- backend-names -->`` and ``<!-- backend-names-rare -->``.
"""

import difflib
import html
import json
import re
import sys
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective
from vaelib import errors, inspection
from vaelib.errors.index import backend_names

sys.path.insert(0, str(Path(__file__).resolve().parent))
import error_pages

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "tests" / "data" / "old-scripts"
RECORD = json.loads((FOLDER / "record.json").read_text(encoding="utf-8"))
WANTED = yaml.safe_load((FOLDER / "wanted.yaml").read_text(encoding="utf-8"))
LEGACY = " with TF_USE_LEGACY_KERAS=1"
# Names that old VAEs use; the page shows them first.
USUAL = """
    random_normal shape int_shape ndim sqrt argmax clip concatenate flatten batch_flatten reshape
    dot binary_crossentropy cast variable get_value set_value update eval function gradients
    switch in_train_phase learning_phase set_learning_phase get_session placeholder
    image_data_format image_dim_ordering
""".split()


def path_of(name):
    """The file of a stage such as 2017/3, or of a snippet such as beta."""
    return FOLDER / (f"{name}.py" if "/" in name else f"shapes/{name}.py")


def code(name):
    return path_of(name).read_text(encoding="utf-8").rstrip()


def says(name):
    told = RECORD[name]
    return f"line {told['number']}: {told['line']}\n{told['type']}: {told['says']}"


def edit(name, goal=None):
    """The lines that differ in the next stage, with a line around each place."""
    year, stage = name.split("/")
    goal = goal or f"{year}/{int(stage) + 1}"
    before, after = (code(n).splitlines() for n in (name, goal))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=1))[3:]
    return "\n".join(" ..." if line.startswith("@@") else line.rstrip() for line in lines)


def reading(name):
    """One line for each finding of `inspect`."""
    findings = inspection.inspect(code(name), path_of(name).name).findings
    lines = [f"{f.place:<8} {f.sure:<10} {f.slug}" for f in findings]
    return "\n".join(dict.fromkeys(lines))


def examined(name):
    """The report, of each finding its title and what was measured."""
    rest = re.compile(r"\n   Expected:.*?(?=\n\n|\Z)", re.S)
    return rest.sub("\n   ...", RECORD[name]["checkup"])


SHOWS = {
    "code": (code, "python"),
    "says": (says, "text"),
    "edit": (edit, "diff"),
    "legacy": (lambda name: edit(name, "2017/legacy"), "diff"),
    "inspect": (reading, "text"),
    "checkup": (examined, "text"),
}


class OldScript(SphinxDirective):
    """One view of a stage; below an error the entry that fits it."""

    required_arguments = 2

    def run(self):
        """A block of text, and a link."""
        name, what = self.arguments
        if what not in SHOWS or not path_of(name).is_file():
            raise self.error(f"{name!r} {what!r} cannot be shown: choose of {', '.join(SHOWS)}.")
        for path in (path_of(name), FOLDER / "record.json", FOLDER / "wanted.yaml"):
            self.env.note_dependency(str(path))
        show, language = SHOWS[what]
        text = show(name)
        shown = [nodes.literal_block(text, text, language=language)]
        if what == "says" and name in WANTED:
            link = nodes.container()
            line = f"In the index: {entry(WANTED[name])}."
            self.state.nested_parse(StringList([line]), 0, link)
            shown += link.children
        return shown


def entry(slug):
    known = {entry["entry"] for entry in errors.entries()}
    return f"{{ref}}`{slug}`" if slug in known else f"`{slug}`"


def same(row):
    """Whether nothing changes but `K.` to `ops.`."""
    return str(row.get("keras3")).startswith(f"ops.{row['name']}(") and not row.get("note")


def code_as_html(text):
    """Code that may break behind a dot or a bracket, where a screen is narrow."""
    breaks = re.sub(r"([._(])", r"\1<wbr>", html.escape(text, quote=False))
    return f"<code>{breaks}</code>"


def row_of(row):
    """A row of the table: what to write, and what to mind."""
    write = [code_as_html(row["keras3"])] if row.get("keras3") else []
    note = error_pages.prose(" ".join((row.get("note") or "").split()))
    note = re.sub(r"\\([^\w\s])", r"\1", note)  # what Markdown needs and HTML does not
    parts = enumerate(note.split("`"))  # every second one is code
    told = "".join(code_as_html(p) if n % 2 else html.escape(p, quote=False) for n, p in parts)
    told = "<br>".join([*write, *([told] if told else [])])
    return f'<tr><th scope="row">{code_as_html("K." + row["name"])}</th><td>{told}</td></tr>'


def table(rows):
    head = '<tr><th scope="col">Keras 2</th><th scope="col">Keras 3</th></tr>'
    body = "\n".join(map(row_of, rows))
    whole = f'<table class="table">\n<thead>{head}</thead>\n<tbody>{body}</tbody>\n</table>'
    return f"```{{raw}} html\n{whole}\n```\n"


def names_as_markdown():
    """Names that stay themselves in a sentence, then those that old VAEs use in a table."""
    rows = backend_names()
    plain = ", ".join(f"`{row['name']}`" for row in rows if same(row))
    by_name = {row["name"]: row for row in rows}
    usual = [by_name[name] for name in USUAL if name in by_name and not same(by_name[name])]
    return f"The same name, with `ops.` for `K.`: {plain}.\n\n{table(usual)}"


def rare_names_as_markdown():
    rows = [row for row in backend_names() if not same(row) and row["name"] not in USUAL]
    return table(rows)


def ways_as_markdown():
    """What became of the two scripts on each way."""
    ways = [
        ("2017", "as written, on Keras 3", "2017/1"),
        ("2017", "as written, with the variable", f"2017/1{LEGACY}"),
        ("2017", "`tf_keras` in its imports", "2017/imports"),
        ("2017", "`tf_keras` and graph mode, three edits in all", "2017/legacy"),
        ("2020", "as written, on Keras 3", "2020/1"),
        ("2020", "as written, with the variable", f"2020/1{LEGACY}"),
    ]
    lines = ["| Script | Way | What happens |", "|---|---|---|"]
    for year, way, name in ways:
        told = RECORD[name]
        happens = "trains" if told.get("trains") else f"stops, {told['type']}"
        lines.append(f"| {year} | {way} | {happens} |")
    return "\n".join(lines) + "\n"


def trained_beta():
    return f"{RECORD['shapes']['beta']['if it trains']:.2f}"


FILLINGS = {
    "<!-- backend-names -->": names_as_markdown,
    "<!-- backend-names-rare -->": rare_names_as_markdown,
    "<!-- trained-beta -->": trained_beta,
    "<!-- ways -->": ways_as_markdown,
}


def fill(app, docname, source):
    if docname == "book/old-scripts":
        for marker, filling in FILLINGS.items():
            source[0] = source[0].replace(marker, filling())


def setup(app):
    app.add_directive("old-script", OldScript)
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
