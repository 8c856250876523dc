"""Run the snippets of entries on other backends and several devices; print what happened as JSON.

``PYTHON tests/backend_entry_runner.py BACKEND FOLDER [SLUG ...]``: test_backend_entries.py starts
it, one process for each of jax, torch and tensorflow, with the Python that has this backend. FOLDER
is where TensorFlow is installed: few snippets of another backend call it, and run last. SLUGs
choose entries.

Of each entry it runs "before", "after" and the repair of "before" by its prose alone
(tests/data/by-prose). Whatever sets up devices or is a whole program (``alone``) gets a process of
its own: a child that is forked before the backend has started.
"""

import json
import linecache
import os
import re
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np
import yaml

from vaelib import errors

BY_PROSE = Path(__file__).resolve().parent / "data" / "by-prose"
BACKEND, TENSORFLOW, *CHOSEN = sys.argv[1:]


def prelude(flavour):
    """What stands before every snippet on this backend."""
    parts = errors.prelude()
    if BACKEND == "tensorflow":
        return parts[flavour] + parts["shared"]
    shared = parts["shared"].replace("import tensorflow as tf\n", "")
    shared = re.sub(r"class Sampling.*?\n\n\n", parts["sampling"] + "\n\n", shared, flags=re.S)
    assert "tf." not in shared
    return parts["keras"] + shared


def devices(alone):
    """Two devices, which must be set before the backend starts; a whole program sets its own."""
    if alone:
        return
    if BACKEND == "tensorflow":
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, halves)
    elif BACKEND == "jax":
        os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"


def started(flavour):
    """The names that a snippet finds, on a Keras that has forgotten the snippets before."""
    import keras

    keras.distribution.set_distribution(None)
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    scope = {}
    exec(prelude(flavour), scope)
    return scope


def run(code, expression, examine, flavour, alone):
    """Execute a snippet; return what was raised, shown, trained and found."""
    os.chdir(tempfile.mkdtemp())
    if "tensorflow" in code:
        sys.path.append(TENSORFLOW)
    scope = {"np": np} if alone else started(flavour)
    result = {"type": None, "text": None, "shows": None, "losses": None, "slugs": []}
    # As in a notebook, the traceback shows the lines of the snippet.
    linecache.cache["<snippet>"] = (len(code), None, code.splitlines(True), "<snippet>")
    try:
        with warnings.catch_warnings(record=True) as recorded:
            warnings.simplefilter("always")
            exec(compile(code, "<snippet>", "exec"), scope)
        scope["caught"] = [str(warning.message) for warning in recorded]
        if expression:
            result["shows"] = bool(eval(expression, scope))
        if "history" in scope:
            losses = getattr(scope["history"], "history", scope["history"])
            losses = losses["loss"] if isinstance(losses, dict) else losses
            result["losses"] = [float(np.mean(loss)) for loss in losses]
        if examine:
            result["slugs"] = examined(scope)
    except Exception as error:
        found = errors.explain(error)
        result |= {"type": type(error).__name__, "text": str(error), "sure": found.sure}
        result["explained"] = [candidate["entry"] for candidate in found.candidates]
        result["trace"] = "".join(traceback.format_exception(error))[-1500:]
    return result


def examined(scope):
    """What a checkup finds in the model that a snippet leaves behind."""
    from vaelib.checkup import checkup

    target = scope["images"] if scope["vae"].loss is not None else None
    return list(checkup(scope["vae"], scope["images"], target, saving=False).slugs)


def jobs(entry, repaired):
    """The runs of an entry: what each is called, and the arguments of ``run``."""
    place = entry["flavour"], entry.get("alone", False)
    examine = "finding" in entry and "devices" not in entry  # test_checkup_devices.py does those
    yield "before", (entry["before"], entry.get("shows_before"), examine, *place)
    yield "after", (entry["after"], entry.get("shows_after"), False, *place)
    if repaired:
        yield "prose", (repaired, None, False, *place)


def child(*arguments):
    """Run in a process of its own; return what became of it."""
    answer = Path(tempfile.mkdtemp()) / "answer.json"
    process = os.fork()
    if not process:
        devices(alone=arguments[-1])
        answer.write_text(json.dumps(run(*arguments)))
        os._exit(0)
    _, status = os.waitpid(process, 0)
    if not answer.exists():
        return {"type": "process died", "text": f"status {status}", "trace": f"status {status}"}
    return json.loads(answer.read_text())


def by_prose():
    """The repairs that a reader of the prose made: slug to code."""
    repairs = {}
    for path in BY_PROSE.glob("*.yaml"):
        repairs |= yaml.safe_load(path.read_text()) or {}
    return repairs


def main():
    repairs = by_prose()
    mine = [entry for entry in errors.entries() if BACKEND in entry.get("backends", ())]
    mine = [entry for entry in mine if not CHOSEN or entry["entry"] in CHOSEN]
    mine.sort(key=lambda e: (not e.get("alone"), "tensorflow" in e["before"]))
    errors.explain("the matcher learns its words once, before there are children")
    os.environ.pop("KERAS_BACKEND", None)
    os.environ["KERAS_HOME"] = tempfile.mkdtemp()  # no keras.json of the reader's
    if BACKEND == "tensorflow":
        import tensorflow  # noqa: F401  its import is dear, and starts no device
    told, rows = os.fdopen(os.dup(1), "w"), {}
    os.dup2(2, 1)  # what snippets print is no answer
    for entry in mine:
        if not entry.get("alone") and "KERAS_BACKEND" not in os.environ:
            os.environ["KERAS_BACKEND"] = BACKEND
            if BACKEND != "tensorflow":
                devices(alone=False)
            import keras  # noqa: F401  once, for all children
        print(entry["entry"], flush=True)  # where it was, if it fails
        apart = child if entry.get("alone") or BACKEND == "tensorflow" else run
        rows[entry["entry"]] = {
            name: apart(*arguments) for name, arguments in jobs(entry, repairs.get(entry["entry"]))
        }
    print(json.dumps(rows), file=told)


if __name__ == "__main__":
    main()
