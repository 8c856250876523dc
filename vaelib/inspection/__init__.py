"""Read a VAE script before anything runs: ``python -m vaelib inspect script.py``.

=========== ================================================================================
``reading`` a script or a notebook as one program
``facts``   a table of what stands in it: imports, scopes, assignments, calls
``algebra`` an expression, with the assignments behind it, as a sum of terms
``sites``   KL terms, draws and losses, found as formulas
``removed`` rules: names, arguments and files that Keras 3 no longer has
``wiring``  rules: symbolic tensors, ``add_loss``, sizes
``silent``  rules: formulas that train and are wrong
``habits``  rules: arguments, weights, names, pixels, activations
``report``  what an inspection returns
=========== ================================================================================

``rules.yaml`` is the one table of what can be found. Nothing is executed, and nothing imported
but the standard library and a reader of YAML.
"""

import functools
import json
import sys
from pathlib import Path

from vaelib.inspection import habits, removed, silent, sites, wiring
from vaelib.inspection.algebra import Algebra
from vaelib.inspection.facts import Facts, argument, tail
from vaelib.inspection.reading import Unreadable, program, read
from vaelib.inspection.report import Finding, Report

__all__ = ["Finding", "Report", "Unreadable", "inspect", "main", "rules"]

OF_FACTS = (
    removed.gone_names, removed.tensorflow_1, removed.arguments, removed.file_names, removed.mixed,
    wiring.closures, wiring.symbols_in_tensorflow, wiring.add_losses, wiring.sizes,
    wiring.without_call, wiring.lambdas,
)  # fmt: skip
OF_FORMULAS = (
    silent.kl_formulas, silent.draws, silent.without_kl, silent.unused_draw, habits.swapped,
    habits.frozen_weights, habits.watched, habits.pixels, habits.activations,
)  # fmt: skip


@functools.cache
def rules():
    """The table of rules: {slug: {sure, keras3, versions, means, repair, entry}}."""
    import yaml

    text = (Path(__file__).parent / "rules.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


class Context:
    """The formulas of a program, as the rules need them."""

    def __init__(self, facts):
        self.facts, self.algebra = facts, Algebra(facts)
        self.sites = sites.sites(facts, self.algebra)
        self.losses = wiring.loss_functions(facts)
        every = sites.terms_of_loss(self.sites, facts, self.losses)
        self.kinds = {kl.kind for kl in every if kl.linear}
        # What numpy computes is looked at, not trained.
        self.kls = [k for k in every if not facts.from_numpy(k.place)]
        self.draws = sites.draws(self.sites)
        maps = [c for c in facts.calls if tail(c.func) in ("map_fn", "vectorized_map", "vmap")]
        self.mapped = {facts.function(a) for c in maps for a in c.args} - {None}
        inputs = [argument(c, 0, "shape") for c in facts.calls if tail(c.func) == "Input"]
        shapes = [wiring.source_of(i, facts) for i in inputs if i is not None]
        # Are all inputs vectors, so far as one can see?
        self.flat = bool(shapes) and all(len(getattr(s, "elts", "ab")) == 1 for s in shapes)

    def compiled_loss(self, node):
        """The reconstruction terms of a loss that was given to compile."""
        return sites.loss_of(node, self.facts, self.algebra)


def inspect(source, name="script.py"):
    """Inspect the source text of a script, or of a notebook if the name ends in .ipynb.

    Returns:
        a ``Report``; false if nothing was found.

    Raises:
        Unreadable: the text does not parse, is empty, or is a notebook of another language.
    """
    return examine(program(source, name))


def examine(code):
    """The ``Report`` on a ``Program``."""
    facts = Facts(code)
    context = Context(facts)
    found = [finding for rule in OF_FACTS for finding in rule(facts)]
    found += [finding for rule in OF_FORMULAS for finding in rule(context)]
    findings, seen = [], set()
    for slug, node, detail, sure in ((*finding, None)[:4] for finding in found):
        rule = rules()[slug]
        if (slug, node.lineno) in seen or rule.get("keras3") and legacy(facts):
            continue
        seen.add((slug, node.lineno))
        findings.append(
            Finding(
                node.lineno, code.place(node.lineno), code.lines[node.lineno - 1].rstrip(),
                rule.get("slug", slug),
                sure or rule["sure"], detail, rule["means"], rule.get("versions", ""),
                rule["repair"], rule["entry"],
            )
        )  # fmt: skip
    findings.sort(key=lambda finding: (finding.line, finding.slug))
    return Report(code.name, findings, bool(context.kls or context.draws))


def legacy(facts):
    """Does the program ask for Keras 2 itself?"""
    own = any(full.split(".")[0] == "tf_keras" for full in facts.aliases.values())
    other = any(full.split(".")[0] == "keras" for full in facts.aliases.values())
    return "TF_USE_LEGACY_KERAS" in facts.strings or own and not other


def main(path, as_json=False):
    """Inspect a file and print the report; the exit status is 0, 1 (findings) or 2 (unreadable)."""
    try:
        report = examine(read(path))
    except Unreadable as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report.as_list(), indent=2) if as_json else report)
    return 1 if report else 0
