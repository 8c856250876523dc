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
    draws,
    files,
    listeners,
    noise,
    objective,
    replicas,
    telling,
)
from vaelib.checkup.entrance import first_step
from vaelib.checkup.still import Still
from vaelib.checkup.subject import first, told
from vaelib.checkup.watch import array_of

STEPS = 20  # of training, before which nobody speaks of a collapse
MOST = 1024  # images whose codes are looked at


def examine(report, subject, target, mu, log_var, callbacks, saving):
    """Fill a report; see the modules for what is measured, and how."""
    history, refused = first_step(subject, target)
    if refused is not None:
        report.find("batch-size-fixed", f"the step stops with 32 images: {told(refused)}")
    report.facts["history"] = ", ".join(history)
    logged = [name for name in history if "kl" in name.lower()]
    report.facts["KL in history"] = ", ".join(logged) or "no"
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
    subject.look_for_foreign()
    terms, still = objective.measure(subject, found, target, report.unknown)
    evaluates = _evaluates(report, subject)
    x = np.asarray(target, float)
    diagnosis.judge_reconstruction(report, terms, x, int(np.prod(x.shape[1:])))
    _judge_kl(report, terms, found, subject)
    telling.objective(report, terms)
    telling.limits(report, subject, found, terms)
    names = set(history) | ({f"val_{name}" for name in history} if evaluates else set())
    lost = found.columns is None and not terms.from_mu  # the constants do not arrive
    stages = {
        "Whether the heads are cut": lambda: draws.judge_heads(report, still),
        "What is drawn": lambda: _drawn(report, still, terms, evaluates, refused),
        "Whether validation reports the same loss": lambda: (
            lost or _validation(report, still, evaluates)
        ),
        "What the codes tell": lambda: _codes(report, subject, found, terms, evaluates),
        "What the callbacks do": lambda: listeners.judge(report, callbacks, still, names, terms),
        "Whether predict draws": lambda: _predicts(report, subject),
        "What several devices change": lambda: _devices(report, still, terms),
    }
    for question, stage in stages.items():
        try:
            stage()
        except Exception as error:  # one thing that cannot be looked at must not cost the rest
            report.unknown(f"{question}: the examination stops, {told(error)}")
        subject.let_go()


def _drawn(report, still, terms, evaluates, refused):
    found = still.anatomy
    if found.columns is None:
        if _decoder(report, still, evaluates):
            report.unknown("What is drawn: nothing that follows mu was seen where the decoder "
                           "begins.")  # fmt: skip
        return
    broken = any(isinstance(beta, Exception) for beta in terms.by_batch.values())
    seen = noise.measure(still, whole=not broken and refused is None)
    draws.judge_noise(report, seen, terms, found, found.second.name if found.second else "")
    telling.noise(report, seen)
    _decoder(report, still, evaluates)


def _judge_kl(report, terms, found, subject):
    before, report.findings = report.findings, []
    diagnosis.judge_kl(report, terms, found, _declared(subject.model))
    for finding in before:
        report.find(finding["slug"], finding["measured"])
    report.beta = terms.beta
    if terms.loss and terms.from_mu and terms.scale is None:
        report.unknown(
            f"Beta: the KL term weighs {terms.from_mu:.4g} in the loss as it is reported, but the "
            "reconstruction follows no form that the checkup knows."
        )


def _declared(model):
    layers = model._flatten_layers(include_self=False, recursive=True)
    return declared.weights(model, layers, files.functions_of(model))


def _devices(report, still, terms):
    """On one device the weight may be the right one: then its size there is what counts."""
    by_one = replicas.judge(report, still, terms)
    if by_one is not None:
        report.findings = [f for f in report.findings if f["slug"] not in diagnosis.OF_WEIGHT]
        model, z_dim = still.subject.model, still.anatomy.z_dim
        diagnosis.judge_weight(report, by_one, z_dim, _declared(model))


def _is_finite(report, subject, history, target):
    """Name the place where a value that is not finite comes up first."""
    if not np.isfinite(target).all():
        report.find("not-finite", "the images themselves hold values that are not finite")
        report.unknown("All else: the images hold NaN or infinity, and every value becomes so.")
        return False
    for weight in subject.model.weights:
        if array_of(weight).dtype.kind == "f" and not np.isfinite(array_of(weight)).all():
            name = getattr(weight, "path", weight.name)
            report.find("not-finite", f"the weights {name} are not finite, before any step")
            report.unknown(
                "All else: the weights hold NaN or infinity, and every value becomes so."
            )
            return False
    losses = [history[name] for name in ("loss",) if name in history] or list(history.values())
    if np.isfinite(losses).all():
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


def _decoder(report, still, evaluates):
    """Whether it listens to z, and to z alone; returns whether it listens to z."""
    by_z, by_image, span = decoder.look(still, evaluates)
    if by_z < 1e-6 * max(span, 1.0):
        report.find("decoder-ignores-z", f"between z = -3 and z = 3 no pixel changes by more than "
                    f"{by_z:.1g}")  # fmt: skip
        return False
    if by_image is None:
        why = "the noise could not be silenced" if evaluates else (
            "without evaluate() it cannot be told from dropout"
        )  # fmt: skip
        report.unknown(f"Whether the decoder sees more than z: {why}.")
    elif by_image > 1e-2 * max(span, by_image):
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
        history = still.subject.run(n=still.subject.batch * still.repeats, validate=True)
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
    steps = getattr(subject.given, "iterations", None)
    trained = steps is not None and int(array_of(steps)) >= STEPS
    draws.judge_codes(report, seen, trained, terms.beta)
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
