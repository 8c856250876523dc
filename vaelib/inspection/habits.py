"""Signs of a silent fault around the formulas: arguments, weights, names, pixels, activations."""

import ast
import re

from vaelib.inspection.facts import argument, tail
from vaelib.inspection.silent import LOG
from vaelib.inspection.sites import is_reconstruction
from vaelib.inspection.wiring import source_of

TARGET = re.compile(
    r"^(x|y|inputs?|y_true|true|targets?|images?|data|batch|img|originals?|labels?)(_(in|true|img|"
    r"image|batch|train|data|layer))?$|^(encoder_|vae_)inputs?$|^input_img$"
)
OUTPUT = re.compile(r"hat|recon|decod|pred|output|generated|logit", re.I)
WEIGHT = re.compile(r"beta|weight|kl|anneal|alpha|gamma|lambd", re.I)
WATCHERS = {"EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"}
STEPS = {"call", "train_step", "test_step", "compute_loss"}


def swapped(context):
    """Cross-entropy that takes the reconstruction for the target."""
    facts = context.facts
    for call in facts.calls:
        owner = tail(getattr(call.func, "func", None))
        if tail(call.func) != "binary_crossentropy" and owner != "BinaryCrossentropy":
            continue
        first, second = argument(call, 0, "y_true", "target"), argument(call, 1, "y_pred", "output")
        if first is None or second is None:
            continue
        a, b = first_name(first), first_name(second)
        function = facts.function_of(call)
        names = [p for p in facts.parameters(function) if p != "self"]
        if function in context.losses and names[:2] == [b, a]:
            yield "cross-entropy-swapped", call, "", "certain"
        elif OUTPUT.search(a) and not TARGET.match(a) and TARGET.match(b) and not OUTPUT.search(b):
            yield "cross-entropy-swapped", call, "", None


def first_name(node):
    """The name that an argument is made of, behind calls such as K.flatten."""
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
    inner = node
    while isinstance(inner, ast.Call) and inner.args:
        inner = inner.args[0]
    if isinstance(inner, ast.Attribute):
        return inner.attr
    return inner.id if isinstance(inner, ast.Name) else (names or [""])[-1]


def frozen_weights(context):
    """A weight that a callback changes, and that the compiled step read once."""
    facts = context.facts
    inside = {facts.function_of(kl.site.node) for kl in context.kls} | set(context.losses)
    for call in facts.calls:
        name, function = tail(call.func), facts.function_of(call)
        what = call.func.value if name == "numpy" and not call.args else (call.args or [None])[0]
        if name not in ("get_value", "float", "numpy", "eval") or what is None or function is None:
            continue
        step = function in inside or function.name in STEPS
        if step and WEIGHT.search(ast.unparse(what)) and isinstance(what, ast.Name | ast.Attribute):
            yield "warm-up-not-heard", call, "The number is read while the step is compiled.", None
    weights = {a.split(".")[-1] for kl in context.kls for a, _ in kl.extra}
    weights |= {n.split(".")[-1] for kl in context.kls for n, _ in kl.term.weights}
    compiles = any(tail(c.func) in ("compile", "function") for c in facts.calls)
    for node in facts.nodes:
        if not isinstance(node, ast.Assign | ast.AugAssign) or not compiles:
            continue
        if isinstance(node.value, ast.Call) and "variable" in tail(node.value.func).lower():
            continue
        function = facts.function_of(node)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        inner = [t for t in targets if isinstance(t, ast.Attribute)]
        names = {t.attr for t in inner if facts.key(t) != f"self.{t.attr}"} & weights
        if function and re.match("on_(epoch|batch|train)", getattr(function, "name", "")):
            names |= {t.id for t in targets if isinstance(t, ast.Name)} & globals_of(function)
        if names & weights:
            yield "warm-up-not-heard", node, f"`{names.pop()}` is a number of Python.", None
    for function in context.losses:
        for node in ast.walk(function):
            own = isinstance(node, ast.Attribute) and facts.dotted(node) is None
            if own and node.attr == "losses":
                yield "kl-counted-twice", node, "", None


def globals_of(function):
    """Names that a function declares global."""
    return {name for n in ast.walk(function) if isinstance(n, ast.Global) for name in n.names}


def watched(context):
    """Callbacks that watch a name which nothing logs."""
    facts = context.facts
    known, closed = logged(facts)
    fits = [c for c in facts.calls if tail(c.func) == "fit"]
    validated = any((k.arg or "").startswith("validation_") for c in fits for k in c.keywords)
    validated |= any(k.arg is None for c in fits for k in c.keywords)
    for call in facts.calls:
        monitor = argument(call, None if tail(call.func) == "ModelCheckpoint" else 0, "monitor")
        if tail(call.func) not in WATCHERS:
            continue
        default = monitor is None
        name = "val_loss" if default else getattr(monitor, "value", None)
        best = argument(call, None, "save_best_only")
        if (
            default
            and tail(call.func) == "ModelCheckpoint"
            and getattr(best, "value", None) is not True
        ):
            continue
        if not isinstance(name, str) or not fits:
            continue
        if name.startswith("val_") and not validated:
            yield "callback-watches-nothing", call, f"{name!r} needs validation data in fit.", None
        elif closed and name.removeprefix("val_") not in known:
            yield "callback-watches-nothing", call, f"Nothing logs {name!r}.", None


