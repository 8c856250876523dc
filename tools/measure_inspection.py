"""Measure how much ``python -m vaelib inspect`` finds in public VAE scripts.

``python tools/measure_inspection.py FOLDER`` writes book/_data/inspection.json, from which the page
makes its table. book/_data/inspection-truth.json names the scripts, with the commit that was read,
and what is wrong in each by our own reading; FOLDER holds them as OWNER+REPOSITORY+PATH, with + for
/ and _ for a blank. None of their code is kept here. ``--names`` writes what Keras 3 has instead:
vaelib/inspection/keras3.json; ``--example`` the report that the page shows.

One fault of one script is one slug. It is found if the script gets that slug within three lines of
one of its places; any other slug that the script gets is a false alarm.
"""

import json
import os
import re
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "book" / "_data"
TRUTH, RECORD = DATA / "inspection-truth.json", DATA / "inspection.json"
NAMES = ROOT / "vaelib" / "inspection" / "keras3.json"
EXAMPLE = ROOT / "tests" / "data" / "inspection" / "example.py"
NEAR = 3
sys.path.insert(0, str(ROOT))


def place(text):
    """(cell, line) of "12" or "3.12"."""
    cell, _, line = text.rpartition(".")
    return int(cell or 0), int(line)


def near(finding, places):
    """Is a finding at one of the places?"""
    here = place(".".join(re.findall(r"\d+", finding.place)))
    return any(here[0] == cell and abs(here[1] - line) <= NEAR for cell, line in map(place, places))


def judge(row, report):
    """Slugs found, missed and falsely alarmed in one script."""
    wrong = {fault["slug"]: fault["lines"] for fault in row["wrong"]}
    found = {f.slug for f in report.findings if near(f, wrong.get(f.slug, []))}
    false = {f.slug: f.sure for f in report.findings if f.slug not in found}
    return {
        "repository": row["repository"],
        "path": row["path"],
        "half": row["half"],
        "found": sorted(found),
        "missed": sorted(wrong.keys() - found),
        "false": dict(sorted(false.items())),
    }


def measure(folder):
    """Judge every script of the truth file."""
    from vaelib import inspection

    judged = []
    for row in json.loads(TRUTH.read_text(encoding="utf-8")):
        name = f"{row['repository']}/{row['path']}".replace("/", "+").replace(" ", "_")
        try:
            report = inspection.examine(inspection.read(Path(folder) / name))
        except inspection.Unreadable as error:
            if row["reads"] or "does not parse" not in str(error):
                raise
            judged.append(
                {k: row[k] for k in ("repository", "path", "half")} | {"unreadable": True}
            )
        else:
            judged.append(judge(row, report))
    return judged


def names():
    """The public names of the installed Keras, in both of its namespaces."""
    import importlib

    import keras

    trees = {}
    for root, module in (("keras", "keras"), ("tensorflow.keras", "keras._tf_keras.keras")):
        found, todo = {}, [("", importlib.import_module(module))]
        while todo:
            where, module = todo.pop()
            public = [n for n in dir(module) if not n.startswith("_") and n != "src"]
            found[where] = " ".join(sorted(public))
            for name in public:
                inner = getattr(module, name)
                if isinstance(inner, types.ModuleType) and where.count(".") < 2:
                    todo.append((f"{where}.{name}".lstrip("."), inner))
        trees[root] = found
    return {"keras": keras.__version__, "trees": trees}


def example():
    """What the page shows: the report on a script of ours."""
    from vaelib import inspection

    return str(inspection.inspect(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE.name)) + "\n"


def write(path, text):
    unfinished = path.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def main(arguments):
    if arguments == ["--names"]:
        write(NAMES, json.dumps(names(), indent=0, sort_keys=True) + "\n")
    elif arguments == ["--example"]:
        write(EXAMPLE.with_suffix(".txt"), example())
    elif len(arguments) == 1 and Path(arguments[0]).is_dir():
        rows = [json.dumps(row) for row in measure(arguments[0])]
        write(RECORD, "[\n" + ",\n".join(rows) + "\n]\n")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
