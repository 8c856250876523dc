"""What an inspection found: findings, and how they read in a terminal and in a notebook."""

import html
import textwrap
from typing import NamedTuple

CLEAN = (
    "nothing here is known to break on Keras 3 or to be silently wrong. A reading sees formulas "
    "and names only: not the data, not shapes, not what another file defines, not what training "
    "makes of it."
)
NO_VAE = "I see no VAE in it (no KL term, and no draw of z), so only the calls of Keras were read; "


class Finding(NamedTuple):
    """One line of the program, and what is the matter with it."""

    line: int
    place: str
    source: str
    slug: str
    sure: str
    detail: str
    means: str
    versions: str
    repair: str
    entry: str

    def __str__(self):
        head = f"{self.place} [{self.sure}] {self.slug}"
        text = " ".join(part for part in (self.detail, self.means, self.versions) if part)
        body = [text, f"Repair: {self.repair}"]
        body = [textwrap.fill(t, 88, initial_indent="    ", subsequent_indent="    ") for t in body]
        source = f"    > {self.source.strip()[:100]}"
        more = f"    More: book/error-index.html#{self.entry}"
        return "\n".join([head, source, *body, more])


class Report:
    """The findings of one program, in the order of its lines.

    ``findings`` is a list of ``Finding``; ``as_list()`` gives dictionaries for JSON. It is true if
    there is any finding.
    """

    def __init__(self, name, findings, vae):
        self.name, self.findings, self.vae = name, findings, vae

    def __bool__(self):
        return bool(self.findings)

    def as_list(self):
        return [finding._asdict() for finding in self.findings]

    def summary(self):
        if not self.findings:
            return f"{self.name}: {'' if self.vae else NO_VAE}{CLEAN}"
        counts = [(s, sum(f.sure == s for f in self.findings)) for s in SURE]
        parts = ", ".join(f"{n} {sure}" for sure, n in counts if n)
        return f"{self.name}: {parts}."

    def __repr__(self):
        return "\n\n".join([*map(str, self.findings), self.summary()])

    def _repr_html_(self):
        rows = [
            f"<li>{html.escape(f.place)} <em>{html.escape(f.sure)}</em> "
            f'<a href="../book/error-index.html#{f.entry}"><code>{f.slug}</code></a><br>'
            f"<code>{html.escape(f.source.strip()[:100])}</code><br>"
            f"{html.escape(' '.join(p for p in (f.detail, f.means, f.versions) if p))} "
            f"<strong>Repair.</strong> {html.escape(f.repair)}</li>"
            for f in self.findings
        ]
        return f"<div><ul>{''.join(rows)}</ul><p>{html.escape(self.summary())}</p></div>"


SURE = ("certain", "likely", "look here")
