"""Write what the search field of the error index needs: _static/error-data.js.

It is a script and no JSON file, because a page that is opened from disk may not read files.
"""

import json
from pathlib import Path

from vaelib import errors
from vaelib.errors import explanation
from vaelib.errors.logs import ERAS
from vaelib.errors.matcher import SETTINGS, documents, known_messages

# From the page of the error index.
LEADS = (
    ("all entries, by what you see", "#by-what-you-see"),
    ("a script for an older Keras", "old-scripts.html"),
    ("examine a VAE that trains and is wrong", "checkup.html"),
)
SHOWN = ("title", "versions", "recognize", "cause", "repair")


def one(entry):
    """What the page needs of an entry."""
    return {
        "slug": entry["entry"],
        "patterns": entry["patterns"],
        "known": known_messages(entry),
        "eras": list(entry.get("eras", ERAS)),
        "page": errors.page_of(entry).removeprefix("book/"),
        "change": bool(entry.get("change")),
        **{name: entry[name].strip().rstrip("." if name == "versions" else "") for name in SHOWN},
    }


def data():
    """Documents, settings, entries and texts, as matcher.js and error-index.js take them."""
    return {
        "documents": documents(),
        "settings": SETTINGS,
        "entries": [one(entry) for entry in errors.entries()],
        "leads": [{"title": title, "page": page} for title, page in LEADS],
        "texts": {
            "change": explanation.CHANGE,
            "notSure": explanation.NOT_SURE,
            "nothing": explanation.NOTHING_FITS.split(" To go on:")[0],
        },
    }


def write(app, error):
    if error is None and app.builder.name == "html":
        text = json.dumps(data(), ensure_ascii=True, separators=(",", ":"))
        place = Path(app.outdir) / "_static" / "error-data.js"
        place.write_text(f"window.errorIndex = {text};\n", encoding="utf-8")


def setup(app):
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
