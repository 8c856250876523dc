"""``python -m vaelib checkup model.keras --images my.npy``: the checkup of a saved model."""

import json
import runpy
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np

CLEAN, FOUND, REFUSED = 0, 1, 2


def main(given):
    """Examine a saved model and print the report.

    Args:
        given: ``model``, ``images``, ``targets``, ``code``, ``mu``, ``log_var``, ``json``, as the
            command line has them.

    Returns:
        0 if nothing is found, 1 if something is, 2 if the model or the images cannot be used; then
        one sentence on stderr says why.
    """
    try:
        report = _examine(given)
    except (OSError, TypeError, ValueError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return REFUSED
    print(report.to_json() if given.json else report)
    return FOUND if report.findings else CLEAN


def _examine(given):
    from vaelib.checkup import checkup

    path = Path(given.model)
    if not path.is_file():
        raise ValueError(f"There is no file {given.model}.")
    x = _array(given.images)
    targets = x if given.targets is None else None
    y = targets if given.targets in (None, "none") else _array(given.targets)
    keras = _keras_of(path)
    objects = _objects(given.code) if given.code else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the state of the optimizer is not needed
            model = keras.models.load_model(path, custom_objects=objects)
    except Exception as error:
        text = " ".join(str(error).split())
        hint = (
            "" if given.code else " If it holds classes of your own, name the file that defines "
            "them, --code script.py, or call vaelib.checkup in the script itself."
        )  # fmt: skip
        raise ValueError(
            f"{given.model} cannot be loaded, {type(error).__name__}: {text[:200]}.{hint}"
        ) from error
    return checkup(model, x, y, mu=given.mu, log_var=given.log_var)


def _array(name):
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"There is no file {name}.")
    try:
        loaded = np.load(path, allow_pickle=False)
    except Exception as error:
        raise ValueError(f"{name} is no array that NumPy wrote (.npy or .npz).") from error
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        names = loaded.files
        if "x_train" not in names and len(names) != 1:
            raise ValueError(f"{name} holds {len(names)} arrays ({', '.join(names)}): save one.")
        return loaded["x_train" if "x_train" in names else names[0]]


def _keras_of(path):
    """The Keras that wrote a file: its version stands in it."""
    version = _version(path)
    if version and version.startswith("2"):
        try:
            import tf_keras
        except ImportError as error:
            raise ValueError(
                f"{path} was written by Keras {version}: install tf_keras, which is Keras 2."
            ) from error
        return tf_keras
    import keras

    return keras


def _version(path):
    """The Keras version that stands in a file; None if none does."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "metadata.json" in archive.namelist():
                return json.loads(archive.read("metadata.json")).get("keras_version")
        raise ValueError(f"{path} is an archive, but no model that Keras saved.")
    import h5py

    if not h5py.is_hdf5(path):
        raise ValueError(f"{path} is no file that Keras saves: neither .keras nor .h5.")
    with h5py.File(path) as file:
        if "model_config" not in file.attrs:
            raise ValueError(f"{path} holds weights alone: save the whole model, model.save().")
        version = file.attrs.get("keras_version")
    return version.decode() if isinstance(version, bytes) else version


def _objects(code):
    if not Path(code).is_file():
        raise ValueError(f"There is no file {code}.")
    try:
        names = runpy.run_path(code, run_name="vaelib_checkup")
    except Exception as error:
        text = " ".join(str(error).split())
        raise ValueError(f"{code} stops, {type(error).__name__}: {text[:200]}") from error
    return {name: value for name, value in names.items() if callable(value)}
