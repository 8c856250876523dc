"""Formulas of a VAE that train and are wrong: the KL term, the draw, the noise."""

import ast
import re

from vaelib.inspection.algebra import UNIFORM, number
from vaelib.inspection.facts import argument, tail
from vaelib.inspection.sites import compiled, is_reconstruction
from vaelib.inspection.wiring import LATENT, STEPS, is_symbol, source_of

# A squared error summed over pixels beside the KL has beta 1; 0.05 of it beside a mean over
# 784 pixels is already beta 39.
HEAVY = 0.05
LOG_VAR = re.compile(r"log_?_?var|lvar|log_?sigma_?(sq|2)|logvariance|log_variance", re.I)
LOG = re.compile(r"log", re.I)
KL_WORDS = re.compile(r"(^|_)kl([_dD]|$)|KL|kullback|mmd|log_?q_?z|elbo|latent_loss", re.I)
DIMS = {"all", "-1", "1", "[1]", "(1,)", "[-1]", "(-1,)", "[0, 1]", "(0, 1)", "[1, 2]", "(1, 2)"}
DIMS |= {"[1, 2, 3]", "(1, 2, 3)"}


def over(axis, batch):
    """Does a reduction over this axis take the images (batch), or the dimensions?"""
    return axis == "all" or "0" in axis if batch else axis in DIMS


def first_over(term, batch, flat=False):
    """What takes the images (or the dimensions) first, "sum" or "mean"; None if nothing does.

    Where the data are vectors (flat), what a loss of Keras returns has the images as last axis.
    """
    if batch and flat and term.reds[:1] == (("mean", "-1"),) and term.reds[1:]:
        return term.reds[1][0]
    return next((kind for kind, axis in term.reds if over(axis, batch)), None)


def divisors(term):
    """Names by which a term is divided."""
    return [n for n, p in term.atoms if p < 0] + [n for n, v in term.weights if abs(v) < 1]


def divided_by_batch(term):
    """Is a term divided by the number of images, as far as one can see?"""
    names = divisors(term)
    return any("batch" in n.lower() or "shape" in n or n.startswith("?") for n in names)


def averaged(term):
    """Is a term averaged over the latent dimensions, by a mean or by a division?"""
    divided = any(LATENT.search(name) for name in divisors(term))
    return first_over(term, False) == "mean" or divided


def literal(kl):
    """The coefficient of sigma squared, without the numbers that have a name."""
    value = kl.width
    for _, weight in kl.term.weights:
        value = value / weight if weight else value
    return value


def kl_formulas(context):
    """What is wrong with the KL terms, each once."""
    for kl in context.kls:
        node, term = kl.place, kl.term
        rebuilds = [t for t in kl.site.value if is_reconstruction(t)]
        if kl.mu is None and term.reds and (kl.site.kind == "add_loss" or rebuilds):
            yield "kl-wrong-formula", node, "mu^2 is missing.", "likely"
        if kl.mu is not None and kl.square is None and kl.linear:
            yield "kl-wrong-formula", node, f"`{kl.mu}` is not squared.", "likely"
        elif abs(kl.linear + kl.width) > 1e-6 * abs(kl.width):
            yield "kl-wrong-formula", node, "log sigma^2 and sigma^2 do not belong together.", None
        elif kl.square and kl.mu != "recon" and abs(kl.square - kl.width) > 1e-6 * abs(kl.width):
            yield "kl-wrong-formula", node, "mu^2 and sigma^2 have different weights.", "likely"
        if wrong_sign(kl, rebuilds, context):
            yield "kl-wrong-sign", node, "", None
        weighed = bool(kl.extra or term.weights) or abs(abs(literal(kl)) - 0.5) > 1e-9
        if averaged(term):
            yield "kl-averaged-over-dimensions", node, "", "look here" if weighed else "likely"
        final = term.reds or kl.site.kind in ("add_loss", "returned") or rebuilds
        if final and abs(abs(literal(kl)) - 1) < 1e-9 and not hidden_half(kl):
            if not (averaged(term) and (kl.extra or term.weights)):
                yield "kl-half-missing", node, "", None
        flat = context.flat
        alike = any(first_over(t, True, flat) == "sum" for t in rebuilds)
        apart = rebuilds and all(first_over(t, True, flat) == "sum" for t in rebuilds)
        mapped = context.facts.function_of(kl.site.node) in context.mapped
        if apart and first_over(term, True) != "sum" and not any(map(divided_by_batch, rebuilds)):
            detail = "The reconstruction is summed over the images of a batch, the KL term is not."
            yield "kl-depends-on-batch-size", node, detail, "likely"
        vector = kl.site.kind == "add_loss" and first_over(term, True) is None and term.reds
        summed = first_over(term, True) == "sum" and not mapped
        if (summed or vector) and not divided_by_batch(term) and not alike:
            yield "kl-depends-on-batch-size", node, "", "likely" if vector else None
        yield from beta(kl, rebuilds, context)


