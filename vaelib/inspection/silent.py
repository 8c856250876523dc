"""Formulas of a VAE that train and are wrong: the KL term, the draw, the noise."""

import ast
import re

from vaelib.inspection.algebra import UNIFORM, number
from vaelib.inspection.facts import STEPS, argument, tail
from vaelib.inspection.sites import compiled, is_log_likelihood, is_reconstruction, loss_of
from vaelib.inspection.wiring import LATENT, is_symbol

# Beside a mean over 784 pixels, 0.05 of a sum over dimensions is already beta 39.
HEAVY = 0.05
LOG_VAR = re.compile(r"log_?var|lvar|log_?sigma_?(sq|2)|log_?variance", re.I)
KL_WORDS = re.compile(r"(^|_)kl([_dD]|$)|KL|kullback|mmd|log_?q_?z|elbo|latent_loss", re.I)
TRAINING = ("compile", "fit", "minimize", "apply_gradients")


def first_over(term, batch, flat=False):
    """What takes the images (or the dimensions) first, "sum" or "mean"; None if nothing does.

    Where the data are vectors (flat), what a loss of Keras returns has the images as last axis.
    """
    if batch and flat and term.reds[:1] == (("mean", "-1"),) and term.reds[1:]:
        return term.reds[1][0]
    taken = r"all$|.*\b0" if batch else r"all$|[\[(]?(0, )?(-1|1)\b"
    return next((kind for kind, axis in term.reds if re.match(taken, axis)), None)


def divided(term, pattern):
    """Is a term divided by something of such a name?"""
    names = [n for n, p in term.atoms if p < 0] + [n for n, v in term.weights if abs(v) < 1]
    return any(re.search(pattern, name, re.I) for name in names)


def averaged(term):
    """Is a term averaged over the latent dimensions, by a mean or by a division?"""
    return first_over(term, False) == "mean" or divided(term, LATENT.pattern)


def kl_formulas(context):
    """What is wrong with the KL terms, each once."""
    for kl in context.kls:
        node, term = kl.place, kl.term
        rebuilds = [t for t in kl.site.value if is_reconstruction(t)]
        yield from parts(kl, rebuilds)
        if wrong_sign(kl, rebuilds, context):
            yield "kl-wrong-sign", node, ""
        literal = abs(kl.width)  # without the numbers that have a name
        for _, weight in term.weights:
            literal = literal / abs(weight) if weight else literal
        weighed = bool(kl.extra or term.weights)
        if averaged(term):
            usual = abs(literal - 0.5) < 1e-9 and not weighed
            yield "kl-averaged-over-dimensions", node, "", "likely" if usual else "look here"
        final = term.reds or kl.site.kind in ("add_loss", "returned") or rebuilds
        whole = abs(literal - 1) < 1e-9 and not any(p < 0 for _, p in kl.extra)
        if final and whole and not (averaged(term) and weighed):
            yield "kl-half-missing", node, ""
        yield from per_batch(kl, rebuilds, context)
        yield from beta(kl, rebuilds, context)


def parts(kl, rebuilds):
    """Do mu^2, sigma^2 and log sigma^2 belong together?"""
    close = 1e-6 * abs(kl.width)
    if kl.mu is None and kl.term.reds and (kl.site.kind == "add_loss" or rebuilds):
        yield "kl-wrong-formula", kl.place, "mu^2 is missing.", "likely"
    elif kl.mu is not None and kl.square is None and kl.linear:
        yield "kl-wrong-formula", kl.place, f"`{kl.mu}` is not squared.", "likely"
    elif abs(kl.linear + kl.width) > close:
        yield "kl-wrong-formula", kl.place, "log sigma^2 and sigma^2 do not belong together."
    elif kl.square and kl.mu != "recon" and abs(kl.square - kl.width) > close:
        yield "kl-wrong-formula", kl.place, "mu^2 and sigma^2 have different weights.", "likely"


def wrong_sign(kl, rebuilds, context):
    """Does the loss fall when the KL term grows?"""
    if rebuilds:
        coef = rebuilds[0].coef
        return kl.width * (-coef if is_log_likelihood(rebuilds[0]) else coef) < 0
    loss = context.facts.function_of(kl.site.node) in context.losses
    return (kl.site.kind == "add_loss" or kl.site.kind == "returned" and loss) and kl.width < 0


