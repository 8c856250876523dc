"""The cheat sheet says what was measured, what the chapters say, and what the index holds.

Two placements are measured again each time, the others if their recipe has changed since the
record was made: `python tools/cheat_sheet_record.py`, two minutes.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest
import tf_keras

from vaelib import errors, networks, placements

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "book" / "_ext"), str(ROOT / "tools")]
import cheat_sheet  # noqa: E402
import cheat_sheet_record  # noqa: E402

RECORD = json.loads(cheat_sheet_record.RECORD.read_text())
MEASURED = RECORD["placements"]
AGAIN = ("outputs", "train_step")


def rows(markdown):
    """The cells of a table, without its head."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.fixture(scope="module")
def table():
    """Placement: its cells."""
    found = rows(cheat_sheet.placements_as_markdown())
    return {re.search(r"{ref}`(\w+) <", cells[0])[1]: cells[1:] for cells in found}


def test_all_placements_are_there_and_lead_to_their_chapter(table):
    assert list(table) == list(placements.PLACEMENTS) == list(cheat_sheet_record.RECIPES)
    for name, (slug, _) in cheat_sheet.PLACES.items():
        assert len(list((ROOT / "chapters").glob(f"[0-9][0-9]-{slug}.ipynb"))) == 1
        line = re.search(rf"^``{name}`` +.*\(``([\w-]+)``\)", placements.__doc__, re.M)
        assert line[1] == slug, "as the library says"


def test_the_record_is_of_the_recipes_as_they_are():
    for name, measured in MEASURED.items():
        assert measured["text"] == cheat_sheet_record.text_of(name), f"measure {name} again"
        assert measured["keras"] == cheat_sheet_record.kit(name).__name__


def test_measured_again():
    result = subprocess.run(
        [sys.executable, ROOT / "tools" / "cheat_sheet_record.py", *AGAIN],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    found = json.loads(result.stdout[result.stdout.index("{") :])
    assert found == {name: MEASURED[name] for name in AGAIN}


def test_what_the_table_says_of_what_was_measured(table):
    kept, history, validation, _, _, _, devices = zip(*table.values())
    said = dict(zip(table, zip(kept, history, validation, devices)))
    assert said["encoder_layer"] == ("both", "`loss`", "yes", "as it is")
    assert said["compute_loss"][0] == "both, no loss" and said["outputs"][0] == "both, two losses"
    assert said["train_step"][2:] == ("needs a `test_step`", "divide by the replicas")
    assert said["custom_loop"][:3] == ("neither", "by hand", "by hand")
    assert said["outputs"][1].count("_loss`") == 2
    assert MEASURED["train_step"]["validation"].startswith("ValueError: No loss to compute")
    for name, measured in MEASURED.items():
        as_it_is = measured["devices"] == {"kl": 1.0, "reconstruction": 1.0}
        assert (said[name][3] == "as it is") == as_it_is, name


def test_kerases_and_backends(table):
    for name, allowed in placements.PLACEMENTS.items():
        _, _, _, _, kerases, backends, _ = table[name]
        found = {int(number) for number in kerases.split(", ")}
        # The library leaves out what tf_keras could do, and promises nothing that it cannot.
        assert set(allowed) <= found and (3 in found) == (3 in allowed), name
        assert backends.startswith("all three") == (3 in allowed), name
    own_step = {name for name, cells in table.items() if "a step for each" in cells[5]}
    assert own_step == {"train_step", "custom_loop"}


@pytest.mark.parametrize(
    ("name", "module"),
    [("encoder_layer", keras), ("tfp_add_loss", tf_keras), ("tfp_regularizer", tf_keras)],
)
def test_what_can_be_saved_as_a_whole(name, module, table, tmp_path):
    spec = networks.preset("quick", z_dim=2, hidden=(4,), decoder_hidden=(4,))
    encoder = networks.build_encoder(spec, keras=module)
    decoder = networks.build_decoder(spec, keras=module)
    vae = placements.build(name, encoder, decoder, keras=module)
    try:
        vae.save(tmp_path / "vae.keras")
        module.saving.load_model(tmp_path / "vae.keras")
        saved = "yes"
    except Exception:
        saved = "weights"
    assert table[name][3] == saved
    assert (name in cheat_sheet.WEIGHTS_ONLY) == (saved == "weights")


@pytest.mark.parametrize("which", cheat_sheet.TABLES)
def test_choices_are_those_of_the_chapters(which):
    slug, head = cheat_sheet.TABLES[which]
    (path,) = (ROOT / "chapters").glob(f"[0-9][0-9]-{slug}.ipynb")
    written = "\n".join(
        "".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]
    ).splitlines()
    shown = cheat_sheet.choice_as_markdown(which).splitlines()
    assert len(shown) >= 6 and shown[0].startswith(f"| {head} | Take")
    for row in shown[2:]:
        assert row.count("|") == 3
        assert sum(line.startswith(row[:-1]) for line in written) == 1, row


def test_reports_are_counted_as_they_are():
    assert RECORD["reports"] == cheat_sheet_record.counted(), "make the record again"
    entries = {entry["entry"]: entry for entry in errors.entries()}
    ten = [entry["entry"] for entry in cheat_sheet.ten_errors()]
    counts = RECORD["reports"]["entries"]
    assert len(ten) == len(set(ten)) == 10
    least = min(counts[slug] for slug in ten)
    for slug, count in counts.items():
        if count > least and "keras-3" in entries[slug].get("eras", ["keras-3"]):
            assert slug in ten
    assert str(RECORD["reports"]["all"]) in cheat_sheet.filled("<!-- cheat reports -->")


def test_each_error_has_one_sentence_of_cause_and_of_repair():
    for (see, cause, repair), entry in zip(
        rows(cheat_sheet.errors_as_markdown()), cheat_sheet.ten_errors()
    ):
        assert see == f"{{ref}}`{entry['entry']}`"
        for cell, key in ((cause, "cause"), (repair, "repair")):
            plain = re.sub(r"[`\\]", "", cell)
            whole = re.sub(r"[`\\]", "", " ".join(entry[key].split()))
            assert whole.startswith(plain) and plain.endswith("."), (entry["entry"], key)
            assert 15 < len(plain) < 260


def test_the_page_is_filled_without_rest():
    text = (ROOT / "book" / "cheat-sheet.md").read_text()
    filled = cheat_sheet.filled(text)
    assert "<!--" not in filled and RECORD["versions"]["keras"] in filled
    for which in ("placements", "weights"):
        assert cheat_sheet.choice_as_markdown(which) in filled
    with pytest.raises(KeyError):
        cheat_sheet.filled("<!-- cheat nothing -->")