def hidden_half(kl):
    """Is the half somewhere else, in a weight that is no number?"""
    return any(p < 0 for _, p in kl.extra)


def wrong_sign(kl, rebuilds, context):
    """Does the loss fall when the KL term grows?"""
    if rebuilds:
        first = rebuilds[0]
        likelihood = any(a.startswith("log:") for a, _ in first.atoms)
        return kl.width * (-first.coef if likelihood else first.coef) < 0
    function = context.facts.function_of(kl.site.node)
    handed = kl.site.kind == "returned" and function in context.losses
    return (kl.site.kind == "add_loss" or handed) and kl.width < 0


def beta(kl, rebuilds, context):
    """A mean over pixels beside a sum over latent dimensions."""
    if kl.extra or first_over(kl.term, False) != "sum":
        return
    if not rebuilds and kl.site.kind == "add_loss":
        rebuilds = [t for node in compiled(context.facts) for t in context.compiled_loss(node)]
    for term in rebuilds:
        means = term.reds and all(kind == "mean" for kind, _ in term.reds)
        if means and len(term.atoms) == 1 and abs(2 * kl.width) >= HEAVY * abs(term.coef):
            node = term.nodes[0] if term.nodes else kl.place
            yield "beta-unusual", node, "", None
            return


def draws(context):
    """Is the sigma that is drawn the sigma of the KL term?"""
    kinds = context.kinds
    for draw in context.draws:
        node = draw.site.node
        exps = [(a[4:], p) for a, p in draw.sigma if a.startswith("exp:")]
        if exps:
            (spread, power), kind = exps[0], "exp"
        elif len(draw.sigma) == 1:
            (spread, power), kind = draw.sigma[0], "power"
        else:
            continue
        same = {p for k, p in kinds if k == kind}
        half = kind == "exp" and draw.coef == 0.5 and power == 1
        shown = shown_kind(kind, spread, power)
        if half:
            yield "sigma-mismatch", node, f"0.5 * exp({spread}) is not exp(0.5 * {spread}).", None
        elif same and not any(abs(power - p / 2) < 1e-6 for p in same):
            wanted = (
                f"The KL term takes {'/'.join(sorted(shown_kind(kind, spread, p) for p in same))}"
            )
            yield "sigma-mismatch", node, f"Drawn with {shown}. {wanted} for sigma^2.", None
        elif kind == "power" and LOG.search(spread) and power == 1:
            yield "sigma-mismatch", node, f"{spread} itself multiplies the noise.", None
        elif kind == "exp" and not kinds and power == 1 and LOG_VAR.search(spread):
            yield "sigma-mismatch", node, f"Drawn with {shown}.", "likely"
        yield from noise(draw, context)


def shown_kind(kind, spread, power):
    """A power of sigma, as one would write it."""
    if power == 1:
        return f"exp({spread})" if kind == "exp" else spread
    return f"exp({power:g} * {spread})" if kind == "exp" else f"{spread}**{power:g}"