def logged(facts):
    """Names that training logs, and whether all of them can be seen in this file."""
    known, closed = {"loss", "lr", "learning_rate"}, True
    for call in facts.calls:
        name = tail(call.func)
        if name in ("Mean", "add_metric", "Sum") or name[:1].isupper():
            given = argument(call, 1 if name == "add_metric" else None, "name")
            known |= {given.value} if isinstance(given, ast.Constant) else set()
            known |= {f"{given.value}_loss"} if isinstance(given, ast.Constant) else set()
        if name == "compile":
            metrics = argument(call, 2, "metrics")
            if metrics is not None and not isinstance(metrics, ast.List | ast.Tuple):
                closed = False
            for m in getattr(metrics, "elts", []):
                m = m if isinstance(m, ast.Constant) else source_of(m, facts)
                inner = facts.function(m.func) if isinstance(m, ast.Call) else None
                names = [f.name for f in ast.walk(inner or m) if isinstance(f, ast.FunctionDef)]
                known |= {m.value} if isinstance(m, ast.Constant) else {tail(m), *names}
                closed &= isinstance(m, ast.Constant) or bool(tail(m) or names)
    for node in facts.nodes:
        if isinstance(node, ast.Dict):
            known |= {k.value for k in node.keys if isinstance(k, ast.Constant)}
            closed &= None not in node.keys and all(isinstance(k, ast.Constant) for k in node.keys)
    bases = any(full.startswith(".") for full in facts.aliases.values())
    compiles = any(tail(c.func) == "compile" for c in facts.calls)
    return known, closed and compiles and not bases


def pixels(context):
    """Images of Keras' data sets that nobody divides by 255."""
    facts = context.facts
    loads = [c for c in facts.calls if tail(c.func) == "load_data" and not c.args]
    loads = [c for c in loads if "mnist" in ast.unparse(c.func) or "cifar" in ast.unparse(c.func)]
    scaled = {255, 127.5, 256, 128, 127} & facts.numbers
    centred = {127.5, 127} & facts.numbers and not {255, 256} & facts.numbers
    crosses = any("cross" in tail(c.func).lower() for c in facts.calls)
    if centred and crosses and "sigmoid" in facts.strings and "tanh" not in facts.strings:
        where = next(n for n in facts.nodes if getattr(n, "value", None) in (127.5, 127))
        yield "pixels-out-of-range", where, "Divided by 127.5, they run from -1 to 1.", "look here"
    words = re.compile("scal|normali|preprocess|standard", re.I)
    helpers = [*(getattr(f, "name", "") for f in facts.functions), *facts.aliases, *facts.loads]
    if loads and not scaled and not any(words.search(h) for h in helpers):
        if any(tail(c.func) == "fit" for c in facts.calls) and "max" not in facts.loads:
            yield "pixels-out-of-range", loads[0], "", None


def activations(context):
    """An output that does not fit its loss, and heads that are cut off."""
    facts = context.facts
    layers = [
        (c, argument(c, 1 if tail(c.func) == "Dense" else None, "activation")) for c in facts.calls
    ]
    layers += [
        (c, argument(c, 0, "activation")) for c in facts.calls if tail(c.func) == "Activation"
    ]
    last = [c for c, a in layers if a is not None and tail_or_text(a) == "sigmoid"]
    critics = any("discriminator" in n.lower() for n in facts.loads)
    for call in facts.calls:
        flag = argument(call, None, "from_logits")
        raw = tail(call.func) == "sigmoid_cross_entropy_with_logits"
        if (raw or getattr(flag, "value", None) is True) and last and not critics:
            where = f"The output of {facts.program.place(last[-1].lineno)} is a sigmoid."
            yield "loss-does-not-fit-output", call, where, None
            break
    yield from bounded(context, layers)
    spreads = {kl.spread for kl in context.kls if kl.kind[0] == "exp"}
    means = {kl.mu for kl in context.kls}
    for (_, name), bound in facts.bindings.items():
        layer = getattr(bound[-1].node, "func", None)
        activation = argument(layer, None, "activation") if isinstance(layer, ast.Call) else None
        cut = tail_or_text(activation) if activation is not None else ""
        log = name in spreads or (not context.kls and LOG.search(name) and "var" in name)
        if (
            log
            and cut in ("relu", "sigmoid", "softplus")
            or name in means
            and cut in ("relu", "sigmoid")
        ):
            yield "head-cut", bound[-1].node, f"`{name}` ends in {cut}.", None


def bounded(context, layers):
    """A tanh that goes into a cross-entropy, a logarithm that may meet 0."""
    facts = context.facts
    logs = [t for s in context.sites for t in s.value if is_log_likelihood(t)]
    crosses = logs or any(tail(c.func) == "binary_crossentropy" for c in facts.calls)
    for call, activation in layers:
        owner = facts.parents[facts.parents[call]] if call in facts.parents else None
        name = facts.key(owner.targets[0]) if isinstance(owner, ast.Assign) else None
        tanh = activation is not None and tail_or_text(activation) == "tanh"
        if tanh and crosses and name and OUTPUT.search(name):
            yield "output-out-of-range", call, f"`{name}` ends in tanh.", None
    for term in logs:
        argument_ = term.nodes[0].args[0] if term.nodes and term.nodes[0].args else None
        kept = [n for n in ast.walk(argument_)] if argument_ is not None else []
        safe = any(isinstance(n, ast.Constant) and n.value != 1 for n in kept)
        if facts.from_numpy(term.nodes[0]):
            continue
        if kept and not safe and not any(isinstance(n, ast.Call) for n in kept):
            yield "not-finite", term.nodes[0], "", None
            return


def is_log_likelihood(term):
    """x * log(x_hat), by hand."""
    return is_reconstruction(term) and any(a.startswith("log:") for a, _ in term.atoms)


def tail_or_text(node):
    """ "relu" of "relu" and of tf.nn.relu."""
    return node.value if isinstance(node, ast.Constant) else tail(node)
