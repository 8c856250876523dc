"""What is the reconstruction? Hold the heads, change the grey, read the loss or the step."""

import numpy as np

from vaelib.checkup import formulas
from vaelib.checkup.anatomy import flat
from vaelib.checkup.still import images_of
from vaelib.checkup.watch import array_of

GREYS = (0.0, -2.0, -0.5, 0.25, 0.5, 0.75, 2.0)
SIDE = 1e-2  # to both sides of a grey, for a slope


def by_loss(found, still):
    """Form and scale of the reconstruction, from the reported loss of several greys."""
    x = images_of(still)
    pictures, losses = [], []
    for grey in GREYS:
        losses.append(still.loss(grey=grey))
        pictures.append(flat(still.anatomy.value(still.subject, "x_hat")).astype(float))
    changes = np.array(losses) - losses[0]
    found.grey = tuple(_range(still))
    few = len({float(picture[0, 0]) for picture in pictures}) < 4
    if few or not np.isfinite(changes).all() or np.abs(changes).max() < 1e-6 * abs(losses[0]):
        return
    forms = {
        # all pictures are the same one; a replica shows but its share of them
        name: (lambda p, form=form: form(x, np.broadcast_to(p[:1], x.shape)).mean())
        for name, form in formulas.RECONSTRUCTIONS.items()
    }
    tolerance = 3e-3 if not found.drawn else 0.1  # a cut off in float32 costs some 1e-3
    found.reconstruction, found.scale = formulas.best(forms, pictures, changes, tolerance)


def by_step(found, still):
    """The same from gradients, where the reported loss does not tell: the steps on the grey."""
    if still.subject.foreign or still.anatomy.last.weights()[1] is None:
        return
    x = images_of(still)[: still.subject.batch]
    forms = formulas.RECONSTRUCTIONS
    slopes, points = [], []
    for grey in GREYS:
        shown = []
        for side in (-SIDE, SIDE):
            still.set(grey=grey + side)
            still.subject.run()
            shown.append(flat(still.anatomy.value(still.subject, "x_hat")).astype(float)[:1])
        still.set(grey=grey)
        _, bias = still.anatomy.last.weights()
        before = array_of(bias).astype(float)
        still.subject.run(rate=SIDE)
        slopes.append(float((before - array_of(bias)).sum()) / SIDE)
        still.subject.undo_step()
        points.append(shown)

    def slope(form):
        return lambda pair: (
            np.subtract(*(form(x, np.broadcast_to(p, x.shape)).mean() for p in pair[::-1]))
            / (2 * SIDE)
        )

    curves = {name: slope(form) for name, form in forms.items()}
    found.reconstruction, found.scale = formulas.best(
        curves, points, np.array(slopes) - slopes[0], 0.01
    )


def _range(still):
    """What the last layer can show: its values for a very low and a very high constant."""
    for grey in (-50.0, 50.0):
        still.loss(grey=grey)
        yield float(np.mean(still.anatomy.value(still.subject, "x_hat")))
