"""Four commands, ``python -m vaelib check``, ``explain``, ``checkup`` and ``inspect``.

``check`` prints what a bug report should tell about the machine, ``explain`` the entry of the error
index that fits a message, ``checkup`` examines a saved VAE, ``inspect`` reads a script.
"""

import argparse
import importlib.metadata
import os
import platform
import sys

PACKAGES = (
    "tensorflow jax torch keras tf_keras tensorflow-probability numpy scipy scikit-learn "
    "matplotlib jupyter-book nbval jupyterlab"
).split()


def check():
    """Print versions, Keras flavours, backend, cores, memory, and where MNIST would come from."""
    import vaelib
    from vaelib import data

    rows = [
        ("vaelib", vaelib.__version__),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *((name, _version(name)) for name in PACKAGES),
        ("backend", _backend()),
        ("Keras flavours", _flavours()),
        ("cores", str(os.cpu_count())),
        ("memory", _memory()),
        ("MNIST from", data.mnist_location()),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _backend():
    try:
        from vaelib import quiet_tensorflow

        quiet_tensorflow()
        import keras

        return f"{keras.backend.backend()}, image data {keras.config.image_data_format()}"
    except Exception as error:  # a report must come out of a broken installation, too
        return f"does not start: {type(error).__name__}: {error}"


def _flavours():
    found = []
    for module in ("keras", "tf_keras"):
        try:
            found.append(f"{module} is Keras {importlib.import_module(module).__version__}")
        except Exception as error:
            found.append(f"{module} does not start ({type(error).__name__})")
    legacy = os.environ.get("TF_USE_LEGACY_KERAS")
    if legacy:
        found.append(f"TF_USE_LEGACY_KERAS={legacy}")
    return "; ".join(found)


def _memory():
    try:
        import psutil
    except ImportError:
        return "unknown (psutil is not installed)"
    return f"{psutil.virtual_memory().total / 2**30:.1f} GB"


def _add_checkup(parser):
    """What the checkup of a saved model takes."""
    parser.add_argument("model", help="a file that model.save() wrote: .keras or .h5")
    parser.add_argument("--images", required=True, help=".npy or .npz, as they were given to fit()")
    parser.add_argument("--targets", help="y, if fit() got another one; 'none' if it got none")
    parser.add_argument("--code", help="a Python file with the classes of the model; it is run")
    parser.add_argument("--mu", help="name of the layer that puts out mu")
    parser.add_argument("--log-var", help="name of the layer that puts out log_var")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def _run(given):
    """Run the command that was given; what it needs is imported only now."""
    if given.command == "explain":
        from vaelib.errors import command

        return command.main(given.text, given.json)
    if given.command == "checkup":
        from vaelib import startup

        try:
            startup.quiet_tensorflow()
        except startup.BackendError as error:
            print(error, file=sys.stderr)
            return 2
        from vaelib.checkup import command

        return command.main(given)
    if given.command == "inspect":
        from vaelib import inspection

        return inspection.main(given.script, given.json)
    return check()


def main(arguments=None):
    """Run one command of ``python -m vaelib``; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m vaelib", description="Tools of the course Autoencoders that run."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    commands.add_parser("check", help=check.__doc__)
    ask = commands.add_parser(
        "explain",
        help="print the entry of the error index that fits a message",
        epilog="Exit status: 0 if there is an answer, 1 if nothing fits, 2 if there is no text.",
    )
    ask.add_argument(
        "text",
        nargs="+",
        help='a message, a traceback, a symptom; the name of a log; "-" reads standard input',
    )
    ask.add_argument("--json", action="store_true", help="print at most three candidates as JSON")
    _add_checkup(commands.add_parser("checkup", help="examine a VAE that model.save() wrote"))
    read = commands.add_parser("inspect", help="read a script or a notebook, without running it")
    read.add_argument("script", help="a .py script or an .ipynb notebook")
    read.add_argument("--json", action="store_true", help="print the findings as JSON")
    given = parser.parse_args(arguments)
    try:
        status = _run(given)
        if sys.stdout:  # it may be closed
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    return status or 0


if __name__ == "__main__":
    sys.exit(main())
