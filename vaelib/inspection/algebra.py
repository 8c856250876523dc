"""A little algebra: an expression, with the assignments behind it, as a sum of terms.

``-0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)`` becomes four terms.
A term has a coefficient, powers of atoms, and the reductions it went through. An atom is a name
that is not computed further, or "exp:NAME", "log:NAME", "eps" for a draw of noise, "recon" for a
loss of Keras or TensorFlow between two arguments. So K, tf, np, ops and hand-written forms read
the same, and what counts is the formula, not how somebody calls its parts.
"""

import ast
from typing import NamedTuple

from vaelib.inspection.facts import argument, tail

DEPTH, TERMS = 40, 24
NORMAL = {"random_normal", "normal", "randn", "truncated_normal", "standard_normal"}
NORMAL |= {"stateless_normal"}
UNIFORM = {"random_uniform", "uniform", "rand"}
SUM, MEAN = {"sum", "reduce_sum"}, {"mean", "reduce_mean"}
PASS = set(
    "cast stop_gradient reshape flatten batch_flatten expand_dims squeeze convert_to_tensor "
    "identity clip clip_by_value maximum cast_to_floatx astype float add_n".split()
)
# Losses of Keras average over the last axis, their classes over everything, others over nothing.
AVERAGING = set(
    "binary_crossentropy mean_squared_error mse MSE mean_absolute_error mae MAE log_cosh huber "
    "categorical_crossentropy sparse_categorical_crossentropy".split()
)
CLASSES = {"BinaryCrossentropy", "MeanSquaredError", "MeanAbsoluteError", "Huber"}
ELEMENTWISE = {"sigmoid_cross_entropy_with_logits", "squared_difference"}
BINARY = {"add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div}
NOISE_NAMES = ("eps", "epsilon", "noise", "random_noise", "epsilons")


class Term(NamedTuple):
    """A coefficient, ((atom, power), ...), ((reduction, axis), ...), named numbers, and nodes."""

    coef: float
    atoms: tuple = ()
    reds: tuple = ()
    weights: tuple = ()  # (name, value) of numbers that have a name, such as beta
    nodes: tuple = ()  # the calls of exp, of noise, of losses in it

    def powers(self):
        return dict(self.atoms)


def number(value):
    """The number that a value is, or None."""
    return value[0].coef if len(value) == 1 and not value[0].atoms else None


def times(a, b):
    """The product of two terms."""
    powers = dict(a.atoms)
    for atom, power in b.atoms:
        powers[atom] = powers.get(atom, 0) + power
    atoms = tuple(sorted((atom, p) for atom, p in powers.items() if p))
    coef = a.coef * b.coef
    return Term(coef, atoms, a.reds + b.reds, a.weights + b.weights, a.nodes + b.nodes)


def raised(term, power):
    """A term to a power."""
    coef = abs(term.coef) ** power if term.coef else 0.0
    sign = -1 if term.coef < 0 and power % 2 == 1 else 1
    atoms = tuple((atom, p * power) for atom, p in term.atoms)
    weights = tuple((name, value**power) for name, value in term.weights if value or power > 0)
    return term._replace(coef=sign * coef, atoms=atoms, weights=weights)


class Algebra:
    """Evaluate expressions of one program."""

    def __init__(self, facts):
        self.facts, self.memo, self.bound, self.depth = facts, {}, {}, 0

    def value(self, node):
        """The terms of an expression; what cannot be computed is an atom."""
        if node in self.memo and not self.bound:
            return self.memo[node]
        if self.depth > DEPTH:
            return self.opaque(node)
        self.depth += 1
        try:
            method = getattr(self, f"_{type(node).__name__.lower()}", self.opaque)
            found = method(node)
        except (OverflowError, ZeroDivisionError, ArithmeticError):
            found = self.opaque(node)
        finally:
            self.depth -= 1
        found = found if len(found) <= TERMS else self.opaque(node)
        if not self.bound:
            self.memo[node] = found
        return found

    def opaque(self, node):
        """An atom for what is not computed."""
        short = isinstance(node, ast.Name | ast.Attribute | ast.Subscript)
        name = ast.unparse(node) if short else f"?{node.lineno}:{node.col_offset}"
        return (Term(1.0, ((name[:60], 1),)),)

    def is_opaque(self, value):
        return len(value) == 1 and value[0].atoms and value[0].atoms[0][0].startswith("?")

    def _constant(self, node):
        if isinstance(node.value, int | float) and abs(node.value) < 1e300:
            return (Term(float(node.value)),)
        return self.opaque(node)

    def _name(self, node):
        return self.resolved(node, self.facts.key(node))

    def _attribute(self, node):
        key = self.facts.key(node)
        return self.resolved(node, key) if key else self.opaque(node)

    def resolved(self, node, name):
        """The value of a name, from the assignment that holds where it is read."""
        where = (node.lineno, node.col_offset)
        scope, binding = self.facts.binding(name, self.facts.scopes[node], where)
        if (scope, name) in self.bound and binding is None:
            return self.bound[scope, name]
        atom = (Term(1.0, (("eps" if name.lower() in NOISE_NAMES else name, 1),)),)
        if binding is None or binding.how == "other":
            return atom
        if binding.how == "augmented":
            step = binding.node
            before = self.resolved(step.target, name) if self.depth < DEPTH else atom
            return self.combined(step.op, before, self.value(step.value), step)
        value = self.value(binding.node)
        if number(value) is not None:
            return (value[0]._replace(weights=((name, value[0].coef),)),)
        return atom if self.is_opaque(value) else value

    def _unaryop(self, node):
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub):
            return tuple(term._replace(coef=-term.coef) for term in value)
        return value

    def _ifexp(self, node):
        return self.value(node.body)

    def _binop(self, node):
        return self.combined(node.op, self.value(node.left), self.value(node.right), node)

    def combined(self, op, a, b, node):
        """``a op b`` as terms."""
        if isinstance(op, ast.Sub):
            b = tuple(term._replace(coef=-term.coef) for term in b)
        if isinstance(op, ast.Add | ast.Sub):
            if number(a) is not None and number(b) is not None:
                return (a[0]._replace(coef=a[0].coef + b[0].coef),)
            return a + b
        if isinstance(op, ast.Mult) and len(a) * len(b) <= TERMS and min(len(a), len(b)) == 1:
            return tuple(times(s, t) for s in a for t in b)
        if isinstance(op, ast.Div) and len(b) == 1 and b[0].coef:
            return tuple(times(term, raised(b[0], -1)) for term in a)
        if isinstance(op, ast.Pow) and number(b) is not None:
            return self.power(a, number(b), node)
        return self.opaque(node)

    def power(self, value, exponent, node):
        """A value to a power; a squared difference of two things is a reconstruction loss."""
        value = self.without_tiny(value)
        if len(value) == 1:
            return (raised(value[0], exponent),)
        plain = all(
            len(t.atoms) == 1 and t.atoms[0][1] == 1 and ":" not in t.atoms[0][0] for t in value
        )
        if exponent == 2 and len(value) == 2 and plain and value[0].coef == -value[1].coef:
            return (Term(1.0, (("recon", 1),), nodes=(node,)),)
        return self.opaque(node)

    def without_tiny(self, value):
        """log(s + 1e-8) is log(s)."""
        rest = tuple(t for t in value if t.atoms or abs(t.coef) > 1e-3)
        return rest or value

    def _call(self, node):
        name = tail(node.func)
        if name in NORMAL or name in UNIFORM:
            return self.noise(node, name)
        first = argument(node, 0, "x", "input_tensor", "tensor", "input", "a", "logits", "inputs")
        if name in SUM | MEAN:
            return self.reduced(node, name)
        if name in AVERAGING | ELEMENTWISE or tail(getattr(node.func, "func", None)) in CLASSES:
            return self.loss(node, name)
        if name in BINARY and len(node.args) == 2:
            a, b = map(self.value, node.args)
            return self.combined(BINARY[name](), a, b, node)
        if name == "add_n" and isinstance(first, ast.List | ast.Tuple):
            return tuple(term for part in first.elts for term in self.value(part))
        if name in ("pow", "power") and len(node.args) == 2:
            exponent = number(self.value(node.args[1]))
            if exponent is not None:
                return self.power(self.value(first), exponent, node)
        if name in PASS and isinstance(node.func, ast.Attribute) and not node.args:
            first = node.func.value
        if first is not None and name in ("exp", "log", "square", "sqrt", "log1p", *PASS):
            return self.elementary(name, first, node)
        return self.inlined(node)

    def noise(self, node, name):
        """mean + width * eps, if noise is drawn around a mean that is no number."""
        eps = Term(1.0, (("eps", 1),), nodes=(node,))
        mean, width = argument(node, 1, "mean", "loc"), argument(node, 2, "stddev", "scale")
        if name not in NORMAL or mean is None or width is None:
            return (eps,)
        means, widths = self.value(mean), self.value(width)
        if number(means) is not None or len(widths) != 1:
            return (eps,)
        return means + (times(widths[0], eps),)

    def elementary(self, name, first, node):
        """exp, log, square, root, and what changes no number."""
        value = self.value(first)
        if name in PASS:
            if name == "maximum" and number(value) is not None and len(node.args) == 2:
                return self.value(node.args[1])
            return value
        if name in ("square", "sqrt"):
            return self.power(value, 2 if name == "square" else 0.5, node)
        value = self.without_tiny(value)
        if name == "exp" and all(
            len(t.atoms) <= 1 and not t.reds and (not t.atoms or t.atoms[0][1] == 1) for t in value
        ):
            product = Term(1.0, nodes=(node,))
            for term in value:
                for atom, _ in term.atoms:
                    product = times(product, Term(1.0, ((f"exp:{atom}", term.coef),)))
                if not term.atoms:
                    product = product._replace(coef=product.coef * 2.718281828**term.coef)
            return (product,)
        if name == "log" and len(value) == 1 and len(value[0].atoms) == 1:
            (atom, power), term = value[0].atoms[0], value[0]
            if atom.startswith("exp:"):
                return (Term(power, ((atom[4:], 1),), term.reds),)
            return (Term(power, ((f"log:{atom}", 1),), term.reds, nodes=(node,)),)
        if name in ("log", "log1p"):
            return (Term(1.0, (("log:?", 1),), nodes=(node,)),)
        return self.opaque(node)

    def reduced(self, node, name):
        """A sum or a mean over an axis, as a function or as a method."""
        first = argument(node, 0, "x", "input_tensor", "a")
        axis = argument(node, 1, "axis", "reduction_indices")
        owner = getattr(node.func, "value", None)
        known = isinstance(owner, ast.Name) and self.facts.dotted(owner)
        axes = isinstance(first, ast.Constant | ast.Tuple | ast.List | ast.UnaryOp)
        if owner is not None and not known and (first is None or axes):  # x.sum(axis=1)
            first, axis = owner, argument(node, 0, "axis")
        if first is None:
            return self.opaque(node)
        kind = "sum" if name in SUM else "mean"
        step = (kind, "all" if axis is None else ast.unparse(axis))
        if step[1] == "None":
            step = (kind, "all")
        value = self.value(first)
        if self.is_opaque(value):
            return self.opaque(node)
        return tuple(term._replace(reds=(*term.reds, step)) for term in value)

    def loss(self, node, name):
        """The term of a reconstruction loss, averaged as Keras does."""
        owner = self.facts.dotted(node.func) or ""
        reds = (("mean", "-1"),) if name in AVERAGING and ".backend." not in owner else ()
        if tail(getattr(node.func, "func", None)) in CLASSES:
            how = argument(node.func, None, "reduction")
            how = "" if how is None else ast.unparse(how).lower()
            reds = (("mean", "-1"),) if "none" in how else (("mean", "all"),)
            reds = (("mean", "-1"), ("sum", "all")) if how.endswith(("sum'", ".sum")) else reds
        return (Term(1.0, (("recon", 1),), reds, nodes=(node,)),)

    def inlined(self, node):
        """What a function of the program returns for these arguments."""
        function = self.facts.function(node.func)
        if function is None or isinstance(function, ast.Lambda) or len(self.bound) > 12:
            return self.opaque(node)
        returns = [n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value]
        returns = [r for r in returns if self.facts.scopes[r] is function]
        if not returns or isinstance(returns[-1].value, ast.Tuple | ast.List | ast.Dict):
            return self.opaque(node)
        names = [p for p in self.facts.parameters(function) if p != "self"]
        given = {name: argument(node, i, name) for i, name in enumerate(names)}
        inner = {(function, n): self.value(g) for n, g in given.items() if g is not None}
        if any((function, n) in self.bound for n in names):  # it calls itself
            return self.opaque(node)
        outer, self.bound = self.bound, {**self.bound, **inner}
        try:
            return self.value(returns[-1].value)
        finally:
            self.bound = outer
