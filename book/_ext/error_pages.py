"""Fill the error index, its pages and the version atlas from their data, while Sphinx reads them.

The pages hold the prose, and lines like ``<!-- atlas -->`` where the data goes: FILLINGS.
``<!-- entries CLASS -->``, on book/errors/CLASS.md, becomes the entries of a class;
``<!-- lines -->``, on the overview, one line for each entry. Nothing generated is stored.
"""

import html
import json
import re
import sys
import textwrap
from pathlib import Path

from vaelib import errors
from vaelib.errors.explanation import CHANGE

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "book" / "_data"
PAGES = ROOT / "book" / "errors"
# Headings of the overview, and the types of errors below them.
TYPES = {
    "AttributeError": ["AttributeError"],
    "ImportError and ModuleNotFoundError": ["ImportError", "ModuleNotFoundError"],
    "KeyError and NameError": ["KeyError", "NameError"],
    "NotImplementedError": ["NotImplementedError"],
    "RuntimeError": ["RuntimeError"],
    "TypeError": ["TypeError"],
    "ValueError": ["ValueError"],
}
SYMPTOM, WARNING, OTHER = (
    "No error, but something is wrong",
    "A warning",
    "Another type of error",
)
ORDER = ("message", "warning", "symptom")
ERAS = {
    "keras-3": "Keras 3",
    "tf-2": "TF 2.0–2.15, `tf_keras`",
    "tf-1": "TF 1",
    "keras-1": "Keras 1",
}
BACKENDS = {"jax": "JAX", "torch": "PyTorch"}
# What the marks of the atlas stand for: outcome, class of the style sheet, mark, words.
MARKS = [
    ("works, KL estimated", "estimated", "≈", "trains; the KL term is estimated by draws"),
    ("works", "works", "✓", "trains, and the KL term is in the loss and in the gradient, once"),
    ("trains nothing", "nothing", "0", "runs, but no weight moves"),
    ("no KL term", "wrong", "−", "trains, but without the KL term"),
    ("KL counted", "wrong", "×", "trains, but the KL term counts several times, or in part"),
    ("fails", "fails", "✗", "raises an error"),
    ("needs TensorFlow", "elsewhere", "T", "needs TensorFlow: its text names it, and was not run"),
]
MODES = {"eager": "E", "graph": "G", "run_functions_eagerly": "R", "jit": "J"}
# What the message alone does not tell: recipe and exception lead to an entry.
KNOWN = {
    ("chollet_final_layer", "_SymbolicException"): "final-layer-tf-2-0",
    ("chollet_without_inputs", "_SymbolicException"): "final-layer-tf-2-0",
    ("foster_closure", "ValueError"): "closure-on-keras-3",
    ("machinecurve_closure", "ValueError"): "closure-on-keras-3",
    ("chollet_final_layer", "ValueError"): "final-layer-keras-3",
    ("chollet_without_inputs", "ValueError"): "final-layer-keras-3",
    ("chollet_without_inputs", "RuntimeError"): "final-layer-keras-3",
    ("add_loss_by_tf_function", "ValueError"): "tf-function-on-keras-3-symbols",
    ("tape_loop", "TypeError"): "tape-in-graph-mode",
    ("train_step_method", "ValueError"): "no-loss-to-optimize",
    ("train_step_method", "TypeError"): "no-loss-to-optimize",
    ("train_step_method", "AttributeError"): "no-loss-to-optimize",
    ("compute_loss_method", "ValueError"): "no-loss-to-optimize",
    ("compute_loss_method", "TypeError"): "no-loss-to-optimize",
    ("compute_loss_method", "AttributeError"): "no-loss-to-optimize",
}
# Outcomes without a message lead to the entry that describes them.
SILENT = {
    "trains nothing": "run-eagerly-zero-loss",
    "kl_layer_called_again": "kl-layer-called-twice",
}


