"""Self-check questions: ``{questions} PART`` renders those of one part of the book.

They stand in book/_data/questions.yaml. A question is a group of choices, and a choice a
``<details>``: its summary is the choice, its body says in words whether it is right, why, and
which chapter teaches it. No script, no kernel. Texts are MyST; they may hold mathematics, code and
references.

The pages of questions and exercises stand in parts of their own in the table of contents, without
a number and without a caption, so that chapters keep their numbers.
"""

from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
QUESTIONS = ROOT / "book" / "_data" / "questions.yaml"
LETTERS = "ABCD"


class question(nodes.General, nodes.Element):
    """A question with its choices."""


class choice(nodes.General, nodes.Element):
    """A choice, folded shut over its explanation."""


class choice_summary(nodes.General, nodes.TextElement):
    """The line of a choice that is always seen."""


def parts():
    """Part: its questions, in the order of the book."""
    return yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))


class Questions(SphinxDirective):
    """All questions of one part."""

    required_arguments = 1

    def run(self):
        """One group of choices for each question."""
        self.env.note_dependency(str(QUESTIONS))
        known = parts()
        part = self.arguments[0]
        if part not in known:
            raise self.error(f"There are no questions {part!r}: choose one of {', '.join(known)}.")
        return [self.one(number, entry) for number, entry in enumerate(known[part], start=1)]

    def one(self, number, entry):
        """A question, its text first."""
        name = f"question-{entry['id']}"
        node = question(ids=[name], classes=["question"])
        text = nodes.container(ids=[f"{name}-text"], classes=["question-text"])
        text += self.parsed(f"**{number}.** {entry['question']}")
        node += text
        for letter, each in zip(LETTERS, entry["choices"]):
            node += self.choice(letter, each, entry["chapter"])
        self.state.document.note_explicit_target(node)
        return node

    def choice(self, letter, each, slug):
        """A choice, and under it the verdict in words, the reason, and where to read on."""
        verdict = "right" if "right" in each else "wrong"
        node = choice(classes=["choice", verdict])
        summary = choice_summary()
        summary += nodes.inline(letter, letter, classes=["letter"])
        summary += nodes.Text(" ")
        summary += self.parsed(each["says"])[0].children
        node += summary
        node += self.parsed(f"**{verdict.capitalize()}.** {each[verdict]}")
        node += self.parsed(f"{{ref}}`{slug}`")
        node[-1]["classes"].append("taught")
        return node

    def parsed(self, text):
        """The nodes of a text in MyST."""
        holder = nodes.Element()
        lines = StringList(text.strip().splitlines(), source=str(QUESTIONS))
        self.state.nested_parse(lines, self.content_offset, holder)
        return holder.children


def visit_question(self, node):
    self.body.append(
        self.starttag(node, "div", role="group", **{"aria-labelledby": f"{node['ids'][0]}-text"})
    )


def depart_question(self, node):
    self.body.append("</div>\n")


def visit_choice(self, node):
    self.body.append(self.starttag(node, "details"))


def depart_choice(self, node):
    self.body.append("</details>\n")


def visit_summary(self, node):
    self.body.append(self.starttag(node, "summary", ""))


def depart_summary(self, node):
    self.body.append("</summary>\n")


def setup(app):
    app.add_node(question, html=(visit_question, depart_question))
    app.add_node(choice, html=(visit_choice, depart_choice))
    app.add_node(choice_summary, html=(visit_summary, depart_summary))
    app.add_directive("questions", Questions)
    # Its neighbour on the same kind of page.
    app.setup_extension("broken_notebooks")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
