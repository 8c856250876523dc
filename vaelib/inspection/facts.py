"""What stands in a program: names of imports, scopes, assignments, functions, calls."""

import ast
from bisect import bisect_left
from typing import NamedTuple

SCOPES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Binding(NamedTuple):
    """One assignment: where, how ("value", "augmented", "other") and which node."""

    where: tuple
    how: str
    node: ast.AST


class Facts:
    """A table of facts about one program.

    ``parents`` and ``scopes`` map each node to the node, and to the scope, that holds it;
    ``bindings`` maps (scope, name) to its assignments in order, where ``self.x`` is a name of its
    class; ``aliases`` maps a name to the dotted name it was imported as; ``calls``, ``functions``
    and ``classes`` are lists of nodes; ``loads`` counts how often a name is read.
    """

    def __init__(self, program):
        self.program, self.tree = program, program.tree
        self.parents, self.scopes, self.bindings, self.aliases = {}, {}, {}, {}
        self.calls, self.functions, self.classes, self.nodes = [], [], [], []
        self.loads, self.strings, self.numbers = {}, set(), set()
        waiting = [(self.tree, self.tree)]
        while waiting:  # by hand, because a script may be nested deeper than Python recurses
            node, scope = waiting.pop()
            self.scopes[node] = scope
            self.nodes.append(node)
            self._note(node, scope)
            inner = node if isinstance(node, SCOPES) else scope
            children = list(ast.iter_child_nodes(node))
            for child in children:
                self.parents[child] = node
            waiting += [(child, inner) for child in reversed(children)]
        for bound in self.bindings.values():
            bound.sort(key=lambda binding: binding.where)
        self._follow_aliases()

    def _note(self, node, scope):
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node)
        elif isinstance(node, ast.Call):
            self.calls.append(node)
        elif isinstance(node, FUNCTIONS):
            self.functions.append(node)
        elif isinstance(node, ast.ClassDef):
            self.classes.append(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, node.value, scope)
        elif isinstance(node, ast.AnnAssign) and node.value:
            self._bind(node.target, node.value, scope)
        elif isinstance(node, ast.AugAssign):
            self._add(node.target, "augmented", node, scope)
        elif isinstance(node, ast.For | ast.comprehension):
            self._bind(node.target, None, scope)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = node.id if isinstance(node, ast.Name) else node.attr
            self.loads[name] = self.loads.get(name, 0) + 1
        elif isinstance(node, ast.Constant):
            kind = self.strings if isinstance(node.value, str) else self.numbers
            kind.add(node.value)

    def _import(self, node):
        base = (
            "" if isinstance(node, ast.Import) else ("." * node.level + (node.module or "") + ".")
        )
        for alias in node.names:
            full = base + alias.name
            if alias.asname or base:
                self.aliases[alias.asname or alias.name] = full
            else:
                self.aliases[alias.name.split(".")[0]] = alias.name.split(".")[0]

    def _bind(self, target, value, scope):
        if not isinstance(target, ast.Tuple | ast.List):
            return self._add(target, "value" if value is not None else "other", value, scope)
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        for i, element in enumerate(target.elts):
            if len(values) == len(target.elts):
                self._bind(element, values[i], scope)
            else:
                self._add(element, "other", value, scope)

    def _add(self, target, how, node, scope):
        name = self.key(target)
        if name and name.startswith("self."):
            scope = self.class_of(scope)
        if name:
            # Known only after its value: ``x = f(x)`` reads the x before it.
            end = node if node is not None else target
            where = (end.end_lineno, end.end_col_offset)
            self.bindings.setdefault((scope, name), []).append(Binding(where, how, node))

    def _follow_aliases(self):
        """``K = tf.keras.backend`` makes an alias, too."""
        for (scope, name), bound in self.bindings.items():
            if scope is self.tree and len(bound) == 1 and bound[0].how == "value":
                full = self.dotted(bound[0].node)
                if full and name not in self.aliases:
                    self.aliases[name] = full

    def key(self, node):
        """The name under which a target is kept: "x", "self.x", or None."""
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return f"self.{node.attr}" if node.value.id == "self" else None
        return None

    def class_of(self, scope):
        """The class around a scope, or the scope itself."""
        inner = scope
        while inner is not self.tree and not isinstance(inner, ast.ClassDef):
            inner = self.scopes[inner]
        return inner if isinstance(inner, ast.ClassDef) else scope

    def function_of(self, node):
        """The innermost named function around a node, or None."""
        scope = self.scopes[node]
        while isinstance(scope, ast.Lambda):
            scope = self.scopes[scope]
        return scope if isinstance(scope, FUNCTIONS) else None

    def dotted(self, node):
        """The full name of an expression like ``K.exp``, if it begins at an import, else None."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.aliases:
            return None
        return ".".join([self.aliases[node.id], *reversed(parts)])

    def from_numpy(self, node):
        """Is a node a call of numpy?"""
        return (self.dotted(getattr(node, "func", None)) or "").startswith("numpy.")

    def parameters(self, scope):
        """Names of the parameters of a function or lambda."""
        if not isinstance(scope, FUNCTIONS):
            return []
        a = scope.args
        every = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
        return [argument.arg for argument in every if argument]

    def binding(self, name, scope, where):
        """(scope, Binding) that a name has at a place; the Binding is None for a parameter.

        In its own scope the last assignment before the place counts, in outer ones the last.
        """
        if name.startswith("self."):
            scope = self.class_of(scope)
            bound = self.bindings.get((scope, name), ())
            before = [b for b in bound if b.where < where]
            return scope, (before or bound or [None])[-1]
        own = True
        while True:
            bound = self.bindings.get((scope, name))
            if bound and own:
                i = bisect_left(bound, where, key=lambda binding: binding.where)
                if i or scope is not self.tree:
                    return scope, bound[i - 1] if i else None
            elif bound:
                return scope, bound[-1]
            if name in self.parameters(scope) or scope is self.tree:
                return scope, None
            scope, own = self.outer(scope), False

    def outer(self, scope):
        """The scope in which the names of a scope are looked up next."""
        scope = self.scopes[scope]
        while isinstance(scope, ast.ClassDef):  # a method does not see the names of its class
            scope = self.scopes[scope]
        return scope

    def function(self, node):
        """The function that a call's ``f`` or ``self.f`` names in this program, or None."""
        name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
        owner = getattr(node, "value", None)
        if owner is not None and self.key(node) is None:
            return None
        scope = self.scopes.get(node, self.tree)
        if owner is not None:
            around = [self.class_of(scope)]
        else:
            around = [scope]
            while around[-1] is not self.tree:
                around.append(self.outer(around[-1]))
        named = self.by_name().get(name, ())
        return next((f for s in around for f in reversed(named) if self.scopes[f] is s), None)

    def by_name(self):
        """Named functions of the program by name."""
        if not hasattr(self, "_by_name"):
            self._by_name = {}
            for f in self.functions:
                self._by_name.setdefault(getattr(f, "name", None), []).append(f)
        return self._by_name


def tail(node):
    """The last part of a called name: "exp" of ``K.exp``."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def argument(call, position, *names):
    """The argument of a call at a position or under one of the names, or None."""
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    starred = any(isinstance(a, ast.Starred) for a in call.args)
    if position is not None and position < len(call.args) and not starred:
        return call.args[position]
    return None
