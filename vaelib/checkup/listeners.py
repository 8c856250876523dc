"""Callbacks: do they watch names that the history has, and does the step hear a warm-up?"""

from vaelib.checkup.diagnosis import near

EPOCHS = (0, 1000)  # the first one, and one at which every warm-up has ended


def judge(report, callbacks, still, names, found):
    """Findings about the callbacks that the caller handed over."""
    own = []
    for callback in callbacks:
        monitor = getattr(callback, "monitor", None)
        if isinstance(monitor, str) and monitor not in names:
            report.find(
                "callback-watches-nothing",
                f"{type(callback).__name__} watches {monitor!r}; the history has "
                + ", ".join(sorted(names)),
            )
        if type(callback).__module__.split(".")[0] not in ("keras", "tf_keras") or (
            type(callback).__name__ == "LambdaCallback"
        ):
            own.append(callback)
    if own and found.scale and found.loss:
        _judge_warm_up(report, own, still, found)


def _judge_warm_up(report, own, still, found):
    """Let the callbacks run; compare the step that was compiled before with a new one."""
    subject = still.subject

    def beta():
        high, low = still.loss(mu=10.0), still.loss(mu=0.0)
        return (high - low) / (still.anatomy.z_dim * 50.0) / found.scale

    kept = [{k: _copy(v) for k, v in vars(callback).items()} for callback in own]
    before, logs, seen = beta(), dict.fromkeys(subject.run(), 0.0), []
    for callback in own:
        callback.set_model(subject.model)
        callback.set_params({"epochs": EPOCHS[-1], "steps": 1, "verbose": 0})
    for epoch in EPOCHS:
        with still.own_optimizer():
            _one_epoch(own, epoch, logs)
        subject.take_over()
        heard = beta()
        subject.retrace()
        seen.append((epoch, heard, beta()))
    subject.take_over(False)
    for callback, values in zip(own, kept):
        vars(callback).clear()
        vars(callback).update(values)
    report.facts["beta by callbacks"] = "; ".join(
        f"epoch {epoch}: {heard:.4g}" for epoch, heard, _ in seen
    )
    deaf = [row for row in seen if not near(*row[1:]) and abs(row[1] - row[2]) > 1e-4]
    if deaf:
        epoch, heard, fresh = deaf[0]
        report.find(
            "warm-up-not-heard",
            f"beta was {before:.4g}; when the callbacks have begun epoch {epoch}, the step that "
            f"was compiled before has {heard:.4g}, a step compiled then {fresh:.4g}",
        )
    elif abs(before) < 1e-6 < seen[-1][1]:
        # The weight is 0 only until the warm-up has begun: no missing term.
        report.findings[:] = [f for f in report.findings if f["slug"] != "no-kl-term"]
        report.beta = seen[-1][1]


def _copy(value):
    """A list or a dictionary of its own; all else as it is."""
    return type(value)(value) if type(value) in (list, dict) else value


def _one_epoch(own, epoch, logs):
    """What fit() calls in an epoch of one step."""
    for callback in own:
        callback.on_train_begin()
        callback.on_epoch_begin(epoch, dict(logs))
        callback.on_train_batch_begin(0, {})
        callback.on_train_batch_end(0, dict(logs))
        if epoch:
            callback.on_epoch_end(epoch, dict(logs))
