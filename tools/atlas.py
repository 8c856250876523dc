"""Measure which recipe runs on which TensorFlow and Keras: ``python tools/atlas.py``.

Takes the cells tagged ``recipe`` (and ``recipe-setup``) out of the chapters, runs them in one
environment after another, in every mode that exists there, and writes book/_data/atlas.json.
Entries of the error index that only old versions show are provoked there, too (atlas-entries.json).
Environments are made with uv from the Pythons of pyenv, under .atlas/; those of JAX and PyTorch by
tools/make_backends.py. A Python that is missing, or a package that no longer installs, leaves the
rows of that column as they were, and says so.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import atlas_backends
import make_backends
import nbformat

from vaelib import errors

ROOT = Path(__file__).resolve().parent.parent
ATLAS = ROOT / "book" / "_data" / "atlas.json"
ENTRIES = ROOT / "book" / "_data" / "atlas-entries.json"
ENVIRONMENTS = ROOT / ".atlas"
MODES = ("eager", "graph", "run_functions_eagerly", "jit")

# What stood beside each TensorFlow when it was new, and what it cannot do without today.
PYTHON = {
    "1.15.5": "3.7", "2.0.4": "3.7", "2.1.4": "3.7", "2.3.4": "3.8",
    "2.8.4": "3.9", "2.12.1": "3.10", "2.15.1": "3.11", "2.16.2": "3.11",
}  # fmt: skip
PACKAGES = {
    "1.15.5": "tensorflow==1.15.5 tensorflow-probability==0.8.0 protobuf<3.21 h5py<3 numpy<1.19",
    "2.0.4": "tensorflow==2.0.4 tensorflow-probability==0.8.0 protobuf<3.21 h5py<3 numpy<1.19",
    "2.1.4": "tensorflow-cpu==2.1.4 tensorflow-probability==0.9.0 protobuf<3.21 h5py<3 numpy<1.19",
    "2.3.4": "tensorflow-cpu==2.3.4 tensorflow-probability==0.11.1 protobuf<3.21",
    "2.8.4": "tensorflow-cpu==2.8.4 tensorflow-probability==0.16.0 protobuf<3.21 numpy<1.24",
    "2.12.1": "tensorflow-cpu==2.12.1 tensorflow-probability==0.20.1",
    "2.15.1": "tensorflow-cpu==2.15.1 tensorflow-probability==0.23.0 numpy<2",
    "2.16.2": "tensorflow-cpu==2.16.2 tensorflow-probability==0.24.0 keras==3.3.3 tf_keras==2.16.0 "
    "numpy<2",
}


class Column(NamedTuple):
    """A TensorFlow, or None, and the Keras that runs on it: "tf.keras", "tf_keras" or "keras"."""

    tensorflow: str | None
    flavour: str
    backend: str = "tensorflow"

    @property
    def name(self):
        """What the command line calls it."""
        return self.tensorflow or self.backend

    @property
    def installed(self):
        """Whether it is the TensorFlow that is running this."""
        return self.backend == "tensorflow" and self.tensorflow not in PACKAGES

    @property
    def modes(self):
        """The modes that exist there: JAX compiles a step, PyTorch does not."""
        if self.backend != "tensorflow":
            return ("jit",) if self.backend == "jax" else ("eager",)
        return MODES[:2] if self.tensorflow.startswith("1.") else MODES[:3]


COLUMNS = [
    *(Column(version, "tf.keras") for version in list(PACKAGES)[:-1]),
    Column("2.16.2", "keras"),
    Column("2.21.0", "tf_keras"),
    Column("2.21.0", "keras"),
]
BACKENDS = [Column(None, "keras", backend) for backend in make_backends.TITLES]


def recipes(chapters=ROOT / "chapters"):
    """All recipes of the chapters: (name, slug of the chapter, the sources to run)."""
    found = []
    for path in sorted(chapters.glob("*.ipynb")):
        setup = []
        for cell in nbformat.read(path, as_version=4).cells:
            tags = cell.metadata.get("tags", [])
            if "recipe-setup" in tags:
                setup.append(cell.source)
            elif "recipe" in tags:
                name = cell.source.split("(")[0].removeprefix("def ").strip()
                found.append((name, path.stem[3:], [*setup, cell.source]))
    return found


def python_of(column):
    """The interpreter of a column, its environment made if need be; raises RuntimeError."""
    if column.installed:
        return sys.executable
    if column.backend != "tensorflow":
        return str(make_backends.make(column.backend))
    home = ENVIRONMENTS / f"tf-{column.tensorflow}"
    python = str(home / "bin" / "python")
    if not (home / ".ready").exists():
        base = _pyenv(PYTHON[column.tensorflow])
        make_backends.run("uv", "venv", "--quiet", "--clear", "--python", base, str(home))
        packages = PACKAGES[column.tensorflow].split()
        make_backends.run("uv", "pip", "install", "--quiet", "--python", python, *packages)
        (home / ".ready").touch()
    return python


def _pyenv(version):
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for candidate in sorted((home / "versions").glob(f"{version}.*/bin/python")):
        return str(candidate)
    found = shutil.which(f"python{version}")
    if not found:
        raise RuntimeError(f"there is no Python {version}, neither from pyenv nor on the path")
    return found


def measure(column, mode, chosen=None):
    """Run recipes in one column and mode; return their rows. Raises RuntimeError if it cannot."""
    chosen = recipes() if chosen is None else chosen
    unfit = []
    if column.backend != "tensorflow":
        unfit, chosen = atlas_backends.not_run(chosen)
    head, *rows = run(column, mode, {"recipes": chosen})
    for row in rows:
        if row["exception"]:
            row["message"] = errors.essence(row["message"])[:300]
    return [
        {"recipe": row.pop("recipe"), "tensorflow": column.tensorflow, **head, "mode": mode, **row}
        for row in unfit + rows
    ]


def provoke(entry):
    """Run the "before" of an entry of the error index where the entry says; return its row."""
    where = entry["atlas"]
    column = next(c for c in COLUMNS if c.tensorflow == where["tensorflow"])
    work = {"prelude": errors.prelude()["shared"], "code": entry["before"]}
    (row,) = run(column, where["mode"], work)
    return {"entry": entry["entry"], **where, **row}


def run(column, mode, work):
    """Let a worker do some work in a column and mode; return the lines it writes."""
    python = python_of(column)
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "module": str(ROOT / "vaelib" / "recipes.py"),
            "flavour": column.flavour,
            "backend": column.backend,
            "mode": mode,
            "out": str(Path(folder, "rows")),
            **work,
        }
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TF_"))}
        environment["KERAS_BACKEND"] = column.backend
        done = subprocess.run(
            [python, str(ROOT / "tools" / "atlas_worker.py")],
            input=json.dumps(job), capture_output=True, text=True, env=environment,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"the run stopped: {done.stderr.strip()[-500:]}")
        return [json.loads(line) for line in Path(job["out"]).read_text().splitlines()]


def key(row):
    """Column of a row: TensorFlow, which Keras, and its backend."""
    return row["tensorflow"], row["flavour"], row.get("backend", "tensorflow").split()[0]


def write_entries(versions):
    """Provoke the entries of old versions; those of other versions stay as they are."""
    stored = json.loads(ENTRIES.read_text()) if ENTRIES.exists() else []
    rows = {row["entry"]: row for row in stored}
    old = [entry for entry in errors.entries() if entry.get("atlas")]
    failed = False
    for entry in old:
        if not versions or entry["atlas"]["tensorflow"] in versions:
            try:
                rows[entry["entry"]] = provoke(entry)
                print(f"{entry['entry']}: {rows[entry['entry']]['exception']}", flush=True)
            except RuntimeError as error:
                print(f"{entry['entry']}: left as it was, {error}")
                failed = True
    lines = ",\n".join(json.dumps(rows[e["entry"]]) for e in old if e["entry"] in rows)
    ENTRIES.write_text(f"[\n{lines}\n]\n")
    return failed


def write(rows):
    order = {tuple(column): n for n, column in enumerate(COLUMNS + BACKENDS)}
    names = {name: n for n, (name, _, _) in enumerate(recipes())}
    rows = [row for row in rows if row["recipe"] in names]
    rows.sort(key=lambda r: (names[r["recipe"]], order[key(r)], MODES.index(r["mode"])))
    lines = ",\n".join(json.dumps(row) for row in rows)
    unfinished = ATLAS.with_suffix(".part")
    unfinished.write_text(f"[\n{lines}\n]\n")
    os.replace(unfinished, ATLAS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "versions", nargs="*", help="TensorFlow versions, jax, torch; none means all"
    )
    parser.add_argument("--recipe", action="append", help="only this recipe")
    arguments = parser.parse_args()
    known = {column.name for column in COLUMNS + BACKENDS}
    unknown = set(arguments.versions) - known
    if unknown:
        parser.error(f"no column {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    chosen = [r for r in recipes() if not arguments.recipe or r[0] in arguments.recipe]
    rows = json.loads(ATLAS.read_text()) if ATLAS.exists() else []
    failed = False
    for column in COLUMNS + BACKENDS:
        if arguments.versions and column.name not in arguments.versions:
            continue
        for mode in column.modes:
            title = f"{column.name}, {column.flavour}, {mode}"
            try:
                new = measure(column, mode, chosen)
            except RuntimeError as error:
                print(f"{title}: left as it was, {error}")
                failed = True
                continue
            replaced = {(row["recipe"], *key(row), row["mode"]) for row in new}
            rows = [r for r in rows if (r["recipe"], *key(r), r["mode"]) not in replaced] + new
            write(rows)
            works = sum(row["outcome"].startswith("works") for row in new)
            print(f"{title}: {works} of {len(new)} recipes work", flush=True)
    if not arguments.recipe:
        failed = write_entries(arguments.versions) or failed
    sys.exit(failed)


if __name__ == "__main__":
    main()