def noise(draw, context):
    """Is epsilon fresh, for each image, and standard normal?"""
    facts, call = context.facts, draw.noise
    named = abs(draw.coef) not in (0.0, 1.0, 0.5)
    if call is None:
        return
    full = facts.dotted(call.func) or ""
    stateless = "stateless" in tail(call.func)
    numpy = full.startswith("numpy.")
    made, used = facts.function_of(call), facts.function_of(draw.site.node)
    exps = [n for t in draw.site.value for n in t.nodes if n is not call]
    in_keras = not exps or not (facts.dotted(getattr(exps[0], "func", None)) or "").startswith(
        "numpy"
    )
    once = made is not used and (made is None or getattr(made, "name", "") in ("__init__", "build"))
    seed = argument(call, None, "seed")
    fixed = seed is not None and type(getattr(source_of(seed, facts), "value", None)) is int
    shape = argument(call, None, "shape", "size")
    shape = shape if shape is not None else argument(call, 2 if numpy else 0)
    if numpy and in_keras and in_step(used, context):
        yield "epsilon-frozen", call, "numpy draws once, when the step is compiled.", "certain"
    elif once:
        yield "epsilon-frozen", call, "It is drawn outside of what uses it.", None
    elif fixed and (".random." in full and "keras" in full or stateless):
        yield "epsilon-frozen", call, "With a number as seed every call draws the same.", "certain"
    elif made is None and is_symbol(draw.site.node, facts) and not depends(shape, facts):
        yield "epsilon-frozen", call, "Drawn once by TensorFlow 2; TensorFlow 1 draws anew.", None
    if in_keras and not (numpy and used is None):
        yield from shapes(call, shape, facts)
    width = argument(call, None, "stddev", "scale", "std")
    if width is None and tail(call.func) not in ("randn", "standard_normal"):
        width = argument(call, 1 if numpy else 2)
    value = number(context.algebra.value(width)) if width is not None else None
    odd = value is not None and value != 1
    if tail(call.func) in UNIFORM or odd or named:
        how = "uniform" if tail(call.func) in UNIFORM else "not of width 1"
        yield "noise-not-normal", call, f"The noise is {how}.", None


def in_step(function, context):
    """Does a function run inside a compiled step?"""
    if function is None:
        return True
    name = getattr(function, "name", "")
    wrapped = [tail(c.args[0]) for c in context.facts.calls if tail(c.func) == "Lambda" and c.args]
    compiled_ = any("function" in ast.unparse(d) for d in function.decorator_list)
    return name in STEPS or name in wrapped or compiled_


def depends(shape, facts):
    """Does a shape depend on a tensor, so that noise is drawn with each call?"""
    if shape is None:
        return False
    for node in ast.walk(source_of(shape, facts)):
        if isinstance(node, ast.Name | ast.Attribute):
            found = source_of(node, facts)
            if is_symbol(found, facts):
                return True
            if any(isinstance(n, ast.Call) and "shape" in tail(n.func) for n in ast.walk(found)):
                return True
        if isinstance(node, ast.Call) and "shape" in tail(node.func):
            return True
    return False


def shapes(call, shape, facts):
    """Noise for one image only, or for a fixed number of them."""
    shape = source_of(shape, facts) if shape is not None else None
    if not isinstance(shape, ast.Tuple | ast.List) or not shape.elts:
        return
    first = source_of(shape.elts[0], facts)
    text = f"{ast.unparse(shape.elts[0])} {ast.unparse(first)}"
    size = getattr(first, "value", None) if isinstance(first, ast.Constant) else None
    if size == 1 or len(shape.elts) == 1 and "shape" not in text and "batch" not in text:
        yield "epsilon-shared", call, "", None
    elif len(shape.elts) > 1 and (
        type(size) is int
        or "batch_size" in text.lower()
        and "shape(" not in text
        and "[" not in text
    ):
        yield "batch-size-fixed", call, f"Its first size is {ast.unparse(shape.elts[0])}.", None


