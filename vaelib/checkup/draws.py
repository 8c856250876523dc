"""From what was drawn and encoded to findings: noise, heads, codes."""

import numpy as np

from vaelib.checkup.diagnosis import near
from vaelib.checkup.noise import OFF, expected_sigma, named_parameter

KURTOSIS, MEAN = 0.6, 0.2  # of some 4,000 numbers: far beyond the chance of normal ones


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
