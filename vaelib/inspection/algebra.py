"""A little algebra: an expression, with the assignments behind it, as a sum of terms.

``-0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)`` becomes four terms.
A term has a coefficient, powers of atoms, and the reductions it went through. An atom is a name
that is not computed further, or "exp:NAME", "log:NAME", "eps" for a draw of noise, "recon" for a
loss between two arguments. So K, tf, np, ops and hand-written forms read the same, and what counts
is the formula, not how somebody calls its parts.
"""

import ast
from typing import NamedTuple

from vaelib.inspection.facts import FUNCTIONS, argument, tail

DEPTH, TERMS = 40, 24
NORMAL = "random_normal normal randn truncated_normal standard_normal stateless_normal".split()
UNIFORM = ("random_uniform", "uniform", "rand")
REDUCTIONS = {"sum": "sum", "reduce_sum": "sum", "mean": "mean", "reduce_mean": "mean"}
PASS = (
    "cast stop_gradient reshape flatten batch_flatten expand_dims squeeze convert_to_tensor float "
    "identity clip clip_by_value maximum cast_to_floatx astype"
).split()
# Losses of Keras average over the last axis, their classes over everything, others over nothing.
AVERAGING = (
    "binary_crossentropy mean_squared_error mse MSE mean_absolute_error mae MAE huber "
    "categorical_crossentropy sparse_categorical_crossentropy"
).split()
CLASSES = ("BinaryCrossentropy", "MeanSquaredError", "MeanAbsoluteError", "Huber")
ELEMENTWISE = ("sigmoid_cross_entropy_with_logits", "squared_difference")
BINARY = {"add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div}
BINARY |= {"pow": ast.Pow, "power": ast.Pow}
NOISE_NAMES = ("eps", "epsilon", "noise")


class Term(NamedTuple):
    """A coefficient, ((atom, power), ...), ((reduction, axis), ...), named numbers, and nodes."""

    coef: float
    atoms: tuple = ()
    reds: tuple = ()
    weights: tuple = ()  # (name, value) of numbers that have a name, such as beta
    nodes: tuple = ()  # the calls of exp, of noise, of losses in it


def number(value):
    """The number that a value is, or None."""
    return value[0].coef if len(value) == 1 and not value[0].atoms else None


def times(a, b, factor=1.0):
    """The product of two terms and a number."""
    powers = dict(a.atoms)
    for atom, power in b.atoms:
        powers[atom] = powers.get(atom, 0) + power
    atoms = tuple(sorted((atom, p) for atom, p in powers.items() if p))
    joined = (s + t for s, t in zip(a[2:], b[2:]))
    return Term(factor * a.coef * b.coef, atoms, *joined)


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
            found = getattr(self, f"_{type(node).__name__.lower()}", self.opaque)(node)
        except ArithmeticError:
            found = self.opaque(node)
        self.depth -= 1
        found = found if len(found) <= TERMS else self.opaque(node)
        if not self.bound:
            self.memo[node] = found
        return found

    def opaque(self, node):
        """An atom for what is not computed."""
        short = isinstance(node, ast.Name | ast.Attribute | ast.Subscript)
        name = ast.unparse(node)[:60] if short else f"?{node.lineno}:{node.col_offset}"
        return (Term(1.0, ((name, 1),)),)

    def _constant(self, node):
        plain = isinstance(node.value, int | float) and abs(node.value) < 1e300
        return (Term(float(node.value)),) if plain else self.opaque(node)

    def _name(self, node):
        """The value of a name, from the assignment that holds where it is read."""
        name = self.facts.key(node)
        if name is None:
            return self.opaque(node)
        scope, binding = self.facts.binding(node)
        if (scope, name) in self.bound and binding is None:
            return self.bound[scope, name]
        atom = (Term(1.0, (("eps" if name.lower() in NOISE_NAMES else name, 1),)),)
        if binding is None or binding.how == "other" or self.depth > DEPTH:
            return atom
        if binding.how == "augmented":
            return self.augmented(binding.node)
        value = self.value(binding.node)
        if number(value) == 0:  # a weight that starts at 0 is no factor 0
            return atom
        if number(value) is not None:
            return (value[0]._replace(weights=((name, value[0].coef),)),)
        return atom if value[0].atoms and value[0].atoms[0][0].startswith("?") else value

    _attribute = _name

    def augmented(self, node):
        """The value after ``x += y``."""
        return self.combined(node.op, self.value(node.target), self.value(node.value), node)

    def _unaryop(self, node):
        value = self.value(node.operand)
        negative = isinstance(node.op, ast.USub)
        return tuple(t._replace(coef=-t.coef) for t in value) if negative else value

    def _ifexp(self, node):
        return self.value(node.body)

    def _binop(self, node):
        return self.combined(node.op, self.value(node.left), self.value(node.right), node)

    def combined(self, op, a, b, node):
        """``a op b`` as terms."""
        if isinstance(op, ast.Sub):
            b = tuple(term._replace(coef=-term.coef) for term in b)
        if isinstance(op, ast.Add | ast.Sub):
            both = number(a) is not None and number(b) is not None
            return (a[0]._replace(coef=a[0].coef + b[0].coef),) if both else a + b
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
        plain = all(len(t.atoms) == 1 == t.atoms[0][1] for t in value)
        plain = plain and not any(t.atoms[0][0].startswith(("exp:", "log:")) for t in value)
        if exponent == 2 and len(value) == 2 and plain and value[0].coef == -value[1].coef:
            return (Term(1.0, (("recon", 1),), nodes=(node,)),)
        return self.opaque(node)

    def without_tiny(self, value):
        """log(s + 1e-8) is log(s)."""
        return tuple(t for t in value if t.atoms or abs(t.coef) > 1e-3) or value

    def _call(self, node):
        name, args = tail(node.func), node.args
        if name in NORMAL or name in UNIFORM:
            return self.noise(node, name)
        if name in REDUCTIONS:
            return self.reduced(node, REDUCTIONS[name])
        if name in AVERAGING or name in ELEMENTWISE or self.of_class(node):
            return self.loss(node, name)
        if name in BINARY and len(args) == 2:
            return self.combined(BINARY[name](), self.value(args[0]), self.value(args[1]), node)
        first = argument(node, 0, "x", "input_tensor", "tensor", "input", "a")
        if name == "add_n" and isinstance(first, ast.List | ast.Tuple):
            return tuple(term for part in first.elts for term in self.value(part))
        if name in PASS and isinstance(node.func, ast.Attribute) and not args:
            first = node.func.value
        if first is not None and name in PASS:
            value = self.value(first)
            other = name == "maximum" and number(value) is not None and len(args) == 2
            return self.value(args[1]) if other else value
        if first is not None and name in ("square", "sqrt"):
            return self.power(self.value(first), 2 if name == "square" else 0.5, node)
        if first is not None and name in ("exp", "log", "log1p"):
            return getattr(self, name[:3])(self.without_tiny(self.value(first)), node)
        return self.inlined(node)

    def of_class(self, node):
        """Is it a call of a loss object, such as ``BinaryCrossentropy()(x, x_hat)``?"""
        return tail(getattr(self.facts.origin(node.func), "func", None)) in CLASSES

    def noise(self, node, name):
        """Noise; mean + width * eps, if it is drawn around a mean that is no number."""
        eps = Term(1.0, (("eps", 1),), nodes=(node,))
        mean, width = argument(node, 1, "mean", "loc"), argument(node, 2, "stddev", "scale")
        if name not in NORMAL or mean is None or width is None:
            return (eps,)
        means, widths = self.value(mean), self.value(width)
        plain = number(means) is not None or len(widths) != 1
        return (eps,) if plain else means + (times(widths[0], eps),)

    def exp(self, value, node):
        """The exponential of a sum of numbers and multiples of atoms is a product of powers."""
        if any(len(t.atoms) > 1 or t.reds or t.atoms and t.atoms[0][1] != 1 for t in value):
            return self.opaque(node)
        product = Term(1.0, nodes=(node,))
        for term in value:
            for atom, _ in term.atoms:
                product = times(product, Term(1.0, ((f"exp:{atom}", term.coef),)))
            product = times(product, Term(1.0 if term.atoms else 2.718281828**term.coef))
        return (product,)

    def log(self, value, node):
        """The logarithm of a power."""
        if len(value) != 1 or len(value[0].atoms) != 1:
            return (Term(1.0, (("log:?", 1),), nodes=(node,)),)
        atom, power = value[0].atoms[0]
        if atom.startswith("exp:"):
            return (Term(power, ((atom[4:], 1),), value[0].reds),)
        return (Term(power, ((f"log:{atom}", 1),), value[0].reds, nodes=(node,)),)

    def reduced(self, node, kind):
        """A sum or a mean over an axis, as a function or as a method."""
        first = argument(node, 0, "x", "input_tensor", "a")
        axis = argument(node, 1, "axis", "reduction_indices")
        owner = getattr(node.func, "value", None)
        module = isinstance(owner, ast.Name) and self.facts.dotted(owner)
        axes = isinstance(first, ast.Constant | ast.Tuple | ast.List | ast.UnaryOp)
        if owner is not None and not module and (first is None or axes):  # x.sum(axis=1)
            first, axis = owner, argument(node, 0, "axis")
        value = self.value(first) if first is not None else self.opaque(node)
        if value[0].atoms and value[0].atoms[0][0].startswith("?") and len(value) == 1:
            return self.opaque(node)
        over = "all" if axis is None or ast.unparse(axis) == "None" else ast.unparse(axis)
        return tuple(term._replace(reds=(*term.reds, (kind, over))) for term in value)

    def loss(self, node, name):
        """The term of a reconstruction loss, averaged as Keras does."""
        backend = ".backend." in (self.facts.dotted(node.func) or "")
        reds = (("mean", "-1"),) if name in AVERAGING and not backend else ()
        if self.of_class(node):
            how = argument(self.facts.origin(node.func), None, "reduction")
            how = "" if how is None else ast.unparse(how).lower()
            reds = (("mean", "-1"),) if "none" in how or "sum" in how else (("mean", "all"),)
            reds += (("sum", "all"),) if how.endswith(("sum'", ".sum")) else ()
        return (Term(1.0, (("recon", 1),), reds, nodes=(node,)),)

    def inlined(self, node):
        """What a function of the program returns for these arguments."""
        function = self.facts.function(node.func)
        names = self.facts.parameters(function)
        again = any((function, n) in self.bound for n in names) or len(self.bound) > 12
        returned = [] if function is None or again else returns(function, self.facts)
        if not returned or isinstance(returned[-1], ast.Tuple | ast.List | ast.Dict):
            return self.opaque(node)
        given = {name: argument(node, i, name) for i, name in enumerate(names)}
        inner = {(function, n): self.value(g) for n, g in given.items() if g is not None}
        outer, self.bound = self.bound, {**self.bound, **inner}
        found = self.value(returned[-1])
        self.bound = outer
        return found


def returns(function, facts):
    """The expressions that a function returns itself."""
    if not isinstance(function, FUNCTIONS) or isinstance(function, ast.Lambda):
        return []
    found = [n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value]
    return [n.value for n in found if facts.scopes[n] is function]
