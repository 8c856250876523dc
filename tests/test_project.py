"""The promises of the README and of CONTRIBUTING that no other test keeps."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


def tracked():
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    return [ROOT / name for name in listing.stdout.splitlines()]


def test_requirements_are_pinned_and_installed():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert len(pins) > 15
    for name, version in pins.items():
        assert importlib.metadata.version(name) == version


def test_the_readme_names_every_command_of_the_makefile():
    commands = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    readme = (ROOT / "README.md").read_text()
    assert {"book", "test", "bench", "test-pythons", "lab", "help"} <= set(commands)
    for command in ("book", "test", "bench", "lab", "help"):
        assert f"make {command}" in readme
    listing = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    for command in commands:
        assert re.search(rf"^  {command}\s", listing, re.M), command


def python_of_make(path):
    """The interpreter that the Makefile takes, if these programs are on the path."""
    tell = "tell:\n\t@echo '$(PYTHON)'\n"
    return subprocess.run(
        ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-f", "-", "tell"],
        input=tell, capture_output=True, text=True, env={"PATH": f"{path}:/usr/bin:/bin"},
    ).stdout.strip()  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="make belongs to Unix")
def test_make_takes_a_python_that_fits_and_runs(tmp_path):
    """Names that are there and do not run, and versions that do not fit, are passed over."""

    def put(name, version):
        path = tmp_path / name
        lines = {
            None: "#!/bin/sh\necho 'pyenv: command not found' >&2; exit 127\n",
            "own": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
        }
        other = (
            "#!/bin/sh\n"
            f'shift; code=$1; shift; exec "{sys.executable}" -c '
            f'"import sys; sys.version_info = {version}; $code"\n'
        )
        path.write_text(lines.get(version, other))
        path.chmod(0o755)

    for name in ("python3.11", "python3.12", "python3.13", "python3", "python"):
        put(name, None)
    assert python_of_make(tmp_path) == ""
    put("python", "own")
    assert python_of_make(tmp_path) == "python"
    put("python3", (3, 10, 13))
    assert python_of_make(tmp_path) == "python"
    put("python3", (3, 14, 0))
    assert python_of_make(tmp_path) == "python"
    put("python3", (3, 13, 5))
    assert python_of_make(tmp_path) == "python3"
    put("python3.13", (3, 13, 0))
    assert python_of_make(tmp_path) == "python3.13"
    put("python3.11", (3, 11, 2))
    assert python_of_make(tmp_path) == "python3.11"


def test_make_says_so_if_no_python_fits(tmp_path):
    for name in ("requirements.txt", "pyproject.toml", "Makefile"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    result = subprocess.run(
        ["make", "PYTHON=", ".venv/.ready"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode != 0 and not (tmp_path / ".venv").exists()
    assert "needs Python 3.11, 3.12 or 3.13" in result.stdout and "Traceback" not in result.stderr


def test_the_supported_pythons_are_the_same_everywhere():
    sys.path.insert(0, str(ROOT / "tools"))
    import pythons

    assert pythons.find(f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert not pythons.runs(sys.executable, "3.99") and not pythons.runs("no-such-python", "3.11")
    for name in ("Makefile", "README.md", "CONTRIBUTING.md", "book/setup.md"):
        text = (ROOT / name).read_text()
        last = pythons.SUPPORTED[-1]
        listed = ", ".join(pythons.SUPPORTED[:-1])
        assert any(f"{listed} {word} {last}" in text for word in ("and", "or")), name
    low = pythons.SUPPORTED[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={low}"
    # What the setup page promises to whoever installs the library alone.
    assert (
        f"It needs Python {low} or later, brings Keras 3 along, and no backend"
        in (ROOT / "book" / "setup.md").read_text()
    )
    needs = [re.match(r"[\w-]+", need)[0].lower() for need in project["dependencies"]]
    assert "keras" in needs and not {"tensorflow", "jax", "torch"} & set(needs)
    assert any(need.startswith("keras>=3") for need in project["dependencies"])
    assert (ROOT / ".binder/runtime.txt").read_text() == f"python-{low}\n"


def test_the_way_without_make_is_that_of_the_makefile():
    """README and the page on setting up install the same things in the same order."""
    makefile = (ROOT / "Makefile").read_text()
    for name in ("README.md", "book/setup.md"):
        text = (ROOT / name).read_text()
        for short, long in (
            ("-r requirements.txt", "--requirement requirements.txt"),
            ("--no-deps -e .", "--no-deps --editable ."),
        ):
            assert f"python -m pip install {short}\n" in text and long in makefile, (name, short)
        assert "jupyter-book build . --all" in text and "python -m pytest" in text, name
        assert "Activate.ps1" in text and "source .venv/bin/activate" in text, name


def test_ci_calls_the_commands_and_skips_no_backend():
    script = (ROOT / ".ci/run").read_text()
    made = [line for line in script.splitlines() if line.startswith(("make ", "export CI="))]
    wanted = ["export CI=true", "make book", "make backends", "make browser || true", "make test"]
    assert made == wanted
    assert os.access(ROOT / ".ci/run", os.X_OK) and os.access(ROOT / ".binder/postBuild", os.X_OK)


def test_one_repository_address_everywhere():
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    name = url.removeprefix("https://github.com/")
    for path in ("README.md", "CITATION.cff", "book/setup.md"):
        assert name in (ROOT / path).read_text(), path
    for path in (ROOT / "chapters").glob("*.ipynb"):
        first = next(c for c in nbformat.read(path, 4).cells if c.cell_type == "code")
        assert f"git+{url}" in first.source and "google.colab" in first.source
        assert "remove-cell" in first.metadata.tags


def test_readme_and_front_page_list_every_chapter():
    readme, front = (ROOT / "README.md").read_text(), (ROOT / "index.md").read_text()
    for path in (ROOT / "chapters").glob("*.ipynb"):
        title = nbformat.read(path, 4).cells[0].source.splitlines()[0].removeprefix("# ")
        assert title in readme, title
        assert f"{{ref}}`{path.stem[3:]}`" in front
        assert readme.count(f"/chapters/{path.stem}.ipynb") == 2, "Binder and Colab"


def test_jupyterlab_draws_myst():
    """Without the extension, boxes and exercises are raw text in JupyterLab."""
    assert (Path(sys.prefix) / "share/jupyter/labextensions/jupyterlab-myst").is_dir()


def lines_of_code(path):
    """Lines that hold code: no blank lines, comments or docstrings."""
    lines = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno
            lines |= set(range(node.lineno, max(last, node.lineno) + 1))
    return len(lines)


# Lines of code, docstrings aside. What the chapters share is small; the two rooms that examine what
# readers bring know many habits, and nothing of the course needs them. Placements have a training
# step for each of three backends, and know of several devices.
LIMITS = {
    "checkup": 2_560, "inspection": 1_300, "errors": 700, "placements": 900, "all else": 2_000,
}  # fmt: skip


def test_the_library_stays_small():
    """Each module, each function, and each of the four parts."""
    total = dict.fromkeys(LIMITS, 0)
    for path in (ROOT / "vaelib").rglob("*.py"):
        lines, room = lines_of_code(path), path.relative_to(ROOT / "vaelib").parts[0]
        assert lines <= 250, (path, lines)
        total[room if room in LIMITS else "all else"] += lines
    for room, limit in LIMITS.items():
        assert total[room] < limit, total


def imported_rooms(path):
    """Names of our own modules that a module imports: "data", "data.archives", "layers", ..."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vaelib":
            room = node.module.removeprefix("vaelib").lstrip(".")
            found |= {room} if room else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            found |= {name.removeprefix("vaelib.") for name in names if name.startswith("vaelib.")}
    return found


