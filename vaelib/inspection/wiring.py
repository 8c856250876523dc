"""Symbolic tensors in the wrong place, add_loss, and sizes that are no integers."""

import ast
import re

from vaelib.inspection.facts import FUNCTIONS, argument, tail
from vaelib.inspection.sites import compiled

SIZED = {"Dense": "units", "Conv1D": "filters", "Conv2D": "filters", "Conv2DTranspose": "filters"}
SIZED |= {"LSTM": "units", "GRU": "units", "RepeatVector": "n", "Conv3D": "filters"}

NUMPY = {"prod", "max", "min", "sum", "int64", "int32", "ceil", "floor", "product", "amax"}
LATENT = re.compile(r"latent|^[nd]_?z$|z_?dim", re.I)
STEPS = {"call", "train_step", "test_step", "compute_loss", "build"}
LAYERS = ("Layer", "Lambda", "Wrapper")


def source_of(node, facts):
    """The expression behind a name, or the node itself."""
    for _ in range(8):
        key = facts.key(node)
        if key is None:
            return node
        where = (node.lineno, node.col_offset)
        _, binding = facts.binding(key, facts.scopes[node], where)
        if binding is None or binding.how == "augmented" or binding.node is None:
            return node
        node = binding.node
    return node


def is_symbol(node, facts, depth=0):
    """Is an expression a tensor of a functional model, while that is built?"""
    if depth > 10:
        return False
    if isinstance(node, ast.Name | ast.Attribute):
        found = source_of(node, facts)
        return found is not node and is_symbol(found, facts, depth + 1)
    if isinstance(node, ast.BinOp):
        return any(is_symbol(n, facts, depth + 1) for n in (node.left, node.right))
    if isinstance(node, ast.UnaryOp | ast.Subscript):
        inner = node.operand if isinstance(node, ast.UnaryOp) else node.value
        return not isinstance(inner, ast.Attribute) and is_symbol(inner, facts, depth + 1)
    if not isinstance(node, ast.Call):
        return False
    if tail(node.func) == "Input":
        return True
    if getattr(facts.function_of(node), "name", "") in STEPS:
        return False
    if isinstance(node.func, ast.Call):  # Dense(2)(x)
        return tail(node.func.func)[:1].isupper() and tail(node.func.func) not in ("Model",)
    if tail(node.func) in (
        "predict",
        "numpy",
        "range",
        "len",
        "print",
        "int",
        "load_model",
        "Model",
    ):
        return False
    given = [e for a in node.args[:4] for e in (a.elts if isinstance(a, ast.List) else [a])]
    return any(is_symbol(a, facts, depth + 1) for a in given)


def outside(function, facts):
    """Names in a function that stand for symbolic tensors of the code around it."""
    for node in ast.walk(function):
        key = facts.key(node) if isinstance(getattr(node, "ctx", None), ast.Load) else None
        if key is None or node not in facts.scopes:
            continue
        scope, binding = facts.binding(key, facts.scopes[node], (node.lineno, node.col_offset))
        if within(scope, function, facts) and not isinstance(scope, ast.ClassDef):
            continue
        if binding and getattr(facts.function_of(binding.node or function), "name", "") in STEPS:
            continue
        if binding and binding.node is not None and is_symbol(binding.node, facts):
            yield node
        elif binding is None and isinstance(scope, FUNCTIONS) and given_symbol(scope, key, facts):
            yield node


def given_symbol(function, name, facts):
    """Does the program call a function with a symbolic tensor for this parameter?"""
    names = [p for p in facts.parameters(function) if p != "self"]
    for call in facts.calls:
        if name in names and facts.function(call.func) is function:
            value = argument(call, names.index(name), name)
            if value is not None and is_symbol(value, facts):
                return True
    return False


def within(scope, function, facts):
    """Is a scope inside a function, or the function itself?"""
    while scope is not facts.tree:
        if scope is function:
            return True
        scope = facts.scopes[scope]
    return False


def loss_functions(facts):
    """Functions of the program that compile gets as a loss or a metric."""
    given = compiled(facts)
    for call in facts.calls:
        metrics = argument(call, 2, "metrics") if tail(call.func) == "compile" else None
        given += metrics.elts if isinstance(metrics, ast.List | ast.Tuple) else []
    found = []
    for node in given:
        if isinstance(node, ast.Lambda):
            found.append(node)
        factory = isinstance(node, ast.Call)
        function = facts.function(node.func if factory else node)
        if function is None:
            continue
        inner = [f for f in ast.walk(function) if isinstance(f, FUNCTIONS) and f is not function]
        found += inner if factory else [function]
    for function in found:  # and what they call; the list grows
        calls = [n for n in ast.walk(function) if isinstance(n, ast.Call)]
        called = [facts.function(n.func) for n in calls if n in facts.scopes]
        found += [f for f in dict.fromkeys(called) if f is not None and f not in found]
    return found


def closures(facts):
    """Loss functions and layers that reach for tensors of the model."""
    for function in dict.fromkeys(loss_functions(facts)):
        for node in outside(function, facts):
            yield "loss-closure", node, f"`{ast.unparse(node)}` is a tensor of the model."
            break
    for node in facts.classes:
        if any(tail(base) in LAYERS for base in node.bases):
            methods = [m for m in node.body if isinstance(m, FUNCTIONS)]
            used = [n for m in methods for n in outside(m, facts) if isinstance(n, ast.Name)]
            if used:
                yield "layer-closure", used[0], f"`{used[0].id}` is a tensor of the model."


