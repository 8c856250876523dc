"""Small colour pictures whose factors are known, made by the course (``beyond-digits``)."""

import colorsys
import operator

import numpy as np

SHAPES = ("disc", "square", "triangle")
# What a picture depends on; beside the shape, each is drawn evenly from its range.
RANGES = {
    "hue": (0.0, 0.66),  # from red over green to blue
    "x": (0.35, 0.65),  # the centre, in widths of the picture, from the left
    "y": (0.35, 0.65),  # from the top
    "size": (0.18, 0.34),  # radius of the circle around the shape, in widths of the picture
    "rotation": (0.0, 90.0),  # degrees, clockwise; a disc does not show it
}


def generate(n, seed=0, size=32):
    """Draw ``n`` pictures of one shape each, coloured, on a black ground.

    Args:
        n: how many.
        seed: of the factors; the same seed gives the same pictures.
        size: height and width in pixels, at least 8.

    Returns:
        images, float32 of shape (n, size, size, 3) in [0, 1], and the factors: a dict from name to
        an array of shape (n,), "shape" as the index into ``SHAPES``, the others as in ``RANGES``.

    Raises:
        ValueError: a count or a size that is not a whole number, or too small.
    """
    n, size = _at_least("n", n, 1), _at_least("size", size, 8)
    rng = np.random.default_rng(seed)
    factors = {"shape": rng.integers(0, len(SHAPES), n)}
    for name, (low, high) in RANGES.items():
        factors[name] = rng.uniform(low, high, n)
    return render(factors, size), factors


def render(factors, size=32):
    """The pictures of given factors, shape (n, size, size, 3); see ``generate``."""
    columns = [np.asarray(factors[name]) for name in ("shape", *RANGES)]
    # A few at a time, or the steps in between would take more memory than the pictures.
    parts = [np.array_split(column, 1 + len(column) // 250) for column in columns]
    return np.concatenate([_drawn(size, *part) for part in zip(*parts)])


def _drawn(size, shape, hue, x, y, radius, rotation):
    grid = (np.arange(size) + 0.5) / size
    right, down = grid[None, None, :] - x[:, None, None], grid[None, :, None] - y[:, None, None]
    radius, angle = radius[:, None, None], np.radians(rotation)[:, None, None]
    u = np.cos(angle) * right + np.sin(angle) * down
    v = np.cos(angle) * down - np.sin(angle) * right
    # How far outside the edge a pixel lies; a polygon is the overlap of half-planes.
    disc = np.hypot(u, v) - radius
    square = np.maximum(np.abs(u), np.abs(v)) - radius * np.sqrt(0.5)
    triangle = np.maximum(np.sqrt(0.75) * np.abs(u) - 0.5 * v, v) - 0.5 * radius
    outside = np.choose(shape[:, None, None], [disc, square, triangle])
    # One pixel wide, the edge passes from the shape to the ground: no stairs.
    cover = np.clip(0.5 - outside * size, 0, 1)[..., None]
    colors = np.array([colorsys.hsv_to_rgb(h, 0.85, 1.0) for h in hue])
    return (cover * colors[:, None, None]).astype("float32")


def _at_least(name, value, low):
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if number < low:
        raise ValueError(f"{name} must be a whole number of at least {low}, but is {value!r}.")
    return number
