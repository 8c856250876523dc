"""The version atlas: complete, and still true for what is installed."""

import functools
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
from backends import needs

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import atlas  # noqa: E402
import atlas_backends  # noqa: E402

from vaelib import errors  # noqa: E402

ROWS = json.loads(atlas.ATLAS.read_text())
RECIPES = atlas.recipes()
FIELDS = {"recipe", "tensorflow", "keras", "python", "mode", "outcome", "stage", "exception",
          "message", "flavour", "chapter", "line", "in_loss", "in_step"}  # fmt: skip
INSTALLED = [
    (column, mode) for column in atlas.COLUMNS if column.installed for mode in column.modes
]
ELSEWHERE = [(column, mode) for column in atlas.BACKENDS for mode in column.modes]


def cell(recipe, tensorflow, mode, flavour="tf.keras"):
    (found,) = [
        row
        for row in ROWS
        if (row["recipe"], row["tensorflow"], row["mode"], row["flavour"])
        == (recipe, tensorflow, mode, flavour)
    ]
    return found


def test_every_mark_but_a_tick_leads_to_an_entry():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import error_pages

    for row in ROWS:
        assert bool(error_pages.entry_of(row)) != row["outcome"].startswith("works"), row
    closures = [r for r in ROWS if r["recipe"] == "foster_closure" and r["mode"] == "eager"]
    assert {error_pages.entry_of(row) for row in closures} == {
        "closure-tf-2-0", "closure-on-keras-2", "closure-on-keras-3",
    }  # fmt: skip


def plain(message):
    """A message without numbers and names that Keras counts up."""
    return re.sub(r"\d+", "0", message or "")[:100]


def test_every_recipe_has_been_run_everywhere():
    wanted = {
        (name, *column, mode)
        for name, _, _ in RECIPES
        for column in atlas.COLUMNS + atlas.BACKENDS
        for mode in column.modes
    }
    rows = [(r["recipe"], *atlas.key(r), r["mode"]) for r in ROWS]
    assert len(rows) == len(set(rows)) and set(rows) == wanted
    assert len(RECIPES) >= 20 and len(atlas.COLUMNS) == 10


def test_the_recipes_are_cells_of_the_chapters_that_repair_and_build():
    names = [name for name, _, _ in RECIPES]
    assert len(set(names)) == len(names)
    assert {chapter for _, chapter, _ in RECIPES} == {
        "classic-recipes", "two-rules", "encoder-layer", "outputs", "model-loss", "training-step",
        "distributions",
    }  # fmt: skip
    for name, _, sources in RECIPES:
        assert sources[-1].startswith(f"def {name}(keras, K, images, optimizer=")


def test_rows_tell_what_a_reader_needs():
    for row in ROWS:
        assert set(row) == FIELDS | (set() if row["tensorflow"] else {"backend"})
        if row["outcome"] == "needs TensorFlow":
            assert row["line"] and row["exception"] is None
        elif row["outcome"] == "fails":
            assert row["stage"] in ("construction", "compile", "first batch")
            assert row["exception"] and row["message"] is not None
            assert "/" + "work" not in row["message"] and "in user code" not in row["message"]
        else:
            assert row["exception"] is None and row["in_step"] is not None


@functools.cache
def measured():
    """The rows of the installed columns, measured now, two processes at a time."""
    with ThreadPoolExecutor(2) as pool:
        rows = pool.map(lambda pair: atlas.measure(*pair), INSTALLED)
        return dict(zip(INSTALLED, rows))


@pytest.mark.parametrize(
    ("column", "mode"), INSTALLED, ids=lambda value: getattr(value, "flavour", value)
)
def test_the_installed_columns_are_still_true(column, mode):
    assert version("tensorflow") == column.tensorflow
    for now in measured()[column, mode]:
        stored = cell(now["recipe"], column.tensorflow, mode, column.flavour)
        assert now["keras"] == stored["keras"]
        for field in ("outcome", "stage", "exception"):
            assert now[field] == stored[field], (now["recipe"], field)
        assert plain(now["message"]) == plain(stored["message"])


