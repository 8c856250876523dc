"""Train into the collapse and around it: ``python tools/collapse_record.py``.

Three seeds of each way of chapter ``collapse-and-choice``: 36 epochs with a constant weight and
with a warm-up, 12 of the others. What was measured after every epoch is in
book/_data/collapse.json. The trainings are the chapter's own: the cells tagged "collapse" define
them. Needs MNIST: set VAELIB_DATA to a folder with mnist.npz. Takes some ten minutes on two cores.
"""

import ast
import hashlib
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from chapter_files import path_of

ROOT = Path(__file__).resolve().parent.parent
SLUG = "collapse-and-choice"
RECORD = ROOT / "book" / "_data" / "collapse.json"
BETA, SEEDS = 4.0, (1, 2, 3)
EPOCHS = {"constant": 36, "warm-up": 36, "cycles": 12, "free bits": 12}
USED = 0.1  # nats: a dimension with a larger KL term is in use


def chapter_cells(slug=SLUG, tag="collapse"):
    """The sources of a chapter's cells with a tag, in their order."""
    cells = json.loads(path_of(slug).read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if tag in cell["metadata"].get("tags", [])]


def fingerprint(sources):
    """A checksum of what cells define: imports, docstrings and layout do not count."""
    tree = ast.parse("\n".join(sources))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
            node.body = [
                part
                for part in node.body
                if not isinstance(part, (ast.Import, ast.ImportFrom, ast.Expr))
                or isinstance(getattr(part, "value", None), ast.Call)
                and not isinstance(node, ast.Module)
            ]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def ways(chapter):
    """What is passed to the chapter's ``train``, by the name of the way."""
    return {
        "constant": {"share": chapter["constant"]},
        "warm-up": {"share": chapter["warm_up"]},
        "cycles": {"share": chapter["cycles"]},
        "free bits": {"share": chapter["constant"], "kind": chapter["FreeBitsVAE"]},
    }


def curves(epochs, beta=BETA):
    """From the measurements of each epoch to the lists that are stored."""
    return {
        "kl": [round(e["R"], 3) for e in epochs],
        "distortion": [round(e["D"], 2) for e in epochs],
        "objective": [round(e["D"] + beta * e["R"], 2) for e in epochs],
        "used": [int((e["each"] > USED).sum()) for e in epochs],
        "kl per dimension": sorted((round(float(k), 3) for k in epochs[-1]["each"]), reverse=True),
    }


def main():
    sys.path.insert(0, str(ROOT))
    chapter, sources = {}, chapter_cells()
    for source in sources:
        exec(source, chapter)
    from vaelib import data

    digits = data.load("mnist", n_train=10_000, n_test=2_000)
    if digits.name != "mnist":
        sys.exit("The record needs MNIST: set VAELIB_DATA to a folder with mnist.npz.")
    runs = []
    for way, arguments in ways(chapter).items():
        for seed in SEEDS:
            epochs = chapter["train"](
                digits.x_train, digits.x_test, BETA, EPOCHS[way], seed=seed, **arguments
            )
            runs.append({"way": way, "seed": seed, **curves(epochs)})
            last = runs[-1]
            print(
                f"{way:10} seed {seed}: D + {BETA:g} R {last['objective'][-1]:.1f},"
                f" {last['used'][-1]} dimensions used",
                flush=True,
            )
    record = {
        "chapter": SLUG,
        "definitions": fingerprint(sources),
        "images": len(digits.x_train),
        "test images": len(digits.x_test),
        "beta": BETA,
        "used from": USED,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy")},
        },
        "runs": runs,
    }
    RECORD.write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
