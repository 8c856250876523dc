"""What a report tells of what was measured, and of what the examination does not reach."""

from vaelib.checkup.report import written
from vaelib.checkup.subject import every


def limits(report, subject, found, terms):
    """What the model has that the examination does not reach."""
    inputs = []
    every(subject.x, inputs.append)
    if len(inputs) > 1:
        report.unknown(
            f"What the model makes of its {len(inputs)} inputs: only the way of the largest "
            "through z was looked at; a label or another condition was held."
        )
    if found.second is not None and not found.diagonal:
        report.unknown(
            f"The second head: it has {found.second.stop - found.second.start} numbers for "
            f"{found.z_dim} dimensions, as a full covariance has, and only the part of mu in the "
            "KL term was looked at, not log_var."
        )
    if terms.centre:
        report.unknown(
            f"The prior: the KL term is lowest at mu = {terms.centre:.3g} and not at 0, so the "
            "prior is another one than N(0, 1), and beta is given as if it had its width."
        )
    if terms.drawn:
        report.unknown(
            "The exact KL term: it is estimated by draws, so its weight is known to some percent, "
            "and whether its formula is that of the prior was not checked."
        )
    if terms.floor:
        report.unknown(
            f"The formula of the KL term: far from the prior {terms.floor:.3g} nats are taken off, "
            "as with free bits or a capacity; beta is the slope of what lies beyond."
        )
    lone = [w for w in subject.model.trainable_weights if len(w.shape) == 0]
    if lone:
        names = ", ".join(getattr(weight, "path", weight.name) for weight in lone)
        report.unknown(
            f"What trains with the number {names}: if it is the variance of the decoder, the scale "
            "of the reconstruction and beta are those of its present value."
        )


def objective(report, terms):
    """The reconstruction and the KL term."""
    if terms.reconstruction:
        unit = "1/2 of the sum of squares" if terms.reconstruction == "squared error" else "the sum"
        report.facts["reconstruction"] = (
            f"{terms.reconstruction}, {terms.scale:.4g} times {unit} over the pixels"
        )
    else:
        report.facts["reconstruction"] = "unknown"
    report.facts["KL term"] = (
        f"beta {written(terms.beta)}; weight in the loss {terms.from_mu:.4g}"
        + (", estimated by draws" if terms.drawn else "")
        + (f", in a step {terms.in_step:.4g}" if terms.in_step is not None else "")
        + (f"; reads the second head as {terms.parameter}" if terms.parameter else "")
    )


def noise(report, seen):
    """What is drawn."""
    if seen.kind == "mu":
        report.facts["drawn"] = "nothing that reaches the decoder"
        return
    if seen.frozen or seen.shared:
        report.facts["drawn"] = "too few numbers of their own to tell sigma by"
        return
    values = ", ".join(f"{sigma:.3g} at s = {head:.3g}" for head, sigma in seen.sigmas)
    form = f"sigma = {seen.form}" if seen.form else "sigma of no form that the checkup knows"
    report.facts["drawn"] = f"{form}, s the second head ({values})"