def without_kl(context):
    """A draw, and no KL term; or a KL term that goes nowhere."""
    facts = context.facts
    words = [*facts.loads, *(getattr(f, "name", "") for f in facts.functions)]
    words += [n.name for n in facts.classes] + list(facts.aliases)
    trains = any(
        tail(c.func) in ("compile", "fit", "minimize", "apply_gradients") for c in facts.calls
    )
    real = [d for d in context.draws if any(":" in a or LOG.search(a) for a, _ in d.sigma)]
    if real and not context.kls and not any(KL_WORDS.search(w) for w in words) and trains:
        yield "no-kl-term", real[0].site.node, "No KL term is computed in this file.", None
    for kl in context.kls:
        name = target_of(kl.site.node, facts)
        function = facts.function_of(kl.site.node)
        if kl.site.kind == "assigned" and name and not facts.loads.get(name.split(".")[-1]):
            yield "no-kl-term", kl.place, f"`{name}` is computed and never used.", None
        elif kl.site.kind == "returned" and trains and function is not None:
            unused = not facts.loads.get(function.name) and function.name not in STEPS
            if unused and facts.class_of(facts.scopes[function]) is facts.tree:
                yield "no-kl-term", kl.place, f"`{function.name}` is defined and never used.", None
    yield from zero_weights(context)


def target_of(node, facts):
    """The name that an expression is assigned to."""
    owner = node if isinstance(node, ast.AugAssign) else facts.parents[node]
    if isinstance(owner, ast.Assign) and len(owner.targets) == 1:
        return facts.key(owner.targets[0])
    return facts.key(owner.target) if isinstance(owner, ast.AugAssign) else None


def zero_weights(context):
    """A weight of the KL term that is 0 and that nothing changes."""
    facts = context.facts
    changed = set()
    for call in facts.calls:
        if tail(call.func) in ("assign", "assign_add", "set_value", "update", "update_add"):
            touched = [call.func, *call.args]
            changed |= {
                n.attr for t in touched for n in ast.walk(t) if isinstance(n, ast.Attribute)
            }
            changed |= {n.id for t in touched for n in ast.walk(t) if isinstance(n, ast.Name)}
    for (_, name), bound in facts.bindings.items():
        value = bound[0].node
        variable = isinstance(value, ast.Call) and tail(value.func) in ("variable", "Variable")
        first = (value.args or [None])[0] if variable else value
        if not (isinstance(first, ast.Constant) and first.value == 0 and len(bound) == 1):
            continue
        short = name.split(".")[-1]
        handed = any(isinstance(n, ast.Global) and short in n.names for n in facts.nodes)
        weighs = any((name, 1) in kl.extra for kl in context.kls)
        weighs |= any((name, 0.0) in t.weights and t.nodes for s in context.sites for t in s.value)
        given = passed_on(short, changed, facts)
        if weighs and short not in changed and not handed and not given:
            yield "kl-weight-stays-zero", value, f"`{name}` is 0.", None


def passed_on(name, changed, facts):
    """Is a name handed to a callable, which may change it under another name?"""
    values = [v for c in facts.calls for v in (*c.args, *(k.value for k in c.keywords))]
    return bool(changed) and any(isinstance(v, ast.Name) and v.id == name for v in values)


def unused_draw(context):
    """A z that is drawn, and not decoded."""
    facts = context.facts
    makers = {getattr(facts.function_of(d.site.node), "name", None) for d in context.draws}
    makers |= {
        getattr(facts.class_of(facts.scopes[d.site.node]), "name", None) for d in context.draws
    }
    for (_, name), bound in facts.bindings.items():
        call = bound[-1].node
        if bound[-1].how != "value" or not isinstance(call, ast.Call) or facts.loads.get(name):
            continue
        layer = call.func if isinstance(call.func, ast.Call) else call
        used = {tail(layer.func), *(tail(a) for a in layer.args)} - {"", None}
        if used & makers and not name.startswith("self."):
            yield "noise-unused", call, f"`{name}` is never used.", None