# Names and expressions that stand in plain prose, as the command line prints it.
_CALL = r"(?:\((?:[^()]|\([^()]*\))*\))+"
_CODE = re.compile(
    r"`[^`]*`"
    r'|pip install (?:--?[\w-]+ )*"[^"]*"'
    r"|\w+=\{[^}]*\}"
    rf"|\b[A-Za-z_]\w*=(?!=)(?:\"[^\"]*\"|\([^()]*\)|-?[\w.]*\w(?:{_CALL})?)?"
    rf"|[\w.]*\w{_CALL}(?:\.\w+(?:{_CALL})?)*"
    r"|\*\*\w+"
    r"|(?:keras|np|ops|tf|tfd|tfpl|self|vae|model|K)\.\w[\w.]*\w"
    r"|\.?[\w.]*\w_\w[\w.]*\w"
    r"|(?<!\w)'[\w.]+'(?!\w)"
    r"|@?__\w+__|@tf\.function|\bmu\b"
)


def prose(text):
    """Plain text as Markdown: code in code style, stars as stars."""
    pieces, at = [], 0
    for found in _CODE.finditer(text):
        code = found[0] if found[0].startswith("`") else f"`{found[0]}`"
        pieces += [plain(text[at : found.start()]), code]
        at = found.end()
    return "".join([*pieces, plain(text[at:])]).strip()


def plain(text):
    return re.sub(r"([*<\[\]])", r"\\\1", text)


def group(entry):
    """What the reader sees: the heading under which an entry stands."""
    if entry["seen"] != "message":
        return SYMPTOM if entry["seen"] == "symptom" else WARNING
    names = [entry.get("raises", {}).get("type"), entry["typical"].split(":")[0].split(".")[-1]]
    of_type = {kind: heading for heading, kinds in TYPES.items() for kind in kinds}
    return next((of_type[name] for name in names if name in of_type), OTHER)


def classes():
    """The classes whose pages stand in the table of contents, in its order."""
    names = re.findall(r"file: book/errors/([\w-]+)", (ROOT / "_toc.yml").read_text())
    return [name for name in names if f"<!-- entries {name} -->" in source(name)]


def source(name):
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def classes_as_markdown():
    """Each class with the first sentence of its page."""
    lines = []
    for name in classes():
        sentence = source(name).split("\n\n")[1].splitlines()[0]
        lines.append(f"- {{doc}}`errors/{name}`. {sentence}")
    return "\n".join([*lines, ""])


def lines_as_markdown():
    """A line for each entry, under what the reader sees; its id is the entry's old address."""
    groups, order = {}, classes()
    for entry in sorted(errors.entries(), key=lambda entry: order.index(entry["class"])):
        line = f'- <span class="entry" id="{entry["entry"]}"></span>'
        line += f"[{prose(entry['title'])}](#{entry['entry']}){briefly(entry)}"
        groups.setdefault(group(entry), []).append(line)
    headings = [name for name in (*TYPES, OTHER, WARNING, SYMPTOM) if name in groups]
    return "\n".join(line for name in headings for line in (f"### {name}\n", *groups[name], ""))


def entries_as_markdown(name):
    """The entries of a class: what stops a program first, what is silent last."""
    found = [entry for entry in errors.entries() if entry["class"] == name]
    found.sort(key=lambda entry: ORDER.index(entry["seen"]))
    back = (
        "The {doc}`../error-index` searches this page and all others.\n"
        "Every snippet stands after {ref}`the same few lines <before-every-snippet>`.\n"
    )
    return "\n".join([back, *map(one_entry, found)])


def one_entry(entry):
    before, after = headings(entry)
    pieces = [
        f"({entry['entry']})=\n## {prose(entry['title'])}\n",
        f"[{CHANGE}]{{.change}}\n" if entry.get("change") else "",
        versions(entry),
        as_text(entry["typical"]),
        folded("Other wordings", *map(as_text, entry.get("messages", ()))),
        f"{prose(entry['recognize'])}\n",
        f"**Why.** {prose(entry['cause'])}\n",
        f"**Repair.** {prose(entry['repair'])}\n",
        folded(before, fenced(entry["before"])),
        f"*{after},* behind {{ref}}`the first lines <before-every-snippet>`*:*\n\n"
        f"{fenced(entry['after'])}",
        f"*In a fresh process:*\n\n{fenced(entry['fresh'])}" if entry.get("fresh") else "",
        more(entry),
    ]
    return "\n".join(piece for piece in pieces if piece)


