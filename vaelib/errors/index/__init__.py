"""The entries of the error index, read from the YAML files beside this one: one for each class."""

import functools
from pathlib import Path

INDEX = Path(__file__).parent
# Files that hold no entries.
OTHER = ("backend-names", "prelude", "reports", "unrelated")


@functools.cache
def entries():
    """The entries of the error index, a tuple of dictionaries; the page lists their fields."""
    found = []
    for path in sorted(INDEX.glob("*.yaml")):
        content = read(path.name)
        if path.stem not in OTHER:
            found += [{**entry, "class": path.stem} for entry in content]
    return tuple(found)


def prelude():
    """What stands before the snippets: code for "keras", for "tf_keras", and "shared".

    On JAX and PyTorch the layer "sampling" takes the place of the one in "shared".
    """
    return read("prelude.yaml")


@functools.cache
def reports():
    """The reports behind the entries: dictionaries with url, tf (versions), date and text."""
    return tuple(read("reports.yaml"))


@functools.cache
def backend_names():
    """The table from names of keras.backend to Keras 3: dictionaries with name, keras3, note."""
    return tuple(read("backend-names.yaml"))


def read(name):
    """The content of one file of this folder."""
    import yaml  # here, because the chapters that only provoke errors do not need it

    with open(INDEX / name, encoding="utf-8") as file:
        return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
