"""A copy of the repository can be made to point to itself, and back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import fork  # noqa: E402

OLD, NEW = fork.present(), "Ada-L/vae.course"


@pytest.fixture
def copy(tmp_path):
    """A repository with the files of ours in which the address stands."""
    for path, text in fork.files(OLD):
        place = tmp_path / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode("utf-8"))
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_every_address_changes_and_can_change_back(copy):
    before = {path: path.read_bytes() for path in copy.rglob("*.*") if ".git" not in path.parts}
    changed = fork.rename(OLD, NEW, copy)
    assert set(changed) == before.keys() and fork.present(copy) == NEW
    owner, project = OLD.split("/")
    for path in changed:
        text = path.read_text(encoding="utf-8")
        assert owner not in text.replace("Autoencoders that run", ""), path
        if path.suffix == ".ipynb":
            first = next(c for c in json.loads(text)["cells"] if c["cell_type"] == "code")
            assert f'"git+https://github.com/{NEW}"' in "".join(first["source"])
    assert "\ncd vae.course\n" in (copy / "book/setup.md").read_text(encoding="utf-8")
    fork.rename(NEW, OLD, copy)
    assert {path: path.read_bytes() for path in before} == before


def test_only_the_whole_name_is_found():
    find = fork.pattern("ada/vae").search
    assert (
        find("https://github.com/ada/vae)") and find("github.com/ada/vae.git") and find("ada/vae.")
    )
    assert find('"https://raw.githubusercontent.com/ada/\\"\\n",\n    "  \\"vae/main/x.json')
    for other in ("nada/vae", "ada/vae-2", "ada/vae.course", "ada/vaelib", "x-ada/vae"):
        assert not find(other), other


def test_a_name_that_is_none_changes_nothing(capsys):
    for name in ("vae", "https://github.com/ada/vae", "ada/", "a b/c"):
        with pytest.raises(SystemExit):
            fork.main([name])
        assert "not of the form OWNER/NAME" in capsys.readouterr().err
    fork.main([])
    told = capsys.readouterr().out
    assert told.endswith(" files\n") and "README.md" in told and f"{OLD}: " in told
