"""Make the data of the latent explorer from the checkpoints: ``python tools/explorer_data.py``.

Writes ``book/_static/explorer-data.js``, a script that sets ``window.explorerData``: for the plain
autoencoder and each KL weight of the sweep in the plane the weights of its decoder, the codes of
2,000 test images, and what was measured. With it ``explorer-fallback.png``, the picture
for a page without JavaScript. Needs MNIST: set VAELIB_DATA to a folder with mnist.npz.
"""

import base64
import json
import math
from pathlib import Path

import numpy as np

STATIC = Path(__file__).resolve().parent.parent / "book" / "_static"
DATA, PICTURE = STATIC / "explorer-data.js", STATIC / "explorer" / "explorer-fallback.png"
START = "window.explorerData = "
# Codes on the page: of every fifth test image, 2,000. The first 2,000 would not do for all: of the
# autoencoder's, 76 % lie in the circle, of all 10,000 only 71 %. The numbers are of all.
SHOWN = slice(None, None, 5)
CIRCLE = math.sqrt(-2 * math.log(0.05))  # holds 95 % of the draws from N(0, I) in the plane
# Where page and picture begin. It stands for what differs on average, too: draws from the prior
# meet the 0s of the VAE, and hardly those of the autoencoder. A bare place of the autoencoder would
# not do, for more draws fall into those of the VAE (tests/test_explorer.py counts both).
POINT = (0.4, -1.8)
ABOUT = (
    "Made by tools/explorer_data.py from the checkpoints that each model names. "
    "rate and distortion: of the checkpoint's manifest, 10,000 test images, one draw of z each, "
    "nats per image. box, inside, width: of the codes mu of all 10,000 test images; box holds 98 % "
    "of them along each axis, inside is the share within the circle, width the median sigma. "
    "codes: of every fifth test image, mu and, in a VAE, sigma, divided by scale. "
    "weights: float32, batch normalization as one scale and one shift."
)


def names():
    """The checkpoints of the explorer: the plain autoencoder, then the sweep by beta."""
    from vaelib import checkpoints

    sweep = checkpoints.names("sweep-z2-beta")
    return ["sweep-z2-ae", *sorted(sweep, key=lambda name: checkpoints.manifest(name)["beta"])]


def packed(array, kind):
    """An array as base64; its numbers in the byte order of every browser."""
    return base64.b64encode(np.ascontiguousarray(array, np.dtype(kind))).decode()


def steps(decoder):
    """The decoder as a list of steps, each a dict of sizes and a list of arrays.

    Dense layers and transposed convolutions, ReLU, a scale and a shift for every batch
    normalization, the sigmoid of the last convolution. A Reshape needs no step.

    Raises:
        ValueError: a layer that the page cannot compute.
    """
    from keras.ops import convert_to_numpy

    found = []
    for layer in decoder.layers[1:]:
        kind = type(layer).__name__
        arrays = [convert_to_numpy(weight) for weight in layer.weights]
        name = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if kind == "Dense":
            inputs, outputs = arrays[0].shape
            found.append(({"kind": "dense", "inputs": inputs, "outputs": outputs}, arrays))
        elif kind == "Conv2DTranspose":
            _, side, filters, channels = (*layer.input.shape[:2], *arrays[0].shape[2:])
            sizes = {"side": side, "kernel": arrays[0].shape[0], "stride": layer.strides[0]}
            sizes |= {"filters": filters, "channels": channels}
            found.append(({"kind": "convTranspose", **sizes}, arrays))
        elif kind == "BatchNormalization":
            gamma, beta, mean, variance = (array.astype("float64") for array in arrays)
            scale = gamma / np.sqrt(variance + layer.epsilon)
            found.append(({"kind": "scale", "size": len(gamma)}, [scale, beta - mean * scale]))
        elif kind not in ("Activation", "Reshape"):
            raise ValueError(f"The page knows no layer {kind}.")
        if name != "linear":
            found.append(({"kind": name}, []))
    return found


