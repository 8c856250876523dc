"""vaelib.tables: one table, as text and as HTML."""

import numpy as np
import pytest

from vaelib import tables

COLUMNS = {
    "beta": [0.1, 1.0], "D": np.array([1234.567, 80.0]), "name": ["a<b", None], "n": [20_000, 3],
}  # fmt: skip


@pytest.fixture
def shown(monkeypatch):
    found = []
    monkeypatch.setattr(tables, "display", lambda data, raw: found.append(data))
    return found


def test_numbers_words_and_gaps(shown):
    tables.show_table(COLUMNS, digits={"beta": 2})
    lines = shown[0]["text/plain"].splitlines()
    assert [line.split() for line in lines if "-" * 4 not in line] == [
        ["beta", "D", "name", "n"],
        ["0.10", "1,234.6", "a<b", "20,000"],
        ["1.00", "80.0", "-", "3"],
    ]
    assert "a&lt;b" in shown[0]["text/html"], "words are no markup"
    assert shown[0]["text/html"].count("<tr>") == 3


def test_one_number_of_digits_for_all(shown):
    tables.show_table({"a": [1.23456], "b": [np.float32(2)]}, digits=3)
    assert shown[0]["text/plain"].split()[-2:] == ["1.235", "2.000"]


@pytest.mark.parametrize("columns", [{}, {"a": [1, 2], "b": [1]}])
def test_columns_must_be_equally_long(columns):
    with pytest.raises(ValueError, match="columns of one length"):
        tables.show_table(columns)
