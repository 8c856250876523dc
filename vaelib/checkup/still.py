"""The subject with its heads and its decoder held still."""

import contextlib

import numpy as np

from vaelib.checkup.anatomy import flat
from vaelib.checkup.subject import first


class Still:
    """The subject with heads and decoder held; ``loss`` runs a step and reads."""

    def __init__(self, subject, anatomy, target):
        self.subject, self.anatomy, self.target = subject, anatomy, target
        self.name, self.repeats = "loss", 1

    def set(self, mu=0.0, second=None, grey=0.0):
        """Hold the heads, and the last layer unless the grey is None."""
        self.subject.let_go()
        self.subject.hold(self.anatomy.mu, mu)
        if self.anatomy.second:
            self.subject.hold(self.anatomy.second, self.rest if second is None else second)
        if grey is not None and self.anatomy.last:
            self.subject.hold(self.anatomy.last, grey)

    rest = 0.0

    @contextlib.contextmanager
    def own_optimizer(self):
        """The reader's optimizer in its place, for callbacks that read or set its rate."""
        self.subject.model.optimizer = self.subject.given
        try:
            yield
        finally:
            self.subject.model.optimizer = self.subject.optimizer

    def loss(self, mu=0.0, second=None, grey=0.0, **run):
        """The reported loss, averaged over repeats where it is drawn."""
        self.set(mu, second, grey)
        batch = run.pop("batch", self.subject.batch)
        n = run.pop("n", batch) * self.repeats
        return float(self.subject.run(n=n, batch=batch, **run).get(self.name, np.nan))


def is_still(still, log):
    """Whether the held decoder shows one picture, whatever z is."""
    names = []
    for last in still.anatomy.lasts:  # the very last layer may lead to another output
        if last is None:
            break
        still.anatomy.last, pictures = last, []
        names.append(repr(last.name))
        for mu in (0.0, 10.0):
            still.loss(mu=mu)
            pictures.append(flat(still.anatomy.value(still.subject, "x_hat")))
        if np.ptp(np.concatenate(pictures), axis=0).max() < 1e-5:
            return True
    told = f"layer {' or '.join(names)} is held" if names else "layer has no weights to hold"
    log(f"The reconstruction moves although the decoder's last {told}: something bypasses it, so "
        "the KL term cannot be told from it.")  # fmt: skip
    return False


def images_of(still):
    """The images of a run, one row each."""
    x = flat(np.asarray(first(still.target), float))
    return x[np.arange(still.subject.batch * still.repeats) % len(x)]