def record(name, images):
    """What the page needs of one checkpoint, ready for JSON.

    Args:
        name: of a checkpoint with two latent dimensions.
        images: the test images, all of them, shape (images, 28, 28, 1).
    """
    from vaelib import checkpoints, latent

    encoder, decoder, manifest = checkpoints.load(name)
    outputs = encoder.predict(images, batch_size=500, verbose=0)
    mu, sigma = outputs, None
    if manifest["variational"]:
        mu, sigma = outputs[0], np.exp(outputs[1] / 2)
    codes = mu if sigma is None else np.hstack([mu, sigma])
    scale = float(np.abs(codes).max() / 32_767)
    extents, figures = latent.extents(mu), manifest["figures"]["test"]
    arrays = [array.ravel() for _, arrays in steps(decoder) for array in arrays]
    return {
        "name": name,
        "sha256": manifest["files"][f"{name}.decoder.weights.h5"],
        "beta": manifest["beta"],
        "rate": figures.get("kl"),
        "distortion": figures["reconstruction"],
        "box": [round(float(e), 4) for e in (*extents.robust_low, *extents.robust_high)],
        "inside": round(float(np.mean(np.hypot(*mu.T) < CIRCLE)), 4),
        "width": None if sigma is None else round(float(np.median(sigma)), 5),
        "scale": scale,
        "codes": packed(np.round(codes[SHOWN] / scale), "<i2"),
        "weights": packed(np.concatenate(arrays), "<f4"),
    }


def collected(digits):
    """Everything that the page needs."""
    from vaelib import checkpoints

    decoder = checkpoints.load(names()[0]).decoder
    return {
        "about": ABOUT,
        "images": digits.source,
        "circle": CIRCLE,
        "point": POINT,
        "network": [sizes for sizes, _ in steps(decoder)],
        "labels": packed(digits.y_test[SHOWN], "u1"),
        "models": [record(name, digits.x_test) for name in names()],
    }


def stored():
    """The data as they stand in the book."""
    return json.loads(DATA.read_text().removeprefix(START).rstrip(";\n"))


def draw(data, labels, shown=(None, 1, 16)):
    """The picture: codes and the decoded point of the autoencoder and of two VAEs.

    Args:
        data: of ``collected``.
        labels: of the shown codes.
        shown: their KL weights, None for the autoencoder.
    """
    from matplotlib.patheffects import withStroke

    from vaelib import checkpoints, plots

    half, ticks = 8, (-8, -4, 0, 4, 8)
    figure, axes = plots.panels(1, len(shown), (9, 3.6), sharex=True, sharey=True)
    for axis, beta in zip(axes, shown):
        model = next(model for model in data["models"] if model["beta"] == beta)
        codes = np.frombuffer(base64.b64decode(model["codes"]), "<i2") * model["scale"]
        mu = codes.reshape(len(labels), -1)[:, :2]
        axis.scatter(*mu.T, s=2, c=[plots.CLASS_COLORS[label] for label in labels], linewidths=0)
        axis.add_patch(plots.plt.Circle((0, 0), CIRCLE, fill=False, color="black"))
        for color, width in (("white", 5), ("#b34d00", 2)):
            axis.plot(*POINT, "+", color=color, ms=15, mew=width, zorder=10)
        image = np.array(checkpoints.load(model["name"]).decoder(np.array([POINT])))[0, ..., 0]
        inset = axis.inset_axes([0.66, 0.02, 0.32, 0.32])
        inset.imshow(image, cmap="gray", vmin=0, vmax=1)
        inset.set(xticks=[], yticks=[])
        for label in range(10):
            where = np.median(mu[labels == label], axis=0)
            name = axis.text(*where, label, ha="center", va="center", weight="bold")
            name.set_path_effects([withStroke(linewidth=3, foreground="white")])
        axis.set(
            xlim=(-half, half),
            ylim=(-half, half),
            aspect="equal",
            xlabel="$z_1$",
            xticks=ticks,
            yticks=ticks,
        )
        rate = "no rate" if beta is None else f"rate {model['rate']:.1f}"
        title = "plain autoencoder" if beta is None else f"VAE, beta {beta:g}"
        axis.set_title(f"{title}\n{rate}, distortion {model['distortion']:.1f}", fontsize=10)
    axes[0].set_ylabel("$z_2$")
    return figure


def main():
    from vaelib import quiet_tensorflow

    quiet_tensorflow()
    import matplotlib

    matplotlib.use("Agg")
    from PIL import Image

    from vaelib import data

    digits = data.load("mnist")
    if digits.name != "mnist":
        raise SystemExit("The explorer shows MNIST: set VAELIB_DATA to a folder with mnist.npz.")
    found = collected(digits)
    DATA.write_text(f"{START}{json.dumps(found, separators=(',', ':'))};\n")
    draw(found, digits.y_test[SHOWN]).savefig(PICTURE, dpi=200)
    picture = Image.open(PICTURE).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(PICTURE, "png", optimize=True)
    print(f"{DATA.name}: {len(found['models'])} models, {DATA.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