@pytest.mark.parametrize(
    ("column", "mode"),
    [pytest.param(*pair, marks=needs(pair[0].backend), id=pair[0].backend) for pair in ELSEWHERE],
)
def test_the_columns_of_jax_and_pytorch_are_still_true(column, mode):
    for now in atlas.measure(column, mode):
        (stored,) = [
            row
            for row in ROWS
            if row["recipe"] == now["recipe"] and atlas.key(row) == atlas.key(now)
        ]
        for field in ("keras", "backend", "outcome", "stage", "line", "exception"):
            assert now[field] == stored[field], (now["recipe"], field)
        assert plain(now["message"]) == plain(stored["message"])


def test_only_the_noise_is_ported_and_what_else_needs_tensorflow_is_read_from_the_text():
    needing = {
        (name, line.split("(")[0])
        for name, _, sources in RECIPES
        if (line := atlas_backends.line_that_needs_tensorflow(atlas_backends.ported(sources)))
    }
    tfp = ("tfp_add_loss", "tfp_add_loss_per_image", "tfp_regularizer", "tfp_regularizer_halved")
    assert needing == {
        ("add_loss_by_tf_function", "@tf.function"), ("tape_loop", "@tf.function"),
        ("train_step_method", "with tf.GradientTape"),
        *((name, "import tensorflow_probability as tfp") for name in tfp),
    }  # fmt: skip
    for row in ROWS:
        needs_it = row["recipe"] in dict(needing) and not row["tensorflow"]
        assert (row["outcome"] == "needs TensorFlow") == needs_it, row
    for name, _, sources in RECIPES:
        before, after = "\n".join(sources), "\n".join(atlas_backends.ported(sources))
        by_keras = atlas_backends.BY_KERAS
        assert after.replace(by_keras, atlas_backends.BY_TENSORFLOW) == before, name
        assert after.count(by_keras) == (0 if name.startswith("tfp") else 1), name


def test_the_ported_noise_runs_on_tensorflow_too():
    import keras

    from vaelib import recipes

    (sources,) = [sources for name, _, sources in RECIPES if name == "kl_layer"]
    scope = {"keras": keras}
    exec("\n\n".join(atlas_backends.ported(sources)), scope)
    assert recipes.attempt(scope["kl_layer"], keras).outcome == "works"


def test_a_text_that_needs_tensorflow_is_told_from_one_that_does_not():
    line = atlas_backends.line_that_needs_tensorflow
    assert line(["x = 1", "y = 2\nz = tf.exp(y)"]) == "z = tf.exp(y)"
    assert line(["from tensorflow.keras import layers"]) == "from tensorflow.keras import layers"
    assert line(["def f():\n    import tf_keras as keras"]) == "import tf_keras as keras"
    assert line(["import keras", "'tf.exp'  # of tf", "keras.tf", "self.tf = 1"]) is None


def test_jax_and_pytorch_as_the_page_tells_it():
    rows = [row for row in ROWS if not row["tensorflow"]]
    for backend in atlas.make_backends.TITLES:
        here = {r["recipe"]: r for r in rows if r["backend"].startswith(backend)}
        assert {name for name, row in here.items() if row["outcome"] == "works"} == {
            "final_layer_today", "kl_layer", "kl_layer_called_again", "named_outputs",
            "add_loss_in_call", "compute_loss_method",
        }  # fmt: skip
        for name, row in here.items():
            beside = cell(name, "2.21.0", "eager", "keras")
            if row["outcome"] == "fails":
                assert (beside["outcome"], beside["stage"]) == ("fails", row["stage"])
            elif row["outcome"] == "works":
                assert beside["outcome"] == "works"
        assert here["foster_closure"]["message"] != cell(
            "foster_closure", "2.21.0", "eager", "keras"
        )["message"]  # fmt: skip