def fenced(text, kind="python"):
    return f"```{kind}\n{text.rstrip()}\n```\n"


def headings(entry):
    """What stands over the code before and after: on which Keras it runs."""
    flavour = {"keras": f", on Keras 3{place(entry)}", "tf_keras": ", on `tf_keras`"}
    before = flavour.get(entry["flavour"], ", as it was written then")
    if entry["flavour"] == "none" and "keras-3" in entry.get("eras", ERAS):
        before = ""  # on a device that no test has
    if entry.get("atlas"):
        before += f"; provoked on TensorFlow {entry['atlas']['tensorflow']}"
    after = flavour.get(entry.get("after_flavour", entry["flavour"]), ", today")
    return f"Before{before}", f"After{after}"


def place(entry):
    """Where the code runs, if it is not TensorFlow on one device."""
    names = [BACKENDS[name] for name in entry.get("backends", ()) if name in BACKENDS]
    return (f" with {' or '.join(names)}" if names else "") + (
        ", two devices" if "devices" in entry else ""
    )


def as_text(message):
    return fenced(message, "{code-block} text\n:class: typical\n")


def folded(title, *pieces):
    """A box that opens, or nothing if there is nothing in it."""
    return f":::{{dropdown}} {title}\n{''.join(pieces)}:::\n" if pieces else ""


def versions(entry):
    """For which Kerases an entry is: marks, newest first, and what else there is to say."""
    eras = [words for era, words in ERAS.items() if era in entry.get("eras", ERAS)]
    eras = eras if len(eras) < len(ERAS) else ["All versions"]
    marks = " ".join(f"[{words}]{{.era}}" for words in eras)
    said = re.sub(r"^all(?:[;,] *|$)", "", entry["versions"].strip().rstrip("."))
    said = "" if eras == [said] else said
    return f"{marks} [{prose(said)}.]{{.versions}}\n" if said else f"{marks}\n"


def briefly(entry):
    """The Kerases of an entry in the line of the overview; nothing if it is for all."""
    eras = [era for era in ERAS if era in entry.get("eras", ERAS)]
    words = ", ".join(era.replace("tf-", "TF ").replace("keras-", "Keras ") for era in eras)
    return f" [{words}]{{.versions}}" if len(eras) < len(ERAS) else ""


def more(entry):
    """Where to read on, and the reports behind an entry."""
    reports = {report["url"]: report for report in errors.reports()}
    links = [
        f"[{name_of(url)}]({url})" + (f", {reports[url]['tf']}" if url in reports else "")
        for url in entry.get("reports") or []
    ]
    found = "*Examine:* `vaelib.checkup(vae, images)` finds this, {ref}`examine-a-vae`. "
    return (
        f"{found if entry.get('finding') else ''}*More:* {{ref}}`{entry['chapter']}`."
        + (f" *Reports:* {'; '.join(links)}." if links else "")
        + "\n"
    )


def name_of(url):
    """tensorflow/probability#519, of the address of an issue."""
    parts = url.removeprefix("https://github.com/").split("/")
    return f"{parts[0]}/{parts[1]}#{parts[-1]}" if "github.com" in url else url


def prelude_as_markdown():
    prelude = errors.prelude()
    code = "%s:\n\n```python\n%s\n```\n"
    return "\n".join(
        [
            code % ("On Keras 3, first", prelude["keras"].rstrip()),
            code % ("On `tf_keras`, first", prelude["tf_keras"].rstrip()),
            code % ("Then, on both", prelude["shared"].rstrip()),
            code
            % (
                "On JAX and PyTorch without TensorFlow, and with this layer in place of the "
                "one above",
                prelude["sampling"].rstrip(),
            ),
        ]
    )


