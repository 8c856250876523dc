"""The source ledger: complete, computed, and still true for what can be measured in seconds."""

import ast
import json
import math
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
for folder in ("tools", "book/_ext"):
    sys.path.insert(0, str(ROOT / folder))
import chapter_files  # noqa: E402
import claims  # noqa: E402
import ledger  # noqa: E402
import ledger_page  # noqa: E402

STORED = json.loads(ledger.LEDGER.read_text())
BY_ID = {row["id"]: row for row in STORED}
FIELDS = {"id", "title", "source", "where", "claim", "test", "tolerance", "kind", "chapters",
          "values", "measured", "verdict", "why", "provenance"}  # fmt: skip
CHEAP = [row for row in claims.ROWS.values() if row.kind in claims.CHEAP]
MEASURED = [row for row in STORED if row["values"] is not None]
AGAIN = "measure again: python tools/ledger.py "


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """Many small models, and a warning of TensorFlow for each."""
    import tensorflow as tf

    level = tf.get_logger().level
    tf.get_logger().setLevel("ERROR")
    yield
    tf.get_logger().setLevel(level)


def same(old, new):
    """Whether two sets of numbers agree; a thousandth is more than another processor makes."""
    if isinstance(old, dict):
        return set(old) == set(new) and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return len(old) == len(new) and all(same(a, b) for a, b in zip(old, new))
    if isinstance(old, float) or isinstance(new, float):
        return math.isclose(old, new, rel_tol=1e-3, abs_tol=1e-5)
    return old == new


def test_the_ledger_holds_every_row_in_order():
    assert [row["id"] for row in STORED] == list(claims.ROWS), AGAIN + "untestable"
    assert len(STORED) >= 60
    for row in STORED:
        assert set(row) == FIELDS
        assert re.fullmatch(r"[a-z0-9-]+", row["id"])
        assert row["verdict"] in claims.VERDICTS and row["kind"] in claims.KINDS
        for field in ("title", "source", "where", "claim", "test", "tolerance"):
            assert row[field].strip(), (row["id"], field)
        described = ledger.described(claims.ROWS[row["id"]])
        assert {key: row[key] for key in described} == described, AGAIN + row["id"]


def test_what_was_not_measured_says_why_and_what_was_says_how():
    for row in STORED:
        untested = row["verdict"] == "could not be tested here"
        assert untested == (row["values"] is None)
        if untested:
            assert len(row["why"]) > 20
            # Only what takes long may still be missing.
            assert row["kind"] == "run" or not row["why"].startswith("Not measured"), row["id"]
        else:
            assert row["measured"] and row["provenance"]["versions"]
            assert row["provenance"]["seconds"] >= 0


def test_sources_and_chapters_exist():
    bibliography = (ROOT / "book" / "references.bib").read_text()
    for row in STORED:
        assert f"{{{row['source']}," in bibliography
        assert row["chapters"] and set(row["chapters"]) <= set(chapter_files.slugs()), row["id"]


def test_no_row_names_a_chapter_by_a_number():
    for row in STORED:
        texts = " ".join(str(row[f]) for f in ("title", "claim", "test", "tolerance", "why"))
        assert not re.search(r"[Cc]hapters? \d", texts), row["id"]
        for slug in re.findall(r"\{(?:ref|[Cc]hapter)\}`([^`]+)`", texts):
            known = slug in chapter_files.slugs() or slug.removeprefix("ledger-") in BY_ID
            assert known, (row["id"], slug)


def test_a_chapter_is_found_by_its_slug():
    path = chapter_files.path_of("walk-the-manifold")
    assert path.is_file() and path.stem[3:] == "walk-the-manifold"
    with pytest.raises(ValueError, match="There is no chapter 'walk': choose one of"):
        chapter_files.path_of("walk")


def test_modules_and_functions_of_these_tools_are_of_bearable_size():
    names = "ledger", "ledger_trainings", "train_checkpoints", "resumable", "chapter_files"
    paths = [ROOT / "tools" / f"{name}.py" for name in names]
    for path in [*paths, *(ROOT / "tools" / "claims").glob("*.py")]:
        text = path.read_text()
        assert len(text.splitlines()) <= 700, path.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 40, (path.name, node.name)


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row["id"])
def test_the_verdict_follows_from_the_numbers_and_can_be_another(row):
    judge = claims.ROWS[row["id"]]
    assert judge.verdict(row["values"]) == row["verdict"]
    assert judge.text(row["values"]) == row["measured"]
    others = judge.counter if isinstance(judge.counter, list) else [judge.counter]
    assert all(set(other) <= set(row["values"]) for other in others)
    verdicts = {judge.verdict({**row["values"], **other}) for other in others}
    assert verdicts - {row["verdict"]}, "this check cannot fail"


