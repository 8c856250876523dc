"""The order of an examination: each step hands on what it found, or says what it could not tell."""

import numpy as np

from vaelib.checkup import (
    anatomy as parts,
)
from vaelib.checkup import (
    codes,
    declared,
    decoder,
    diagnosis,
    files,
    listeners,
    noise,
    objective,
    replicas,
)
from vaelib.checkup.entrance import first_step
from vaelib.checkup.report import written
from vaelib.checkup.still import Still
from vaelib.checkup.subject import every, first, told

MOST = 1024  # images whose codes are looked at


def examine(report, subject, target, mu, log_var, callbacks, saving):
    """Fill a report; see the modules for what is measured, and how."""
    history, refused = first_step(subject, target)
    if refused is not None:
        report.find("batch-size-fixed", f"the step stops with 32 images: {told(refused)}")
    without = "" if any("kl" in name.lower() for name in history) else "; no KL term among them"
    report.facts["history"] = ", ".join(history) + without
    if not _is_finite(report, subject, history, target):
        _save(report, subject, None, saving)
        return
    pixels = int(np.prod(target.shape[1:]))
    try:
        found = parts.find(subject, pixels, mu, log_var)
    except parts.Unclear as unclear:
        report.unknown(str(unclear))
        _save(report, subject, None, saving)
        return
    _examine_vae(report, subject, found, target, history, callbacks, refused)
    _save(report, subject, Still(subject, found, target), saving)


def _examine_vae(report, subject, found, target, history, callbacks, refused):
    second = found.second.name if found.second else "unknown"
    report.facts["heads"] = f"mu: {found.mu.name}, second: {second}; {found.z_dim} dimensions"
    terms, still = objective.measure(subject, found, target, report.unknown)
    evaluates = _evaluates(report, subject)
    x = np.asarray(target, float)
    diagnosis.judge_reconstruction(report, terms, x, int(np.prod(x.shape[1:])))
    _judge_kl(report, terms, found, subject)
    _tell_objective(report, terms)
    _tell_limits(report, subject, found, terms)
    diagnosis.judge_heads(report, still)
    if found.columns is None:
        if _decoder(report, still, evaluates):
            report.unknown("What is drawn: nothing that follows mu was seen where the decoder "
                           "begins.")  # fmt: skip
    else:
        broken = any(isinstance(beta, Exception) for beta in terms.by_batch.values())
        seen = noise.measure(still, whole=not broken and refused is None)
        diagnosis.judge_noise(report, seen, terms, found, found.second.name if found.second else "")
        _tell_noise(report, seen)
        _decoder(report, still, evaluates)
    _validation(report, still, evaluates)
    _codes(report, subject, found, terms, evaluates)
    names = set(history) | ({f"val_{name}" for name in history} if evaluates else set())
    listeners.judge(report, callbacks, still, names, terms)
    _predicts(report, subject)
    replicas.judge(report, still, terms)


def _judge_kl(report, terms, found, subject):
    before, report.findings = report.findings, []
    layers = subject.model._flatten_layers(include_self=False, recursive=True)
    weights = declared.weights(subject.model, layers, files.functions_of(subject.model))
    diagnosis.judge_kl(report, terms, found, weights)
    for finding in before:
        report.find(finding["slug"], finding["measured"])
    report.beta = terms.beta
    if terms.loss and terms.from_mu and terms.scale is None:
        report.unknown(
            f"Beta: the KL term weighs {terms.from_mu:.4g} in the loss as it is reported, but the "
            "reconstruction follows no form that the checkup knows."
        )


def _is_finite(report, subject, history, target):
    """Name the place where a value that is not finite comes up first."""
    if not np.isfinite(target).all():
        report.find("not-finite", "the images themselves hold values that are not finite")
        report.unknown("All else: the images hold NaN or infinity, and every value becomes so.")
        return False
    for weight in subject.model.weights:
        if np.array(weight).dtype.kind == "f" and not np.isfinite(np.array(weight)).all():
            name = getattr(weight, "path", weight.name)
            report.find("not-finite", f"the weights {name} are not finite, before any step")
            report.unknown(
                "All else: the weights hold NaN or infinity, and every value becomes so."
            )
            return False
    if np.isfinite(list(history.values())).all():
        return True
    for tap in subject.watch.taps():
        if not np.isfinite(tap.first).all():
            side = "comes out of" if tap.side == "out" else "goes into"
            side = "is added to the loss by" if tap.side == "loss" else side
            report.find("not-finite", f"the first value that is not finite {side} the layer "
                        f"{tap.layer.name!r}")  # fmt: skip
            return True
    bad = [name for name, value in history.items() if not np.isfinite(value)]
    report.find("not-finite", f"all layers put out finite numbers; {', '.join(bad)} in the history "
                "is not finite, so it begins in the loss")  # fmt: skip
    return True


