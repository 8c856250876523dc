"""Make a copy of the repository point to itself: ``python tools/fork.py OWNER/NAME``.

The address stands in ``_config.yml``, ``repository: url:``. What has to hold without the site, the
buttons of the README, CITATION.cff and the first cell of each notebook, repeats it; this writes the
new one into all of them. Without OWNER/NAME it says where the present one stands, and changes
nothing. (The site itself takes its address from where it is built, see ``book/_ext/home.py``.)
"""

import argparse
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]+")
CONFIGURED = re.compile(r"^  url: https://github\.com/(\S+)$", re.M)


def present(root=ROOT):
    """``owner/name`` as ``_config.yml`` has it."""
    return CONFIGURED.search((root / "_config.yml").read_text(encoding="utf-8"))[1]


def pattern(name):
    """Finds ``owner/name`` in any address, also where a line of a notebook is broken after "/"."""
    owner, project = map(re.escape, name.split("/"))
    gap = r'(?:\\"\\n",\s*"\s*\\")?'
    return re.compile(rf"(?<![\w.-]){owner}(/{gap}){project}(?![\w-]|\.(?!git\b)\w)")


def files(name, root=ROOT):
    """The tracked files in which a name stands, with their texts; tests aside."""
    listing = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        path = root / line
        if path.suffix in (".cff", ".ipynb", ".md", ".yml") and not line.startswith("tests/"):
            text = path.read_bytes().decode("utf-8")
            if pattern(name).search(text):
                yield path, text


def rename(old, new, root=ROOT):
    """Write another ``owner/name`` wherever the old one stands; return the paths."""
    owner, project = new.split("/")
    changed = []
    for path, text in files(old, root):
        text = pattern(old).sub(lambda found: owner + found[1] + project, text)
        # `cd NAME`, the line after `git clone`
        text = re.sub(rf"\bcd {re.escape(old.split('/')[1])}\b", f"cd {project}", text)
        path.write_bytes(text.encode("utf-8"))
        changed.append(path)
    return changed


def main(arguments=None):
    """Rename, or say where the address stands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", help="OWNER/NAME of your copy on GitHub")
    name = parser.parse_args(arguments).name
    if name and not NAME.fullmatch(name):
        parser.error(f"{name!r} is not of the form OWNER/NAME")
    old = present()
    paths = rename(old, name) if name else [path for path, _ in files(old)]
    for path in paths:
        print(path.relative_to(ROOT))
    print(f"{old} -> {name}: {len(paths)} files" if name else f"{old}: {len(paths)} files")


if __name__ == "__main__":
    main()
