"""Symbolic tensors in the wrong place, add_loss, and sizes that are no integers."""

import ast
import re

from vaelib.inspection.facts import FUNCTIONS, STEPS, argument, tail
from vaelib.inspection.removed import together
from vaelib.inspection.sites import compiled

SIZED = {"Dense": "units", "Conv1D": "filters", "Conv2D": "filters", "Conv2DTranspose": "filters"}
SIZED |= {"LSTM": "units", "GRU": "units", "RepeatVector": "n", "Conv3D": "filters"}
NUMPY = "prod max min sum int64 int32 ceil floor product amax".split()
LATENT = re.compile(r"latent|^[nd]_?z$|z_?dim", re.I)
NO_LAYERS = ("predict", "numpy", "range", "len", "print", "int", "load_model", "Model")


def is_symbol(node, facts, depth=0):
    """Is an expression a tensor of a functional model, while that is built?"""
    found = facts.origin(node)
    if depth > 10 or isinstance(found, ast.Name):
        return False
    if isinstance(found, ast.BinOp):
        parts = [found.left, found.right]
    elif isinstance(found, ast.UnaryOp):
        parts = [found.operand]
    elif isinstance(found, ast.Subscript):
        parts = [] if isinstance(found.value, ast.Attribute) else [found.value]
    elif not isinstance(found, ast.Call) or facts.in_step(found):
        return False
    elif tail(found.func) == "Input":
        return True
    elif isinstance(found.func, ast.Call):  # Dense(2)(x)
        name = tail(found.func.func)
        return name[:1].isupper() and name != "Model"
    else:
        given = [] if tail(found.func) in NO_LAYERS else found.args[:4]
        parts = [e for a in given for e in (a.elts if isinstance(a, ast.List) else [a])]
    return any(is_symbol(part, facts, depth + 1) for part in parts)


def outside(function, facts):
    """Names in a function that stand for symbolic tensors of the code around it."""
    for node in ast.walk(function):
        if facts.key(node) is None or not isinstance(node.ctx, ast.Load):
            continue
        scope, binding = facts.binding(node)
        around = scope
        while around not in (function, facts.tree):
            around = facts.scopes[around]
        if around is function and not isinstance(scope, ast.ClassDef):
            continue
        source = binding.node if binding else None
        if source is not None and not facts.in_step(source) and is_symbol(source, facts):
            yield node
        elif binding is None and given_symbol(scope, facts.key(node), facts):
            yield node


def given_symbol(function, name, facts):
    """Does the program call a function with a symbolic tensor for this parameter?"""
    names = facts.parameters(function)
    calls = facts.calls_of(getattr(function, "name", None)) if name in names else []
    values = [argument(c, names.index(name), name) for c in calls]
    return any(value is not None and is_symbol(value, facts) for value in values)


def loss_functions(facts):
    """Functions of the program that compile gets as a loss or a metric, and what they call."""
    given = compiled(facts)
    for call in facts.calls_of("compile"):
        given = [*given, *getattr(argument(call, 2, "metrics"), "elts", [])]
    found = [node for node in given if isinstance(node, ast.Lambda)]
    for node in given:
        factory = isinstance(node, ast.Call)
        function = facts.function(node.func if factory else node)
        inner = [f for f in ast.walk(function or node) if isinstance(f, FUNCTIONS)]
        found += [f for f in inner if (f is not function) == factory and function is not None]
    for function in found:  # the list grows
        called = [facts.function(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)]
        found += [f for f in dict.fromkeys(called) if f is not None and f not in found]
    return found


def closures(facts):
    """Loss functions and layers that reach for tensors of the model."""
    for function in dict.fromkeys(loss_functions(facts)):
        for node in list(outside(function, facts))[:1]:
            yield "loss-closure", node, f"`{ast.unparse(node)}` is a tensor of the model."
    for node in facts.classes:
        if "Layer" in map(tail, node.bases):
            methods = [m for m in node.body if isinstance(m, FUNCTIONS)]
            used = [n for m in methods for n in outside(m, facts) if isinstance(n, ast.Name)]
            for name in used[:1]:
                yield "layer-closure", name, f"`{name.id}` is a tensor of the model."


