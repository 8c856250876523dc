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

``rules.yaml`` is the one table of what can be found; ``gone.yaml`` and ``keras3.json`` hold what is
gone and what is there. Nothing is executed, and neither Keras nor TensorFlow imported.
"""

import functools
import json
import sys
from pathlib import Path

from vaelib.inspection import habits, removed, silent, sites, wiring
from vaelib.inspection.algebra import Algebra
from vaelib.inspection.facts import Facts, argument
from vaelib.inspection.reading import Unreadable, program, read
from vaelib.inspection.report import Finding, Report

__all__ = ["Finding", "Report", "Unreadable", "inspect", "main", "rules"]

OF_FACTS = (
    removed.gone_names, removed.calls, removed.file_names, removed.mixed, wiring.closures,
    wiring.symbols_in_tensorflow, wiring.add_losses, wiring.sizes, wiring.without_test_step,
    wiring.lambdas,
)  # fmt: skip
OF_FORMULAS = (
    silent.kl_formulas, silent.draws, silent.without_kl, habits.swapped, habits.frozen_weights,
    habits.watched, habits.pixels, habits.activations,
)  # fmt: skip


@functools.cache
def rules():
    """The table of rules: {name: {sure, means, repair, entry, maybe slug, versions, keras3}}."""
    import yaml

    text = (Path(__file__).parent / "rules.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


class Context:
    """The formulas of a program, as the rules need them."""

    def __init__(self, facts):
        self.facts, self.algebra = facts, Algebra(facts)
        self.sites = list(sites.sites(facts, self.algebra))
        self.losses = wiring.loss_functions(facts)
        every = sites.terms_of_loss(self.sites, facts, self.losses)
        self.kinds = {kl.kind for kl in every if kl.linear}
        # What numpy computes is looked at, not trained.
        self.kls = [kl for kl in every if not facts.is_numpy(kl.place)]
        self.draws = sites.draws(self.sites)
        maps = facts.calls_of("map_fn", "vectorized_map", "vmap")
        self.mapped = {facts.function(a) for call in maps for a in call.args} - {None}
        shapes = [argument(call, 0, "shape") for call in facts.calls_of("Input")]
        sizes = [getattr(facts.origin(s), "elts", ()) for s in shapes if s is not None]
        # Are all inputs vectors, so far as one can see?
        self.flat = bool(sizes) and all(len(size) == 1 for size in sizes)


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
    own = {full.split(".")[0] for full in facts.aliases.values()}
    keras_2 = "TF_USE_LEGACY_KERAS" in facts.constants or "tf_keras" in own and "keras" not in own
    findings = {}
    for name, node, detail, sure in ((*finding, None)[:4] for finding in found):
        rule, line = rules()[name], node.lineno
        if not (rule.get("keras3") and keras_2):
            slug, source = rule.get("slug", name), code.lines[line - 1].rstrip()
            finding = Finding(
                line, code.place(line), source, slug, sure or rule["sure"], detail, rule["means"],
                rule.get("versions", ""), rule["repair"], rule["entry"],
            )  # fmt: skip
            findings.setdefault((line, slug), finding)
    ordered = [findings[key] for key in sorted(findings)]
    return Report(code.name, ordered, bool(context.kls or context.draws))


def main(path, as_json=False):
    """Inspect a file and print the report; the exit status is 0, 1 (findings) or 2 (unreadable)."""
    try:
        report = examine(read(path))
    except Unreadable as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report.as_list(), indent=2) if as_json else report)
    return 1 if report else 0
