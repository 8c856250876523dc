"""Trained networks that the course ships, each with a manifest.

A long training comes as three files in ``vaelib/trained``: the weights of the encoder, those of
the decoder, both in Keras' format, and a manifest that says how they came about. The command
``python tools/train_checkpoints.py NAME`` makes them, and can make them again.
"""

import difflib
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from vaelib.networks import NetworkSpec, build_decoder, build_encoder

FOLDER = Path(__file__).parent / "trained"
PARTS = ("encoder", "decoder")


class CheckpointError(ValueError):
    """A checkpoint cannot be used. The message names the cause and the repair."""


class Checkpoint(NamedTuple):
    """A trained encoder and decoder, and the manifest: a dict that says how they were trained."""

    encoder: keras.Model
    decoder: keras.Model
    manifest: dict


def names(start=""):
    """The names of the shipped checkpoints that begin with ``start``, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.json") if path.stem.startswith(start))


def manifest(name):
    """How a checkpoint was trained, and what it reached, without loading it.

    A dict: ``network`` (the fields of its ``NetworkSpec``), ``variational``, ``placement`` and
    ``beta`` (None for a plain autoencoder), ``data`` and its checksum, ``seed``, ``epochs``,
    ``batch_size``, ``rate``, ``schedule``, ``history`` (figures per epoch), ``seconds``,
    ``versions``, ``figures`` (of the training and the test images, nats per image).

    Raises:
        CheckpointError: an unknown name, or a manifest that is damaged or was changed.
    """
    path = FOLDER / f"{name}.json"
    if name not in names():
        near = difflib.get_close_matches(str(name), names(), n=1, cutoff=0)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise CheckpointError(
            f"There is no checkpoint {name!r}: {hint}checkpoints.names() lists all."
        )
    try:
        content = json.loads(path.read_text())
        intact = content["sha256"] == seal(content)
    except (OSError, ValueError, KeyError, TypeError):
        intact = False
    if not intact:
        raise CheckpointError(
            f"{path.name} is damaged or was changed by hand (its checksum differs): {_repair(name)}"
        )
    return content


def load(name):
    """Rebuild a trained encoder and decoder, and check them against their manifest.

    Args:
        name: one of ``names()``.

    Returns:
        a ``Checkpoint``. The encoder puts out ``[mu, log_var]``, or one code if
        ``manifest["variational"]`` is false.

    Raises:
        CheckpointError: an unknown name; a file that is missing or was changed; weights that
            do not fit the network, or compute something else than after their training.
    """
    record = manifest(name)
    for part in PARTS:
        path = weights_path(name, part)
        if not path.is_file():
            raise CheckpointError(f"{path.name} is missing: {_repair(name)}")
        if file_checksum(path) != record["files"][path.name]:
            raise CheckpointError(
                f"{path.name} is not the file that was trained (its checksum differs from the "
                f"manifest): {_repair(name)}"
            )
    try:
        spec = NetworkSpec(**record["network"])
        encoder = build_encoder(spec, variational=record["variational"])
        decoder = build_decoder(spec)
        for part, network in zip(PARTS, (encoder, decoder)):
            network.load_weights(weights_path(name, part))
        found = probe(encoder, decoder)
        same = np.allclose(found, record["probe"], rtol=1e-3, atol=1e-4)
    # Keras raises whatever its file reader does.
    except Exception as error:
        raise CheckpointError(
            f"The weights of {name!r} do not fit the network that this vaelib builds: "
            f"use the vaelib they came with, or {_repair(name)}"
        ) from error
    if not same:
        raise CheckpointError(
            f"With the weights of {name!r}, this vaelib's network computes something else than "
            f"after the training: use the vaelib they came with, or {_repair(name)}"
        )
    return Checkpoint(encoder, decoder, record)


def weights_path(name, part):
    """The file that holds the weights of one part, "encoder" or "decoder"."""
    return FOLDER / f"{name}.{part}.weights.h5"


def file_checksum(path):
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seal(content):
    """SHA-256 of a manifest, the entry "sha256" left out."""
    rest = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def probe(encoder, decoder):
    """A few numbers that a changed network would not give: what becomes of one fixed picture.

    The same on every backend, up to rounding.
    """
    shape = (1, *encoder.input_shape[1:])
    ramp = np.linspace(0, 1, int(np.prod(shape)), dtype="float32").reshape(shape)
    outputs = encoder(ramp)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    outputs = [keras.ops.convert_to_numpy(output) for output in outputs]
    image = keras.ops.convert_to_numpy(decoder(outputs[0]))
    summary = [*np.concatenate(outputs, axis=1)[0], image.mean(), image.std()]
    return [round(float(number), 6) for number in summary]


def _repair(name):
    return f"install vaelib again, or train it again by python tools/train_checkpoints.py {name}."
