"""How long to train (explained in the setup page, used from chapter 1 on)."""

import os

PROFILES = ("quick", "full")


def profile():
    """The size of the runs: ``"quick"`` (default) or ``"full"``, from ``VAELIB_PROFILE``.

    ``quick`` fits two cores and 90 seconds a chapter; ``full`` trains what the
    sources trained.

    Raises:
        ValueError: the variable holds another word.
    """
    chosen = os.environ.get("VAELIB_PROFILE") or "quick"
    if chosen not in PROFILES:
        raise ValueError(
            f"VAELIB_PROFILE is {chosen!r}, but only 'quick' and 'full' exist: "
            "set it to one of them, or unset it."
        )
    return chosen


def epochs_for(images_seen, n_train):
    """Epochs that show a network about ``images_seen`` images, when one epoch has ``n_train``.

    A budget in images means the same training on MNIST and on the small fallback
    set; a budget in epochs does not. Never less than one epoch.

    Raises:
        ValueError: one of the numbers is below 1.
    """
    if images_seen < 1 or n_train < 1:
        raise ValueError(
            f"Both numbers must be at least 1, but images_seen is {images_seen} and "
            f"n_train is {n_train}."
        )
    return max(1, round(images_seen / n_train))