def per_batch(kl, rebuilds, context):
    """Does the weight of the KL term depend on how many images are in a batch?"""
    term, flat, batch = kl.term, context.flat, r"batch|shape|^\?"
    sums = [first_over(t, True, flat) == "sum" and not divided(t, batch) for t in rebuilds]
    first = first_over(term, True)
    vector = kl.site.kind == "add_loss" and first is None and term.reds
    mapped = context.facts.function_of(kl.site.node) in context.mapped
    if sums and all(sums) and first != "sum":
        detail = "The reconstruction is summed over the images of a batch, the KL term is not."
        yield "kl-depends-on-batch-size", kl.place, detail, "likely"
    elif (vector or first == "sum" and not mapped) and not divided(term, batch) and not any(sums):
        yield "kl-depends-on-batch-size", kl.place, "", "likely" if vector else None


def beta(kl, rebuilds, context):
    """A mean over pixels beside a sum over latent dimensions."""
    if kl.extra or first_over(kl.term, False) != "sum":
        return
    if not rebuilds and kl.site.kind == "add_loss":
        losses = [loss_of(n, context.facts, context.algebra) for n in compiled(context.facts)]
        rebuilds = [term for terms in losses for term in terms]
    for term in rebuilds:
        means = term.reds and all(kind == "mean" for kind, _ in term.reds)
        if means and len(term.atoms) == 1 and abs(2 * kl.width) >= HEAVY * abs(term.coef):
            yield "beta-unusual", (*term.nodes, kl.place)[0], ""
            return


def shown(kind, spread, power):
    """A power of sigma, as one would write it."""
    if kind == "exp":
        return f"exp({'' if power == 1 else f'{power:g} * '}{spread})"
    return spread if power == 1 else f"{spread}**{power:g}"


def draws(context):
    """Is the sigma that is drawn the sigma of the KL term, and the noise fresh?"""
    for draw in context.draws:
        exps = [("exp", a[4:], p) for a, p in draw.sigma if a.startswith("exp:")]
        found = exps or [("power", a, p) for a, p in draw.sigma if len(draw.sigma) == 1]
        if found:
            yield from mismatch(draw, *found[0], context)
            yield from noise(draw, context) if draw.noise else ()


def mismatch(draw, kind, spread, power, context):
    """Is the sigma that is drawn the sigma of the KL term?"""
    node, drawn = draw.site.node, shown(kind, spread, power)
    same = sorted(p for k, p in context.kinds if k == kind)
    wanted = "/".join(shown(kind, spread, p) for p in same)
    if kind == "exp" and draw.coef == 0.5 and power == 1:
        yield "sigma-mismatch", node, f"0.5 * exp({spread}) is not exp(0.5 * {spread})."
    elif same and not any(abs(power - p / 2) < 1e-6 for p in same):
        detail = f"Drawn with {drawn}, while the KL term takes {wanted} for sigma^2."
        yield "sigma-mismatch", node, detail
    elif kind == "power" and re.search("log", spread, re.I) and power == 1:
        yield "sigma-mismatch", node, f"{spread} itself multiplies the noise."
    elif kind == "exp" and not context.kinds and power == 1 and LOG_VAR.search(spread):
        yield "sigma-mismatch", node, f"Drawn with {drawn}.", "likely"


def noise(draw, context):
    """Is epsilon fresh, for each image, and standard normal?"""
    facts, call = context.facts, draw.noise
    numpy, name = facts.is_numpy(call), tail(call.func)
    made, used = facts.function_of(call), facts.function_of(draw.site.node)
    exps = [n for t in draw.site.value for n in t.nodes if n is not call]
    trained = not exps or not facts.is_numpy(exps[0])
    once = made is not used and getattr(made, "name", "__init__") in ("__init__", "build")
    seed = facts.origin(argument(call, None, "seed"))
    fixed = type(getattr(seed, "value", None)) is int
    stateless = "stateless" in name or ".keras.random." in f".{facts.dotted(call.func)}"
    shape = argument(call, None, "shape", "size") or argument(call, 2 if numpy else 0)
    if numpy and trained and in_step(used, facts):
        yield "epsilon-frozen", call, "numpy draws once, when the step is compiled.", "certain"
    elif once:
        yield "epsilon-frozen", call, "It is drawn outside of what uses it."
    elif fixed and stateless:
        yield "epsilon-frozen", call, "With a number as seed every call draws the same.", "certain"
    elif made is None and is_symbol(draw.site.node, facts) and not depends(shape, facts):
        yield "epsilon-frozen", call, "Drawn once by TensorFlow 2; TensorFlow 1 draws anew."
    if trained and not (numpy and used is None) and shape is not None:
        yield from shapes(call, facts.origin(shape), facts)
    width = argument(call, None, "stddev", "scale", "std")
    if width is None and name not in ("randn", "standard_normal"):
        width = argument(call, 1 if numpy else 2)
    value = number(context.algebra.value(width)) if width is not None else 1
    if name in UNIFORM or value not in (None, 1) or abs(draw.coef) not in (0.0, 1.0, 0.5):
        how = "uniform" if name in UNIFORM else "not of width 1"
        yield "noise-not-normal", call, f"The noise is {how}."


