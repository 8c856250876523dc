"""What is the KL term, really? Set the heads, hold the decoder still, read the loss.

With its last layer held, the decoder shows one grey picture whatever z is, and the reconstruction
does not move. What the reported loss then does when mu and the second head take constant values is
the KL term. The same with the heads held and the grey changed gives the reconstruction.
"""

from dataclasses import dataclass, field

import numpy as np

from vaelib.checkup import formulas, reconstruction
from vaelib.checkup.anatomy import flat, place_of
from vaelib.checkup.still import Still, is_still
from vaelib.checkup.subject import first
from vaelib.checkup.watch import array_of

MUS = (0.0, 10.0, 20.0, -10.0)
SECONDS = (0.0, -4.0, -2.0, 0.5, 2.0, 4.0)
CLOSE = 0.01  # two weights are the same
DRAWS = 16  # runs that are averaged where the loss is drawn


@dataclass
class Objective:
    """What was measured. Weights are per nat, in the units of the reported loss."""

    loss: str | None = None  # the name in the history
    drawn: bool = False  # the KL term is estimated by draws
    from_mu: float = 0.0  # weight of mu^2 / 2
    mu_curve: str | None = None  # what is wrong with the part of mu
    from_second: float | None = None  # weight of the part of the second head
    parameter: str | None = None  # what the second head is, as the KL term reads it
    slip: str | None = None
    z_dim: int = 1
    saturates: bool = False  # in mu, as no divergence of Gaussians does
    zero: bool = False  # the reported loss is 0
    centre: float = 0.0  # where in mu the term is lowest
    floor: float = 0.0  # nats below which the term does not move, "free bits"
    in_step: float | None = None  # weight of the KL term in a gradient step
    reconstruction: str | None = None
    scale: float | None = None  # of the reconstruction, per nat
    grey: tuple = ()  # lowest and highest value that the last layer can show
    added: list = field(default_factory=list)  # weights of the parts that came by add_loss
    by_batch: dict = field(default_factory=dict)  # description -> beta
    still: bool = True  # the reconstruction could be held
    rest: float = 0.0  # value of the second head to which the others are compared

    @property
    def weight(self):
        """Of the KL term: in the reported loss, or in the step alone."""
        return self.from_mu or self.in_step or 0.0

    @property
    def beta(self):
        """Nats per image; None if it cannot be told."""
        return None if not self.scale or self.mu_curve else self.weight / self.scale


def measure(subject, anatomy, target, log):
    """Measure the objective of a VAE whose parts are known; ``log`` takes what cannot be told."""
    found, still = Objective(z_dim=anatomy.z_dim), Still(subject, anatomy, target)
    history = subject.run()
    names = [name for name in history if name == "loss"] or [
        name for name in history if "total" in name and not name.startswith("val_")
    ]
    if not names:
        told = ", ".join(history) or "nothing"
        log(f"The step reports no loss (its history has {told}): the weight of the KL term is that "
            "of its gradient.")  # fmt: skip
        found.still = is_still(still, log)
        if found.still:
            reconstruction.by_step(found, still)
            _step(found, still, log)
        subject.let_go()
        return found, still
    found.loss = still.name = names[0]
    for still.rest in (0.0, 1.0, 0.5):
        if np.isfinite(still.loss()):
            break
    found.rest = still.rest
    found.still = is_still(still, log)
    if not found.still:
        return found, still
    once, again = still.loss(mu=10.0), still.loss(mu=10.0)  # at the prior, draws cancel
    found.drawn = abs(once - again) > 1e-5 * abs(once)
    still.repeats = DRAWS if found.drawn else 1
    _part_of_mu(found, still)
    _part_of_second(found, still)
    reconstruction.by_loss(found, still)
    if found.scale is None:
        reconstruction.by_step(found, still)
    _step(found, still, log)
    _batches(found, still, log)
    subject.let_go()
    return found, still


