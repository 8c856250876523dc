"""Build the environments in which others run the chapters, and try them.

``binder`` does what repo2docker does with the files in ``.binder``, on top of the packages that it
brings; ``colab`` runs a chapter from its first cell on in an environment with Colab's versions
(``tools/colab.txt``); ``image`` runs the lines of the Dockerfile that install Python packages. Each
starts from a copy of the repository in an empty folder, imports all that the notebooks import, runs
a chapter, and says how much memory that took. It does without Docker, conda and Colab's machines:
what those add, such as system libraries, is not tried. Each takes some minutes and 3 GB of disk.
"""

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pythons
from chapter_files import path_of
from notebook_imports import imports

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 2.0  # GB that Binder grants, for the server and the kernel together

# What repo2docker brings for Python 3.11: the packages of environment.py-3.11-linux-64.lock at
# commit 808ae6b that somebody asked for, as the same versions from PyPI.
BINDER_BRINGS = [
    "pip==25.2", "ipykernel==7.0.1", "ipywidgets==8.1.7", "jupyter-offlinenotebook==0.3.2",
    "jupyter-resource-usage==1.2.0", "jupyter_server==2.17.0", "jupyterhub==5.4.0",
    "jupyterlab==4.4.9", "notebook==7.4.7", "psutil==7.1.0", "pyzmq==27.1.0", "tornado==6.5.2",
]  # fmt: skip

# Makes `"google.colab" in sys.modules` true.
PRETEND = "import sys, types\n\nsys.modules['google.colab'] = types.ModuleType('google.colab')"


def copy_of_repository(place):
    """Copy what git tracks or would track, and nothing that was built here."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.split("\0"):
        if name and (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


class Environment:
    """A fresh virtual environment, whose programs run in a folder."""

    def __init__(self, version, home, cwd):
        """Make it in the folder ``home``, with a Python like "3.11", for programs in ``cwd``."""
        interpreter = pythons.find(version) or sys.exit(f"Python {version} is not installed here")
        subprocess.run([interpreter, "-m", "venv", home], check=True)
        self.bin, self.cwd = home / ("Scripts" if os.name == "nt" else "bin"), cwd
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        self.env = {**os.environ, "VIRTUAL_ENV": str(home), "PATH": path}
        self.env.pop("PYTHONPATH", None)

    def run(self, *command, cwd=None):
        """Run a command; return what it prints, or stop with it."""
        print("$", shlex.join(map(str, command)).split("\n")[0][:160], flush=True)
        done = subprocess.run(
            [str(self.bin / command[0]), *map(str, command[1:])] if (self.bin / command[0]).exists()
            else [*map(str, command)],
            cwd=cwd or self.cwd, env=self.env, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"FAILED ({done.returncode}):\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def pip(self, *arguments):
        """Run pip; return what it prints."""
        return self.run("python", "-m", "pip", "--disable-pip-version-check", *arguments)

    def versions(self):
        """A dict from each installed package to its version."""
        return {p["name"]: p["version"] for p in json.loads(self.pip("list", "--format=json"))}


@contextlib.contextmanager
def memory():
    """Watch this process' children, and theirs; yield a list whose maximum is their memory in GB.

    What several of them share counts more than once, so it is not less than what Binder counts.
    """
    seen, over = [0.0], threading.Event()

    def watch():
        while not over.wait(0.2):
            total = 0
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):  # it has just ended
                    total += process.memory_info().rss
            seen.append(total / 2**30)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def import_everything(environment):
    """Import, in one process, all that the notebooks import; return the most memory."""
    lines = imports(ROOT)
    quiet = "from vaelib import quiet_tensorflow; quiet_tensorflow()\n"
    with memory() as seen:
        environment.run("python", "-c", quiet + "\n".join(lines) + "\nimport time; time.sleep(1)")
    print(f"imported in one process: {len(lines)} lines, {max(seen):.2f} GB at most")
    return max(seen)


def run_chapter(environment, notebook):
    """Run a notebook beside a JupyterLab that serves it; return the most memory of both."""
    log = Path(environment.cwd, "server.log")
    command = [environment.bin / "jupyter", "lab", "--no-browser", "--port=0", "--allow-root"]
    with memory() as seen, log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=environment.cwd, env=environment.env, stdout=out, stderr=out
        )
        try:
            environment.run("jupyter", "execute", notebook.name, cwd=notebook.parent)
            if server.poll() is not None or "/lab?token=" not in log.read_text():
                sys.exit(f"JupyterLab does not serve:\n{log.read_text()[-3000:]}")
        finally:
            server.terminate()
            server.wait(30)
    print(f"{notebook.name} ran beside JupyterLab: {max(seen):.2f} GB at most")
    return max(seen)


def binder(place, slug):
    """The steps of repo2docker's buildpack for Python: runtime, packages, the hook."""
    course = copy_of_repository(place / "course")
    version = (course / ".binder/runtime.txt").read_text().strip().removeprefix("python-")
    environment = Environment(version, place / "venv", course)
    environment.pip("install", "--quiet", *BINDER_BRINGS)
    environment.pip("install", "--quiet", "--no-cache-dir", "-r", ".binder/requirements.txt")
    print(environment.run(".binder/postBuild").splitlines()[-1])
    print(environment.pip("check").strip())
    peaks = import_everything(environment), run_chapter(environment, chapter_in(course, slug))
    return max(peaks)


