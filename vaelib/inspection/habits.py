"""Signs of a silent fault around the formulas: arguments, weights, names, pixels, activations."""

import ast
import re

from vaelib.inspection.facts import argument, is_off, tail
from vaelib.inspection.sites import is_log_likelihood
from vaelib.inspection.wiring import validates

TARGET = re.compile(
    r"^(x|y|inputs?|y_true|true|targets?|images?|data|batch|img|originals?)(_(in|true|img|image|"
    r"batch|train|data|layer))?$|^(encoder_|vae_)inputs?$|^input_img$"
)
OUTPUT = re.compile(r"hat|recon|decod|pred|output|generated|logit", re.I)
WEIGHT = re.compile(r"beta|weight|kl|anneal|alpha|gamma|lambd", re.I)
WATCHERS = ("EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint")
SCALES = (255, 256, 127.5, 127)


def swapped(context):
    """Cross-entropy that takes the reconstruction for the target."""
    facts = context.facts
    for call in facts.calls:
        made = tail(getattr(call.func, "func", None)) == "BinaryCrossentropy"
        first, second = argument(call, 0, "y_true", "target"), argument(call, 1, "y_pred", "output")
        if (tail(call.func) == "binary_crossentropy" or made) and first and second:
            a, b = behind(first), behind(second)
            function = facts.function_of(call)
            crossed = facts.parameters(function)[:2] == [b, a] and function in context.losses
            output = OUTPUT.search(a) and not TARGET.match(a)
            if crossed or output and TARGET.match(b) and not OUTPUT.search(b):
                yield "cross-entropy-swapped", call, "", "certain" if crossed else None


def behind(node):
    """The name that an argument is made of, behind calls such as K.flatten."""
    while isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    return tail(node)


def frozen_weights(context):
    """A weight that is changed, and that the compiled step read once; losses that count twice."""
    facts = context.facts
    inside = {facts.function_of(kl.site.node) for kl in context.kls} | set(context.losses) - {None}
    for call in facts.calls_of("get_value", "float", "numpy", "eval"):
        what = call.args[0] if call.args else getattr(call.func, "value", None)
        step = facts.in_step(call) or facts.function_of(call) in inside
        if step and facts.function_of(call) and WEIGHT.search(tail(what)):
            yield "warm-up-not-heard", call, "The number is read while the step is compiled."
    weights = {n.split(".")[-1] for kl in context.kls for n, _ in (*kl.extra, *kl.term.weights)}
    for node in (
        facts.of(ast.Assign, ast.AugAssign) if facts.calls_of("compile", "function") else ()
    ):
        variable = "variable" in tail(getattr(node.value, "func", None)).lower()
        function = facts.function_of(node)
        shared = {
            n for g in ast.walk(function or node) if isinstance(g, ast.Global) for n in g.names
        }
        for target in getattr(node, "targets", None) or [node.target]:
            other = isinstance(target, ast.Attribute) and not facts.key(target)
            if tail(target) in weights and not variable and (other or tail(target) in shared):
                yield "warm-up-not-heard", node, f"`{tail(target)}` is a number of Python."
    for node in (n for function in context.losses for n in ast.walk(function)):
        if getattr(node, "attr", "") == "losses" and facts.dotted(node) is None:
            yield "kl-counted-twice", node, ""


