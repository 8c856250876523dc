"""Codes of a data set, and how far they spread (chapter ``measure-latent-space``)."""

from typing import NamedTuple

import numpy as np

from vaelib.data import check_images

# SciPy and scikit-learn are imported where they are used: together 100 MB, which the chapters
# that only encode and measure boxes shall not pay.


def encode(encoder, images, batch_size=200):
    """The code of every image: one array of shape (images, z_dim).

    Args:
        encoder: a Keras model. If it puts out several tensors (mu, log_var, ...), the
            first one, mu, is the code.
        images: shape (images, height, width, channels), pixels in [0, 1].
        batch_size: images per step; one batched call is far faster than many single ones.

    Raises:
        DataError: images that are not a batch of pixels in [0, 1], or not of the shape
            that the encoder takes.
    """
    # Keras' predict looks at shapes only the first time.
    check_images(images, shape=encoder.input_shape[1:])
    images = np.asarray(images)
    outputs = encoder.predict(images, batch_size=batch_size, verbose=0)
    return np.asarray(outputs[0] if isinstance(outputs, (list, tuple)) else outputs)


class Extents(NamedTuple):
    """How far codes spread; every array has shape (z_dim,).

    ``low`` and ``high`` bound all codes, ``robust_low`` and ``robust_high`` all but
    the outermost codes on each side of each axis. Chapter ``compress-digits`` says why one wants
    both.
    """

    low: np.ndarray
    high: np.ndarray
    robust_low: np.ndarray
    robust_high: np.ndarray

    @property
    def area(self):
        """Area of the bounding box (volume, for more than two dimensions)."""
        return float(np.prod(self.high - self.low))

    @property
    def robust_area(self):
        """Area of the robust box."""
        return float(np.prod(self.robust_high - self.robust_low))


def extents(codes, coverage=0.98):
    """Measure the bounding box of codes, and a robust box that a few outliers cannot stretch.

    Args:
        codes: shape (images, z_dim).
        coverage: share of the codes that the robust box holds along each axis;
            0.98 leaves out one per cent at either end.

    Raises:
        ValueError: no codes, NaN among them, wrong rank, or a coverage outside (0, 1].
    """
    codes = _checked(codes)
    _check_coverage(coverage)
    tail = (1 - coverage) / 2
    robust_low, robust_high = np.quantile(codes, [tail, 1 - tail], axis=0)
    return Extents(codes.min(axis=0), codes.max(axis=0), robust_low, robust_high)


def class_centers(codes, labels):
    """The median code of every class: a dict from label to an array of shape (z_dim,).

    The median, not the mean: a few stray codes must not pull a centre out of its cloud.

    Raises:
        ValueError: not one label for each code.
    """
    codes, labels = _labeled(codes, labels)
    return {int(label): np.median(codes[labels == label], axis=0) for label in np.unique(labels)}


def log_volume(codes):
    """Half the logarithm of the determinant of the codes' covariance: a volume, in nats.

    0 for N(0, I). Of two clouds, ``exp`` of the difference is the ratio of their areas (volumes,
    for more than two dimensions); unlike a box it does not care how the axes lie. To compare a VAE
    with its prior, take draws: the ``mu`` lack the width of the clouds, and a dimension that is not
    used has no spread of ``mu`` at all (chapter ``measure-latent-space``).

    Raises:
        ValueError: no codes, NaN among them, or wrong rank.
    """
    return 0.5 * float(np.linalg.slogdet(_covariance(_checked(codes)))[1])


def distance_from_prior(codes):
    """KL divergence from N(0, I) of the Gaussian with the codes' mean and covariance, in nats.

    0 if the codes have mean 0 and covariance I, whatever their shape beyond that: a first, coarse
    measure of how far the aggregate posterior is from the prior. Like ``log_volume``, for draws.

    Raises:
        ValueError: as ``log_volume``.
    """
    codes = _checked(codes)
    squares = np.trace(_covariance(codes)) + np.sum(codes.mean(axis=0) ** 2)
    return 0.5 * float(squares - codes.shape[1]) - log_volume(codes)


