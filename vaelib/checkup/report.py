"""The report: findings, what could not be told, what was measured; as text, HTML, dict, JSON."""

import functools
import html
import json
import textwrap
from importlib import resources

import yaml

WIDTH = 88


@functools.cache
def table():
    """Every kind of finding, slug -> dict, in the order of a report."""
    text = resources.files("vaelib.checkup").joinpath("findings.yaml").read_text(encoding="utf-8")
    return {row["slug"]: row for row in yaml.safe_load(text)}


class Report:
    """What the checkup of a model has found.

    Attributes:
        beta: weight of the KL term, nats per image; None if it cannot be told.
        findings: list of dicts with ``slug``, ``title``, ``measured``, ``expected``, ``why``,
            ``repair``, ``entry`` (of the error index) and ``chapter``; empty for a healthy VAE.
        undetermined: sentences, each about something that could not be told.
        facts: what was measured, name -> sentence or number.
    """

    def __init__(self, name="model"):
        self.name, self.beta = name, None
        self.findings, self.undetermined, self.facts = [], [], {}

    def find(self, slug, measured):
        """Add a finding, once for each slug."""
        if slug not in [finding["slug"] for finding in self.findings]:
            row = table()[slug]
            self.findings.append({**row, "measured": measured})
            order = list(table())
            self.findings.sort(key=lambda finding: order.index(finding["slug"]))

    def unknown(self, sentence):
        """Add a sentence about what could not be told."""
        if sentence not in self.undetermined:
            self.undetermined.append(sentence)

    @property
    def slugs(self):
        """The slugs of the findings."""
        return [finding["slug"] for finding in self.findings]

    def as_dict(self):
        """Everything, as numbers, texts, lists and dictionaries."""
        return {
            "model": self.name,
            "beta": self.beta,
            "findings": self.findings,
            "undetermined": self.undetermined,
            "facts": self.facts,
        }

    def to_json(self):
        """Everything as JSON."""
        return json.dumps(self.as_dict(), indent=2)

    def headline(self):
        """One line: how many findings, and beta."""
        count = len(self.findings)
        found = {0: "nothing found", 1: "1 finding"}.get(count, f"{count} findings")
        if not count and self.undetermined:
            found += ", but not everything could be told"
        return f"Checkup of {self.name}: {found}. Beta is {written(self.beta)}."

    def __repr__(self):
        parts = [self.headline()]
        for number, found in enumerate(self.findings, 1):
            parts.append(
                f"{number}. {found['title']}  [{found['slug']}]\n"
                + "\n".join(
                    _wrapped(label, found[key])
                    for label, key in (
                        ("Measured", "measured"), ("Expected", "expected"),
                        ("Why it matters", "why"), ("Repair", "repair"),
                    )
                )
                + "\n"
                + _wrapped("More", f"error index, {found['entry']}; chapter {found['chapter']}")
            )  # fmt: skip
        if self.undetermined:
            parts.append("Could not be told:\n" + "\n".join(_item(s) for s in self.undetermined))
        if self.facts:
            width = max(len(name) for name in self.facts)
            parts.append(
                "Measured:\n"
                + "\n".join(
                    textwrap.fill(
                        str(value), WIDTH, initial_indent=f"  {name:<{width}}  ",
                        subsequent_indent=" " * (width + 4),
                    )
                    for name, value in self.facts.items()
                )
            )  # fmt: skip
        return "\n\n".join(parts)

    def _repr_html_(self):
        e = html.escape
        parts = [f"<p><strong>{e(self.headline())}</strong></p>"]
        for found in self.findings:
            rows = (("Measured", "measured"), ("Expected", "expected"),
                    ("Why it matters", "why"), ("Repair", "repair"))  # fmt: skip
            body = "".join(
                f"<tr><th style='text-align:left;vertical-align:top'>{label}</th>"
                f"<td style='text-align:left'>{_code(e(found[key]))}</td></tr>"
                for label, key in rows
            )
            parts.append(
                f"<p><strong>{e(found['title'])}</strong> <code>{found['slug']}</code></p>"
                f"<table>{body}<tr><th style='text-align:left'>More</th>"
                f"<td style='text-align:left'>error index <code>{found['entry']}</code>, "
                f"chapter <code>{found['chapter']}</code></td></tr></table>"
            )
        if self.undetermined:
            items = "".join(f"<li>{_code(e(sentence))}</li>" for sentence in self.undetermined)
            parts.append(f"<p><strong>Could not be told</strong></p><ul>{items}</ul>")
        if self.facts:
            rows = "".join(
                f"<tr><th style='text-align:left;vertical-align:top'>{e(name)}</th>"
                f"<td style='text-align:left'>{_code(e(str(value)))}</td></tr>"
                for name, value in self.facts.items()
            )
            parts.append(
                f"<details{'' if self.findings else ' open'}><summary>What was measured</summary>"
                f"<table>{rows}</table></details>"
            )
        return "\n".join(parts)


def written(beta):
    """A beta for the eye."""
    return "unknown" if beta is None else f"{beta:.4g}"


def _wrapped(label, text):
    return textwrap.fill(
        text, WIDTH, initial_indent=f"   {label + ':':<16}", subsequent_indent=" " * 19
    )


def _item(sentence):
    return textwrap.fill(sentence, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _code(text):
    """Backticks as code."""
    parts = text.split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))