def symbols_in_tensorflow(facts):
    """Functions of TensorFlow, called on symbolic tensors while the model is built."""
    found, losses = {}, set(loss_functions(facts))
    for call in facts.calls:
        full = facts.dotted(call.func) or ""
        if not re.match(r"tensorflow\.(?!keras)|tensorflow\.keras\.backend\.(?!int_shape)", full):
            continue
        if facts.in_step(call) or facts.function_of(call) in losses:
            continue
        for value in call.args:
            names = [n for n in ast.walk(value) if isinstance(n, ast.Name)]
            here = any(facts.binding(n)[0] is facts.scopes[value] for n in names)
            if here and is_symbol(value, facts):
                found.setdefault(full.replace("tensorflow", "tf"), call)
    yield from together("symbol-in-tf-function", found)


def add_losses(facts):
    """Calls of add_loss that Keras 3 refuses or forgets."""
    for call in facts.calls_of("add_loss"):
        owner, function = getattr(call.func, "value", None), facts.function_of(call)
        name = getattr(function, "name", "")
        building = name not in (*STEPS, "build") and any(is_symbol(a, facts) for a in call.args)
        if getattr(owner, "id", "") != "self" or building:
            yield "symbolic-add-loss", call, ""
        elif name in STEPS[1:]:
            yield "add-loss-outside-call", call, f"It stands in {name}."


def sizes(facts):
    """Sizes of layers that are no integers, shapes that are no tuples."""
    for node in facts.of(ast.Slice):
        bounds = [b for b in (node.lower, node.upper) if isinstance(b, ast.BinOp)]
        if any(isinstance(b.op, ast.Div) for b in bounds):
            yield "float-size", node, f"`{ast.unparse(node)[:60]}` has a float."
    for call in facts.calls_of(*SIZED):
        value = argument(call, 0, SIZED[tail(call.func)])
        parts = factors(value, facts) if value is not None else []
        if any(isinstance(getattr(p, "op", None), ast.Div) for p in parts):
            yield "float-size", call, f"`{ast.unparse(value)[:60]}` is a float."
        elif tail(call.func) == "Dense" and any(
            facts.is_numpy(p) and tail(p.func) in NUMPY for p in parts
        ):
            yield "numpy-size", call, f"`{ast.unparse(value)[:60]}` is a number of numpy."
    for call in facts.calls_of("Input"):
        shape = argument(call, 0, "shape")
        if "keras" not in (facts.dotted(call.func) or "") or shape is None:
            continue
        if is_integer(facts.origin(shape)):
            yield "shape-is-a-number", call, ""
        elif facts.key(shape) and LATENT.search(tail(shape)):
            yield "shape-is-a-number", call, "", "likely"


def factors(node, facts, depth=0):
    """The parts of a size: what stands between +, -, *, /, behind names, but not inside calls."""
    node = facts.origin(node)
    if not isinstance(node, ast.BinOp) or depth > 8:
        return [node]
    sides = (node.left, node.right)
    return [node, *(part for side in sides for part in factors(side, facts, depth + 1))]


def is_integer(node):
    """Is it an integer, or one size of a shape?"""
    if isinstance(node, ast.Subscript) and tail(node.value) == "shape":
        node = node.slice
    return type(getattr(node, "value", None)) is int


def without_test_step(facts):
    """A model class with a train_step of its own, and validation that does not know of it."""
    fits = [c for c in facts.calls_of("fit") if any(validates(k) for k in c.keywords)]
    for node in facts.classes:
        methods = {getattr(m, "name", None) for m in node.body}
        alone = "train_step" in methods and "test_step" not in methods
        served = "call" in methods and ("compute_loss" in methods or compiled(facts))
        if alone and fits and not served:
            yield "validation-without-loss", fits[0], f"{node.name} has no test_step."


def validates(keyword):
    """Is it validation_data or validation_split?"""
    return (keyword.arg or "").startswith("validation_")


def lambdas(facts):
    """Lambda layers in a program that loads models."""
    loads = facts.calls_of("load_model", "model_from_json")
    safe = any(k.arg == "safe_mode" for c in loads for k in c.keywords)
    for call in facts.calls_of("Lambda")[:1] if loads and not safe else []:
        yield "lambda-not-loaded", call, ""
