"""The figures that several chapters draw. Only chapters import this module.

Figures have an opaque white ground (books have a dark mode). Functions that draw
return them and leave showing to ``show``. Caption and text alternative of a figure stand in the
metadata of its cell, out of the code; ``make chapters`` refuses a picture without them.
"""

import io

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

from vaelib.data import check_images

# Paul Tol's "muted" scheme: ten colours that stay apart for colour-blind readers.
# The maps print each digit at its centre as well, so nothing hangs on colour alone.
CLASS_COLORS = (
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933",
    "#DDCC77", "#CC6677", "#882255", "#AA4499", "#777777",
)  # fmt: skip
BLUE, ORANGE, GRAY = "#0072B2", "#D55E00", "#555555"  # Okabe and Ito's, for lines


def panels(rows, columns, size, **options):
    """A figure with axes, laid out without overlaps, on an opaque white ground.

    Args:
        rows, columns: of axes.
        size: (width, height) in inches.
        options: for ``matplotlib.pyplot.subplots``, such as ``sharex=True``.

    Returns:
        figure and axes, as ``subplots`` does.
    """
    return plt.subplots(
        rows, columns, figsize=size, layout="constrained", facecolor="white", dpi=100, **options
    )


def show(figure):
    """Display a figure, sharp on screens with twice the pixels, and close it.

    The picture has 200 pixels to the inch and a palette of 256 colours, which halves its size; the
    page shows it at 100 pixels to the inch (its metadata say how wide that is).

    Args:
        figure: a Matplotlib figure.

    Raises:
        ValueError: the figure is none.
    """
    if not isinstance(figure, Figure):
        raise ValueError(f"show takes a Matplotlib figure, but got a {type(figure).__name__}.")
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, dpi=200)
    picture = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(small, "png", optimize=True)
    size = {"width": picture.width // 2, "height": picture.height // 2}
    data = {"image/png": small.getvalue(), "text/plain": repr(figure)}
    display(data, raw=True, metadata={"image/png": size})
    plt.close(figure)


def image_grid(images, columns=10, titles=None, scale=0.75):
    """Images side by side, row by row.

    Args:
        images: shape (images, height, width, channels), values in [0, 1].
        columns: images in a row.
        titles: one short text per image, or None.
        scale: side of an image in inches.
    """
    check_images(images)
    images = np.asarray(images)
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"{len(images)} images need as many titles, but got {len(titles)}.")
    rows = -(-len(images) // columns)
    height = scale * (1.35 if titles is not None else 1.0)
    figure, axes = panels(rows, columns, (columns * scale, rows * height), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (axis, image) in enumerate(zip(axes.flat, images)):
        _draw_image(axis, image)
        if titles is not None:
            axis.set_title(titles[number], fontsize=8)
    return figure


def reconstructions(images, reconstructed, labels=("input", "output"), scale=0.75):
    """Images in a first row, what became of them below.

    Args:
        images, reconstructed: shape (images, height, width, channels), values in [0, 1].
            ``reconstructed`` may be a list of such arrays, one row each.
        labels: a word for every row.
        scale: side of an image in inches.
    """
    several = isinstance(reconstructed, (list, tuple))
    rows = [images, *(reconstructed if several else [reconstructed])]
    if len(labels) != len(rows) or len({len(row) for row in rows}) != 1:
        raise ValueError(
            f"{len(rows)} rows of one length need as many labels, but there are {len(labels)} "
            f"labels and rows of {[len(row) for row in rows]} images."
        )
    for row, label in zip(rows, labels):
        check_images(row, f"images of row {label!r}")
    size = (len(images) * scale + 0.8, len(rows) * scale)
    figure, axes = panels(len(rows), len(images), size, squeeze=False)
    for row, label, row_axes in zip(rows, labels, axes):
        for image, axis in zip(row, row_axes):
            _draw_image(axis, image)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row_axes[0].set_ylabel(label, rotation=0, ha="right", va="center", labelpad=6)
    return figure


def latent_map(maps, limits=None, scale=4.6):
    """Codes in the plane, coloured by class, each class named at its median or close to it.

    Args:
        maps: a dict from title to (codes, labels), one map each, side by side on the
            same axes; codes have shape (images, 2).
        limits: ((x_low, x_high), (y_low, y_high)); None fits all maps.
        scale: side of a map in inches.

    Raises:
        ValueError: codes that are not two-dimensional or hold NaN, or not one label each.
    """
    for title, (codes, labels) in maps.items():
        if np.shape(labels) != np.shape(codes)[:1] or not np.isfinite(codes).all():
            raise ValueError(
                f"Map {title!r} needs finite codes and one label for each, but got codes of shape "
                f"{np.shape(codes)} and labels of shape {np.shape(labels)}."
            )
        if np.ndim(codes) != 2 or np.shape(codes)[1] != 2:
            raise ValueError(
                f"A map needs codes of shape (images, 2), but {title!r} has {np.shape(codes)}: "
                "for more dimensions, map two of them or a projection."
            )
    if limits is None:
        stacked = np.concatenate([np.asarray(codes) for codes, _ in maps.values()])
        margin = np.maximum(0.05 * np.ptp(stacked, axis=0), 1e-3)
        limits = np.stack([stacked.min(axis=0) - margin, stacked.max(axis=0) + margin], axis=1)
    figure, axes = panels(1, len(maps), (len(maps) * scale, scale), squeeze=False)
    for axis, (title, (codes, labels)) in zip(axes.flat, maps.items()):
        codes, labels = np.asarray(codes), np.asarray(labels)
        classes = np.unique(labels)
        centers = [np.median(codes[labels == label], axis=0) for label in classes]
        places = _pushed_apart(np.array(centers), 0.3 / scale * np.ptp(limits, axis=1).max())
        for number, (label, place) in enumerate(zip(classes, places)):
            color = CLASS_COLORS[number % len(CLASS_COLORS)]
            # Rasterized dots keep the picture small; alpha lets density show.
            axis.scatter(*codes[labels == label].T, s=4, color=color, alpha=0.45, linewidths=0)
            axis.text(
                *place, str(label), fontsize=11, fontweight="bold",
                ha="center", va="center", color="white",
                bbox={"boxstyle": "circle,pad=0.18", "facecolor": color, "edgecolor": "white"},
            )  # fmt: skip
        axis.set(xlim=limits[0], ylim=limits[1], title=title, xlabel="$z_1$", ylabel="$z_2$")
        axis.set_aspect("equal", adjustable="box")
        axis.grid(color="0.9", linewidth=0.6)
        axis.set_axisbelow(True)
    return figure


def draw_box(axis, low, high, label, **style):
    """Draw the box between two corners onto a map.

    Args:
        axis: a Matplotlib axis.
        low, high: corners, shape (2,) each.
        label: for the legend.
        style: of the line.
    """
    (x0, y0), (x1, y1) = low, high
    style = {"color": "black", "linewidth": 1.2, **style}
    axis.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], label=label, **style)


