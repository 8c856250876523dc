"""Test the library on every supported Python here: ``make test-pythons``.

``python tools/pythons.py 3.12`` tests on one. It looks for 3.11, 3.12 and 3.13 on the path and
among the versions of pyenv, gives each an environment of its own (``.venv-3.12``, about 3 GB), and
runs all tests there but the chapters. What needs JAX or PyTorch takes the one ``.backends`` of all.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13")
TELL = "import sys; print('%d.%d' % sys.version_info[:2])"
PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def runs(python, version):
    """Whether this is an interpreter of that version that starts; a pyenv shim may not."""
    try:
        told = subprocess.run([python, "-c", TELL], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0 and told.stdout.strip() == version


def find(version):
    """An interpreter of that version, or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [f"python{version}", sys.executable, "python3", "python"]
    candidates += [str(folder / "bin" / "python") for folder in pyenv.glob(f"{version}.*")]
    return next((name for name in candidates if runs(name, version)), None)


def environment(version, python):
    """The Python of an up-to-date environment; it is made, or filled again if a pin changed."""
    place = ROOT / f".venv-{version}"
    inside = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pins = "".join((ROOT / name).read_text() for name in ("requirements.txt", "pyproject.toml"))
    ready = place / ".ready"
    if not (ready.exists() and ready.read_text() == pins and runs(inside, version)):
        subprocess.run([python, "-m", "venv", "--clear", place], check=True)
        for packages in (["-r", "requirements.txt"], ["--no-deps", "--editable", "."]):
            subprocess.run([inside, *PIP, *packages], cwd=ROOT, check=True)
        ready.write_text(pins)
    return inside


def main():
    """Test on each version; the exit status is 1 if one fails or none is here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", default=SUPPORTED, help="default: all three")
    versions = parser.parse_args().versions
    if unknown := set(versions) - set(SUPPORTED):
        parser.error(f"the course supports {', '.join(SUPPORTED)}, and not {', '.join(unknown)}")
    said = {}
    for version in versions:
        python = find(version)
        if not python:
            said[version] = "not installed"
            continue
        print(f"Python {version}: {python}", flush=True)
        start = time.monotonic()
        try:
            inside = environment(version, python)
            tests = [inside, "-m", "pytest", "--quiet", "--ignore=tests/test_chapters.py"]
            tests += ["-p", "no:cacheprovider", "--numprocesses=2"]
            status = subprocess.run([*tests, "--no-loadscope-reorder"], cwd=ROOT).returncode
            said[version] = "passed" if status == 0 else "FAILED"
        except subprocess.CalledProcessError as error:
            said[version] = f"FAILED: {' '.join(map(str, error.cmd))}"
        said[version] += f" ({(time.monotonic() - start) / 60:.0f} min)"
    for version, result in said.items():
        print(f"Python {version}: {result}")
    failed = any(result.startswith("FAILED") for result in said.values())
    if not any(result.startswith("passed") for result in said.values()) and not failed:
        print("None of them is installed, so nothing was tested.")
        failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
