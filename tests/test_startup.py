"""vaelib.startup and the package itself: silent, light, and honest about failures."""

import subprocess
import sys

import pytest

import vaelib


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_importing_the_package_loads_nothing_heavy():
    result = run("import sys, vaelib; print(sorted({'tensorflow', 'keras'} & set(sys.modules)))")
    assert result.stdout.strip() == "[]", result.stderr


def test_quiet_start_is_silent():
    result = run("from vaelib import quiet_tensorflow as q; q(); q(); import keras; print('up')")
    assert (result.stdout, result.stderr) == ("up\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="the messages are those of Linux")
def test_plain_start_is_not():
    """If TensorFlow ever starts silently by itself, quiet_tensorflow can go."""
    assert run("import tensorflow").stderr != ""


def test_a_failing_start_shows_what_was_held_back():
    code = (
        "import sys, os\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'tensorflow':\n"
        "            os.write(2, b'a hint from below')\n"
        "            raise ImportError('broken wheel')\n"
        "sys.meta_path.insert(0, Broken())\n"
        "from vaelib import quiet_tensorflow\n"
        "quiet_tensorflow()\n"
    )
    result = run(code)
    assert result.returncode == 1
    assert "a hint from below" in result.stderr and "broken wheel" in result.stderr


def test_a_process_without_stderr_starts_all_the_same():
    code = "import sys; sys.stderr = None; from vaelib import quiet_tensorflow as q; q(); print(1)"
    assert run(code).stdout == "1\n"


def test_public_names_exist_and_are_documented():
    for name in vaelib.__all__:
        assert getattr(vaelib, name).__doc__, name
    assert set(vaelib.__all__) <= set(dir(vaelib))


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(vaelib, "placements_to_come")