def accuracy_as_markdown():
    """Two tables: texts of our subject, and texts that are none of it."""
    measured = json.loads((DATA / "accuracy.json").read_text())
    ours = ("right", "unsure", "wrong, unsure", "wrong", "nothing")
    others = ("right", "wrong, unsure", "wrong")
    heads = {
        ours: "Sure and right | Not sure, right one among three | Not sure, without it "
        "| Sure and wrong | Nothing",
        others: "Left alone | Not sure | Claimed",
    }
    tables = []
    for columns, rows in ((ours, measured["ours"]), (others, measured["others"])):
        tables += ["", f"| Texts | Number | {heads[columns]} |", "|---" * (len(columns) + 2) + "|"]
        for row in rows:
            note = f" ({row['note']})" if row["note"] else ""
            shares = " | ".join(f"{row[name] / row['n']:.0%}" for name in columns)
            tables.append(f"| {row['texts']}{note} | {row['n']} | {shares} |")
    return "\n".join([*tables, ""])


def atlas_as_markdown():
    rows = json.loads((DATA / "atlas.json").read_text())
    columns = list(dict.fromkeys(map(column_of, rows)))
    cells = {(r["recipe"], *column_of(r), r["mode"]): r for r in rows}
    keras = {column_of(r): r for r in rows}
    modes = {
        c: [m for m in MODES if any((r, *c, m) in cells for r in names(rows))] for c in columns
    }
    head = "".join(
        f'<th scope="colgroup" colspan="{len(modes[c])}">{title(keras[c])}<br>'
        f"<small>{keras[c]['flavour']}<br>{keras[c]['keras'].removesuffix('-tf')}</small></th>"
        for c in columns
    )
    letters = "".join(
        f'<th scope="col" title="{mode}">{MODES[mode]}</th>' for c in columns for mode in modes[c]
    )
    body, chapter = [], None
    for recipe in names(rows):
        slug = next(r["chapter"] for r in rows if r["recipe"] == recipe)
        if slug != chapter:
            chapter = slug
            body.append(chapter_row(slug, sum(map(len, modes.values())) + 1))
        marks = "".join(
            mark(cells.get((recipe, *c, mode)), first=mode == modes[c][0])
            for c in columns
            for mode in modes[c]
        )
        body.append(f'<tr><th scope="row"><code>{recipe}</code></th>{marks}</tr>')
    key = "".join(
        f'<li><span class="mark {style}">{sign}</span> {words}</li>'
        for outcome, style, sign, words in MARKS
        if any(row["outcome"].startswith(outcome) for row in rows)
    )
    return (
        f'```{{raw}} html\n<ul class="atlas-key">{key}</ul>\n'
        # It scrolls in its own box, and the keyboard has to get there.
        '<div class="atlas" tabindex="0" role="region" aria-label="The version atlas"><table>\n'
        '<thead><tr><th scope="col" rowspan="2">TensorFlow<br><small>Keras</small><br>recipe</th>'
        f"{head}</tr><tr>{letters}</tr></thead>\n"
        f"<tbody>{''.join(body)}</tbody></table></div>\n```\n"
    )


def draw_as_markdown():
    """The layer with which tools/atlas.py runs recipes on JAX and PyTorch."""
    sys.path.insert(0, str(ROOT / "tools"))
    from atlas_backends import BY_KERAS

    text = textwrap.dedent(BY_KERAS.strip("\n"))
    return fenced("class Draw(keras.layers.Layer):\n" + textwrap.indent(text, "    "))


def column_of(row):
    """What the cells of a column share: backend, its version, and which Keras."""
    return row.get("backend", "tensorflow"), row["tensorflow"], row["flavour"]


def title(row):
    """What stands over a column: the version of TensorFlow, or another backend and its version."""
    name, _, version = row.get("backend", "").partition(" ")
    return row["tensorflow"] or f"{BACKENDS[name]}<br>{version}"


def names(rows):
    return list(dict.fromkeys(row["recipe"] for row in rows))