def symbols_in_tensorflow(facts):
    """Functions of TensorFlow, called on symbolic tensors while the model is built."""
    found, losses = {}, set(loss_functions(facts))
    for call in facts.calls:
        full = facts.dotted(call.func) or ""
        if facts.function_of(call) in losses:
            continue
        backend = full.startswith("tensorflow.keras.backend.")
        if not full.startswith("tensorflow.") or (
            full.startswith("tensorflow.keras") and not backend
        ):
            continue
        if getattr(facts.function_of(call), "name", "") in STEPS or full.endswith("int_shape"):
            continue
        for value in call.args:
            scope = facts.scopes[value]
            names = [n for n in ast.walk(value) if isinstance(n, ast.Name)]
            here = [n for n in names if bound_here(n, scope, facts)]
            if here and is_symbol(value, facts):
                found.setdefault(full.replace("tensorflow", "tf"), call)
    if found:
        first = min(found.values(), key=lambda call: call.lineno)
        yield "symbol-in-tf-function", first, "Used here: " + ", ".join(found) + "."


def bound_here(name, scope, facts):
    """Is a name bound in the very scope it is used in?"""
    return facts.binding(name.id, scope, (name.lineno, name.col_offset))[0] is scope


def add_losses(facts):
    """Calls of add_loss that Keras 3 refuses or forgets."""
    for call in facts.calls:
        if tail(call.func) != "add_loss" or not isinstance(call.func, ast.Attribute):
            continue
        owner, function = call.func.value, facts.function_of(call)
        if argument(call, 1, "inputs") is not None:
            yield "add-loss-inputs", call, ""
        own = isinstance(owner, ast.Name) and owner.id == "self"
        if not own or (function is not None and is_model_building(function, call, facts)):
            yield "symbolic-add-loss", call, ""
        elif function.name in ("train_step", "test_step", "compute_loss"):
            yield "add-loss-outside-call", call, f"It stands in {function.name}."


def is_model_building(function, call, facts):
    """Does a method add a loss of symbolic tensors?"""
    return function.name not in STEPS and any(is_symbol(a, facts) for a in call.args)


def sizes(facts):
    """Sizes of layers that are no integers, shapes that are no tuples."""
    for node in facts.nodes:
        if isinstance(node, ast.Slice):
            bounds = [b for b in (node.lower, node.upper) if isinstance(b, ast.BinOp)]
            if any(isinstance(b.op, ast.Div) for b in bounds):
                yield "float-size", node, f"`{ast.unparse(node)[:60]}` has a float."
    for call in facts.calls:
        name = tail(call.func)
        if name in SIZED:
            value = argument(call, 0, SIZED[name])
            if value is not None and has_division(value, facts):
                yield "float-size", call, f"`{ast.unparse(value)[:60]}` is a float."
            elif name == "Dense" and value is not None and from_numpy(value, facts):
                yield "numpy-size", call, f"`{ast.unparse(value)[:60]}` is a number of numpy."
        full = facts.dotted(call.func) or ""
        if name == "Input" and "keras" in full:
            shape = argument(call, 0, "shape")
            if shape is not None and is_integer(source_of(shape, facts)):
                yield "shape-is-a-number", call, ""
            elif isinstance(shape, ast.Name | ast.Attribute) and LATENT.search(tail(shape)):
                yield "shape-is-a-number", call, "", "likely"


def has_division(node, facts, depth=0):
    """Is there a / in a size, outside of int(...) and the like?"""
    node = source_of(node, facts)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Div):
            return True
        sides = (node.left, node.right)
        return depth < 8 and any(has_division(side, facts, depth + 1) for side in sides)
    return False


def from_numpy(node, facts, depth=0):
    """Does a size come from a function of numpy?"""
    node = source_of(node, facts)
    if isinstance(node, ast.BinOp) and depth < 8:
        return any(from_numpy(side, facts, depth + 1) for side in (node.left, node.right))
    full = (facts.dotted(node.func) or "") if isinstance(node, ast.Call) else ""
    return full.startswith("numpy.") and tail(node.func) in NUMPY


def is_integer(node):
    """Is it an integer, or one size of a shape?"""
    if isinstance(node, ast.Constant):
        return type(node.value) is int
    of_shape = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    return of_shape and tail(node.value) == "shape" and isinstance(node.slice.value, int)


def without_call(facts):
    """A model class with a train_step alone, and validation or prediction with the whole."""
    wanted = {}
    for call in facts.calls:
        validates = any((k.arg or "").startswith("validation_") for k in call.keywords)
        if tail(call.func) == "fit" and validates:
            wanted.setdefault("validation", call)
    for node in facts.classes:
        methods = {m.name for m in node.body if isinstance(m, ast.FunctionDef)}
        if "train_step" in methods and "test_step" not in methods and wanted:
            if "call" not in methods or "compute_loss" not in methods and not compiled(facts):
                yield (
                    "validation-without-loss",
                    wanted["validation"],
                    f"{node.name} has no test_step.",
                )


def lambdas(facts):
    """Lambda layers in a program that loads models."""
    loads = [c for c in facts.calls if tail(c.func) in ("load_model", "model_from_json")]
    safe = any(k.arg == "safe_mode" for c in loads for k in c.keywords)
    for call in facts.calls:
        if loads and not safe and tail(call.func) == "Lambda":
            yield "lambda-not-loaded", call, ""
            return