@pytest.mark.parametrize("row", CHEAP, ids=lambda row: row.id)
def test_what_takes_seconds_is_measured_again(row):
    stored = BY_ID[row.id]
    try:
        now = ledger.measure(row)
    except claims.Unavailable:
        assert row.kind == "training" and stored["values"] is None
        return
    assert stored["values"] is not None, AGAIN + row.id
    assert same(stored["values"], now["values"]), (AGAIN + row.id, now["values"])
    assert now["verdict"] == stored["verdict"]


def test_a_row_that_cannot_be_measured_keeps_its_numbers():
    row = claims.ROWS["machinecurve-parameters"]
    kept = ledger.unmeasured(row, BY_ID[row.id], "no reason")
    assert kept == BY_ID[row.id]
    wrong = {**BY_ID[row.id], "values": {**BY_ID[row.id]["values"], "total": 1}}
    assert ledger.unmeasured(row, wrong, "no reason")["verdict"] == "not reproduced"
    lost = ledger.unmeasured(row, None, "The reason.")
    assert (lost["verdict"], lost["why"]) == ("could not be tested here", "The reason.")


def test_losses_stand_beside_losses():
    for name in ("post5-losses", "post7-losses"):
        row = BY_ID[name]
        if row["values"]:
            table = row["values"]["table"]
            ours, theirs = table["ours"]["loss"], table["source"]["loss"]
            assert len(ours) == len(theirs) == len(table["epochs"]) >= 4
            worst = max(
                abs(a / b - 1) for a, b, e in zip(ours, theirs, table["epochs"]) if e > 1
            )  # fmt: skip
            assert worst == pytest.approx(row["values"]["worst"]["loss"], abs=2e-3)
            assert (row["verdict"] == "reproduced") <= (worst < 0.031)


def test_the_page_has_a_block_and_an_anchor_for_every_row():
    page = (ROOT / "book" / "source-ledger.md").read_text()
    assert all(page.count(marker) == 1 for marker in ledger_page.FILLINGS)
    blocks, summary = ledger_page.rows_as_markdown(), ledger_page.summary_as_markdown()
    for row in STORED:
        assert blocks.count(f"(ledger-{row['id']})=\n### {row['title']}\n") == 1
        assert summary.count(f"`ledger-{row['id']}`") == 1
        assert f"*Where.* {{ref}}`{row['chapters'][0]}`" in ledger_page.row_as_markdown(row)
        # Each line of the summary names its source, alone or as one that is repeated.
        source = re.escape(ledger_page.SOURCES[row["source"]])
        line = rf"^\| (?:{source}|\[{source}\]{{\.again}}) \| {{ref}}`ledger-{row['id']}` \|"
        assert re.search(line, summary, re.M), row["id"]
    assert summary.count("]{.again}") == len(STORED) - len({row["source"] for row in STORED})
    counts = ledger_page.counts_as_markdown()
    for verdict in claims.VERDICTS:
        number = sum(row["verdict"] == verdict for row in STORED)
        assert f"{verdict}]" in counts and f"}} {number}\n" in counts


def test_the_page_says_how_long_everything_takes():
    page = (ROOT / "book" / "source-ledger.md").read_text()
    assert "# everything; a good half hour on two cores" in page
    minutes = sum(row["provenance"]["seconds"] for row in MEASURED) / 60
    assert 30 < minutes < 45


def test_chapters_link_to_rows_that_exist():
    for path in (ROOT / "chapters").glob("*.ipynb"):
        for name in re.findall(r"\{ref\}`[^`]*?\bledger-([a-z0-9-]+)>?`", path.read_text()):
            assert name in BY_ID, (path.name, name)


def test_the_trainings_weigh_the_kl_term_as_the_posts_do():
    from ledger_trainings import TRAININGS

    from vaelib.objectives import beta_from_fact

    assert math.isclose(TRAININGS["post-5"].beta, beta_from_fact(2e-4, 784, 2))
    assert math.isclose(TRAININGS["post-7"].beta, beta_from_fact(6.5e-4, 784, 12))


def test_an_unknown_row_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["ledger.py", "no-such-row"])
    with pytest.raises(SystemExit, match="no row or kind"):
        ledger.main()
