"""From what was measured to findings: each judgement in one place, with its threshold."""

import math

import numpy as np

from vaelib.checkup.objective import CLOSE
from vaelib.checkup.subject import told as as_line

USUAL = (1e-3, 50.0)  # betas that somebody may want
OF_WEIGHT = ("kl-counted-twice", "kl-half-missing", "kl-averaged-over-dimensions", "beta-unusual")


def near(a, b, tolerance=CLOSE):
    """Whether two weights are the same to 1 %."""
    return abs(a - b) <= tolerance * max(abs(a), abs(b))


def judge_kl(report, found, anatomy, declared):
    """The findings about the KL term and its weight."""
    if not found.still:
        return
    moves = found.from_mu or found.in_step
    if anatomy.columns is None and not anatomy.sure and not moves:
        report.unknown(
            "Whether there is a KL term: neither the loss nor the decoder follows the constant of "
            f"{anatomy.mu.name!r}, so it may not be mu, or something behind it takes the constant "
            "away, as a normalization does."
        )
        return
    if found.loss is None:
        if found.in_step == 0.0:
            report.find("no-kl-term", "a step of gradient descent leaves mu where it is")
        return
    if found.mu_curve and (found.drawn or found.saturates):
        report.unknown(
            "The KL term: the loss follows mu, but not as a KL term does; it may be another "
            "divergence, such as an MMD, or a bound of several draws."
        )
        return
    if found.mu_curve:
        return report.find("kl-wrong-formula", found.mu_curve)
    if not found.from_mu:
        return _judge_missing(report, found, anatomy, declared)
    if found.in_step == 0.0:
        report.find(
            "kl-no-gradient",
            f"the reported loss holds the KL term with weight {_weight(found)}; a step of gradient "
            "descent leaves mu where it is",
        )
    if found.from_mu < 0:
        report.find("kl-wrong-sign", f"the loss falls with mu^2: beta is {found.beta:.4g}"
                    if found.beta else "the loss falls with mu^2")  # fmt: skip
    _judge_formula(report, found, anatomy)
    if found.beta is None or report.findings:
        return
    _judge_batches(report, found)
    if report.slugs == ["kl-depends-on-batch-size"]:
        return
    judge_weight(report, found, anatomy.z_dim, declared)


def _weight(found):
    return f"{found.beta:.4g}" if found.beta is not None else f"{found.from_mu:.4g} (of the loss)"


def _judge_missing(report, found, anatomy, declared):
    unit = found.scale or 1.0
    does = "is 0, whatever happens" if found.zero else "does not change with mu"
    if found.in_step:
        report.find(
            "loss-not-reported-whole",
            f"a step moves mu as a KL term of beta {found.in_step / unit:.4g} does; the reported "
            f"{found.loss!r} {does}",
        )
    elif found.from_second:
        report.find(
            "kl-wrong-formula",
            "the loss changes with the second head, and not with mu: mu^2 is missing",
        )
    else:
        hint = (
            "; the model names a weight that is 0 now: if a callback raises it, hand it over, "
            "callbacks=[...]"
        )
        report.find(
            "no-kl-term",
            f"with the reconstruction held, {found.loss!r} stays the same for mu = 0, 10, 20 and "
            "-10 and for every value of the second head" + (hint if 0.0 in declared else ""),
        )


def _judge_formula(report, found, anatomy):
    if not anatomy.diagonal or found.drawn or found.floor or found.centre or report.findings:
        return
    if found.from_second == 0.0:
        report.find("kl-wrong-formula", "the loss does not change with the second head, "
                    f"{anatomy.second.name!r}: its part of the KL term is missing")  # fmt: skip
    elif found.slip:
        report.find(
            "kl-wrong-formula",
            f"as a function of the second head, {anatomy.second.name!r}, the loss is no "
            f"divergence: {found.slip}",
        )
    elif found.from_second is not None and not near(found.from_second, found.from_mu):
        report.find(
            "kl-wrong-formula",
            f"the part of mu has the weight {found.from_mu:.4g}, the part of the second head "
            f"{found.from_second:.4g}",
        )


def _judge_batches(report, found):
    betas = {name: b for name, b in found.by_batch.items() if not isinstance(b, Exception)}
    broken = [name for name, b in found.by_batch.items() if isinstance(b, Exception)]
    if broken:
        error = as_line(found.by_batch[broken[0]])
        report.find("batch-size-fixed", f"the step stops with {broken[0]}: {error}")
    tolerance = CLOSE if not found.drawn else 0.2
    if any(not near(beta, found.beta, tolerance) for beta in betas.values()):
        told = "; ".join(f"{name}: {beta:.4g}" for name, beta in betas.items())
        report.find("kl-depends-on-batch-size", f"beta is, for {told}")