def _part_of_mu(found, still):
    losses, squares, points = [], [], []
    for mu in MUS:
        losses.append(still.loss(mu=mu))
        value = still.anatomy.value(still.subject, "mu")[0]
        squares.append(float(np.sum(value**2) / 2))
        points.append(float(value.mean()))
        if mu in (MUS[0], MUS[1]):
            found.added.append(_added(still))
    found.added = [
        float(b - a) / (squares[1] - squares[0]) for a, b in zip(*found.added)
    ] if squares[1] > squares[0] and len(found.added[0]) == len(found.added[1]) else []  # fmt: skip
    found.zero = not np.any(losses)
    changes, squares = np.array(losses) - losses[0], np.array(squares) - squares[0]
    noise = 3e-6 if not found.drawn else 1e-3
    if not np.isfinite(changes).all() or np.abs(changes).max() < noise * abs(losses[0]):
        return
    seen = squares > 0
    weights = changes[seen] / squares[seen]
    tolerance = CLOSE if not found.drawn else 0.1
    if not found.drawn and _starts_late(found, changes, squares):
        return
    if not found.drawn and _is_elsewhere(found, changes, points):
        return
    if np.ptp(weights) <= tolerance * np.abs(weights).max():
        found.from_mu = float(weights[np.argmax(squares[seen])])
        return
    odd = abs(changes[1] + changes[3]) < 0.05 * abs(changes[1])
    power = np.log2(abs(changes[2] / changes[1])) if changes[1] and changes[2] else np.nan
    found.saturates = bool(power < 0.75)
    found.mu_curve = (
        f"the loss changes by {changes[1]:.4g}, {changes[2]:.4g} and {changes[3]:.4g} for mu = "
        f"{points[1]:.3g}, {points[2]:.3g} and {points[3]:.3g}: "
        + (f"like mu^{power:.1f}" + (", with its sign" if odd else "") + ", not like mu^2")
    )


def _starts_late(found, changes, squares):
    """Free bits, a capacity: even in mu and of one slope, but some nats are taken off."""
    if not (squares > 0)[1:].all():
        return False
    slope = (changes[2] - changes[1]) / (squares[2] - squares[1])
    late = squares[1] - changes[1] / slope if slope else np.inf
    even = abs(changes[1] - changes[3]) <= CLOSE * abs(changes[1])
    if not even or not 2e-3 * squares[1] < late < squares[1] / 2:
        return False
    found.from_mu, found.floor = float(slope), float(late)
    return True


def _is_elsewhere(found, changes, points):
    """A parabola whose lowest point is not at 0: the prior is not N(0, 1)."""
    square, line = np.polyfit(points[1:], changes[1:] / np.array(points[1:]), 1)
    fits = np.polyval([square, line, 0], points[1:])
    close = np.abs(fits - changes[1:]).max() <= 1e-3 * np.abs(changes).max()
    if not close or not square > 0 or abs(line) < 0.02 * abs(square):
        return False
    found.from_mu, found.centre = 2 * float(square) / found.z_dim, -float(line / square) / 2
    return abs(found.centre) < 5


def _added(still):
    """What the layers added to the loss in the first step, in the order of the calls."""
    taps = [tap for tap in still.subject.watch.taps() if tap.side == "loss"]
    return [float(np.mean(tap.first)) for tap in taps]


def _part_of_second(found, still):
    if not still.anatomy.diagonal:
        return
    points, losses = [], []
    for second in (found.rest, *[s for s in SECONDS if s != found.rest]):
        loss = still.loss(second=second)
        value = float(still.anatomy.value(still.subject, "second")[0].mean())
        if np.isfinite(loss) and not any(abs(value - p) < 1e-4 for p in points):
            points.append(value)
            losses.append(loss)
    z_dim = still.anatomy.z_dim
    changes = (np.array(losses) - losses[0]) / z_dim
    noise = 3e-6 if not found.drawn else 1e-3
    if len(points) < 2 or np.abs(changes).max() * z_dim < noise * abs(losses[0]):
        found.from_second = 0.0
        return
    forms = {name: _divergence(variance) for name, variance in formulas.VARIANCE.items()}
    tolerance = CLOSE if not found.drawn else 0.1
    if found.floor or found.centre:
        return
    points, near_0 = np.array(points), np.abs(points) <= 2
    for chosen in (near_0 | True, near_0):  # a clip may bend the curve further out
        found.parameter, found.from_second = formulas.best(
            forms, points[chosen], changes[chosen], tolerance
        )
        if found.parameter or near_0.sum() < 3:
            break
    if found.parameter is None and _behind_the_head(found, still, forms):
        return
    if found.parameter is None:
        slip, factor = formulas.best(formulas.SLIPS, points, changes, tolerance)
        found.slip = slip or "it follows no form that we know"
        found.from_second = factor