def test_history_as_the_page_tells_it():
    for recipe in ("foster_closure", "machinecurve_closure", "chollet_final_layer"):
        assert cell(recipe, "1.15.5", "graph")["outcome"] == "works"
        for row in ROWS:
            if row["recipe"] == recipe and row["mode"] in ("eager", "jit"):
                assert row["outcome"] == "fails"
            if row["recipe"] == recipe and row["mode"] == "graph" and row["flavour"] != "keras":
                assert row["outcome"] == "works"
        # 784 log 2 nats less than there should be: the loss shown is 0.0.
        trap = cell(recipe, "2.3.4", "run_functions_eagerly")
        assert trap["outcome"] == "trains nothing"
        assert trap["in_loss"] == pytest.approx(-784 * 0.693147 / 9.148721, abs=1e-3)
    for recipe in ("geron_add_loss", "atienza_add_loss", "add_loss_by_closure"):
        for row in ROWS:
            if row["recipe"] == recipe:
                assert (row["outcome"] == "works") == (row["flavour"] != "keras"), row
    everywhere = {
        name
        for name, _, _ in RECIPES
        if all(
            r["outcome"] == "works"
            for r in ROWS
            if r["recipe"] == name and r["mode"] == "eager" and r["tensorflow"]
        )
    }
    assert everywhere == {
        "final_layer_today", "kl_layer", "kl_layer_called_again", "named_outputs",
        "add_loss_in_call", "tape_loop",
    }  # fmt: skip
    for old in ("1.15.5", "2.3.4", "2.15.1"):
        assert cell("kl_layer_called_again", old, "graph")["outcome"] == "KL counted 2 times"
    assert cell("train_step_method", "2.3.4", "eager")["outcome"] == "works"
    assert cell("train_step_method", "2.1.4", "eager")["outcome"] == "fails"
    assert cell("compute_loss_method", "2.3.4", "eager")["outcome"] == "fails"
    assert cell("compute_loss_method", "2.8.4", "eager")["outcome"] == "works"


def test_a_missing_python_leaves_its_column_untouched(monkeypatch, capsys, tmp_path):
    stored = tmp_path / "atlas.json"
    stored.write_text(atlas.ATLAS.read_text())
    monkeypatch.setattr(atlas, "ATLAS", stored)
    monkeypatch.setattr(atlas, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setitem(atlas.PYTHON, "2.8.4", "3.99")
    monkeypatch.setattr(sys, "argv", ["atlas.py", "2.8.4"])
    with pytest.raises(SystemExit) as stop:
        atlas.main()
    assert stop.value.code
    assert "left as it was, there is no Python 3.99" in capsys.readouterr().out
    assert stored.read_text() == atlas.ATLAS.read_text() and json.loads(stored.read_text()) == ROWS


def test_an_unknown_version_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["atlas.py", "9.9"])
    with pytest.raises(SystemExit):
        atlas.main()
    assert "no column 9.9" in capsys.readouterr().err


def test_entries_of_old_versions_have_been_provoked():
    rows = {row["entry"]: row for row in json.loads(atlas.ENTRIES.read_text())}
    old = {entry["entry"]: entry for entry in errors.entries() if entry.get("atlas")}
    assert set(rows) == set(old) and len(old) >= 10
    for slug, row in rows.items():
        assert {key: row[key] for key in ("tensorflow", "mode")} == old[slug]["atlas"]
        text = row["trace"] or "\n".join(row["said"])
        if slug == "run-eagerly-zero-loss":
            assert row["losses"] == [0.0, 0.0, 0.0] and row["exception"] is None
        else:
            assert "raises" not in old[slug] or row["exception"] == old[slug]["raises"]["type"]
            # TensorFlow 2.3 chains the two messages about foreign tensors: both entries fit.
            found = [c["class"] for c in errors.explain(text).candidates]
            assert old[slug]["class"] in found[:2], slug
        assert "/" + "work" not in text and "0x" not in text