def judge_weight(report, found, z_dim, declared):
    """Which slip, if any, the size of the weight tells of.

    The weight is fine if it is a number that the model names, or 1, or if beta is 1. If it is such
    a number divided by z_dim, the term is averaged over the dimensions; if it is twice such a
    number, the term counts twice or lacks its 1/2.
    """
    if found.drawn or found.centre:
        return _judge_size(report, found)
    weight, beta = found.from_mu, found.beta
    known = [number for number in declared if number > 0] + [1.0]
    if near(beta, 1.0) or any(near(weight, number) for number in known):
        return _judge_size(report, found)
    for number in known:
        named = "" if number == 1.0 else f" of the weight {number:.4g} that the model names"
        for halves, factor in ((1, 1 / z_dim), (2, 2 / z_dim)):
            if z_dim > 1 and factor != 1 and near(weight, number * factor):
                extra = ", and its 1/2 is missing" if halves == 2 else ""
                report.find("kl-averaged-over-dimensions",
                            f"the KL term counts {factor:.4g} times{named}, that is {halves}/z_dim "
                            f"with {z_dim} dimensions{extra}; beta is {beta:.4g}")  # fmt: skip
                return None
        if near(weight, 2 * number):
            twice = _twice(found)
            report.find(
                "kl-counted-twice" if twice else "kl-half-missing",
                f"beta is {beta:.4g}, twice {_unit(number)}"
                + (f"; {twice}" if twice else "; if you meant 2, it is no slip"),
            )
            return None
    return _judge_size(report, found)


def _unit(number):
    return "1" if number == 1.0 else f"the {number:.4g} that the model names"


def _twice(found):
    """How the term comes in twice, if the parts that add_loss brings show it."""
    parts = [part for part in found.added if abs(part) > 0.05 * abs(found.from_mu)]
    rest = found.from_mu - sum(parts)
    if len(parts) > 1 and all(near(part, parts[0]) for part in parts):
        return f"add_loss brings it {len(parts)} times in one step"
    if len(parts) == 1 and near(parts[0], rest):
        return "it comes by add_loss, and in the loss function or the step once more"
    return None


def _judge_size(report, found):
    if not USUAL[0] <= abs(found.beta) <= USUAL[1]:
        report.find(
            "beta-unusual",
            f"beta is {found.beta:.4g}: the reconstruction has the scale {found.scale:.4g}, the KL "
            f"term {found.from_mu:.4g}",
        )


def judge_reconstruction(report, found, x, n_pixels):
    """The findings about pixels, last layer and loss."""
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    form, grey = found.reconstruction, found.grey
    plain = form in ("cross-entropy", "cross-entropy, as Keras 2 cuts it off")
    bounded = bool(grey) and all(math.isfinite(g) and abs(g) < 40 for g in grey)
    if form == "cross-entropy with its arguments swapped":
        report.find("cross-entropy-swapped",
                    "the loss is linear in the reconstruction, as cross-entropy with the images as "
                    "predictions is")  # fmt: skip
    crossed = bool(form) and form.startswith("cross-entropy")
    outside = low < -0.01 or high > 1.01
    squared = bounded and form == "squared error"
    beyond = squared and (low < grey[0] - 0.05 or high > grey[1] + 0.05)
    if crossed and outside or beyond or low >= 0 and high > 100:
        shown = f"; the last layer can show {grey[0]:.3g} to {grey[1]:.3g}" if bounded else ""
        if "not-finite" in report.slugs:  # a consequence
            report.findings = [f for f in report.findings if f["slug"] != "not-finite"]
            shown += "; with them, the loss or a layer is not finite"
        report.find("pixels-out-of-range", f"pixels from {low:.4g} to {high:.4g}{shown}")
    if not grey:
        return
    if form == "cross-entropy from logits" and bounded and min(grey) > -0.01:
        report.find("loss-does-not-fit-output",
                    f"the last layer shows {grey[0]:.3g} to {grey[1]:.3g}, a sigmoid, and the loss "
                    "takes the sigmoid of that")  # fmt: skip
    elif plain and not bounded and min(grey) < -1:
        report.find("loss-does-not-fit-output",
                    "the last layer has no sigmoid, and the loss takes what it puts out for "
                    "probabilities")  # fmt: skip
    elif plain and (min(grey) < -0.01 or max(grey) > 1.01):
        report.find("output-out-of-range",
                    f"the last layer shows {grey[0]:.3g} to {grey[1]:.3g}")  # fmt: skip