def image(place, slug):
    """The packages of the Dockerfile, installed from the files that it copies, and no others."""
    course, everything = place / "course", copy_of_repository(place / "everything")
    text = re.sub(r"\\\n\s*", "", (everything / "Dockerfile").read_text())
    for sources, target in re.findall(r"^COPY (?:--\S+ )?(.*) (\S+)$", text, re.M):
        for source in sources.split():
            (course / target).mkdir(parents=True, exist_ok=True)
            if (everything / source).is_dir():
                shutil.copytree(everything / source, course / target, dirs_exist_ok=True)
            else:
                shutil.copy2(everything / source, course / target)
    (version,) = re.findall(r"^FROM python:(3\.\d+)", text, re.M)
    environment = Environment(version, place / "venv", course)
    for command in re.findall(r"^RUN (pip .*)$", text, re.M):
        environment.run("python", "-m", *shlex.split(command))
    print(environment.pip("check").strip())
    peaks = import_everything(environment), run_chapter(environment, chapter_in(course, slug))
    return max(peaks)


def chapter_in(course, slug):
    return course / "chapters" / path_of(slug).name


def as_on_colab(path, source):
    """A chapter, after a cell that pretends to be Colab, installing from a folder in git's place.

    Raises:
        ValueError: the first cell of code does not install from git as it should.
    """
    notebook = nbformat.read(path, 4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source, count = re.subn(r'"git\+https://github\.com/[^"]+"', f'"{source}"', first.source)
    if count != 1 or "%pip install" not in first.source:
        raise ValueError(f"{path.name} does not begin by installing the library")
    notebook.cells.insert(0, nbformat.v4.new_code_cell(PRETEND))
    return notebook


def colab(place, slug):
    """A whole chapter from its first cell on, with Colab's versions, away from the repository."""
    source, away = copy_of_repository(place / "course"), place / "content"
    away.mkdir()
    (version,) = re.findall("^# python (.*)$", (ROOT / "tools/colab.txt").read_text(), re.M)
    environment = Environment(version, place / "venv", away)
    environment.pip("install", "--quiet", "--no-deps", "-r", ROOT / "tools/colab.txt")
    before = environment.versions()
    nbformat.write(as_on_colab(path_of(slug), source), away / f"{slug}.ipynb")
    with memory() as seen:
        environment.run("jupyter", "execute", f"{slug}.ipynb")
    after = environment.versions()
    changed = {name: (v, after.get(name)) for name, v in before.items() if after.get(name) != v}
    if changed or "vaelib" not in after:
        sys.exit(f"the first cell changed what Colab brings: {changed}")
    added = ", ".join(sorted(after.keys() - before.keys()))
    print(f"{slug} ran from its first cell on; added: {added}; replaced: nothing")
    return max(*seen, import_everything(environment))


def main():
    """Prove what is asked for; the exit status is 1 if something fails or takes too much memory."""
    ways = {"binder": binder, "colab": colab, "image": image}
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("ways", nargs="+", choices=ways, metavar="binder|colab|image")
    parser.add_argument("--chapter", default="compress-digits", help="the slug of what is run")
    parser.add_argument("--keep", type=Path, help="build in this folder, and leave it there")
    options = parser.parse_args()
    for way in options.ways:
        start = time.monotonic()
        place = Path(options.keep or tempfile.mkdtemp(prefix="prove-"), way)
        place.mkdir(parents=True)
        try:
            peak = ways[way](place, options.chapter)
        finally:
            if not options.keep:
                shutil.rmtree(place.parent)
        if peak > LIMIT:
            sys.exit(f"{way}: {peak:.2f} GB are more than {LIMIT} GB")
        print(f"{way}: proven in {(time.monotonic() - start) / 60:.0f} min, {peak:.2f} GB at most")


if __name__ == "__main__":
    main()
