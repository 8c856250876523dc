"""Where a program computes a KL term, draws z, and adds up its loss: formulas found by algebra."""

import ast
from typing import NamedTuple

from vaelib.inspection.algebra import AVERAGING, CLASSES, Term, returns
from vaelib.inspection.facts import argument, tail


class Site(NamedTuple):
    """An expression whose value goes somewhere: into a name, a return, a call."""

    node: ast.AST
    kind: str  # "assigned", "returned", "add_loss", "given"
    value: tuple


class KL(NamedTuple):
    """A KL term in the value of a site, as coefficients of its parts.

    ``kind`` and ``power`` say what is taken for sigma squared: ("exp", 1) is exp(spread),
    ("power", 2) is spread squared.
    """

    site: Site
    spread: str
    kind: tuple
    square: float | None  # coefficient of mu squared; None: mu is not squared
    linear: float  # of log sigma squared
    width: float  # of sigma squared
    mu: str | None
    extra: tuple  # atoms that weigh the term, such as (("self.beta", 1),)
    term: Term  # the one with sigma squared

    @property
    def place(self):
        """The node that stands for this formula."""
        return self.term.nodes[0] if self.term.nodes else self.site.node


class Draw(NamedTuple):
    """An expression such as mu + sigma * eps: atoms of sigma, their factor, the call for eps."""

    site: Site
    sigma: tuple
    coef: float
    noise: ast.AST | None
    place: ast.AST  # the node that stands for this formula


def sites(facts, algebra):
    """All expressions of the program that may hold a formula."""
    found = []
    for node in facts.nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            found.append(("assigned", node if isinstance(node, ast.AugAssign) else node.value))
        elif isinstance(node, ast.Return | ast.Lambda):
            found.append(("returned", node.value if isinstance(node, ast.Return) else node.body))
        elif isinstance(node, ast.Call):
            kind = "add_loss" if tail(node.func) == "add_loss" else "given"
            found += [(kind, value) for value in [*node.args, *(k.value for k in node.keywords)]]
    for kind, node in found:
        if isinstance(node, ast.AugAssign):
            value = algebra.augmented(node)
        elif isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call | ast.Name | ast.Attribute):
            value = algebra.value(node)
        else:
            continue
        if len(value) > 1 or any(term.nodes or len(term.atoms) > 1 for term in value):
            yield Site(node, kind, value)


def kl_terms(site):
    """The KL terms in the value of a site."""
    for term in site.value:
        for atom, power in term.atoms:
            rest = tuple((a, p) for a, p in term.atoms if a != atom)
            kind, spread = ("exp", atom[4:]) if atom.startswith("exp:") else ("power", atom)
            if computed(spread) or power <= 0 or spread in dict(rest):
                continue
            wanted = spread if kind == "exp" else f"log:{atom}"
            others = [t for t in site.value if t is not term and t.reds == term.reds]
            linear = [t for t in others if dict(t.atoms) == {**dict(rest), wanted: 1}]
            mu, square = mean_part(others, spread, rest)
            lost = not linear and square and kind == "exp" and mu != "recon"
            if lost or linear and linear[0].coef * term.coef < 0:
                slope = linear[0].coef / power if linear else 0.0
                yield KL(site, spread, (kind, power), square, slope, term.coef, mu, rest, term)


def computed(atom):
    """Is an atom no plain name?"""
    return atom in ("eps", "recon") or atom.startswith(("exp:", "log:"))


def mean_part(others, spread, rest):
    """(name, coefficient) of the squared mean beside a spread; the coefficient may be None."""
    plain = None
    for term in others:
        own = [(a, p) for a, p in term.atoms if (a, p) not in rest]
        if (
            len(own) == 1
            and own[0][0] != spread
            and (own[0][0] == "recon" or not computed(own[0][0]))
        ):
            name, power = own[0]
            if power == 2 or name == "recon":  # (mu - prior)^2
                return name, term.coef
            plain = name if power == 1 else plain
    return plain, None


def draws(found):
    """The draws of the program: a sum in which one part is multiplied by noise, another is not."""
    seen = {}
    for site in found:
        noisy = [t for t in site.value if dict(t.atoms).get("eps") == 1]
        quiet = [t for t in site.value if "eps" not in dict(t.atoms)]
        if not len(noisy) == 1 == len(quiet) == len(quiet[0].atoms) or quiet[0].reds:
            continue
        term = noisy[0]
        sigma = tuple((a, p) for a, p in term.atoms if a != "eps")
        calls = [n for n in term.nodes if isinstance(n, ast.Call) and tail(n.func) != "exp"]
        place = term.nodes[0] if term.nodes else site.node
        draw = Draw(site, sigma, term.coef, calls[0] if calls else None, place)
        key, far = (place.lineno, place.col_offset), abs(site.node.lineno - place.lineno)
        # Where a draw is inlined, the place that is nearest to its formula stands for it.
        if quiet[0].atoms[0][0] != "recon" and (key not in seen or far < seen[key][0]):
            seen[key] = far, draw
    return [draw for _, draw in seen.values()]


def terms_of_loss(found, facts, losses):
    """Each KL formula of the program, as it stands in the last sum that holds it."""
    best = {}
    for kl in (kl for site in found for kl in kl_terms(site)):
        site, key = kl.site, (kl.place.lineno, kl.place.col_offset)
        rank = (
            site.kind == "add_loss" or any(map(is_reconstruction, site.value)),
            site.kind == "returned" and facts.function_of(site.node) in losses,
            len(kl.term.reds),
            site.node.lineno,
        )
        if key not in best or rank >= best[key][0]:
            best[key] = rank, kl
    return [kl for _, kl in best.values()]


def is_reconstruction(term):
    """Does a term compare images with reconstructions?"""
    powers = dict(term.atoms)
    return powers.get("recon") == 1 or is_log_likelihood(term)


def is_log_likelihood(term):
    """x * log(x_hat), by hand."""
    return len(term.atoms) == 2 and sum(a.startswith("log:") for a, _ in term.atoms) == 1


def compiled(facts):
    """The expressions given to ``compile`` as losses."""
    found = []
    for call in facts.calls_of("compile"):
        loss = argument(call, 1, "loss")
        source = facts.origin(loss) if isinstance(loss, ast.Name) else loss
        several = getattr(source, "elts", None) or getattr(source, "values", None)
        found += several if several else [source] if source is not None else []
    return found


def loss_of(node, facts, algebra):
    """The reconstruction terms of a loss given to compile: a name, a loss of Keras, a function."""
    function = facts.function(node)
    if function is not None:
        values = [algebra.value(value) for value in returns(function, facts)]
        return [t for value in values for t in value if is_reconstruction(t)]
    known = getattr(node, "value", None) in AVERAGING or tail(node) in AVERAGING
    known = known or tail(getattr(node, "func", None)) in CLASSES
    return [Term(1.0, (("recon", 1),), (("mean", "all"),), nodes=(node,))] if known else []