def chapter_row(slug, width):
    (path,) = (ROOT / "chapters").glob(f"[0-9][0-9]-{slug}.ipynb")
    link = f'<a href="../chapters/{path.stem}.html">chapter {int(path.stem[:2])}</a>'
    return f'<tr class="chapter"><th scope="rowgroup" colspan="{width}">{link}</th></tr>'


def mark(row, first):
    edge = ' class="first"' if first else ""
    if row is None:
        return f"<td{edge}></td>"
    outcome = row["outcome"]
    _, style, sign, _ = next(m for m in MARKS if outcome.startswith(m[0]))
    said = outcome
    if row["exception"]:
        said = f"{row['stage']}: {row['exception']}: {row['message'] or '(no message)'}"
    elif style == "elsewhere":
        said = f"{outcome}: {row['line']}"
    sign = f'<span class="mark {style}" title="{html.escape(said)}">{sign}</span>'
    entry = entry_of(row)
    if entry:
        sign = f'<a href="{address(entry)}">{sign}</a>'
    return f"<td{edge}>{sign}</td>"


def address(slug):
    """The address of an entry, seen from the pages in book/."""
    (entry,) = [entry for entry in errors.entries() if entry["entry"] == slug]
    return errors.page_of(entry).removeprefix("book/")


def entry_of(row):
    """The entry of the error index that a row of the atlas leads to, or None."""
    if row["exception"]:
        # In graph mode on Keras 3 every recipe ends in the same way.
        alone = row["mode"] == "graph" and row["flavour"] == "keras"
        if (row["recipe"], row["exception"]) in KNOWN and not alone:
            return KNOWN[row["recipe"], row["exception"]]
        if row["recipe"].startswith("tfp") and row["stage"] == "construction":
            return "tfp-layer-on-keras-3-tensor"
        line = f"    {row['line']}\n" if row["line"] else ""
        found = errors.explain(f"{line}{row['exception']}: {row['message']}")
        return found.candidates[0]["entry"] if found else None
    known = {entry["entry"] for entry in errors.entries()}
    if row["outcome"] == "needs TensorFlow":
        entry = needs_tensorflow(row)
    elif row["recipe"].startswith("tfp") and not row["outcome"].startswith("works"):
        regularizer = "regularizer" in row["recipe"]
        entry = "kl-regularizer-counts-twice" if regularizer else "kl-add-loss-sums-the-batch"
    else:
        entry = SILENT.get(row["outcome"], SILENT.get(row["recipe"]))
        if row["outcome"] == "trains nothing" and row["tensorflow"] in ("2.0.4", "2.1.4"):
            entry = "run-eagerly-tf-2-1"  # there the loss is no number, rather than 0
        entry = None if row["outcome"].startswith("works") else entry
    if entry and entry not in known:
        raise ValueError(f"The atlas links to {entry!r}, which is not in the error index.")
    return entry


def needs_tensorflow(row):
    """The entry on what of TensorFlow a recipe needs, and what another backend has instead."""
    if row["recipe"].startswith("tfp"):
        return "tfp-layer-on-keras-3-tensor"
    if row["backend"].startswith("torch"):
        return "tensorflow-functions-on-pytorch"
    own_step = row["recipe"] == "train_step_method"
    return "train-step-on-jax-takes-the-state" if own_step else "tensorflow-functions-on-jax"


FILLINGS = {
    "entries": entries_as_markdown,
    "lines": lines_as_markdown,
    "classes": classes_as_markdown,
    "prelude": prelude_as_markdown,
    "accuracy": accuracy_as_markdown,
    "atlas": atlas_as_markdown,
    "atlas-draw": draw_as_markdown,
}
MARKER = re.compile(rf"<!-- ({'|'.join(FILLINGS)})(?: ([\w-]+))? -->")


def filled(text):
    """A page with its data."""
    return MARKER.sub(lambda marker: FILLINGS[marker[1]](*filter(None, [marker[2]])), text)


def fill(app, docname, source):
    if docname.startswith(("book/error", "book/version-atlas")):
        source[0] = filled(source[0])


def setup(app):
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    sys.stdout.write(filled(Path(sys.argv[1]).read_text(encoding="utf-8")))
