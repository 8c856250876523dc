"""What an inspection found: findings, and how they read."""

import textwrap
from typing import NamedTuple

SURE = ("certain", "likely", "look here")
CLEAN = (
    "nothing here is known to break on Keras 3 or to be silently wrong; a reading sees formulas "
    "and names only, not the data, the shapes, other files, or what training makes of it."
)
NO_VAE = "I see no VAE in it (no KL term, and no draw of z), so only calls of Keras were read; "


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
        text = " ".join(part for part in (self.detail, self.means, self.versions) if part)
        body = [textwrap.fill(t, 84) for t in (text, f"Repair: {self.repair}")]
        body = [f"> {self.source.strip()[:84]}", *body, f"More: book/error-index.html#{self.entry}"]
        head = f"{self.place} [{self.sure}] {self.slug}"
        return "\n".join([head, *(textwrap.indent(t, "    ") for t in body)])


class Report:
    """The findings of one program, a list of ``Finding`` in the order of its lines.

    It is true if there is any. ``as_list()`` gives dictionaries for JSON, ``vae`` says whether a KL
    term or a draw of z was seen.
    """

    def __init__(self, name, findings, vae):
        self.name, self.findings, self.vae = name, findings, vae

    def __bool__(self):
        return bool(self.findings)

    def as_list(self):
        return [finding._asdict() for finding in self.findings]

    def __repr__(self):
        counts = [(sure, sum(f.sure == sure for f in self.findings)) for sure in SURE]
        last = ", ".join(f"{n} {sure}" for sure, n in counts if n) + "."
        last = last if self.findings else f"{'' if self.vae else NO_VAE}{CLEAN}"
        return "\n\n".join([*map(str, self.findings), f"{self.name}: {last}"])
