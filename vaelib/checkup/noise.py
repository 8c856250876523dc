"""What is drawn? Hold the heads, and look at what the decoder reads.

With mu held at 0 and the second head at a constant, the numbers that the decoder reads are
sigma * epsilon: their spread is sigma, and their pattern, over images, dimensions and steps, tells
whether epsilon is drawn afresh.
"""

from dataclasses import dataclass

import numpy as np

from vaelib.checkup import formulas
from vaelib.checkup.anatomy import flat

NUMBERS, STEPS = 4096, 4  # to be drawn, and over how many steps at least
SECONDS = (0.0, 1.0)  # of the second head; added to where its KL is finite
AT = 2.0  # mu; not 0, for noise that is multiplied by mu must show
OFF = 0.08  # a sigma that is off by more than the chance of some 1,000 draws
BY_NAME = (
    ("log_var", ("logvar", "log_var", "logv", "lv", "log_variance", "var")),
    ("log_sigma", ("log_sig", "logsig", "log_std", "logstd", "log_scale")),
)


@dataclass
class Noise:
    """What was seen: ``sigmas`` are (second head, sigma drawn), for two values of the head."""

    kind: str = "drawn"  # or "mu" (mu itself is decoded) or "constant" (does not follow the heads)
    elsewhere: bool = False  # a draw passed through a layer, but the decoder reads mu
    sigmas: tuple = ()
    form: str | None = None  # sigma as a function of s, the value of the second head
    frozen: bool = False  # the same numbers in every step
    shared: str | None = None  # "images" or "dimensions" that share their number
    last: float = 1.0  # spread in a batch that is not full, relative to the others
    kurtosis: float = 0.0  # 0 for normal numbers, -1.2 for uniform ones
    mean: float = 0.0  # of epsilon


def measure(still, whole):
    """Look at z in several steps, for two values of the second head.

    Args:
        still: a ``Still``.
        whole: whether the step takes a batch that is not full.
    """
    found, spreads, steps = Noise(), [], []
    subject, anatomy = still.subject, still.anatomy
    pixels = np.prod(anatomy.value(subject, "x_hat").shape[1:]) if subject.watch.taps() else 784
    n = min(NUMBERS // anatomy.z_dim, int(4e6 / pixels)) // subject.batch * subject.batch
    n = max(n, STEPS * subject.batch)
    for second in SECONDS:
        still.set(mu=AT, second=still.rest + second)
        subject.run(n=n + (subject.batch // 2 if whole else 0))
        z = anatomy.values(subject, "z")
        mu = anatomy.value(subject, "mu")[:1]
        numbers = np.concatenate(z) - mu
        head = anatomy.value(subject, "second")[0].mean() if anatomy.second else np.nan
        spreads.append((float(head), float(np.sqrt(np.mean(numbers**2)))))
        steps.append([step - mu for step in z])
        if not np.abs(numbers).max() > 1e-6 and second:
            found.elsewhere = _drawn_elsewhere(subject, anatomy, mu)
    found.sigmas = tuple(spreads)
    if max(spread for _, spread in spreads) < 1e-6:
        found.kind = "mu"
        return found
    z = steps[-1] if spreads[-1][1] > spreads[0][1] else steps[0]
    _patterns(found, z)
    points = [head for head, _ in spreads]
    found.form = _form(points, [spread for _, spread in spreads])
    return found


def _patterns(found, steps):
    """Frozen over steps, shared by images or dimensions, normal or not."""
    same = [step for step in steps if len(step) == len(steps[0])]
    size = np.abs(steps[0]).max()
    if not size > 0:
        return
    found.frozen = len(same) > 1 and all(
        np.abs(step - same[0]).max() < 1e-5 * size for step in same[1:]
    )
    if len(steps[0]) > 1 and np.ptp(steps[0], axis=0).max() < 1e-5 * size:
        found.shared = "images"
    elif steps[0].shape[1] > 1 and np.ptp(steps[0], axis=1).max() < 1e-5 * size:
        found.shared = "dimensions"
    if found.frozen or found.shared:
        return
    numbers = np.concatenate(same)
    spread = numbers.std()
    if len(same) < len(steps):
        found.last = float(steps[-1].std() / spread)
    found.mean = float(numbers.mean() / spread)
    found.kurtosis = float(np.mean(((numbers - numbers.mean()) / spread) ** 4) - 3)


def _form(points, spreads):
    """The form of sigma that fits at both values; None if none does."""
    fits = []
    for name, form in formulas.DRAWN.items():
        with np.errstate(all="ignore"):
            expected = np.array([float(form(np.array(point))) for point in points])
        miss = np.abs(np.array(spreads) - expected).max() / max(spreads)
        if np.isfinite(miss) and miss < OFF:
            fits.append((miss, name))
    return min(fits)[1] if fits else None


def _drawn_elsewhere(subject, anatomy, mu):
    """Whether a layer put out a draw, something like z that is not constant."""
    taps = subject.watch.taps()
    start = min(tap.order for tap in taps if tap.layer is anatomy.mu.layer)
    end = next(tap.order for tap in taps if tap.layer is anatomy.picture[0] and tap.side == "out")
    for tap in taps:
        value = flat(tap.first) if tap.first.ndim > 1 else None
        between = start < tap.order and tap.layer is not anatomy.mu.layer
        if between and tap.order < end and value is not None and value.shape[1] == anatomy.z_dim:
            if value.std(axis=0).max() > 1e-3:
                return True
    return False


def expected_sigma(parameter, head):
    """The sigma that belongs to the KL term's reading of the second head."""
    return float(np.sqrt(formulas.VARIANCE[parameter](np.array(head))))


def named_parameter(name):
    """What the name of the second head says that it is; None if it says nothing."""
    for parameter, words in BY_NAME:
        if any(word in name.lower() for word in words):
            return parameter
    return None
