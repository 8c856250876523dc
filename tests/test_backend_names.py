"""The table from keras.backend to Keras 3: every translation exists, and gives the same numbers."""

import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from vaelib.errors import entries
from vaelib.errors.index import read

ROWS = read("backend-names.yaml")
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
checked = [row for row in ROWS if "check" in row]
each_checked_row = pytest.mark.parametrize("row", checked, ids=lambda row: row["name"])
# Names of keras.backend that no VAE needs, so far as we have seen.
NOT_LISTED = """
    binary_focal_crossentropy categorical_focal_crossentropy conv2d_transpose conv3d
    ctc_batch_cost ctc_decode ctc_label_dense_to_sparse depthwise_conv2d experimental foldl foldr
    is_sparse local_conv1d local_conv2d normalize_batch_in_training pool3d reset_uids
    resize_volumes separable_conv2d spatial_3d_padding to_dense
""".split()


def given(kit):
    """What the code of a row finds: the names of a script, on one of the two Kerases."""
    variable = kit.backend.variable if kit is tf_keras else kit.Variable
    inputs = kit.Input((3,))
    numbers = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]], "float32")
    v, w = variable(1.0), variable([1.0, 2.0])
    return {
        "keras": kit,
        "K": kit.backend,
        "layers": kit.layers,
        "ops": keras.ops,
        "np": np,
        "tf": tf,
        "numbers": numbers,
        "x": tf.constant(numbers),
        "y": tf.constant(numbers[::-1, ::-1]),
        "s": tf.constant([[-3.0, -1.0, -0.4], [0.0, 0.6, 2.0]]),
        "p": tf.constant(numbers),
        "classes": tf.constant([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
        "indices": tf.constant([1, 0]),
        "condition": tf.constant([[True, False, True], [False, False, True]]),
        "cube": tf.reshape(tf.range(24.0), (2, 3, 4)),
        "image": tf.reshape(tf.range(32.0), (1, 4, 4, 2)),
        "matrix": tf.reshape(tf.range(12.0), (3, 4)),
        "kernel": tf.reshape(tf.range(36.0), (3, 3, 2, 2)),
        "kernel1d": tf.reshape(tf.range(36.0), (3, 4, 3)),
        "bias": tf.constant([0.5, 1.0, 2.0]),
        "ones": tf.ones((100, 100)),
        "v": v,
        "variables": [v, w],
        "pairs": [(v, 5.0), (w, [3.0, 4.0])],
        "training": True,
        "f": lambda row: row * row,
        "inputs": inputs,
        "hidden": kit.layers.Dense(2, kernel_initializer="ones")(inputs),
    }


def value(code, kit):
    """What the code gives: the value of an expression, or `out` of several lines."""
    names = given(kit)
    if "\n" not in code:
        return eval(code, names)
    exec(code, names)
    return names["out"]


def plain(found):
    """As something to compare: numbers as a list of arrays."""
    if isinstance(found, (list, tuple)) and any(np.ndim(item) for item in found):
        return [np.asarray(item) for item in found]
    return [found if found is None or isinstance(found, str) else np.asarray(found)]


def test_every_name_has_one_row():
    names = [row["name"] for row in ROWS]
    assert len(names) == len(set(names)) > 100


@each_row
def test_a_row_is_complete(row):
    assert row.keys() <= {"name", "keras3", "kept", "note", "check"}
    assert "keras3" in row or "note" in row, "neither a translation nor what to do instead"
    assert "check" in row or "keras3" not in row, "a translation that nothing tests"
    assert row.get("check", {}).keys() <= {"k", "keras3", "tolerance"}
    if row.get("kept"):
        assert row["keras3"].startswith(f"keras.backend.{row['name']}(")


@each_row
def test_what_a_row_names_exists_in_keras_3(row):
    said = row.get("keras3", "") + " " + row.get("note", "")
    modules = {"keras": keras, "ops": keras.ops, "layers": keras.layers, "tf": tf}
    for dotted in re.findall(r"(?<![\w.])(?:keras|ops|layers|tf)(?:\.\w+)+", said):
        first, *rest = dotted.split(".")
        assert functools.reduce(getattr, rest, modules[first]) is not None


@each_row
def test_what_is_kept_is_in_keras_backend_and_nothing_else(row):
    assert hasattr(keras.backend, row["name"]) == row.get("kept", False)


@each_checked_row
def test_both_kerases_give_the_same(row):
    check = row["check"]
    new = plain(value(check.get("keras3") or row["keras3"], keras))
    old = plain(value(check["k"], tf_keras))
    assert len(new) == len(old)
    for one, other in zip(new, old, strict=True):
        if other is None or isinstance(other, str):
            assert one == other
            continue
        assert one.shape == other.shape
        np.testing.assert_allclose(
            one.astype(float), other.astype(float), atol=check.get("tolerance", 1e-5), rtol=1e-5
        )


def test_the_table_has_all_names_of_keras_2():
    there = {name for name in dir(tf_keras.backend) if not name.startswith("_")}
    listed = {row["name"] for row in ROWS}
    assert there - listed == set(NOT_LISTED)


@functools.cache
def patterns():
    return [(e, [re.compile(pattern, re.I) for pattern in e["patterns"]]) for e in entries()]


def fitting(text):
    """The entries whose patterns hit a text."""
    return [entry for entry, found in patterns() if any(p.search(text) for p in found)]


@each_row
def test_an_entry_knows_the_name_that_is_missing(row):
    """In keras.backend, and in keras.ops for those who wrote ops for K."""
    for module in (keras.backend, keras.ops):
        if not hasattr(module, row["name"]):
            name = module.__name__
            for text in (
                f"AttributeError: module '{name}' has no attribute '{row['name']}'",
                f"ImportError: cannot import name '{row['name']}' from '{name}' (/x/__init__.py)",
            ):
                (entry,) = fitting(text)
                assert entry["change"], text
