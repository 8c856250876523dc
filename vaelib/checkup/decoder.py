"""Does the decoder listen to z, and to z alone?"""

import numpy as np

from vaelib.checkup.anatomy import flat

FAR = 3.0
# of the second head: one of them silences the noise, whatever sigma is made of
QUIET = (-30.0, 0.0, 1e-9)


def look(still, evaluates):
    """How far the pictures change with z, and with the image while z is held.

    Args:
        still: a ``Still``.
        evaluates: whether ``evaluate`` runs; then dropout is out of the way.

    Returns:
        change with z, change with the image (None if it cannot be told), range of the pictures;
        changes relative to that range.
    """
    subject, anatomy = still.subject, still.anatomy
    run = subject.evaluate if evaluates else subject.run
    pictures = []
    for mu in (-FAR, FAR):
        still.set(mu=mu, grey=None)
        run()
        pictures.append(flat(anatomy.value(subject, "x_hat")))
    span = max(float(np.ptp(np.concatenate(pictures))), 1e-12)
    by_z = float(np.abs(pictures[0] - pictures[1]).max())
    by_image = None
    for quiet in QUIET if evaluates and anatomy.columns is not None else ():
        still.set(mu=FAR, second=quiet, grey=None)
        run(copies="labels")
        z, shown = anatomy.value(subject, "z"), flat(anatomy.value(subject, "x_hat"))
        if np.ptp(z, axis=0).max() < 1e-4:
            by_image = float(np.ptp(shown, axis=0).max())
            break
    subject.let_go()
    return by_z, by_image, span
