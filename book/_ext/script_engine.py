"""A JavaScript engine for the build and the tests, that ends with its process.

MiniRacer runs a thread of its own. An engine that still stands when Python shuts down waits for
that thread, which can no longer answer: on a busy machine most processes then never ended
(tests/test_script_engine.py). So every engine is closed before Python shuts down.
"""

import atexit
from pathlib import Path

from py_mini_racer import MiniRacer


def engine(*scripts, first=""):
    """An engine that has run ``first`` and then read the script files, in this order."""
    made = MiniRacer()
    atexit.register(made.close)
    for code in (first, *(Path(path).read_text(encoding="utf-8") for path in scripts)):
        # A script's last value may be a function, which cannot leave the engine.
        made.eval(f"{code}\n;0")
    return made
