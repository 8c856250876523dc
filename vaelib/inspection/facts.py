"""What stands in a program: names of imports, scopes, assignments, functions, calls."""

import ast
from bisect import bisect_left
from collections import Counter
from typing import NamedTuple

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
# Methods that run inside the compiled step.
STEPS = ("call", "train_step", "test_step", "compute_loss")


class Binding(NamedTuple):
    """One assignment: where it ends, how ("value", "augmented", "other"), and which node."""

    where: tuple
    how: str
    node: ast.AST


class Facts:
    """A table of facts about one program.

    ``parents`` and ``scopes`` map each node to the node, and to the scope, that holds it;
    ``bindings`` maps (scope, name) to its assignments in order, where ``self.x`` is a name of its
    class; ``aliases`` maps a name to the dotted name it was imported as; ``loads`` counts how often
    a name is read, ``constants`` how often a constant is written.
    """

    def __init__(self, program):
        self.program, self.tree, self.nodes = program, program.tree, []
        self.parents, self.scopes, self.bindings, self.aliases = {}, {}, {}, {}
        waiting = [(self.tree, self.tree)]
        while waiting:  # by hand, because a script may be nested deeper than Python recurses
            node, scope = waiting.pop()
            self.scopes[node] = scope
            self.nodes.append(node)
            inner = node if isinstance(node, (ast.ClassDef, *FUNCTIONS)) else scope
            children = list(ast.iter_child_nodes(node))
            self.parents.update((child, node) for child in children)
            waiting += [(child, inner) for child in reversed(children)]
        self.calls, self.classes = self.of(ast.Call), self.of(ast.ClassDef)
        self.functions, self.named, self.called = self.of(*FUNCTIONS), {}, {}
        for function in self.functions:
            self.named.setdefault(getattr(function, "name", None), []).append(function)
        for call in self.calls:
            self.called.setdefault(tail(call.func), []).append(call)
        read = [n for n in self.of(ast.Name, ast.Attribute) if isinstance(n.ctx, ast.Load)]
        self.loads = Counter(tail(node) for node in read)
        self.constants = Counter(node.value for node in self.of(ast.Constant))
        for node in self.nodes:
            self._note(node)
        for bound in self.bindings.values():
            bound.sort(key=lambda binding: binding.where)
        for (scope, name), bound in self.bindings.items():  # K = tf.keras.backend
            if scope is self.tree and len(bound) == 1 and bound[0].how == "value":
                full = self.dotted(bound[0].node)
                self.aliases.setdefault(name, full) if full else None

    def of(self, *kinds):
        """The nodes of some kinds, in the order of the program."""
        return [node for node in self.nodes if isinstance(node, kinds)]

    def calls_of(self, *names):
        """The calls of functions and methods by the last part of their name."""
        found = [call for name in dict.fromkeys(names) for call in self.called.get(name, ())]
        return sorted(found, key=lambda call: (call.lineno, call.col_offset))

    def _note(self, node):
        if isinstance(node, ast.Import | ast.ImportFrom):
            deep = isinstance(node, ast.ImportFrom)
            base = "." * node.level + (node.module or "") + "." if deep else ""
            for alias in node.names:
                short = alias.asname or (alias.name if deep else alias.name.split(".")[0])
                self.aliases[short] = base + alias.name if alias.asname or deep else short
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in getattr(node, "targets", None) or [node.target]:
                self._bind(target, node.value)
        elif isinstance(node, ast.AugAssign):
            self._add(node.target, "augmented", node)
        elif isinstance(node, ast.For | ast.comprehension):
            self._bind(node.target, None)

    def _bind(self, target, value):
        if not isinstance(target, ast.Tuple | ast.List):
            return self._add(target, "value" if value is not None else "other", value)
        values = getattr(value, "elts", [])
        for i, element in enumerate(target.elts):
            if len(values) == len(target.elts):
                self._bind(element, values[i])
            else:
                self._add(element, "other", value)

    def _add(self, target, how, node):
        name, scope = self.key(target), self.scopes[target]
        if name:
            scope = self.class_of(scope) if name.startswith("self.") else scope
            # Known only after its value: ``x = f(x)`` reads the x before it.
            end = node if node is not None else target
            binding = Binding((end.end_lineno, end.end_col_offset), how, node)
            self.bindings.setdefault((scope, name), []).append(binding)

    def key(self, node):
        """The name under which a target is kept: "x", "self.x", or None."""
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self":
            return f"self.{node.attr}"
        return getattr(node, "id", None)

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

    def in_step(self, node):
        """Does a node stand in a method that runs in the compiled step?"""
        return getattr(self.function_of(node), "name", "") in STEPS

    def dotted(self, node):
        """The full name of an expression like ``K.exp``, if it begins at an import, else None."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        start = self.aliases.get(getattr(node, "id", None))
        return start and ".".join([start, *reversed(parts)])

    def full_names(self):
        """(node, full name) of all that is imported, and of the longest attributes of it."""
        for node in self.of(ast.Import, ast.ImportFrom, ast.Attribute):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names = [] if node.level else node.names
                yield from ((node, f"{node.module}.{alias.name}") for alias in names)
            elif not isinstance(self.parents[node], ast.Attribute) and self.dotted(node):
                yield node, self.dotted(node)

    def is_numpy(self, call):
        """Is a node a call of numpy?"""
        return (self.dotted(getattr(call, "func", None)) or "").startswith("numpy.")

    def parameters(self, function):
        """Names of the parameters of a function, without self."""
        if not isinstance(function, FUNCTIONS):
            return []
        given = [n.arg for n in ast.walk(function.args) if isinstance(n, ast.arg)]
        return [name for name in given if name != "self"]

    def binding(self, node):
        """(scope, Binding) of a name where it is read; the Binding is None for a parameter.

        In its own scope the last assignment before the place counts, in outer ones the last.
        """
        name, scope = self.key(node), self.scopes[node]
        where, own = (node.lineno, node.col_offset), True
        if name.startswith("self."):
            scope = self.class_of(scope)
            bound = self.bindings.get((scope, name), [])
            return scope, ([b for b in bound if b.where < where] or bound or [None])[-1]
        while True:
            bound = self.bindings.get((scope, name), [])
            before = bisect_left(bound, where, key=lambda b: b.where) if own else len(bound)
            if before or bound and scope is not self.tree:
                return scope, bound[before - 1] if before else None
            if name in self.parameters(scope) or scope is self.tree:
                return scope, None
            scope, own = self.outer(scope), False

    def origin(self, node):
        """The expression behind a name, or the node itself."""
        for _ in range(8):
            if self.key(node) is None or node not in self.scopes:
                return node
            binding = self.binding(node)[1]
            if binding is None or binding.how == "augmented" or binding.node is None:
                return node
            node = binding.node
        return node

    def outer(self, scope):
        """The scope in which the names of a scope are looked up next."""
        scope = self.scopes[scope]
        while isinstance(scope, ast.ClassDef):  # a method does not see the names of its class
            scope = self.scopes[scope]
        return scope

    def function(self, node):
        """The function that ``f`` or ``self.f`` names in this program, or None."""
        key = self.key(node)
        if key is None:
            return None
        around = [self.scopes.get(node, self.tree)]
        if key.startswith("self."):
            around = [self.class_of(around[0])]
        while around[-1] is not self.tree and not key.startswith("self."):
            around.append(self.outer(around[-1]))
        named = self.named.get(tail(node), [])
        return next((f for s in around for f in reversed(named) if self.scopes[f] is s), None)


def tail(node):
    """The last part of a called name: "exp" of ``K.exp``."""
    return getattr(node, "id", None) or getattr(node, "attr", "")


def argument(call, position, *names):
    """The argument of a call at a position or under one of the names, or None."""
    named = [k.value for k in call.keywords if k.arg in names]
    starred = any(isinstance(a, ast.Starred) for a in call.args)
    if not named and position is not None and position < len(call.args) and not starred:
        return call.args[position]
    return named[0] if named else None


def is_off(node):
    """Is a node 0, False or None?"""
    return isinstance(node, ast.Constant) and not node.value
