"""Where a program computes a KL term, draws z, and adds up its loss: formulas found by algebra."""

import ast
from typing import NamedTuple

from vaelib.inspection.algebra import AVERAGING, CLASSES, Term
from vaelib.inspection.facts import argument, tail

STEPS = ("train_step", "test_step", "compute_loss", "call")


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
    """An expression such as mu + sigma * eps."""

    site: Site
    mu: tuple  # atoms of the first part
    sigma: tuple  # atoms that multiply the noise
    coef: float
    noise: ast.AST | None  # the call that makes it, if it is seen
    place: ast.AST  # the node that stands for this formula


def sites(facts, algebra):
    """All expressions of the program that may hold a formula."""
    found = []
    for node in facts.nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            found.append(("assigned", node.value))
        elif isinstance(node, ast.AugAssign):
            found.append(("assigned", node))
        elif isinstance(node, ast.Return) and node.value:
            found.append(("returned", node.value))
        elif isinstance(node, ast.Lambda):
            found.append(("returned", node.body))
        elif isinstance(node, ast.Call):
            kind = "add_loss" if tail(node.func) == "add_loss" else "given"
            found += [(kind, value) for value in [*node.args, *(k.value for k in node.keywords)]]
    result = []
    for kind, node in found:
        if isinstance(node, ast.AugAssign):
            value = augmented(node, algebra)
        elif isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call | ast.Name | ast.Attribute):
            value = algebra.value(node)
        else:
            continue
        if any(term.nodes or len(term.atoms) > 1 for term in value) or len(value) > 1:
            result.append(Site(node, kind, value))
    return result


def augmented(node, algebra):
    """The value after ``x += y``."""
    name = algebra.facts.key(node.target)
    if name is None:
        return algebra.opaque(node)
    before = algebra.resolved(node.target, name)
    return algebra.combined(node.op, before, algebra.value(node.value), node)


def kl_terms(site):
    """The KL terms in the value of a site."""
    found = []
    for term in site.value:
        for atom, power in term.atoms:
            rest = tuple((a, p) for a, p in term.atoms if a != atom)
            spread = atom[4:] if atom.startswith("exp:") else atom
            if atom in ("eps", "recon") or atom.startswith("log:") or power <= 0:
                continue
            if spread in dict(rest):
                continue
            wanted = spread if atom.startswith("exp:") else f"log:{atom}"
            others = [t for t in site.value if t is not term and axes(t) == axes(term)]
            linear = [t for t in others if matches(t, wanted, 1, rest)]
            mu, square = mean_part(others, spread, rest)
            lost = not linear and square and atom.startswith("exp:") and mu != "recon"
            if lost or linear and linear[0].coef * term.coef < 0:
                kind = ("exp" if atom.startswith("exp:") else "power", power)
                slope = linear[0].coef / power if linear else 0.0
                found.append(KL(site, spread, kind, square, slope, term.coef, mu, rest, term))
    return found


def axes(term):
    """Reductions without regard to how they are written."""
    return tuple((kind, axis) for kind, axis in term.reds)


def matches(term, atom, power, rest):
    """Is a term this atom to this power, times the rest?"""
    return dict(term.atoms) == {**dict(rest), atom: power}


def mean_part(others, spread, rest):
    """(name, coefficient) of the squared mean beside a spread; the coefficient may be None."""
    plain = None
    for term in others:
        own = [(a, p) for a, p in term.atoms if (a, p) not in rest]
        if len(own) == 1 and own[0][0] != spread and ":" not in own[0][0]:
            if own[0][1] == 2 or own[0][0] == "recon":  # (mu - prior)^2
                return own[0][0], term.coef
            if own[0][1] == 1 and own[0][0] not in ("recon", "eps"):
                plain = own[0][0]
    return plain, None


def draws(found):
    """The draws of the program: a sum in which one part is multiplied by noise, another is not."""
    result = []
    for site in found:
        noisy = [t for t in site.value if dict(t.atoms).get("eps") == 1]
        quiet = [t for t in site.value if "eps" not in dict(t.atoms)]
        if len(noisy) == 1 and len(quiet) == 1 and len(quiet[0].atoms) == 1 and not quiet[0].reds:
            if quiet[0].atoms[0][0] == "recon":
                continue
            sigma = tuple((a, p) for a, p in noisy[0].atoms if a != "eps")
            calls = [n for n in noisy[0].nodes if "exp" not in tail(getattr(n, "func", None))]
            calls = [n for n in calls if isinstance(n, ast.Call)]
            call = calls[0] if calls else None
            place = noisy[0].nodes[0] if noisy[0].nodes else site.node
            result.append(Draw(site, quiet[0].atoms, sigma, noisy[0].coef, call, place))
    # Where a draw is inlined, the place that is nearest to its formula stands for it.
    result.sort(key=lambda draw: abs(draw.site.node.lineno - draw.place.lineno))
    return unique(result, lambda draw: (draw.place.lineno, draw.place.col_offset))


def unique(items, key):
    """The first item for each key."""
    seen = {}
    for item in items:
        seen.setdefault(key(item), item)
    return list(seen.values())


def terms_of_loss(found, facts, losses):
    """Each KL formula of the program, as it stands in the last sum that holds it."""
    best = {}
    for site in found:
        for kl in kl_terms(site):
            place = kl.place
            key = (place.lineno, place.col_offset)
            function = facts.function_of(site.node)
            rank = (
                site.kind == "add_loss" or any(is_reconstruction(t) for t in site.value),
                site.kind == "returned" and function in losses,
                len(kl.term.reds),
                site.node.lineno,
            )
            if key not in best or rank >= best[key][0]:
                best[key] = (rank, kl)
    return [kl for _, kl in best.values()]


def is_reconstruction(term):
    """Does a term compare images with reconstructions?"""
    powers = dict(term.atoms)
    if powers.get("recon") == 1:
        return True
    logs = [a for a in powers if a.startswith("log:")]
    return len(logs) == 1 and len(powers) == 2  # x * log(x_hat)


def compiled(facts):
    """The expressions given to ``compile`` as losses."""
    found = []
    for call in facts.calls:
        if tail(call.func) == "compile":
            loss = argument(call, 1, "loss")
            if isinstance(loss, ast.Name):  # loss = "mse", or a function
                where = (loss.lineno, loss.col_offset)
                _, binding = facts.binding(loss.id, facts.scopes[loss], where)
                loss = binding.node if binding and binding.how == "value" else loss
            if isinstance(loss, ast.List | ast.Tuple):
                found += loss.elts
            elif isinstance(loss, ast.Dict):
                found += loss.values
            elif loss is not None:
                found.append(loss)
    return found


def loss_of(node, facts, algebra):
    """The reconstruction terms of a loss given to compile: a name, a loss of Keras, a function."""
    if isinstance(node, ast.Constant):
        average = node.value in AVERAGING
        return [Term(1.0, (("recon", 1),), (("mean", "all"),), nodes=(node,))] if average else []
    if isinstance(node, ast.Call) and tail(node.func) in CLASSES:
        return [Term(1.0, (("recon", 1),), (("mean", "all"),), nodes=(node,))]
    function = facts.function(node)
    if function is None:
        known = tail(node) in AVERAGING and facts.dotted(node)
        return [Term(1.0, (("recon", 1),), (("mean", "all"),), nodes=(node,))] if known else []
    bodies = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value]
    return [t for body in bodies for t in algebra.value(body) if is_reconstruction(t)]
