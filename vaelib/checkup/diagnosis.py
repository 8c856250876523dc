"""From what was measured to findings: each judgement in one place, with its threshold."""

import math

import numpy as np

from vaelib.checkup.noise import OFF, expected_sigma, named_parameter
from vaelib.checkup.objective import CLOSE
from vaelib.checkup.subject import told as as_line

USUAL = (1e-3, 50.0)  # betas that somebody may want
KURTOSIS, MEAN = 0.6, 0.2  # of about 1,000 numbers: far beyond the chance of normal ones


def near(a, b, tolerance=CLOSE):
    """Whether two weights are the same to 1 %."""
    return abs(a - b) <= tolerance * max(abs(a), abs(b))


def judge_kl(report, found, anatomy, declared):
    """The findings about the KL term and its weight."""
    if found.loss is None:
        return
    if found.mu_curve:
        report.find("kl-wrong-formula", _capital(found.mu_curve) + ".")
        return
    if not found.from_mu:
        _judge_missing(report, found, anatomy, declared)
        return
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
    _judge_weight(report, found, anatomy.z_dim, declared)


def _weight(found):
    return f"{found.beta:.4g}" if found.beta is not None else f"{found.from_mu:.4g} (of the loss)"


def _judge_missing(report, found, anatomy, declared):
    unit = found.scale or 1.0
    if found.in_step:
        report.find(
            "loss-not-reported-whole",
            f"a step moves mu as a KL term of beta {found.in_step / unit:.4g} does; the reported "
            f"{found.loss!r} does not change with mu",
        )
    elif found.from_second:
        report.find(
            "kl-wrong-formula",
            "the loss changes with the second head, and not with mu: mu^2 is missing",
        )
    elif anatomy.columns is None and not anatomy.sure:
        report.unknown(
            f"Whether there is a KL term: neither the loss nor the decoder follows the constant of "
            f"{anatomy.mu.name!r}, so it may not be mu, or something behind it takes the constant "
            "away, as a normalization does."
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
    if not anatomy.diagonal or found.drawn or found.floor or report.findings:
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


def _judge_weight(report, found, z_dim, declared):
    """Which slip, if any, the size of the weight tells of.

    The weight is fine if it is a number that the model names, or 1, or if beta is 1. If it is such
    a number divided by z_dim, the term is averaged over the dimensions; if it is twice such a
    number, the term counts twice or lacks its 1/2.
    """
    if found.drawn:
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
    if crossed and outside or high > 10 or beyond:
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


def judge_noise(report, noise, found, anatomy, name):
    """The findings about what is drawn."""
    if noise.kind == "mu":
        report.find(
            "noise-unused" if noise.elsewhere else "mu-decoded",
            "with the second head at two values, the decoder reads mu itself"
            + (", although a layer puts out a draw" if noise.elsewhere else ""),
        )
        return
    parameter = found.parameter or (named_parameter(name) if not found.from_second else None)
    if noise.frozen:
        report.find("epsilon-frozen", "the numbers of four steps are the same")
    if noise.shared:
        few = "all images of a batch" if noise.shared == "images" else "all dimensions of an image"
        report.find("epsilon-shared", f"{few} have the same number")
    if parameter is None or anatomy.second is None:
        if anatomy.second is not None:
            report.unknown("Whether the right sigma is drawn: what the second head means could "
                           "not be told from the KL term.")  # fmt: skip
        return
    if noise.frozen or noise.shared:
        _judge_few(report, noise, parameter)
        return
    if not 0.5 < noise.last < 2:
        report.find("noise-depends-on-batch-size",
                    f"in a last batch that is not full, the noise is {noise.last:.2g} times "
                    "that of the others")  # fmt: skip
    ratios = [drawn / expected_sigma(parameter, head) for head, drawn in noise.sigmas]
    told = ", ".join(f"sigma {drawn:.3g} at {head:.3g}" for head, drawn in noise.sigmas)
    if abs(noise.kurtosis) > KURTOSIS or abs(noise.mean) > MEAN:
        report.find("noise-not-normal",
                    f"epsilon has the mean {noise.mean:.2f} and the excess kurtosis "
                    f"{noise.kurtosis:.2f} (a Gaussian: 0 and 0; a uniform one: -1.2)")  # fmt: skip
    elif max(abs(ratio - 1) for ratio in ratios) > OFF:
        if near(ratios[0], ratios[1], 0.1):
            report.find("noise-not-normal", "epsilon has the standard deviation "
                        f"{np.mean(ratios):.2g} (drawn: {told})")  # fmt: skip
        else:
            form = f", that is {noise.form}" if noise.form else ""
            report.find("sigma-mismatch",
                        f"drawn with {told}{form} with s for the second head, which the KL term "
                        f"reads as {parameter}")  # fmt: skip


def _judge_few(report, noise, parameter):
    """With shared or frozen numbers, only how sigma grows with the head can be compared."""
    (one, first), (two, second) = noise.sigmas
    if not noise.frozen or not first > 0:
        return
    grows = second / first
    right = expected_sigma(parameter, two) / expected_sigma(parameter, one)
    if not near(grows, right, 0.05):
        report.find("sigma-mismatch", f"from {one:.3g} to {two:.3g} of the second head, sigma "
                    f"grows {grows:.3g} times; as {parameter} it would {right:.3g}")  # fmt: skip


def judge_heads(report, still):
    """Whether the heads can take every value."""
    for part, values in (("mu", (-3.0, 3.0)), ("second", (-3.0, 3.0))):
        unit = getattr(still.anatomy, part)
        if unit is None:
            continue
        seen = []
        for value in values:
            still.set(**{part: value})
            still.subject.run()
            seen.append(float(still.anatomy.value(still.subject, part).mean()))
        low = -2.9 if part == "mu" else -0.5
        positive = part == "second" and seen[0] > 0 and seen[1] > seen[0] + 1
        if seen[0] > low and not positive and near(seen[1], 3.0, 0.02) and seen[0] > -0.01:
            report.find("head-cut", f"{unit.name!r} puts out {seen[0]:.3g} where it should put out "
                        "-3: values below 0 are cut off")  # fmt: skip
        elif part == "mu" and abs(seen[1]) < 1.5:
            report.find("head-cut", f"{unit.name!r} puts out {seen[1]:.3g} where it should put out "
                        "3: large values are cut off")  # fmt: skip


def judge_codes(report, codes, trained, beta):
    """Collapse, if the model has been trained."""
    if codes.active or not trained:
        return
    if beta is not None and abs(beta) > 5:
        kind = f"beta {beta:.3g} is the likely reason"
    elif float(np.abs(np.log(np.maximum(codes.sigma, 1e-9))).max()) < 0.3:
        kind = "mu is 0 and sigma 1: training fell into it, or the decoder does without z"
    else:
        kind = "mu is the same for all, and sigma is not that of the prior: the encoder is dead"
    report.find(
        "collapsed",
        f"no dimension is active (variance of mu at most {codes.variance.max():.2g}); the KL term "
        f"is {codes.kl.sum():.3g} nats; {kind}",
    )


def _capital(text):
    return text[:1].upper() + text[1:]
