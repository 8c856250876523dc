"""vaelib.plots: figures that say what they show, for grey and for colour images."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from vaelib import plots

RNG = np.random.default_rng(1)
GRAY = RNG.uniform(0, 1, (12, 8, 8, 1))
COLOR = RNG.uniform(0, 1, (12, 8, 8, 3))
CODES = RNG.normal(size=(200, 2))
LABELS = np.arange(200) % 10


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def figures():
    yield plots.image_grid(GRAY, columns=5, titles=[str(n) for n in range(12)])
    yield plots.image_grid(COLOR)
    yield plots.reconstructions(GRAY[:4], GRAY[4:8])
    yield plots.reconstructions(COLOR[:4], [COLOR[4:8], COLOR[8:]], labels=("x", "a", "b"))
    yield plots.latent_map({"one": (CODES, LABELS), "two": (3 * CODES, LABELS)})
    yield plots.loss_curves({"loss": [3, 2, 1], "val_loss": [3, 2.5, 2]})


def test_every_figure_is_opaque_and_can_be_drawn():
    for figure in figures():
        assert to_rgb(figure.get_facecolor()) == (1, 1, 1) and figure.get_facecolor()[3] == 1
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())
        assert pixels[..., 3].min() == 255


def test_maps_and_curves_name_their_axes():
    map_, curves = plots.latent_map({"a": (CODES, LABELS)}), plots.loss_curves({"loss": [2, 1]})
    assert all(axis.get_xlabel() and axis.get_ylabel() for axis in (*map_.axes, *curves.axes))


def test_panels_of_a_map_share_their_axes():
    figure = plots.latent_map({"small": (CODES, LABELS), "large": (10 * CODES, LABELS)})
    small, large = figure.axes
    assert small.get_xlim() == large.get_xlim() and small.get_ylim() == large.get_ylim()
    assert large.get_xlim()[0] < 10 * CODES[:, 0].min()


def test_a_map_names_every_class_beside_its_color():
    figure = plots.latent_map({"a": (CODES, LABELS)})
    assert sorted(text.get_text() for text in figure.axes[0].texts) == [str(n) for n in range(10)]


def test_names_of_neighboring_classes_do_not_cover_each_other():
    """All classes at one place, and two of them close together."""
    for codes in (np.zeros((200, 2)), CODES):
        figure = plots.latent_map({"a": (codes, LABELS)}, limits=((-3, 3), (-3, 3)), scale=5)
        places = np.array([text.get_position() for text in figure.axes[0].texts])
        apart = np.linalg.norm(places[:, None] - places, axis=2)[np.triu_indices(10, 1)]
        assert apart.min() > 0.9 * 0.3 / 5 * 6
        assert np.linalg.norm(places, axis=1).max() < 2, "and stay close to their clouds"
    far = np.repeat(np.arange(10) - 4.5, 20)[:, None] * [1.0, 0.2]
    names = plots.latent_map({"a": (far, np.repeat(np.arange(10), 20))}).axes[0].texts
    assert np.allclose([name.get_position() for name in names], far[::20], atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_decoded_plane_has_its_first_image_in_the_lower_left_corner(channels):
    images = np.zeros((9, 4, 4, channels))
    images[0] = 1.0  # at low
    images[5] = 0.5  # right end of the middle row
    figure, axis = plots.panels(1, 1, (3, 3))
    plots.decoded_plane(axis, images, low=(-1, -2), high=(1, 2))
    picture = axis.images[0].get_array().reshape(12, 12, channels)
    assert (picture[8:, :4] == 1).all() and (picture[4:8, 8:] == 0.5).all()
    assert picture.sum() == 16 * channels * 1.5
    assert np.allclose(axis.images[0].get_extent(), (-1.5, 1.5, -3, 3))
    figure.canvas.draw()


COLORS = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.25, 0)])
PAINTED = np.tile(COLORS[:, None, None], (1, 4, 4, 1)).astype("float32")


def pixels(axis):
    """What one axis shows, as Matplotlib holds it: colours, not a colour map's choice."""
    (image,) = axis.images
    array = np.asarray(image.get_array())
    assert array.shape[2:] == (3,)
    return array


def drawn(figure, axis):
    """The colour in the middle of an axis, read from the finished picture."""
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255
    box = axis.get_window_extent()
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    return picture[int(len(picture) - y), int(x)]