def _tell_limits(report, subject, found, terms):
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
    if terms.drawn:
        report.unknown(
            "The exact KL term: it is estimated by draws, so its weight is known to some percent, "
            "and whether its formula is that of the prior was not checked."
        )
    if terms.floor:
        report.unknown(
            f"The formula of the KL term: it moves only beyond {terms.floor:.3g} nats of an image, "
            "as with free bits; beta is that of what lies beyond."
        )
    lone = [w for w in subject.model.trainable_weights if len(w.shape) == 0]
    if lone:
        names = ", ".join(getattr(weight, "path", weight.name) for weight in lone)
        report.unknown(
            f"What trains with the number {names}: if it is the variance of the decoder, the scale "
            "of the reconstruction and beta are those of its present value."
        )


def _tell_objective(report, terms):
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


def _tell_noise(report, seen):
    if seen.kind == "mu":
        report.facts["drawn"] = "nothing that reaches the decoder"
        return
    values = ", ".join(f"{sigma:.3g} at s = {head:.3g}" for head, sigma in seen.sigmas)
    form = f"sigma = {seen.form}" if seen.form else "sigma of no form that the checkup knows"
    report.facts["drawn"] = f"{form}, s the second head ({values})"


def _decoder(report, still, evaluates):
    """Whether it listens to z, and to z alone; returns whether it listens to z."""
    by_z, by_image, span = decoder.look(still, evaluates)
    if by_z < 1e-6 * max(span, 1.0):
        report.find("decoder-ignores-z", f"between z = -3 and z = 3 no pixel changes by more than "
                    f"{by_z:.1g}")  # fmt: skip
        return False
    if by_image is None:
        report.unknown("Whether the decoder sees more than z: without evaluate() it cannot be told "
                       "from dropout.")  # fmt: skip
    elif by_image > 1e-4 * max(span, by_image):
        report.find("decoder-sees-input", f"with z held, a pixel changes by {by_image:.2g} from "
                    "image to image")  # fmt: skip
    return True


def _evaluates(report, subject):
    """Whether evaluate() runs and reports a loss."""
    try:
        report.facts["evaluate"] = ", ".join(subject.evaluate())
        return True
    except Exception as error:
        report.facts["evaluate"] = f"does not run ({type(error).__name__})"
        report.unknown(
            f"Whether validation reports the same loss: evaluate() stops, {told(error, 120)}"
        )
        return False


def _validation(report, still, evaluates):
    if not evaluates or still.anatomy.last is None:
        return
    losses = []
    for mu in (0.0, 10.0):
        still.set(mu=mu)
        history = still.subject.run(validate=True)
        losses.append((history.get(still.name), history.get(f"val_{still.name}")))
    still.subject.let_go()
    if None in losses[0]:
        report.unknown(f"Whether validation reports the same loss: there is no val_{still.name}.")
        return
    for (trained, validated), mu in zip(losses, (0, 10)):
        if not np.isclose(trained, validated, rtol=0.01 if still.repeats == 1 else 0.1):
            report.find("validation-differs", f"same images, same weights, mu held at {mu}: "
                        f"training {trained:.5g}, validation {validated:.5g}")  # fmt: skip


def _codes(report, subject, found, terms, evaluates):
    name = found.second.name if found.second else ""
    parameter = terms.parameter or noise.named_parameter(name)
    if parameter is None or found.second is None:
        report.unknown("KL per dimension: what the second head means could not be told.")
        return
    n = min(max(subject.size, subject.batch), MOST) // subject.batch * subject.batch
    subject.let_go()
    (subject.evaluate if evaluates else subject.run)(n=n)
    mu, second = (np.concatenate(found.values(subject, part)) for part in ("mu", "second"))
    seen = codes.measure(subject, found, parameter, mu, second)
    trained = int(np.array(getattr(subject.given, "iterations", 0))) > 0
    diagnosis.judge_codes(report, seen, trained, terms.beta)
    state = "" if trained else " (not trained yet)"
    report.facts["codes"] = (
        f"{seen.active} of {found.z_dim} dimensions active, KL {seen.kl.sum():.3g} nats{state}; KL "
        f"per dimension {', '.join(f'{k:.2g}' for k in seen.kl)}; variance of z "
        f"{', '.join(f'{v:.2g}' for v in seen.aggregate)} (the prior has 1)"
    )


def _predicts(report, subject):
    try:
        once, again = (first(subject.predict()) for _ in range(2))
    except Exception as error:
        report.facts["predict"] = f"does not run ({type(error).__name__})"
        return
    same = np.allclose(np.asarray(once), np.asarray(again), equal_nan=True)
    report.facts["predict"] = (
        "gives the same twice" if same else "draws: it differs from call to call"
    )


def _save(report, subject, still, saving):
    if not saving:
        return
    saved, loaded = files.try_it(subject, still)
    if saved != "yes":
        report.find("cannot-be-saved", saved)
    elif loaded.startswith("?"):
        report.unknown(f"Whether the saved file can be loaded: {loaded[1:]}")
    elif not loaded.startswith("yes"):
        report.find("cannot-be-loaded", loaded)
    else:
        how = loaded.removeprefix("yes")
        report.facts["file"] = f"saved, and loaded in a fresh process that knows its classes{how}"
