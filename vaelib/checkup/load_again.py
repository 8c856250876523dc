"""Run by ``files``, in a process of its own: load a saved model, say whether it predicts the same.

Prints "ok", or "no " and one sentence.
"""

import importlib
import json
import pickle
import sys
from pathlib import Path


def main(folder):
    """Load what lies in the folder and compare."""
    sys.path[:] = json.loads((folder / "path.json").read_text())
    import numpy as np

    pack = pickle.loads((folder / "pack").read_bytes())
    keras = importlib.import_module(pack["keras"])
    load = (keras.saving if hasattr(keras, "saving") else keras.models).load_model
    model, told = _load(load, folder / "model.keras", pack["objects"])
    if model is None:
        print("no", told)
        return
    weights = [np.array(weight) for weight in model.weights]
    same = len(weights) == len(pack["weights"]) and all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=True)
        for a, b in zip(weights, pack["weights"])
    )
    if not same:
        print(f"no it loads with {len(weights)} weights, and they are not those "
              f"{len(pack['weights'])} that were saved")  # fmt: skip
        return
    if pack["before"] is not None:
        try:
            after = model.predict(pack["x"], batch_size=pack["batch"], verbose=0)
        except Exception as error:
            print("no it loads, but predict fails:", type(error).__name__ + ":",
                  " ".join(str(error).split())[:200])  # fmt: skip
            return
        if _far(after, pack["before"], np):
            print("no it loads and predicts something else")
            return
    print(told)


def _load(load, path, objects):
    """The model and "ok", with what it takes to load it; None and why it does not load."""
    reason = None
    for more in (
        {},
        {"safe_mode": False},
        {"compile": False},
        dict(compile=False, safe_mode=False),
    ):
        try:
            model = load(path, custom_objects=objects, **more)
        except Exception as error:
            reason = reason or f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            continue
        needs = ", ".join(f"{name}={value}" for name, value in more.items())
        return model, f"ok, with {needs} alone ({reason[:160]})" if more else "ok"
    return None, reason


def _far(after, before, np):
    if isinstance(before, dict):
        after, before = [after[key] for key in before], list(before.values())
    if isinstance(before, (list, tuple)):
        return any(_far(a, b, np) for a, b in zip(after, before))
    return not np.allclose(after, before, atol=1e-3, equal_nan=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