def decoded_plane(axis, images, low, high):
    """Draw images that were decoded on a regular grid of the plane as one picture.

    Args:
        axis: a Matplotlib axis.
        images: shape (n * n, height, width, channels), pixels in [0, 1]: row by row, each from
            ``low[0]`` to ``high[0]``, the row of ``low[1]`` first.
        low, high: corners of the grid, shape (2,) each.

    Raises:
        ValueError: images that do not fill a square.
    """
    check_images(images)
    images = np.asarray(images)
    side = round(len(images) ** 0.5)
    if side**2 != len(images):
        raise ValueError(f"A grid of n by n images is wanted, but there are {len(images)}.")
    rows = images.reshape(side, side, *images.shape[1:])[::-1]  # the highest row on top
    height, width, channels = images.shape[1:]
    picture = rows.swapaxes(1, 2).reshape(side * height, side * width, channels)
    half = (np.asarray(high) - low) / max(1, side - 1) / 2  # an image lies around its point
    edges = np.stack([low - half, high + half], axis=1).ravel()
    _draw_image(axis, picture, extent=edges, aspect="auto")
    axis.set(xlabel="$z_1$", ylabel="$z_2$")


def loss_curves(history, ylabel="loss"):
    """Training and validation loss per epoch.

    Args:
        history: ``History.history`` of ``fit``, with "loss" and, if there, "val_loss".
        ylabel: what the loss is, with its unit.
    """
    figure, axis = panels(1, 1, (5.2, 3.2))
    epochs = np.arange(1, len(history["loss"]) + 1)
    axis.plot(epochs, history["loss"], "o-", color=BLUE, label="training")
    if "val_loss" in history:
        axis.plot(epochs, history["val_loss"], "s--", color=ORANGE, label="validation")
    axis.set(xlabel="epoch", ylabel=ylabel)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(color="0.9", linewidth=0.6)
    axis.legend(frameon=False)
    return figure


def _pushed_apart(places, distance):
    """Places moved until no two are closer than a distance, or fifty rounds are over."""
    # Places that coincide have no direction to go: a hair makes the difference.
    places = places + 1e-6 * distance * np.arange(len(places))[:, None]
    for _ in range(50):
        gaps = places[:, None] - places
        lengths = np.linalg.norm(gaps, axis=2)
        np.fill_diagonal(lengths, np.inf)
        lack = np.clip(distance - lengths, 0, None) / 2
        places += ((lack / lengths)[..., None] * gaps).sum(axis=1)
    return places


def _draw_image(axis, image, **options):
    # One channel is grey, three are colours; fixed limits, or Matplotlib would
    # stretch a faint image to full contrast.
    image = np.asarray(image)
    gray = image[..., 0] if image.shape[-1] == 1 else image
    axis.imshow(gray, cmap="gray", vmin=0, vmax=1, **options)
