"""What publishes the course: workflows, bots, forms, Binder, Colab and Docker, as files tell.

Whether the environments work is tried by ``tools/prove_environments.py``, which takes minutes.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import prove_environments  # noqa: E402
import pythons  # noqa: E402

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "dependabot": [ROOT / ".github/dependabot.yml"],
    "github-issue-forms": [ROOT / f".github/ISSUE_TEMPLATE/{n}.yml" for n in ("bug", "text")],
    "github-issue-config": [ROOT / ".github/ISSUE_TEMPLATE/config.yml"],
    "citation-file-format": [ROOT / "CITATION.cff"],
}


def jobs():
    """Pairs of a name, such as "test/lint", and a job."""
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            yield f"{path.stem}/{name}", job


def pins(name="requirements.txt"):
    """A dict from each pinned package, its name in canonical form, to its version."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.split(";")[0].strip().split("==") for line in lines if re.match(r"\w", line)]
    return {canonicalize_name(package): version for package, version in pairs}


def faults(schema, content):
    """What is wrong with the content of a file, by a schema that check-jsonschema brings along."""
    schema = get_builtin_schema(f"vendor.{schema}")
    validator = jsonschema.validators.validator_for(schema)(schema)
    # YAML 1.1 reads the key `on` as true, and a date as one.
    content = json.loads(
        json.dumps({{True: "on"}.get(k, k): v for k, v in content.items()}, default=str)
    )
    return [error.message for error in validator.iter_errors(content)]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_fit_their_schema(schema):
    """And would not, with a key that the schema does not know."""
    for path in SCHEMAS[schema]:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert faults(schema, content) == [], path.name
    assert "no-such-key" in str(faults(schema, content | {"no-such-key": [1]}))


# Workflows ----------------------------------------------------------------------------------------


def commands(job):
    """All that a job runs, as one text."""
    return "\n".join(step.get("run", "") for step in job["steps"])


def test_workflows_name_files_and_targets_that_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = set()
    for name, job in jobs():
        text = commands(job) + str([step.get("with", {}) for step in job["steps"]])
        for file in re.findall(r"(?:\.ci|tests|tools|\brequirements)[\w./*-]+", text):
            assert list(ROOT.glob(file)), (name, file)
            found.add(file)
        for file, test in re.findall(r"(tests/\w+\.py)::(\w+)", text):
            assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), (name, test)
        for target in re.findall(r"^make ([\w-]+)", text, re.M):
            assert re.search(rf"^{target}:", makefile, re.M), (name, target)
            found.add(target)
    assert {".ci/run", "tools/links.py", "tests/test_vae.py", "book"} <= found


def test_the_library_is_tested_on_three_systems_and_every_supported_python():
    job = dict(jobs())["test/everywhere"]
    matrix = job["strategy"]["matrix"]
    assert matrix["python"] == list(pythons.SUPPORTED)
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    for slug in re.findall(r"and \((.*)\)", commands(job))[0].split(" or "):
        assert list(ROOT.glob(f"chapters/[0-9][0-9]-{slug}.ipynb")), slug


def test_every_job_has_a_limit_and_few_rights():
    writes = {}
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}
    for name, job in jobs():
        assert 0 < job["timeout-minutes"] <= 180, name
        writes |= {name: set(job["permissions"])} if "permissions" in job else {}
    assert writes == {"site/deploy": {"pages", "id-token"}, "weekly/report": {"issues"}}


def test_one_version_of_each_action():
    """And of Python only such as the course supports."""
    versions = {}
    for name, job in jobs():
        for step in job["steps"]:
            if "uses" in step:
                action, version = step["uses"].split("@")
                assert versions.setdefault(action, version) == version, (name, action)
            python = step.get("with", {}).get("python-version", "3.11")
            assert python in pythons.SUPPORTED or python.startswith("${{ matrix."), name
    assert len(versions) >= 5


def test_the_site_of_a_fork_is_told_its_address():
    job = dict(jobs())["site/build"]
    assert job["env"]["COURSE_REPOSITORY"] == "${{ github.repository }}"
    assert "COURSE_REPOSITORY" in (ROOT / "book/_ext/home.py").read_text(encoding="utf-8")


def test_the_weekly_report_waits_for_all():
    weekly = yaml.safe_load((ROOT / ".github/workflows/weekly.yml").read_text())["jobs"]
    assert set(weekly["report"]["needs"]) == weekly.keys() - {"report"}


