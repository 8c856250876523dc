"""What is shown of an answer: one entry with its repair, or a few to choose from."""

import ast
import builtins
import html
import textwrap

from vaelib.errors.index import entries

CHANGE = "A change from Keras 2 to 3, no fault of your VAE."
FOUND = "vaelib.checkup(vae, images) finds this in a compiled model"
NOT_SURE = "Not sure. It may be one of these; what tells them apart:"
NOTHING_FITS = (
    "No entry of the error index fits this text, so nothing can be told about it. To go on: all "
    "entries, by what you see (book/error-index.html); a script for an older Keras "
    "(book/old-scripts.html); vaelib.checkup(vae, images), if your VAE trains and is wrong."
)
# The names that stand before every snippet of the index, and what they are in a reader's script.
NAMES = {
    "inputs": "the input of your encoder",
    "hidden": "the layer before its two heads",
    "mu": "the first output of your encoder",
    "log_var": "the second output of your encoder",
    "z": "the draw",
    "decoder": "your decoder, a model",
    "outputs": "the output of your VAE",
    "reconstruction": "your reconstruction loss, one number per image",
    "images": "your data",
    "Sampling": "your layer that draws z",
}


def names_in(code):
    """Of ``NAMES``, what a snippet uses and does not define, in their order."""
    tree = ast.parse(code)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    defined = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    defined |= {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    used = {node.id for node in names} - defined - set(dir(builtins))
    return [name for name in NAMES if name in used]


def legend(code):
    """One sentence on where the names in a snippet come from, or nothing."""
    told = [f"{name} is {NAMES[name]}" for name in names_in(code)]
    return f"In this code, {'; '.join(told)}." if told else ""


class Explanation:
    """The entries that fit an error, best first; a notebook shows the best, ready to read.

    ``candidates`` is a list of at most three dictionaries with the keys class, entry, title,
    score, versions, recognize, page, repair and sure; it is empty if nothing fits. ``sure`` tells
    whether the first can be trusted; if not, all are shown with what tells them apart. ``note``
    says what the text's versions have to do with it.
    """

    def __init__(self, candidates=(), sure=False, note=""):
        self.candidates, self.sure, self.note = list(candidates), sure, note

    def __bool__(self):
        return bool(self.candidates)

    def _best(self):
        return _entry(self.candidates[0])

    def __repr__(self):
        if not self.candidates:
            return NOTHING_FITS
        return self._certain() if self.sure else self._uncertain()

    def _certain(self):
        best = self._best()
        first = [CHANGE] if best.get("change") else []
        repair = f"Repair: {best['repair'].strip()}"
        texts = [*first, best["title"], best["cause"].strip(), repair, legend(best["after"])]
        paragraphs = [textwrap.fill(text, 78) for text in [*texts, self.note] if text]
        code = textwrap.indent(best["after"].rstrip(), "    ")
        rest = [f"  {c['title']} ({c['page']})" for c in self.candidates[1:]]
        others = ["It may also be:\n" + "\n".join(rest)] if rest else []
        where = f"For {best['versions']}.\n" if best.get("eras") else ""
        where += f"More: {self.candidates[0]['page']}, and chapters/{best['chapter']}.html."
        if best.get("finding"):
            where += f"\n{FOUND}: chapters/examine-a-vae.html."
        return "\n\n".join([*paragraphs, code, where, *others])

    def _uncertain(self):
        paragraphs = [NOT_SURE]
        for number, candidate in enumerate(self.candidates, 1):
            told = f"{number}. {candidate['title']}. {candidate['recognize']}"
            told += f" For {candidate['versions']}."
            body = textwrap.fill(told, 78, subsequent_indent="   ")
            paragraphs.append(f"{body}\n   {candidate['page']}")
        return "\n\n".join([*paragraphs, *([textwrap.fill(self.note, 78)] if self.note else [])])

    def _repr_html_(self):
        if not self.candidates:
            return f"<p>{html.escape(NOTHING_FITS)}</p>"
        return self._certain_html() if self.sure else self._uncertain_html()

    def _certain_html(self):
        entry = self._best()
        best = {k: html.escape(str(v).strip()) for k, v in entry.items()}
        links = [_link(candidate) for candidate in self.candidates]
        others = f"<p>It may also be: {'; '.join(links[1:])}.</p>" if links[1:] else ""
        room = '<a href="../chapters/examine-a-vae.html">examine-a-vae</a>'
        found = f"<p>{FOUND}: {room}.</p>" if best.get("finding") else ""
        change = f"<p>{CHANGE}</p>" if best.get("change") else ""
        told = "".join(
            f"<p>{html.escape(text)}</p>" for text in (legend(entry["after"]), self.note) if text
        )
        versions = f" For {best['versions']}." if best.get("eras") else ""
        return (
            f"<div>{change}<p><strong>{best['title']}</strong></p><p>{best['cause']}</p>"
            f"<p><strong>Repair.</strong> {best['repair']}</p>{told}"
            f"<pre><code>{best['after']}</code></pre>"
            f"<p>{versions} More in the error index: {links[0]}, and in the chapter "
            f'<a href="../chapters/{best["chapter"]}.html">{best["chapter"]}</a>.</p>'
            f"{found}{others}</div>"
        )

    def _uncertain_html(self):
        items = "".join(
            f"<li><p>{_link(candidate)}. {html.escape(candidate['recognize'])} "
            f"For {html.escape(candidate['versions'])}.</p></li>"
            for candidate in self.candidates
        )
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return f"<div><p>{NOT_SURE}</p><ol>{items}</ol>{note}</div>"


def _entry(candidate):
    return next(entry for entry in entries() if entry["entry"] == candidate["entry"])


def _link(candidate):
    return f'<a href="../{candidate["page"]}">{html.escape(candidate["title"])}</a>'