def in_step(function, facts):
    """Does a function run inside a compiled step?"""
    if function is None:
        return True
    wrapped = [tail(call.args[0]) for call in facts.calls_of("Lambda") if call.args]
    marks = [ast.unparse(mark) for mark in function.decorator_list]
    return function.name in (*STEPS, *wrapped) or any("function" in mark for mark in marks)


def depends(shape, facts):
    """Does a shape depend on a tensor, so that noise is drawn with each call?"""
    inside = ast.walk(facts.origin(shape)) if shape is not None else []
    sources = [
        facts.origin(n) for n in inside if isinstance(n, ast.Name | ast.Attribute | ast.Call)
    ]
    calls = [n for s in sources for n in ast.walk(s) if isinstance(n, ast.Call)]
    return any(is_symbol(s, facts) for s in sources) or any("shape" in tail(c.func) for c in calls)


def shapes(call, shape, facts):
    """Noise for one image only, or for a fixed number of them."""
    sizes = getattr(shape, "elts", [])
    if sizes:
        first = facts.origin(sizes[0])
        text = f"{ast.unparse(sizes[0])} {ast.unparse(first)}"
        size = getattr(first, "value", None) if isinstance(first, ast.Constant) else None
        named = "batch_size" in text.lower() and "shape(" not in text and "[" not in text
        if size == 1 or len(sizes) == 1 and not re.search("shape|batch", text):
            yield "epsilon-shared", call, ""
        elif len(sizes) > 1 and (type(size) is int or named):
            yield "batch-size-fixed", call, f"Its first size is {ast.unparse(sizes[0])}."


def without_kl(context):
    """A draw, and no KL term; or a KL term that goes nowhere."""
    facts = context.facts
    words = [*facts.loads, *filter(None, facts.named), *(n.name for n in facts.classes)]
    spoken = any(KL_WORDS.search(word) for word in [*words, *facts.aliases])
    logs = [d for d in context.draws if any(re.search("exp:|log", a, re.I) for a, _ in d.sigma)]
    trains = facts.calls_of(*TRAINING)
    if logs and trains and not context.kls and not spoken:
        yield "no-kl-term", logs[0].site.node, "No KL term is computed in this file."
    for kl in context.kls:
        owner, function = facts.parents[kl.site.node], facts.function_of(kl.site.node)
        target = getattr(owner, "targets", [None])[0]
        name = facts.key(target) if target is not None else getattr(function, "name", None)
        top = kl.site.kind == "returned" and facts.scopes.get(function) is facts.tree
        if (
            trains
            and (top or target is not None)
            and name
            and not facts.loads[name.split(".")[-1]]
            and name not in STEPS
        ):
            yield "no-kl-term", kl.place, f"`{name}` holds it and is never used."
    changes = facts.calls_of("assign", "assign_add", "set_value", "update")
    changed = {tail(n) for call in changes for n in ast.walk(call)}
    changed |= {name for node in facts.of(ast.Global) for name in node.names}
    for (_, name), bound in facts.bindings.items():
        value = bound[0].node
        start = value.args[0] if isinstance(value, ast.Call) and value.args else value
        weighs = any((name, 1) in kl.extra for kl in context.kls)
        zero = isinstance(start, ast.Constant) and start.value == 0 and len(bound) == 1
        if zero and weighs and not changed & {name.split(".")[-1], "weight", "kl_weight", "beta"}:
            yield "kl-weight-stays-zero", value, f"`{name}` is 0."
