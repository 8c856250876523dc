"""Make environments for JAX and PyTorch: ``make backends``; ``make_backends.py jax`` makes one.

Each lies in ``.backends/`` and holds Keras 3, what ``vaelib`` needs, the pinned backend, and no
TensorFlow; ``.backends/jax/bin/python script.py`` runs a script on JAX. An environment whose pins
have not changed is left as it is. The course and its tests do without them.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".backends"
TITLES = {"jax": "JAX", "torch": "PyTorch"}
# Where there are CPU wheels of PyTorch if pip, as it is set up here, finds none.
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"


def pins(backend):
    """What an environment is made from; another text, and it is made again."""
    names = ("requirements.txt", f"requirements-{backend}.txt", "pyproject.toml")
    return "".join((ROOT / name).read_text() for name in names)


def python_of(backend):
    """The interpreter of a backend, or None if its environment has not been made."""
    home = FOLDER / backend
    inside = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return inside if (home / ".ready").exists() and inside.exists() else None


def make(backend):
    """Make the environment of a backend, if need be; return the Python. Raises RuntimeError."""
    home, ready = FOLDER / backend, FOLDER / backend / ".ready"
    if python_of(backend) and ready.read_text() == pins(backend):
        return python_of(backend)
    run("uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(home))
    inside = str(home / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    # The needs of vaelib stand in pyproject.toml, their versions in requirements.txt.
    packages = ["--constraints", "requirements.txt", "--editable", ".", "pytest"]
    if backend == "jax":
        packages += ["--requirements", "requirements-jax.txt"]
    run("uv", "pip", "install", "--quiet", "--python", inside, *packages)
    if backend == "torch":
        _install_torch(inside)
    # Without KERAS_BACKEND, Keras would look for a TensorFlow that is not there.
    line = f"import os; os.environ.setdefault('KERAS_BACKEND', '{backend}')\n"
    site = "import sysconfig; print(sysconfig.get_path('purelib'))"
    Path(run(inside, "-c", site).strip(), "keras_backend.pth").write_text(line)
    run(inside, "-c", "import keras; keras.Sequential([keras.layers.Dense(1)]).build((1, 1))")
    ready.write_text(pins(backend))
    return python_of(backend)


def _install_torch(python):
    """Install the CPU wheel by pip, whose settings may name a folder or an index that has it."""
    pip = ["pip", "--quiet", "--disable-pip-version-check", "--python", python]
    pip += ["install", "--no-compile"]
    pip += ["--constraint", "requirements.txt", "--requirement", "requirements-torch.txt"]
    try:
        run(sys.executable, "-m", *pip)
    except RuntimeError as first:
        try:
            run(sys.executable, "-m", *pip, "--retries", "1", "--index-url", TORCH_INDEX)
        except RuntimeError:
            raise first from None


def run(program, *arguments):
    """Run a command in the root of the repository; return what it prints, or raise RuntimeError."""
    if program == "uv":
        program, arguments = sys.executable, ("-m", "uv", *arguments)
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in said if line.lower().startswith("error")]
        raise RuntimeError((errors or said[-1:] or [f"{Path(program).name} stopped"])[0])
    return done.stdout


def tell_missing():
    """Print in one line what the tests have skipped; print nothing if all is there."""
    missing = [title for backend, title in TITLES.items() if not python_of(backend)]
    if missing:
        print(
            f"Nothing was run on {' and '.join(missing)}; `make backends` installs what it needs."
        )
    return 0


def main():
    """Make what is asked for; the exit status is 1 if one could not be made."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backends", nargs="*", help="jax, torch; none means both")
    parser.add_argument("--missing", action="store_true", help="say only what is not there")
    arguments = parser.parse_args()
    if arguments.missing:
        return tell_missing()
    asked = arguments.backends
    if unknown := set(asked) - set(TITLES):
        parser.error(f"there is no backend {', '.join(sorted(unknown))}; say jax or torch")
    failed = False
    for backend in asked or TITLES:
        start = time.monotonic()
        try:
            python = make(backend)
            seconds = time.monotonic() - start
            print(f"{TITLES[backend]} is ready ({seconds:.0f} s): {python}", flush=True)
        except (RuntimeError, OSError) as error:
            failed = True
            print(
                f"{TITLES[backend]} could not be installed ({error}); check the network and the "
                f"version in requirements-{backend}.txt, or go without: only its tests are skipped."
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
