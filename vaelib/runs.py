"""How long to train (used in most chapters)."""


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
