"""What `make bench` measures, and the budget of each."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import costs

ROOT = Path(__file__).resolve().parent.parent


class Measurement(NamedTuple):
    """A name, what it is, a function that returns figures, and a budget and unit for each."""

    name: str
    what: str
    take: Callable
    budget: dict
    unit: dict


def python(code, *arguments, **environment):
    """Run code in a process of its own; return the JSON of its last line."""
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip
    if result.returncode:
        raise RuntimeError(result.stderr.strip()[-500:])
    return json.loads(result.stdout.splitlines()[-1])


def chapter(path):
    """What one chapter costs."""

    def take():
        status, output, cost = costs.run_notebook(path)
        if status:
            raise RuntimeError(f"{output[-500:]}\nthe chapter fails: pytest tests/test_chapters.py")
        return {"computing": cost.get("two_core_seconds"), "memory": cost.get("peak_gigabytes")}

    return Measurement(
        path.stem, "one run under nbval: CPU time of all processes over two, the largest process",
        take, {"computing": costs.SECONDS, "memory": costs.GIGABYTES},
        {"computing": "s", "memory": "GB"},
    )  # fmt: skip


STREAM = """
import json, psutil, sys
from vaelib import folders

def most(folder, keep):
    \"\"\"Most memory in use at any batch of an epoch, MB, and the number of images.\"\"\"
    most, count, kept = 0, 0, []
    for batch in folders.stream(folders.find(folder)):
        kept.append(batch if keep else None)
        count += len(batch)
        most = max(most, psutil.Process().memory_info().rss / 2**20)
    return most, count

few, many = sys.argv[1:]
for _ in range(3):
    most(few, False)
small, _ = most(few, False)
large, count = most(many, False)
array, _ = most(many, True)
print(json.dumps([count, large - small, array - small]))
"""


def stream_memory():
    """Ten times as many pictures, as large as CelebA's; kept as an array they are 98 MB."""
    import io

    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(1)
    contents = []
    for _ in range(20):
        content = io.BytesIO()
        noise = Image.fromarray(rng.integers(0, 256, (20, 16, 3), dtype=np.uint8))
        noise.resize((178, 218)).save(content, "jpeg")
        contents.append(content.getvalue())
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (("few", 200), ("many", 2_000)):
            place = Path(folder, name)
            place.mkdir()
            for number in range(count):
                (place / f"{number:06}.jpg").write_bytes(contents[number % 20])
        # One arena for all threads: else each takes a few MB of its own, sooner or later.
        count, streamed, kept = python(
            STREAM, Path(folder, "few"), Path(folder, "many"), MALLOC_ARENA_MAX="1"
        )
    if count != 2_000 or kept < 70:
        raise RuntimeError(f"the measurement does not see memory grow: {count} images, {kept} MB")
    return {"growth": streamed}


EXPLAIN = """
import json, time
from vaelib import errors

error = "ValueError: No gradients provided for any variable."
texts = {
    "blank lines": "in user code:\\n" + "\\n" * 30_000 + "x",
    "padded lines": "a\\n" + " \\n" * 30_000,
    "long log": "log line\\n" * 700 + error + "\\n" + "log line\\n" * 3_000,
    "50 MB": "log line\\n" * 5_500_000 + error,
}
errors.explain(error)
figures = {}
for name, text in texts.items():
    start = time.process_time()
    errors.explain(text)
    figures[name] = time.process_time() - start
print(json.dumps(figures))
"""

COMMAND = """
import json, os, subprocess, sys, time
start = time.monotonic()
subprocess.run([sys.executable, *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)
wall, times = time.monotonic() - start, os.times()
print(json.dumps(times.children_user + times.children_system or wall))
"""

SILENT = """
import contextlib, io, json, os, socket, tempfile, threading, time
for name in ("http_proxy", "HTTP_PROXY", "VAELIB_DATA"):
    os.environ.pop(name, None)
os.environ["KERAS_HOME"] = tempfile.mkdtemp()
from vaelib import data
from vaelib.data import archives
import keras

archives.SOCKET_TIMEOUT = 1
with socket.create_server(("127.0.0.1", 0)) as server:
    called = []
    threading.Thread(target=lambda: called.append(server.accept()), daemon=True).start()
    source = archives.SOURCES["mnist"]
    name, _, checksum = source.cached[0]
    address = f"http://127.0.0.1:{server.getsockname()[1]}/mnist.npz"
    archives.SOURCES["mnist"] = source._replace(cached=((name, address, checksum),))
    start = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        found = data.load("mnist").name
    seconds = time.monotonic() - start
assert called and found == "digits", (called, found)
print(json.dumps(seconds))
"""

ALL = [chapter(path) for path in costs.CHAPTERS] + [
    Measurement(
        "memory of the folder stream", "how much more 2,000 pictures need than 200",
        stream_memory, {"growth": 15}, {"growth": "MB"},
    ),
    Measurement(
        "explain, long texts", "CPU time of one call, without the first one's start",
        lambda: python(EXPLAIN),
        {"blank lines": 0.5, "padded lines": 0.5, "long log": 0.5, "50 MB": 1},
        {"blank lines": "s", "padded lines": "s", "long log": "s", "50 MB": "s"},
    ),
    Measurement(
        "explain, command line", "CPU time of python -m vaelib explain",
        lambda: {"computing": python(COMMAND, "-m", "vaelib", "explain", "loss is nan")},
        {"computing": 0.5}, {"computing": "s"},
    ),
    Measurement(
        "import vaelib", "CPU time of a process that does nothing else",
        lambda: {"computing": python(COMMAND, "-c", "import vaelib")},
        {"computing": 1}, {"computing": "s"},
    ),
    Measurement(
        "a server that never answers", "data.load with a timeout of one second, on the clock",
        lambda: {"clock": python(SILENT)}, {"clock": 20}, {"clock": "s"},
    ),
]  # fmt: skip
