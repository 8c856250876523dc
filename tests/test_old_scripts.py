"""Old scripts: each stage stops as the page says, the last one trains with beta 1.

A quarter of the stages runs every time, the others if something has changed: record.py.
"""

import re
import runpy
import sys
from pathlib import Path

import pytest
import yaml
from record import Record, always, digest, sources

from vaelib import errors

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import old_scripts as tool  # noqa: E402

PAGE = runpy.run_path(str(ROOT / "book" / "_ext" / "old_scripts_page.py"))
TEXT = (ROOT / "book" / "old-scripts.md").read_text(encoding="utf-8")
KEPT = ROOT / "tests" / "data" / "old-scripts-runs.jsonl"
RECORD, WANTED = PAGE["RECORD"], PAGE["WANTED"]
STOPS = [name for name, told in RECORD.items() if "type" in told]
TRAINS = [name for name, told in RECORD.items() if "trains" in told]


def depends(name):
    """The sources that a run depends on."""
    files = "shapes/*.py" if name == "shapes" else f"{name.removesuffix(tool.LEGACY)}.py"
    found = sources("tools/old_scripts.py", f"tests/data/old-scripts/{files}")
    if name in ("shapes", *tool.EXAMINED):
        found |= sources("vaelib/checkup/*.py", "vaelib/checkup/*.yaml")
    return found


@pytest.fixture(scope="module")
def runs(request):
    """What each of them gave, in a process of its own."""
    digests = {name: digest(name, depends(name)) for name in tool.runs()}
    record = Record(KEPT, digests, filter(always, tool.runs()))
    found = tool.run_all([name for name in tool.runs() if record.get(name) is None])
    yield {**record.kept, **found}
    if request.config.getoption("record") and not request.session.testsfailed:
        record.write(found)
    record.tell(found, "pytest tests/test_old_scripts.py --record")


def test_the_record_has_every_run():
    assert list(RECORD) == tool.runs() and len(STOPS) + len(TRAINS) + 1 == len(RECORD)


@pytest.mark.parametrize("name", STOPS)
def test_a_stage_stops_as_the_page_says(runs, name):
    assert runs[name] == RECORD[name]


@pytest.mark.parametrize("name", TRAINS)
def test_a_stage_trains(runs, name):
    assert runs[name]["trains"] and RECORD[name]["trains"]
    assert runs[name]["logged"] == RECORD[name]["logged"]


@pytest.mark.parametrize("year", ["2017", "2020"])
def test_the_ported_script_is_wrong_and_the_mended_one_is_right(runs, year):
    before, after = runs[f"{year}/6"], runs[f"{year}/7"]
    assert before["findings"] == RECORD[f"{year}/6"]["findings"]
    assert "kl-averaged-over-dimensions" in before["findings"]
    assert before["beta"] == pytest.approx(0.5, abs=0.01)
    assert after["findings"] == [] and after["beta"] == pytest.approx(1, abs=0.01)


def test_keras_2_is_a_way_with_a_price(runs):
    """The learning rate that was asked for is not heard, and beta trains along."""
    legacy, ported = runs[f"2020/1{tool.LEGACY}"], runs["2020/6"]
    assert (legacy["learning_rate"], ported["learning_rate"]) == (0.001, 0.003)
    assert 0.9 < legacy["beta_variable"] < 0.999 and ported["beta_variable"] == 1
    recorded = RECORD[f"2020/1{tool.LEGACY}"]["beta_variable"]
    assert f"ends at {recorded:.2f}," in TEXT


def test_files_do_not_travel_and_weights_do(runs):
    for found in runs["shapes"]["files"].values():
        assert found == {"model": "TypeError", "weights": True}
    assert runs["shapes"]["files"] == RECORD["shapes"]["files"]


@pytest.mark.parametrize("name", tool.SHAPES)
def test_other_shapes_train_with_beta_1(runs, name):
    told = runs["shapes"][name]
    assert told["trains"] and told["findings"] == []
    assert told["beta"] == pytest.approx(1, abs=0.1 if name == "two_outputs" else 0.01)
    assert len(tool.FOLDER.joinpath("shapes", f"{name}.py").read_text().splitlines()) <= 26


def test_a_beta_that_may_train_is_lowered(runs):
    assert 0.5 < runs["shapes"]["beta"]["if it trains"] < 0.99


@pytest.mark.parametrize("year", ["2017", "2020"])
def test_a_reading_lists_what_stops_the_script(year):
    """`inspect` sees the errors before they come: all but those that need the run."""
    listed = PAGE["reading"](f"{year}/1")
    for slug in ("numpy-size", "optimizer-argument", "weights-file-name"):
        assert slug in listed
    assert "kl-averaged-over-dimensions" in listed
    assert ("loss-closure" in listed and "backend-function-gone" in listed) == (year == "2017")


def test_each_stage_has_the_entry_that_is_wanted():
    """What `explain` should answer; that it does is a matter for the tests of the index."""
    by_hand = yaml.safe_load((tool.FOLDER / "wanted.yaml").read_text())
    assert by_hand == WANTED
    stages = {n for n in RECORD if re.fullmatch(r"20\d\d/([1-6]|imports)", n)}
    assert WANTED.keys() == stages


def test_explain_knows_each_stage_by_its_line_and_first_sentence():
    """The right entry is among its answers, and mostly it is sure."""
    sure = 0
    for name, slug in WANTED.items():
        if name in STOPS:
            told = RECORD[name]
            found = errors.explain(f"    {told['line']}\n{told['type']}: {told['says']}")
            assert slug in [c["entry"] for c in found.candidates], (name, found.candidates)
            assert not found.sure or found.candidates[0]["entry"] == slug, name
            sure += found.sure
    assert sure >= 8


def test_each_edit_is_short_and_the_page_shows_it():
    for year in ("2017", "2020"):
        for stage in range(1, 7):
            name = f"{year}/{stage}"
            lines = PAGE["edit"](name).splitlines()
            assert 2 <= len([line for line in lines if line[:1] in ("+", "-")]) <= 25, name
            assert f"```{{old-script}} {name} edit\n" in TEXT
            assert f"```{{old-script}} {name} {'checkup' if stage == 6 else 'says'}\n" in TEXT
        assert f"```{{old-script}} {year}/7 checkup\n" in TEXT
    for name in ("start", *tool.SHAPES):
        assert f"```{{old-script}} {name} code\n" in TEXT


def test_the_tables_are_filled():
    for marker, filling in PAGE["FILLINGS"].items():
        assert TEXT.count(marker) == 1 and filling().strip()
    usual, rare = PAGE["names_as_markdown"](), PAGE["rare_names_as_markdown"]()
    table = (usual + rare).replace("<wbr>", "")
    for row in PAGE["backend_names"]():
        shown = [f"`{row['name']}`" in usual, f"<code>K.{row['name']}</code>" in table]
        assert any(shown), row["name"]
    ways = PAGE["ways_as_markdown"]()
    assert ways.count("| trains |") == 2 and ways.count("| stops, ") == 4
