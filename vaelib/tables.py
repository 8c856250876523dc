"""One way to print a table: text in a terminal, a table on a page."""

import numbers

from IPython.display import display
from tabulate import tabulate


def show_table(columns, digits=1):
    """Show a table of results, numbers to the right, words to the left.

    Args:
        columns: a dict from heading to the values below it, all equally many.
        digits: behind the point, for every column, or a dict from heading to digits; a column
            that it does not name has 1. Whole numbers, words and None stay as they are ("-").

    Raises:
        ValueError: columns of different length, or none.
    """
    lengths = {heading: len(values) for heading, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"A table needs columns of one length, but these have {lengths}.")
    places = digits if isinstance(digits, dict) else dict.fromkeys(columns, digits)
    texts = {
        heading: [_text(value, places.get(heading, 1)) for value in values]
        for heading, values in columns.items()
    }
    sides = ["left" if _has_words(values) else "right" for values in columns.values()]
    options = {"headers": "keys", "disable_numparse": True, "colalign": sides}
    plain = tabulate(texts, tablefmt="simple", **options)
    html = tabulate(texts, tablefmt="html", **options)
    display({"text/plain": plain, "text/html": str(html)}, raw=True)


def _has_words(values):
    return any(isinstance(value, str) for value in values)


def _text(value, places):
    if value is None:
        return "-"
    if isinstance(value, str) or isinstance(value, numbers.Integral):
        return f"{value}" if isinstance(value, (str, bool)) else f"{value:,}"
    return f"{float(value):,.{places}f}"