def watched(context):
    """Callbacks that watch a name which nothing logs."""
    facts = context.facts
    fits, compiles = facts.calls_of("fit"), facts.calls_of("compile")
    validated = any(k.arg is None or validates(k) for c in fits for k in c.keywords)
    calls = [c for c in facts.calls_of(*WATCHERS) if fits]
    named = {c: argument(c, 1 if tail(c.func) == WATCHERS[2] else 0, "monitor") for c in calls}
    inside = [n for monitor in named.values() if monitor for n in ast.walk(monitor)]
    monitors = [getattr(node, "value", None) for node in inside]
    for call, monitor in named.items():
        always = is_off(argument(call, 3, "save_best_only") or ast.Constant(None))
        name = "val_loss" if monitor is None else getattr(monitor, "value", None)
        if not isinstance(name, str) or tail(call.func) == WATCHERS[2] and always:
            continue
        plain = name.removeprefix("val_")
        written = [
            facts.constants[n] - monitors.count(n) for n in (plain, plain.removesuffix("_loss"))
        ]
        known = plain in ("loss", "lr", "learning_rate", *facts.named) or any(written)
        if name.startswith("val_") and not validated:
            yield "callback-watches-nothing", call, f"{name!r} needs validation data in fit."
        elif compiles and not known:
            yield "callback-watches-nothing", call, f"Nothing logs {name!r}."


def pixels(context):
    """Images of Keras' data sets that nobody divides by 255."""
    facts = context.facts
    loads = [
        c for c in facts.calls_of("load_data") if re.search("mnist|cifar", ast.unparse(c.func))
    ]
    words = [*filter(None, facts.named), *facts.aliases, *facts.loads]
    scaled = any(re.search("scal|normali|preprocess|standard|^max$", word, re.I) for word in words)
    written = [scale for scale in SCALES if facts.constants[scale]]
    if loads and not scaled and not written and facts.calls_of("fit"):
        yield "pixels-out-of-range", loads[0], ""
    crosses = any("cross" in tail(c.func).lower() for c in facts.calls)
    activations = facts.constants["sigmoid"] and not facts.constants["tanh"]
    centred = [n for n in facts.of(ast.Constant) if n.value in SCALES[2:]]
    if centred and not {255, 256} & set(written) and crosses and activations:
        detail = f"Divided by {centred[0].value}, they run from -1 to 1."
        yield "pixels-out-of-range", centred[0], detail, "look here"


def activation_of(layer):
    """The name of the activation of a layer, given as an argument, or ""."""
    places = {"Dense": 1, "Activation": 0}
    given = argument(layer, places.get(tail(layer.func)), "activation")
    return getattr(given, "value", None) if isinstance(given, ast.Constant) else tail(given)


def activations(context):
    """An output that does not fit its loss, heads that are cut off, a logarithm that may meet 0."""
    facts = context.facts
    last = [call for call in facts.calls if activation_of(call) == "sigmoid"]
    critics = any("discriminator" in name.lower() for name in facts.loads)
    for call in facts.calls:
        flag = argument(call, None, "from_logits")
        raw = tail(call.func) == "sigmoid_cross_entropy_with_logits"
        if (raw or flag is not None and not is_off(flag)) and last and not critics:
            where = f"The output of {facts.program.place(last[-1].lineno)} is a sigmoid."
            yield "loss-does-not-fit-output", call, where
            break
    logs = [t.nodes[0] for s in context.sites for t in s.value if is_log_likelihood(t) and t.nodes]
    spreads = {kl.spread for kl in context.kls if kl.kind[0] == "exp"}
    means = {kl.mu for kl in context.kls}
    for (_, name), bound in facts.bindings.items():
        layer = getattr(bound[-1].node, "func", None)
        cut = activation_of(layer) if isinstance(layer, ast.Call) else ""
        if (
            name in spreads
            and cut in ("relu", "sigmoid", "softplus")
            or name in means
            and cut == "relu"
        ):
            yield "head-cut", bound[-1].node, f"`{name}` ends in {cut}."
        crossed = logs or facts.calls_of("binary_crossentropy")
        if cut == "tanh" and crossed and OUTPUT.search(name):
            yield "output-out-of-range", bound[-1].node, f"`{name}` ends in tanh."
    bare = [
        n for n in logs if not facts.is_numpy(n) and re.fullmatch(r".*log\(\w+\)", ast.unparse(n))
    ]
    for node in bare[:1]:
        yield "not-finite", node, ""
