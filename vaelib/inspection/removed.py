"""What Keras 3, or TensorFlow 2, no longer has: names, arguments, methods, file names."""

import ast
import functools
import json
import re
from pathlib import Path

from vaelib.inspection.facts import argument, is_off, tail

ROOTS = ("tensorflow.keras", "keras", "tf_keras")
MODEL = re.compile(r"(model|vae|encoder|decoder|generator)$", re.I)
FILES = {"save": 0, "save_weights": 0, "ModelCheckpoint": 0, "save_model": 1}
END = re.compile(r"""['"]([^'"]*)['"]\)*(\s*%.*|\.format\(.*\))?$""", re.S)


@functools.cache
def tables():
    """The names of Keras 3 (keras3.json), and what is known to be gone (gone.yaml)."""
    import yaml

    here = Path(__file__).parent
    trees = json.loads((here / "keras3.json").read_text(encoding="utf-8"))["trees"]
    names = {r: {m: set(n.split()) for m, n in tree.items()} for r, tree in trees.items()}
    return names, yaml.safe_load((here / "gone.yaml").read_text(encoding="utf-8"))


def missing(dotted):
    """(module, name) of the first part of a full name that Keras 3 does not have, or None."""
    root = next((r for r in ROOTS[:2] if dotted.startswith(r + ".")), None)
    if root is None:
        return None
    modules, here = tables()[0][root], ""
    for part in dotted[len(root) + 1 :].split("."):
        inside = f"{here}.{part}".lstrip(".")
        if inside not in modules:
            known = part in modules[here] or part in ("*", "src") or part.startswith("_")
            return None if known else (f"{root}.{here}".rstrip("."), part)
        here = inside
    return None


def gone_names(facts):
    """Imports and names of Keras and TensorFlow that are gone."""
    backend, old = {}, {}
    gone = tables()[1]
    for node, full in facts.full_names():
        module, name = missing(full) or ("", "")
        if module.endswith(".backend") or name == "backend":
            backend.setdefault(name, node)
        elif module:
            short = name in gone["short_losses"].split()
            yield "short-loss-name" if short else "old-import", node, f"{module} has no {name}."
        parts = full.split(".")
        if parts[0] == "tensorflow" and len(parts) > 1:
            dead = parts[1] in gone["tensorflow_1"].split() or parts[1:3] == [
                "examples",
                "tutorials",
            ]
            if dead or parts[1] == "train" and parts[-1].endswith("Optimizer"):
                old.setdefault(".".join(["tf", *parts[1:3]]), node)
    yield from together("tensorflow-1", old)
    yield from together("backend-function-gone", {f"K.{n} ({new(n)})": backend[n] for n in backend})


def together(slug, found):
    """One finding for many names, at the first of them."""
    if found:
        first = min(found.values(), key=lambda node: node.lineno)
        yield slug, first, "Used here: " + ", ".join(found) + "."


def new(name):
    """What to write for a function of ``keras.backend``."""
    names, gone = tables()
    own = f"keras.ops.{name}" if name in names["keras"]["ops"] else "no direct successor"
    return gone["translations"].get(name, own)


def calls(facts):
    """Arguments and methods that are gone."""
    for rule in tables()[1]["calls"]:
        wanted = rule.get("arguments", "").split()
        for call in facts.calls_of(*rule["names"].split()):
            given = {k.arg: k.value for k in call.keywords}
            used = [a for a in wanted if a in given and not is_off(given[a])]
            off = not used if wanted else bool(call.args) and is_off(call.args[0])
            if not off and rule.get("without") not in given:
                shown = ", ".join(f"{name}=..." for name in used)
                yield rule["slug"], call, f"{tail(call.func)}({shown})."


def file_names(facts):
    """Names of files that Keras 3 refuses, and the old format."""
    for call in facts.calls_of(*FILES):
        name = tail(call.func)
        path = argument(call, FILES[name], "filepath", "path")
        end = ending(path, facts)
        owner = ast.unparse(getattr(call.func, "value", call.func))
        if end is None or name == "save" and not MODEL.search(owner):
            continue
        only = argument(call, 3, "save_weights_only")
        weights = name == "save_weights" or only is not None and not is_off(only)
        checkpoint = name == "ModelCheckpoint" and end.endswith(".hdf5")
        if weights and not end.endswith(".weights.h5"):
            yield "weights-file-name", call, f"It ends in {end[-20:]!r}."
        elif not weights and (checkpoint or not end.endswith((".keras", ".h5", ".hdf5"))):
            yield "model-file-name", call, f"It ends in {end[-20:]!r}."
        elif not weights and end.endswith((".h5", ".hdf5")):
            yield "old-file-format", call, ""


def ending(node, facts):
    """The last part of a file name, as far as it is written in the program, else None."""
    for _ in range(3):
        if node is None:
            return None
        node = facts.origin(node)
        found = END.search(ast.unparse(node))
        if found:
            return found[1]
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n is not node]
        node = max(names, key=lambda n: (n.lineno, n.col_offset), default=None)
    return None


def mixed(facts):
    """Two Kerases in one program, and layers of TensorFlow Probability on Keras 3."""
    roots = {}
    for node, full in facts.full_names():
        for root in (*ROOTS, "tensorflow.python.keras", "tensorflow_probability.layers"):
            imported = isinstance(node, ast.Import | ast.ImportFrom) or "prob" in root
            if imported and f"{full}.".startswith(root + "."):
                roots.setdefault(root, node)
    later = max(roots.values(), key=lambda node: node.lineno, default=None)
    if "tensorflow.python.keras" in roots:
        private = roots["tensorflow.python.keras"]
        yield "two-kerases", private, "tensorflow.python.keras is a private Keras 2.", "look here"
    if {"keras", "tf_keras"} <= roots.keys():
        yield "two-kerases", later, "keras and tf_keras are both imported."
    elif {"keras", "tensorflow.keras"} <= roots.keys():
        yield "keras-and-tf-keras", later, ""
    if "tensorflow_probability.layers" in roots and "tf_keras" not in roots:
        yield "tfp-layer", roots["tensorflow_probability.layers"], ""