def _behind_the_head(found, still, forms):
    """Whether a tensor behind the second head, such as a bounded one, fits a form; then take it."""
    runs = []
    for second in (found.rest, *[s for s in SECONDS if s != found.rest]):
        loss, seen = still.loss(second=second), {}
        taps = still.subject.watch.taps()
        for tap in taps:
            value = flat(tap.first) if tap.first.ndim > 1 else np.zeros((1, 0))
            if value.shape[1] == still.anatomy.z_dim and np.ptp(value) < 1e-6:
                seen[place_of(tap, taps)] = float(value.mean())
        runs.append((loss, seen))
    changes = (np.array([loss for loss, _ in runs]) - runs[0][0]) / still.anatomy.z_dim
    for place in runs[0][1]:
        points = np.array([seen.get(place, np.nan) for _, seen in runs])
        if np.isfinite(points).all() and np.ptp(points) > 0.1 and np.isfinite(changes).all():
            name, factor = formulas.best(forms, points, changes, CLOSE)
            if name and near_to(factor, found.from_mu):
                found.parameter, found.from_second = name, factor
                still.anatomy.second_at = place
                return True
    return False


def near_to(a, b):
    """Whether two weights are the same to 1 %."""
    return abs(a - b) <= CLOSE * max(abs(a), abs(b))


def _divergence(variance):
    return lambda s: formulas.divergence(variance(s))


def _step(found, still, log):
    """One step of plain gradient descent: only the KL term moves the constant of mu."""
    unit = still.anatomy.mu
    if getattr(unit.layer, "activation", None) is not None:
        still.set(mu=3.0)
        still.subject.run()
        if abs(still.anatomy.value(still.subject, "mu").mean() - 3.0) > 1e-3:
            log("mu has an activation, so the gradient of the KL term was not measured.")
            return
    if still.subject.foreign:
        log("The weights are moved by an optimizer of the model's own, so the gradient of the KL "
            "term was not measured.")  # fmt: skip
        return
    if not any(weight is unit.weights()[1] for weight in still.subject.model.trainable_weights):
        log("The head of mu is frozen, so the gradient of the KL term was not measured.")
        return
    weight = found.weight or found.scale or 1.0
    rate = 1.0 / abs(weight)
    moves, at = [], 10.0 if found.floor else 3.0
    for _ in range(min(still.repeats, 4)):
        still.set(mu=at)
        _, bias = unit.weights()
        _, grey = still.anatomy.last.weights()
        grey = bias if grey is None else grey
        before, grey_before = array_of(bias), array_of(grey)
        still.subject.run(rate=rate)
        moved = (before - array_of(bias))[unit.start : unit.stop]
        learnt = np.abs(array_of(grey) - grey_before).max()
        still.subject.undo_step()
        moves.append(moved / (rate * at))
    move = float(np.mean(moves))
    if not learnt > 0 and abs(move) < 1e-9:
        log("The step does not move the weights by the optimizer of compile(), so the gradient of "
            "the KL term was not measured.")  # fmt: skip
        return
    found.in_step = 0.0 if abs(move) < 1e-3 * abs(weight) else move


def _batches(found, still, log):
    """Beta with other batches, a last batch that is not full, several steps, and afterwards."""
    if found.beta is None or not found.from_mu:
        return
    batch = still.subject.batch
    half = batch // 2
    cases = {
        f"{batch} images": {"n": batch, "batch": batch},
        f"{half} images": {"n": half, "batch": half},
        f"a batch of {batch} and a last one of {half}": {"n": batch + half, "batch": batch},
        f"{batch} images again": {"n": batch, "batch": batch},
    }
    for name, case in cases.items():
        try:
            beta = _beta_with(found, still, case)
        except Exception as error:
            beta = error
        if beta is not None:
            found.by_batch[name] = beta


def _beta_with(found, still, case):
    """Beta with copies of one image, in batches of a certain size; None if it cannot be told."""
    losses, pictures = [], []
    low, squares = 10.0 if found.floor else 0.0, []
    for mu, grey in ((low, 0.0), (low + 10.0, 0.0), (low, 0.75)):
        losses.append(still.loss(mu=mu, grey=grey, copies=True, **case))
        pictures.append(flat(still.anatomy.value(still.subject, "x_hat")).astype(float)[:1])
        squares.append(float(np.sum(still.anatomy.value(still.subject, "mu")[0] ** 2) / 2))
    x = flat(np.asarray(first(still.target), float))[:1]
    rest, shown = (
        formulas.RECONSTRUCTIONS[found.reconstruction](x, pictures[i])[0] for i in (0, 2)
    )
    scale = (losses[2] - losses[0]) / float(shown - rest)
    return (losses[1] - losses[0]) / (squares[1] - squares[0]) / scale if scale else None