def test_an_image_grid_shows_colors():
    figure = plots.image_grid(PAINTED, columns=2, titles=list("rgbo"))
    for axis, color in zip(figure.axes, COLORS):
        assert (pixels(axis) == color).all()
        assert np.allclose(drawn(figure, axis), color, atol=0.01)


def test_reconstructions_show_colors_row_by_row():
    figure = plots.reconstructions(PAINTED, [PAINTED[::-1], 0 * PAINTED], labels=("x", "a", "b"))
    wanted = [*COLORS, *COLORS[::-1], *(0 * COLORS)]
    for axis, color in zip(figure.axes, wanted, strict=True):
        assert (pixels(axis) == color).all()
        assert np.allclose(drawn(figure, axis), color, atol=0.01)


def test_a_decoded_plane_shows_colors_each_at_its_place():
    figure, axis = plots.panels(1, 1, (3, 3))
    plots.decoded_plane(axis, PAINTED, low=(-1, -1), high=(1, 1))
    picture = pixels(axis)
    assert (picture[4:, :4] == COLORS[0]).all() and (picture[4:, 4:] == COLORS[1]).all()
    assert (picture[:4, :4] == COLORS[2]).all() and (picture[:4, 4:] == COLORS[3]).all()


def test_colors_keep_the_rules_of_gray_images():
    with pytest.raises(ValueError, match="divide them by 255"):
        plots.image_grid((PAINTED * 255).astype("uint8"))
    gray = plots.image_grid(PAINTED[..., :1], columns=4)
    assert np.asarray(gray.axes[0].images[0].get_array()).shape == (4, 4)


def test_a_map_of_sixteen_dimensions_is_refused():
    with pytest.raises(ValueError, match=r"shape \(images, 2\), but 'a' has \(5, 16\)"):
        plots.latent_map({"a": (np.zeros((5, 16)), np.zeros(5))})


def test_class_colors_stay_apart_for_red_green_blind_readers():
    """Simulate deuteranopia (Machado et al. 2009, severity 1) and measure the distances."""
    matrix = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
    seen = [np.clip(matrix @ to_rgb(color), 0, 1) for color in plots.CLASS_COLORS]
    distances = [np.linalg.norm(a - b) for n, a in enumerate(seen) for b in seen[:n]]
    assert min(distances) > 0.08
    assert len(set(plots.CLASS_COLORS)) == 10


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.image_grid(GRAY * 255), "divide them by 255"),
        (lambda: plots.image_grid(GRAY[:0]), "are empty"),
        (lambda: plots.image_grid(GRAY, titles=["a"]), "12 images need as many titles"),
        (lambda: plots.reconstructions(GRAY, [GRAY, GRAY]), "3 rows .* but there are 2 labels"),
        (lambda: plots.reconstructions(GRAY, GRAY[:3]), r"rows of \[12, 3\] images"),
        (lambda: plots.latent_map({"a": (CODES, LABELS[:5])}), "one label for each"),
        (lambda: plots.latent_map({"a": (CODES * np.nan, LABELS)}), "finite codes"),
        (lambda: plots.decoded_plane(None, GRAY, (0, 0), (1, 1)), "n by n images .* are 12"),
        (lambda: plots.show("a figure"), "show takes a Matplotlib figure"),
    ],
    ids="raw empty titles labels lengths labels_of_codes nan grid no_figure".split(),
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_a_single_code_can_be_mapped():
    plots.latent_map({"a": (np.zeros((1, 2)), [3])}).canvas.draw()


def test_a_faint_image_stays_faint():
    figure = plots.image_grid(np.full((1, 4, 4, 1), 0.1), columns=1)
    assert figure.axes[0].images[0].get_clim() == (0, 1)


def test_show_is_sharp_small_and_says_how_wide_it_is(monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "display", lambda data, **more: shown.append((data, more)))
    figure = plots.loss_curves({"loss": [2, 1]})
    plots.show(figure)
    ((data, more),) = shown
    picture = Image.open(io.BytesIO(data["image/png"]))
    assert picture.mode == "P" and picture.size == (1040, 640)
    assert more == {"raw": True, "metadata": {"image/png": {"width": 520, "height": 320}}}
    assert data["text/plain"] == repr(figure)
    assert not plt.fignum_exists(figure.number)