def aggregate_kl(mu, log_var, n_draws=2_000, seed=0):
    """KL divergence of the aggregate posterior from N(0, I), in nats, by Monte Carlo.

    The aggregate posterior is the mixture of all clouds ``N(mu, exp(log_var))``. The mean KL term
    is this number plus the mutual information of image and code (Hoffman and Johnson 2016), which
    cannot exceed the logarithm of the number of images: with ten thousand images the estimate is
    useful while the KL term stays well below 9 nats.

    Args:
        mu, log_var: shape (images, z_dim).
        n_draws: draws from the mixture.
        seed: of the draws.

    Raises:
        ValueError: NaN, wrong rank, or shapes that differ.
    """
    from scipy.special import logsumexp

    mu, log_var = _pair(mu, log_var)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(mu), n_draws)
    draws = mu[chosen] + np.exp(0.5 * log_var[chosen]) * rng.normal(size=(n_draws, mu.shape[1]))
    ratios = []
    for z in np.array_split(draws, -(-n_draws // 100)):  # 100 at a time, or memory runs out
        squares = (z[:, None] - mu) ** 2 * np.exp(-log_var) + log_var
        # The constants ln 2 pi of q and p cancel.
        log_q = logsumexp(-0.5 * squares.sum(axis=2), axis=1) - np.log(len(mu))
        ratios.append(log_q + 0.5 * (z**2).sum(axis=1))
    return float(np.concatenate(ratios).mean())


def kl_per_dimension(mu, log_var):
    """What each latent dimension pays on average: nats per image, shape (z_dim,).

    Their sum is the KL term. A dimension that pays nothing is never used.

    Args:
        mu, log_var: shape (images, z_dim).

    Raises:
        ValueError: as ``aggregate_kl``.
    """
    mu, log_var = _pair(mu, log_var)
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).mean(axis=0)


def active_units(mu, threshold=0.01):
    """Which latent dimensions say anything about an image: a boolean array of shape (z_dim,).

    A dimension is active if the variance of its ``mu`` over the images exceeds ``threshold``
    (Burda, Grosse and Salakhutdinov 2016).

    Raises:
        ValueError: as ``log_volume``.
    """
    return _checked(mu).var(axis=0) > threshold


def separation(codes, labels):
    """Distance of the class centres over the spread within classes: a number without unit.

    The root mean square distance between two class means, over the root mean square distance of a
    code from the mean of its class. Scaling all codes leaves it as it is.

    Raises:
        ValueError: NaN, wrong rank, not one label for each code, or fewer than two classes.
    """
    codes, labels = _labeled(_checked(codes), labels)
    classes, members = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"Classes can be apart only if there are two, but labels hold {classes}.")
    means = np.stack([codes[labels == label].mean(axis=0) for label in classes])
    within = np.sqrt(np.mean(np.sum((codes - means[members]) ** 2, axis=1)))
    squares = np.sum((means[:, None] - means) ** 2, axis=2)
    between = np.sqrt(squares.sum() / (len(classes) * (len(classes) - 1)))
    return float(between / within)


class Accuracy(NamedTuple):
    """Share of right answers, the bounds of its confidence interval, and each answer's truth."""

    value: float
    low: float
    high: float
    right: np.ndarray