@pytest.mark.skipif(sys.platform == "win32", reason="sed belongs to Unix")
def test_the_weekly_run_takes_all_pins_away_but_one(tmp_path):
    (tmp_path / "requirements.txt").write_text((ROOT / "requirements.txt").read_text())
    step = next(s for s in dict(jobs())["weekly/newest"]["steps"] if "pins away" in str(s))
    subprocess.run(step["run"], shell=True, cwd=tmp_path, check=True)
    lines = [x for x in (tmp_path / "newest.txt").read_text().splitlines() if re.match(r"\w", x)]
    assert [x for x in lines if "=" in x] == [f"jupyter-book=={pins()['jupyter-book']}"]
    assert len(lines) == len(pins())


# Bots and hooks -----------------------------------------------------------------------------------


def test_pins_of_pre_commit_are_those_of_the_requirements():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    known = pins()
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    for hook in hooks:
        (pin,) = hook["additional_dependencies"]
        package, version = pin.split("==")
        assert known.get(package, version) == version, pin
        assert any(re.search(hook.get("files", ""), file) for file in files), hook["id"]
    assert {"ruff", "check-jsonschema"} <= known.keys()


def test_the_bot_groups_packages_that_are_pinned():
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    assert [u["package-ecosystem"] for u in updates] == ["pip", "github-actions", "docker"]
    known = pins() | pins("requirements-jax.txt") | pins("requirements-torch.txt")
    groups = updates[0]["groups"]
    named = {canonicalize_name(n) for g in ("models", "jax") for n in groups[g]["patterns"]}
    assert named <= known.keys() and {"tensorflow", "keras", "tf-keras"} <= named
    assert {canonicalize_name(n) for n in groups["others"]["exclude-patterns"]} == named
    assert all(canonicalize_name(i["dependency-name"]) in known for i in updates[0]["ignore"])


# Environments -------------------------------------------------------------------------------------


def test_the_weekly_proofs_take_the_python_of_their_files():
    include = dict(jobs())["weekly/environments"]["strategy"]["matrix"]["include"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert {row["way"]: row["python"] for row in include} == {
        "binder": (ROOT / ".binder/runtime.txt").read_text().strip().removeprefix("python-"),
        "colab": re.search("^# python (.*)$", (ROOT / "tools/colab.txt").read_text(), re.M)[1],
        "image": re.search(r"^FROM python:(3\.\d+)-slim", dockerfile, re.M)[1],
    }
    assert {row["python"] for row in include} <= set(pythons.SUPPORTED)


def test_binder_gets_the_notebook_server_of_our_jupyterlab():
    """Notebook 7.6 belongs to JupyterLab 4.6."""
    text = (ROOT / ".binder/requirements.txt").read_text()
    notebook = re.search(r"^notebook==7\.(\d+)\.", text, re.M)[1]
    assert pins()["jupyterlab"].split(".")[:2] == ["4", notebook]
    assert text.startswith("-r ../requirements.txt\n")


@pytest.mark.parametrize("path", sorted(ROOT.glob("chapters/*.ipynb")), ids=lambda p: p.stem)
def test_the_first_cell_installs_on_colab_and_nowhere_else(path):
    pretend, first = [
        cell
        for cell in prove_environments.as_on_colab(path, "/a/folder").cells
        if cell.cell_type == "code"
    ][:2]
    assert "google.colab" in pretend.source and '    %pip install -q "/a/folder"' in first.source
    asked = first.source.replace("%pip install", "raise SystemExit #")
    exec(asked, {})  # here it does nothing
    with pytest.raises(SystemExit):
        exec(asked.replace("sys.modules", "['google.colab']"), {})


def test_colab_has_what_the_library_needs_already():
    """So pip replaces nothing of Colab's."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needs = [
        Requirement(n)
        for n in re.findall(r'"([^"]+)"', re.search(r"^dependencies.*", text, re.M)[0])
    ]
    there = pins("tools/colab.txt")
    for need in needs:
        assert need.specifier.contains(there[canonicalize_name(need.name)]), need


def test_the_image_has_what_it_copies_and_does_not_run_as_root():
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    copied = [
        n for found in re.findall(r"^COPY (?:--\S+ )?(.*) \S+$", text, re.M) for n in found.split()
    ]
    assert sorted(copied) == sorted(allowed) and all((ROOT / name).exists() for name in copied)
    users = re.findall(r"^USER (\S+)$", text, re.M)
    assert users and users[-1].isdigit() and int(users[-1]) > 0
    assert text.index("USER ") < text.index("CMD ")
    (packages,) = re.findall(
        r"^RUN pip install .* --constraint requirements.txt \. (.*)$", text, re.M
    )
    assert {canonicalize_name(name) for name in packages.split()} <= pins().keys()
