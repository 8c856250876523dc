"""The error index: every entry that can occur is provoked and repaired; texts find their entry.

entry_runs.py says which snippets run every time, and which only if something has changed.
"""

import ast
import math
import re
from pathlib import Path

import entry_runs
import pytest
import yaml

from vaelib import errors
from vaelib.errors.logs import ERAS

ROOT = Path(__file__).resolve().parent.parent
ENTRIES = errors.entries()
CLASSES = sorted({entry["class"] for entry in ENTRIES})
FIELDS = {
    "entry", "title", "seen", "typical", "versions", "patterns", "phrases", "recognize", "cause",
    "repair", "flavour", "before", "after", "chapter", "reports", "class",
}  # fmt: skip
# Entries of one class whose messages and stacks are the same: only the code differs.
SAME_MESSAGE = {
    "loss-without-derivative": "forward-pass-outside-the-tape",
    "numpy-between-model-and-loss": "forward-pass-outside-the-tape",
}
# Reports that fit the entry of a neighbouring class better than any of their own.
ELSEWHERE = {
    "https://github.com/GoogleCloudPlatform/asl-ml-immersion/pull/631": "removed-in-keras-3",
    "https://github.com/keras-team/keras-io/pull/1836": "kerastensor-to-tf-function",
}
OPTIONAL = {
    "raises", "after_flavour", "shows_before", "shows_after", "atlas", "finding",
    "eras", "messages", "change", "fresh", "generic",
    "backends", "devices", "alone",
}  # fmt: skip
# Classes that the first 92 reports do not have.
LATER = (
    "backends-and-devices", "devices-and-replicas", "keras-2-to-3", "old-installations",
    "questions", "sizes-and-sequences",
)  # fmt: skip
# Silent entries that no checkup finds, and why.
NOT_EXAMINED = {
    "loss-in-another-unit": "no fault; a checkup tells the beta, in nats per image",
    "loss-is-not-the-sum": "the loss of each step is right; the log mixes steps and means",
    "layer-behind-the-sigmoid": "it harms saturated pixels only",
    "kl-layer-called-twice": "in graph mode, which a checkup refuses",
    "run-eagerly-zero-loss": "in graph mode or before TensorFlow 2.2",
    "losses-empty-on-jax": "no checkup has been tried on it there",
    "loop-without-tf-function": "it takes time, and is right",
    "run-eagerly-left-on": "it takes time, and is right",
    "predict-in-a-loop": "it takes time, and is right",
    "beta-trained-along": "the objective of the moment is right",
    "tf-variable-not-trained": "a checkup cannot know that it was meant to learn",
    "script-for-an-older-keras": "nothing has run yet",
    "legacy-keras-without-effect": "nothing has run yet",
    "loaded-model-differs": "the model that was trained is right",
    "latent-size-written-as-numbers": "the objective fits the z that is drawn",
    "variables-appended-to-a-list": "it cannot occur on the installed versions",
    "colours-become-grey": "a checkup takes the shapes of output and target for granted",
    "labels-as-targets-silently": "a checkup takes the target of fit for granted",
    "own-compile-drops-the-optimizer": "the objective is right; no probe looks at the optimizer",
    "evaluate-returns-an-empty-list": "the objective is right; a log is empty",
    "jax-metric-stays-at-its-first-value": "the objective is right; a tracker is not",
    "beta-in-every-batch-on-jax": "the objective of the moment is right",
    "jax-loop-not-written-back": "a loop without fit; the model is as it was",
    "jax-step-shows-zero": "the objective is right; a log is not",
    "torch-gradients-add-up": "it depends on the steps before",
    "backend-chosen-too-late": "nothing has run yet",
    "jax-devices-asked-for-too-late": "nothing has run yet",
    "keras-distribution-without-jax": "the objective is right, on one device",
    "kl-too-large-for-float16": "it depends on the numbers of a run",
    "sigmoid-in-float16": "it depends on the numbers of a run",
    "fewer-images-than-devices": "it depends on the devices",
    "a-worker-never-comes": "there is no model yet",
    "weight-of-a-tfp-layer-is-fixed": "the weight is what was written; it cannot change",
}
# Entries whose repair cannot be shown in a snippet of one process, and why.
NOT_BY_PROSE = {}
FINDINGS = yaml.safe_load((ROOT / "vaelib" / "checkup" / "findings.yaml").read_text())
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["entry"])
live = entry_runs.LIVE
each_live_entry = pytest.mark.parametrize("entry", live, ids=lambda entry: entry["entry"])


def findings_of(entry):
    """The slugs of the checkup's findings that an entry names."""
    return re.findall(r"[\w-]+", entry.get("finding", ""))


@pytest.fixture(scope="module")
def runs(request):
    """What came out of the snippets: slug to kind of run to what happened."""
    return entry_runs.outcome(keep=request.config.getoption("record"))


@each_entry
def test_an_entry_is_complete(entry):
    assert entry.keys() >= FIELDS and entry.keys() <= FIELDS | OPTIONAL
    assert entry["seen"] in ("message", "warning", "symptom")
    assert entry["flavour"] in ("keras", "tf_keras", "none")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["entry"])
    assert len(entry["title"]) <= 80 and len(entry["phrases"]) >= 6
    assert set(entry.get("eras", ERAS)) <= set(ERAS)
    for pattern in entry["patterns"]:
        re.compile(pattern)
    for code in (entry["before"], entry["after"]):
        compile(code, entry["entry"], "exec")
        assert max(map(len, code.splitlines())) <= 80
    if entry["flavour"] != "none":
        assert "raises" in entry or "shows_before" in entry, "nothing to recognize it by"
    if entry["seen"] == "symptom" and entry["flavour"] != "none":
        assert "shows_after" in entry, "nothing shows that it is repaired"