def test_the_rules_of_the_house():
    """data knows nothing of models, networks nothing of losses, nothing imports plots."""
    for path in (ROOT / "vaelib").rglob("*.py"):
        rooms = imported_rooms(path)
        assert not rooms & {"plots", "tables"}, path
        if path.parent.name == "data":
            assert all(room.startswith("data") for room in rooms), (path.name, rooms)
        if path.parent.name in ("errors", "index"):
            assert all(room.startswith("errors") for room in rooms), (path.name, rooms)
        if path.parent.name in ("checkup", "inspection"):
            assert all(room.split(".")[0] == path.parent.name for room in rooms), (path, rooms)
        alone = ("archives", "networks", "objectives", "recipes", "startup")
        if path.stem in alone or path == ROOT / "vaelib" / "replicas.py":
            assert not rooms, (path.name, rooms)
        if path.stem == "layers":  # noise differs from replica to replica
            assert rooms == {"replicas"}


def test_the_rules_of_the_house_for_placements():
    """A placement needs formulas, layers and the checks of images, and builds no network itself."""
    for path in (ROOT / "vaelib" / "placements").rglob("*.py"):
        rooms = {room.split(".")[0] for room in imported_rooms(path)}
        allowed = {"data", "layers", "objectives", "placements", "replicas"}
        assert rooms <= allowed, (path.name, rooms)


def test_no_data_and_no_large_file_is_tracked():
    for path in tracked():
        if path.exists():
            # The results of tools/ledger_trainings.py and tools/shape_runs.py are no data sets.
            results = (ROOT / "vaelib" / "trained", ROOT / "book" / "_data")
            data = path.suffix == ".npz" and path.parent not in results
            assert not data and path.stat().st_size < 1_500_000, path.name


def prose():
    """The pages and the texts of the notebooks, by file."""
    for path in tracked():
        if path.suffix == ".md":
            yield path, path.read_text(encoding="utf-8")
        elif path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            yield path, "\n".join("".join(c["source"]) for c in cells if c["cell_type"] != "code")


def test_the_prose_has_one_spelling():
    """British with -ize; book/notation.md names the other spellings, once."""
    other = re.compile(
        r"\b\w*(?:ecogn|egular|ptim|ormal|eparameter|inim|axim|tandard|nitial|emor)is(?:e|ing|ation)"
        r"|\b(?:color|behavior|center|neighbor|gray)s?\b(?!\()",
    )
    for path, text in prose():
        text = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$|\([^)\s]*\)|<[^>]*>", " ", text, flags=re.S)
        if path.name not in ("notation.md", "CONTRIBUTING.md"):
            assert not other.findall(text), (path.name, other.findall(text))
