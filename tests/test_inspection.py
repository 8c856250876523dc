"""Reading a VAE script before anything runs: rules, near misses, healthy scripts, bad input."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vaelib import errors, inspection
from vaelib.inspection.reading import program

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "tests" / "data" / "inspection"
CASES = yaml.safe_load((HERE / "cases.yaml").read_text())
PRELUDE = CASES.pop("prelude")
RULES = inspection.rules()
FIELDS = "slug sure silent keras3 versions means repair entry"
SILENT = {rule.get("slug", name) for name, rule in RULES.items() if rule.get("silent")}
FOUND = [(name, code) for name, case in CASES.items() for code in case["found"]]
MISSED = [(name, code) for name, case in CASES.items() for code in case["missed"]]


def slug_of(name):
    return RULES[name].get("slug", name)


def silent(report):
    """Silent faults that are told as certain or likely."""
    return {f.slug for f in report.findings if f.slug in SILENT and f.sure != "look here"}


def test_the_table_of_rules_is_complete():
    entries = {entry["entry"] for entry in errors.entries()}
    for name, rule in RULES.items():
        assert rule.keys() <= set(FIELDS.split())
        assert rule["sure"] in ("certain", "likely", "look here"), name
        assert rule["entry"] in entries, name
        for field in ("means", "repair"):
            assert rule[field].endswith("."), (name, field)
    assert CASES.keys() == RULES.keys(), "every rule has scripts of its own"


@pytest.mark.parametrize("name, code", FOUND, ids=[name for name, _ in FOUND])
def test_a_rule_finds_its_fault_in_the_line_marked(name, code):
    lines = (PRELUDE + code).split("\n")
    marked = [number for number, line in enumerate(lines, start=1) if line.endswith("# !")]
    report = inspection.inspect(PRELUDE + code)
    found = [f.line for f in report.findings if f.slug == slug_of(name)]
    assert found == marked, repr(report)
    finding = next(f for f in report.findings if f.slug == slug_of(name))
    assert finding.source == lines[marked[0] - 1] and finding.place == f"line {marked[0]}"
    assert finding.entry == RULES[name]["entry"] and finding.repair == RULES[name]["repair"]


@pytest.mark.parametrize("name, code", MISSED, ids=[name for name, _ in MISSED])
def test_a_near_miss_is_not_flagged(name, code):
    report = inspection.inspect(PRELUDE + code)
    assert slug_of(name) not in {f.slug for f in report.findings}, repr(report)


def test_the_vae_to_copy_gets_a_clean_bill():
    report = inspection.inspect((ROOT / "vaelib" / "vae.py").read_text(), "vae.py")
    assert not report and report.vae
    assert "a reading sees formulas and names only" in repr(report)


# What a reading finds in a repaired snippet, and why it may.
ALLOWED = {
    # their beta is huge, so that the KL term is seen at once
    "kl-without-gradient": {"beta-unusual"},
    "kl-not-in-the-reported-loss": {"beta-unusual"},
    # a false alarm: the sigmoid is of the prelude's decoder, the logits are words
    "tensorflow-contrib": {"loss-does-not-fit-output"},
}


@pytest.mark.parametrize("entry", errors.entries(), ids=lambda entry: entry["entry"])
def test_repaired_snippets_have_no_silent_fault(entry):
    prelude = errors.prelude()
    flavour = entry.get("after_flavour", entry["flavour"])
    code = prelude["tf_keras" if flavour == "tf_keras" else "keras"] + prelude["shared"]
    report = inspection.inspect(code + entry["after"])
    # Many snippets are about something else, and have no KL term.
    code = re.sub(r"#.*|sklearn", "", entry["after"])
    expected = set() if re.search("kl", code, re.I) else {"no-kl-term"}
    assert silent(report) <= expected | ALLOWED.get(entry["entry"], set()), repr(report)


# Silent entries whose fault can be read in the snippet.
VISIBLE = {
    "posterior-collapse": "beta-unusual",
    "kl-by-add-loss-reconstructions-alike": "beta-unusual",
    "kl-mean-or-sum": "kl-averaged-over-dimensions",
    "exp-without-one-half": "sigma-mismatch",
    "kl-summed-over-the-batch": "kl-depends-on-batch-size",
    "add-loss-not-scalar": "kl-depends-on-batch-size",
    "kl-add-loss-sums-the-batch": "kl-depends-on-batch-size",
    "kl-regularizer-counts-twice": "kl-counted-twice",
    "model-losses-added-twice": "kl-counted-twice",
    "beta-change-ignored": "warm-up-not-heard",
    "tanh-output-in-log": "output-out-of-range",
    "log-of-zero": "not-finite",
    "frozen-epsilon": "epsilon-frozen",
    "evaluate-returns-zero": "validation-without-loss",
    "add-loss-silently-dropped": "symbolic-add-loss",
    "run-eagerly-left-on": "run-eagerly",
    "run-eagerly-zero-loss": "loss-closure",
}


@pytest.mark.parametrize("slug", VISIBLE)
def test_silent_entries_are_found_where_they_can_be_read(slug):
    prelude = errors.prelude()
    entry = next(entry for entry in errors.entries() if entry["entry"] == slug)
    code = prelude["tf_keras" if entry["flavour"] == "tf_keras" else "keras"] + prelude["shared"]
    report = inspection.inspect(code + entry["before"])
    assert VISIBLE[slug] in {f.slug for f in report.findings}, repr(report)


@pytest.mark.parametrize("name", ["beyond-digits", "walk-the-manifold", "measure-latent-space"])
def test_healthy_chapters_have_no_silent_fault(name):
    (path,) = (ROOT / "chapters").glob(f"*-{name}.ipynb")
    assert not silent(inspection.inspect(path.read_text(), path.name))


@pytest.mark.parametrize("name", ["loss-function", "final-layer", "encoder-layer"])
def test_mended_notebooks_have_no_silent_fault(name):
    path = ROOT / "book" / "broken" / f"{name}-mended.ipynb"
    assert not silent(inspection.inspect(path.read_text(), path.name))


def notebook(*sources, language="python", **cell):
    cells = [{"cell_type": "code", "source": source, **cell} for source in sources]
    cells.insert(1, {"cell_type": "markdown", "source": "some prose"})
    return json.dumps({"cells": cells, "metadata": {"language_info": {"name": language}}})


def test_a_notebook_is_one_program_and_counts_its_cells_of_code():
    text = notebook("from keras import backend as K\nx = 1", "%matplotlib inline\nK.exp(x)")
    (finding,) = inspection.inspect(text, "vae.ipynb").findings
    assert finding.place == "cell 2, line 2" and finding.source == "K.exp(x)"


def test_magics_and_shell_lines_are_blanked():
    cells = [
        "!pip install keras\n%cd /tmp\nfiles = !ls\nkeras?\nif 1:\n    !ls\n",
        "%%bash\nrm -r x y",
    ]
    text = notebook(*cells, "%%time\nimport keras\nadam = keras.optimizers.Adam(lr=1)")
    (finding,) = inspection.inspect(text, "vae.ipynb").findings
    assert finding.place == "cell 3, line 3"
    code = "text = '''\n%d items\n!'''\nx = ('%s'\n% text)\n"
    assert program(code).lines == code.split("\n"), "what parses stays as it is"


def test_what_asks_for_keras_2_is_not_told_about_keras_3():
    code = "from tf_keras import backend as K, optimizers\nK.exp(1)\noptimizers.Adam(lr=1)\n"
    assert not inspection.inspect(code)
    code = "from keras import backend as K\nK.exp(1)\n"
    assert inspection.inspect(code)
    assert not inspection.inspect(f"import os\nos.environ['TF_USE_LEGACY_KERAS'] = '1'\n{code}")


def test_a_file_without_a_vae_says_so():
    assert "I see no VAE in it" in repr(inspection.inspect("print('hello')"))


def test_the_command_prints_text_or_json(tmp_path, capsys):
    path = tmp_path / "vae.py"
    path.write_text("import keras\nadam = keras.optimizers.Adam(lr=1)\n")
    assert inspection.main(path) == 1
    shown = capsys.readouterr().out
    assert "line 2 [certain] optimizer-argument" in shown and "Stops on Keras 3" in shown
    assert inspection.main(path, as_json=True) == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["slug"] == "optimizer-argument" and finding["line"] == 2
    path.write_text("import keras\n")
    assert inspection.main(path) == 0 and inspection.main(path, as_json=True) == 0
    assert list(tmp_path.iterdir()) == [path], "nothing is written"


BAD = {
    "python2.py": ("x = 1\nprint x\n", "line 2: 'print x'.*looks like Python 2"),
    "except.py": ("try:\n    x = 1\nexcept ValueError, e:\n    pass\n", "looks like Python 2"),
    "broken.py": ("def f(:\n    pass\n", "does not parse"),
    "empty.py": ("\n# nothing\n", "holds no code"),
    "zero.py": ("x = 1\0\n", "is not a Python script|does not parse"),
    "deep.py": ("x = " + "(" * 5000 + "1" + ")" * 5000, "does not parse|nested too deeply"),
    "broken.ipynb": ("{", "its JSON is broken"),
    "list.ipynb": ("[1]", "its JSON is broken"),
    "julia.ipynb": (notebook("x = 1", language="julia"), "a notebook in julia"),
    "python2.ipynb": (notebook("x = 1", "print x"), "cell 2, line 1: 'print x'.*Python 2"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_sentence_and_status_2(name, tmp_path, capsys):
    text, says = BAD[name]
    (tmp_path / name).write_text(text)
    check_refused(tmp_path / name, says, capsys)


def check_refused(path, says, capsys):
    assert inspection.main(path) == 2
    out, err = capsys.readouterr()
    assert not out and re.search(says, err, re.S) and err.count("\n") == 1, err
    assert err.strip().endswith(".")


def test_files_that_are_none(tmp_path, capsys):
    check_refused(tmp_path / "absent.py", "does not exist", capsys)
    check_refused(tmp_path, "is a folder", capsys)
    (tmp_path / "picture.py").write_bytes(bytes(range(128, 256)))
    check_refused(tmp_path / "picture.py", "is not text", capsys)


def test_other_encodings_and_line_ends_are_read(tmp_path):
    path = tmp_path / "vae.py"
    path.write_bytes("# coding: latin-1\r\n# müde\r\nimport keras.objectives\r\n".encode("latin-1"))
    assert inspection.main(path) == 1
    path.write_bytes(b"\xef\xbb\xbfimport keras.objectives\n")
    assert inspection.main(path) == 1


def test_50_000_lines():
    block = (HERE / "example.py").read_text().split('"""', 2)[2]
    chain = "".join(f"total = total + {i} * x_hat\n" for i in range(20_000))
    text = "total = 0\n" + block * (30_000 // block.count("\n")) + chain
    assert text.count("\n") > 49_000
    assert {"loss-closure", "sigma-mismatch"} <= {f.slug for f in inspection.inspect(text).findings}


def test_nothing_of_keras_is_imported():
    code = (
        "import sys; from vaelib import inspection; inspection.inspect('import keras');"
        "print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False False\n", done.stderr


def test_the_names_of_keras_are_those_of_the_installed_one():
    keras = pytest.importorskip("keras")
    from tools import measure_inspection

    stored = json.loads(measure_inspection.NAMES.read_text())
    if stored["keras"] != keras.__version__:
        pytest.skip(f"the names are those of Keras {stored['keras']}")
    assert stored == measure_inspection.names()


def test_the_example_of_the_page_is_current():
    from tools import measure_inspection

    assert (HERE / "example.txt").read_text() == measure_inspection.example()


def test_the_record_fits_the_truth():
    from tools import measure_inspection as tool

    truth = json.loads(tool.TRUTH.read_text())
    record = json.loads(tool.RECORD.read_text())
    keys = ("repository", "path", "half")
    assert [[r[k] for k in keys] for r in truth] == [[r[k] for k in keys] for r in record]
    assert len(truth) >= 40 and all(len(row["commit"]) == 40 for row in truth)
    slugs = {slug_of(name) for name in RULES}
    for row, judged in zip(truth, record):
        assert row["reads"] is not judged.get("unreadable", False)
        if row["reads"]:
            assert sorted(judged["found"] + judged["missed"]) == sorted(
                w["slug"] for w in row["wrong"]
            )
            assert {*judged["false"], *judged["found"], *judged["missed"]} <= slugs
            assert not judged["false"].keys() & set(judged["found"])


def test_the_tool_judges_by_slug_and_place():
    from tools import measure_inspection as tool

    report = inspection.inspect("import keras\nadam = keras.optimizers.Adam(lr=1)\n")
    row = {"repository": "a/b", "path": "c.py", "half": "a"}
    right = [{"slug": "optimizer-argument", "lines": ["4"]}]
    assert tool.judge({**row, "wrong": right}, report)["found"] == ["optimizer-argument"]
    far = tool.judge({**row, "wrong": [{"slug": "optimizer-argument", "lines": ["9"]}]}, report)
    assert far["missed"] == ["optimizer-argument"] and far["false"] == {
        "optimizer-argument": "certain"
    }


def test_the_page_is_filled_from_table_and_record():
    page = runpy.run_path(str(ROOT / "book" / "_ext" / "inspection_page.py"))
    text = (ROOT / "book" / "inspect.md").read_text()
    for marker, filling in page["FILLINGS"].items():
        assert text.count(marker) == 1 and filling().strip()
    rules = page["rules_as_markdown"]()
    assert all(
        f"`{slug_of(name)}`" in rules and rule["entry"] in rules for name, rule in RULES.items()
    )
    truth = json.loads((ROOT / "book" / "_data" / "inspection-truth.json").read_text())
    repositories = len({row["repository"] for row in truth})
    assert f"{len(truth)} scripts" in text and f"{repositories} public repositories" in text
    years = [row["year"] for row in truth]
    assert f"between {min(years)} and {max(years)}" in text
    record = json.loads((ROOT / "book" / "_data" / "inspection.json").read_text())
    table = page["measured_as_markdown"]()
    for half in "ab":
        rows = [row for row in record if row["half"] == half and "found" in row]
        kinds = [[slug in SILENT for slug in row["found"]] for row in rows]
        assert f"| {sum(map(sum, kinds))} of " in table.splitlines()["ab".index(half) + 2]