def test_slugs_are_unique():
    slugs = [entry["entry"] for entry in ENTRIES]
    assert len(set(slugs)) == len(slugs)


def test_the_classes_are_those_of_the_reports():
    classes = {report["class"] for report in errors.reports()}
    assert set(CLASSES) == classes | set(LATER) and len(classes) == 15


def test_every_report_is_linked_once_by_an_entry_of_its_class():
    linked = [(url, e["class"]) for e in ENTRIES for url in e["reports"] or []]
    wanted = [(r["url"], ELSEWHERE.get(r["url"], r["class"])) for r in errors.reports()]
    assert sorted(linked) == sorted(wanted)


@each_live_entry
def test_before_shows_the_error(runs, entry):
    before = runs[entry["entry"]]["before"]
    if "raises" in entry:
        assert before["type"] == entry["raises"]["type"], before
        assert re.search(entry["raises"]["text"], before["text"], re.S), before["text"]
    else:
        assert before["type"] is None, before["trace"]
    if "shows_before" in entry:
        assert before["shows"] is True


@each_live_entry
def test_after_trains_to_the_end_of_an_epoch(runs, entry):
    after = runs[entry["entry"]]["after"]
    assert after["type"] is None, after["trace"]
    # A loss of exactly 0.0 would be a symptom of its own.
    assert after["losses"] and all(math.isfinite(loss) and loss for loss in after["losses"])
    if "shows_after" in entry:
        assert after["shows"] is True


@each_live_entry
def test_whoever_follows_the_prose_alone_gets_past_it(runs, entry):
    """tests/data/by-prose has the repairs of readers who saw "before", cause and repair only."""
    if entry["entry"] in NOT_BY_PROSE:
        return
    prose = runs[entry["entry"]].get("prose")
    assert prose, "nobody has repaired this one by its prose"
    assert prose["type"] is None, prose["trace"]
    assert prose["losses"] and all(math.isfinite(loss) and loss for loss in prose["losses"])


@pytest.mark.parametrize("slug", [e["entry"] for e in live if "random" in e["after"]])
def test_a_snippet_that_draws_trains_in_mixed_precision(runs, slug):
    mixed = runs[slug]["mixed"]
    assert mixed["type"] is None, mixed["trace"]


@pytest.mark.parametrize("slug", [e["entry"] for e in live if "fresh" in e])
def test_a_file_serves_a_fresh_process(runs, slug):
    fresh = runs[slug]["fresh"]
    assert fresh["trace"] is None, fresh["trace"]


def test_entries_about_files_are_tried_in_a_fresh_process():
    files = [e for e in live if e["class"] == "save-and-load" and "load" in e["after"]]
    assert files and all("fresh" in entry for entry in files)


@each_live_entry
def test_the_provoked_error_is_explained_by_its_entry(runs, entry):
    before = runs[entry["entry"]]["before"]
    if before.get("type"):
        slugs = (entry["entry"], SAME_MESSAGE.get(entry["entry"]))
        # Where two causes have one message, both are named, and neither is sure.
        found = before["explained"][:1] if before["sure"] else before["explained"]
        assert set(slugs) & set(found), (before["explained"], before["trace"])


# The snippet on unscaled pixels is a plain autoencoder; as a VAE its loss is nan at once.
examined = [e for e in live if "finding" in e and e["entry"] != "pixels-not-scaled"]


@pytest.mark.parametrize("entry", examined, ids=lambda entry: entry["entry"])
def test_a_checkup_finds_what_the_entry_says(runs, entry):
    """In the snippet "before", when fit has ended."""
    before = runs[entry["entry"]]["before"]
    assert set(before["slugs"]) & set(findings_of(entry)), before["slugs"]


def test_every_silent_entry_leads_to_the_checkup_or_says_why_not():
    silent = {e["entry"] for e in ENTRIES if e["seen"] == "symptom" and e["class"] != "questions"}
    led = {entry["entry"] for entry in ENTRIES if "finding" in entry}
    assert silent - led == NOT_EXAMINED.keys()
    assert not led & NOT_EXAMINED.keys()


def test_findings_and_entries_know_each_other():
    slugs = [finding["slug"] for finding in FINDINGS]
    named = {slug for entry in ENTRIES for slug in findings_of(entry)}
    assert named and named <= set(slugs)
    entries = {entry["entry"]: entry for entry in ENTRIES}
    for finding in FINDINGS:
        entry = entries[finding["entry"]]
        # Who comes from a finding reads about that one.
        other = entry["seen"] == "message" or finding["entry"] in NOT_EXAMINED
        assert other or finding["slug"] in findings_of(entry), finding["slug"]


def test_explain_leads_to_the_checkup():
    found = errors.explain("my VAE decoder gets the mean, relu activation on the z_log_var layer")
    assert "chapters/examine-a-vae.html" in repr(found)
    assert 'href="../chapters/examine-a-vae.html"' in found._repr_html_()
    loud = errors.explain("AttributeError: 'KerasTensor' object has no attribute 'add_loss'")
    assert loud and "checkup" not in repr(loud) + loud._repr_html_()


def test_code_in_the_sentences_is_python():
    """One entry once told its readers to write {"name" = the object}."""
    found = 0
    for entry in ENTRIES:
        for field in ("recognize", "cause", "repair"):
            for snippet in re.findall(r"\b\w+=\{[^}]*\}", entry[field]):
                ast.parse(f"call({snippet})")
                found += 1
    assert found >= 2
