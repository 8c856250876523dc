"""python -m vaelib."""

import importlib.metadata
import json
import os
import shlex
import subprocess
import sys

import pytest

unix = pytest.mark.skipif(sys.platform == "win32", reason="a line for a Unix shell")


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "vaelib", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_check_prints_what_a_bug_report_needs(tmp_path):
    result = run("check", VAELIB_DATA=str(tmp_path))
    assert result.returncode == 0 and result.stderr == ""
    rows = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    for package in ("tensorflow", "keras", "tf_keras", "numpy"):
        assert rows[package] == importlib.metadata.version(package)
    assert rows["cores"] == str(os.cpu_count())
    assert "keras is Keras 3" in result.stdout and "tf_keras is Keras 2" in result.stdout
    assert "no mnist.npz" in result.stdout
    assert rows["backend"].startswith("tensorflow")


def test_check_survives_a_broken_setting():
    result = run("check", KERAS_BACKEND="abacus")
    assert result.returncode == 0
    assert "does not start" in result.stdout


@unix
def test_a_reader_that_leaves_early_gets_no_traceback():
    command = f"{shlex.quote(sys.executable)} -m vaelib check | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stdout.startswith("vaelib") and result.stderr == ""


MESSAGE = "ValueError: A KerasTensor cannot be used as input to a TensorFlow function"


def test_explain_prints_cause_and_repair():
    result = run("explain", MESSAGE)
    assert result.returncode == 0 and result.stderr == ""
    assert "book/errors/kerastensor-to-tf-function.html#" in result.stdout


def test_explain_as_json():
    result = run("explain", "--json", MESSAGE)
    found = json.loads(result.stdout)
    assert result.returncode == 0 and found[0]["class"] == "kerastensor-to-tf-function"
    assert run("explain", MESSAGE, "--json").stdout == result.stdout


def test_explain_reads_standard_input():
    text = f"Traceback (most recent call last):\n  File 'x.py', line 3\n{MESSAGE}\n\xff"
    command = [sys.executable, "-m", "vaelib", "explain", "-", "--json"]
    result = subprocess.run(command, input=text.encode("latin-1"), capture_output=True)
    assert result.returncode == 0 and b"kerastensor-to-tf-function" in result.stdout


def test_explain_says_when_nothing_fits():
    result = run("explain", "KeyError: 'colour'")
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.count("\n") == 1 and "No entry of the error index fits" in result.stderr
    result = run("explain", "--json", "KeyError: 'colour'")
    assert result.returncode == 1 and json.loads(result.stdout) == []
    result = run("explain", " ")
    assert result.returncode == 2 and "There is no text to explain" in result.stderr


def explain(data):
    """What the command says of bytes at its standard input."""
    command = [sys.executable, "-m", "vaelib", "explain", "-"]
    return subprocess.run(command, input=data, capture_output=True)


def test_explain_reads_a_log_of_any_encoding_and_size(tmp_path):
    log = f"Epoch 1\n{MESSAGE}\n"
    wanted = explain(log.encode()).stdout
    assert b"kerastensor-to-tf-function" in wanted
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"):
        assert explain(log.encode(encoding)).stdout == wanted, encoding
    path = tmp_path / "train.log"
    path.write_text("Epoch 1: loss 512.1\n" * 500_000 + log)
    result = run("explain", str(path))
    assert result.returncode == 0 and "kerastensor-to-tf-function" in result.stdout
    assert result.stderr == "Of 10 MB, the first 1 and the last 4 MB were read.\n"


def test_explain_refuses_what_is_no_text():
    for data, said in (
        (b"", b"There is no text to explain"),
        (b" \n\t", b"There is no text to explain"),
        (bytes(range(256)) * 40, b"This is no text but binary data"),
        (b"PK\x03\x04" + os.urandom(5_000), b"This is no text but binary data"),
    ):
        result = explain(data)
        assert result.returncode == 2 and result.stdout == b"" and said in result.stderr
        assert result.stderr.count(b"\n") == 1


@unix
def test_explain_takes_a_text_without_quotes_and_closed_streams():
    assert run("explain", *MESSAGE.split()).returncode == 0
    command = f"{shlex.quote(sys.executable)} -m vaelib explain - <&-"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.returncode == 2 and "Standard input is closed" in result.stderr
    command = f"{shlex.quote(sys.executable)} -m vaelib explain {shlex.quote(MESSAGE)} >&-"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.returncode == 0 and "Traceback" not in result.stderr


def test_explain_does_not_start_tensorflow():
    code = "import sys, vaelib; vaelib.explain('loss is nan'); print('tensorflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "False\n"


def test_help_names_the_command_and_nonsense_is_refused():
    assert "check" in run("--help").stdout and "explain" in run("--help").stdout
    assert run("chekc").returncode == 2 and run().returncode == 2