def neighbor_accuracy(known, known_labels, codes, labels, k=10, confidence=0.95):
    """How often the ``k`` nearest known codes, by majority, tell the class of a code.

    Args:
        known, known_labels: codes whose class is known, shape (images, z_dim), and their classes.
        codes, labels: the codes to be judged, and their true classes.
        k: how many neighbours vote.
        confidence: of Wilson's interval.

    Returns:
        an ``Accuracy``. Two of them on the same images are compared through ``right``, image by
        image.

    Raises:
        ValueError: NaN, wrong rank, not one label for each code, or ``k`` out of range.
    """
    from scipy.stats import binomtest
    from sklearn.neighbors import KNeighborsClassifier

    known, known_labels = _labeled(_checked(known), known_labels)
    codes, labels = _labeled(_checked(codes), labels)
    if not 1 <= k <= len(known):
        raise ValueError(f"k must be from 1 to {len(known)}, the known codes, but is {k}.")
    votes = KNeighborsClassifier(k).fit(known, known_labels).predict(codes)
    right = votes == labels
    low, high = binomtest(int(right.sum()), len(right)).proportion_ci(confidence, "wilson")
    return Accuracy(float(right.mean()), float(low), float(high), right)


def in_holes(points, codes):
    """Which points lie further from every known code than 99 % of unseen codes do.

    Every second code counts as known, the others as unseen (chapter ``compress-digits``).

    Args:
        points: shape (points, z_dim).
        codes: shape (images, z_dim).

    Raises:
        ValueError: NaN, wrong rank, or points and codes of different dimension.
    """
    from scipy.spatial import cKDTree

    points, codes = _of_one_dimension(points, codes)
    known, unseen = cKDTree(codes[0::2]), codes[1::2]
    ordinary = np.quantile(known.query(unseen)[0], 0.99)
    return known.query(points)[0] > ordinary


def in_ellipse(points, codes, coverage=0.98):
    """Which points lie in the smallest ellipse, shaped like the codes' covariance, that holds them.

    Holes are counted in it, not in a box: the corners of a box around a tilted cloud are empty
    whatever the cloud is like inside (chapter ``measure-latent-space``).

    Args:
        points: shape (points, z_dim).
        codes: shape (images, z_dim); their mean is the ellipse's centre.
        coverage: share of the codes that the ellipse holds.

    Raises:
        ValueError: as ``in_holes``, a coverage outside (0, 1], or codes that lie in a plane of
            fewer dimensions than they have.
    """
    points, codes = _of_one_dimension(points, codes)
    _check_coverage(coverage)
    center, covariance = codes.mean(axis=0), _covariance(codes)
    if np.linalg.matrix_rank(covariance) < codes.shape[1]:
        raise ValueError("The codes have no spread in some direction, so no ellipse holds them.")

    def squares(z):
        return np.sum((z - center) * np.linalg.solve(covariance, (z - center).T).T, axis=1)

    return squares(points) <= np.quantile(squares(codes), coverage)


def _checked(codes):
    codes = np.asarray(codes, dtype=float)
    if codes.ndim != 2 or not codes.size:
        raise ValueError(f"codes must have shape (images, z_dim), but have {codes.shape}.")
    if not np.isfinite(codes).all():
        raise ValueError("codes hold NaN or infinite values: the encoder's training has diverged.")
    return codes


def _check_coverage(coverage):
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage must be above 0 and at most 1, but is {coverage}.")


def _of_one_dimension(points, codes):
    points, codes = _checked(points), _checked(codes)
    if points.shape[1] != codes.shape[1]:
        raise ValueError(
            f"points have {points.shape[1]} dimensions, but codes have {codes.shape[1]}."
        )
    return points, codes


def _pair(mu, log_var):
    mu, log_var = _checked(mu), _checked(log_var)
    if mu.shape != log_var.shape:
        raise ValueError(
            f"mu and log_var must have one shape, but have {mu.shape} and {log_var.shape}."
        )
    return mu, log_var


def _labeled(codes, labels):
    codes, labels = np.asarray(codes), np.asarray(labels)
    if labels.shape != codes.shape[:1]:
        raise ValueError(
            f"Each code needs one label, but there are {len(codes)} codes and labels of shape "
            f"{labels.shape}."
        )
    return codes, labels


def _covariance(codes):
    return np.atleast_2d(np.cov(codes.T, bias=True))
