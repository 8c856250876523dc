"""The JavaScript engine of the build: it reads scripts, and it ends with its process."""

import subprocess
import sys
from pathlib import Path

import pytest
from py_mini_racer import JSEvalException

FOLDER = Path(__file__).resolve().parent.parent / "book" / "_ext"
sys.path.insert(0, str(FOLDER))
from script_engine import engine  # noqa: E402

# What is registered first is called last: by then the engine must be closed.
PROGRAM = f"""
import atexit, sys
sys.path.insert(0, {str(FOLDER)!r})
from script_engine import engine

@atexit.register
def last():
    try:
        print("still answers", made.eval("6 * 7"))
    except AssertionError:
        print("closed")

made = engine()
print(made.eval("6 * 7"))
"""


def test_it_reads_its_scripts_in_order(tmp_path):
    one, two = tmp_path / "one.js", tmp_path / "two.js"
    one.write_text("const twice = (n) => window.two * n; // the end of a line")
    two.write_text("function four() { return twice(2); }")
    assert engine(one, two, first="const window = { two: 2 }").eval("four()") == 4


def test_an_error_of_a_script_is_not_hidden(tmp_path):
    (tmp_path / "broken.js").write_text("missing();")
    with pytest.raises(JSEvalException, match="missing is not defined"):
        engine(tmp_path / "broken.js")


def test_it_is_closed_before_python_shuts_down():
    """Left to the end of Python, it kept most processes alive on a busy machine."""
    command = [sys.executable, "-c", PROGRAM]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (result.stdout.split("\n")[:2], result.returncode) == (["42", "closed"], 0), result


def test_everybody_takes_this_engine():
    """A MiniRacer made elsewhere would not be closed."""
    root = FOLDER.parent.parent
    files = [
        path for folder in ("book/_ext", "tests", "tools") for path in (root / folder).glob("*.py")
    ]
    makers = [path.name for path in files if "MiniRacer" + "()" in path.read_text()]
    assert makers == ["script_engine.py"]
