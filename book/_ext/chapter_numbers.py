"""Number each chapter as its file is numbered: 05-encoder-layer is chapter 5.

Sphinx counts the entries of the table of contents instead. The two differ while a chapter
in between is still missing, and then every "chapter 7" in the text would be wrong.
"""

import re

from docutils import nodes


def renumber(app, env):
    for name, numbers in env.toc_secnumbers.items():
        found = re.match(r"chapters/(\d+)-", name)
        if not found:
            continue
        chapter = int(found[1])
        for anchor, number in numbers.items():
            numbers[anchor] = (chapter, *number[1:])
        title = env.titles[name]
        title["secnumber"] = (chapter, *title["secnumber"][1:])
        for reference in env.tocs[name].findall(nodes.reference):
            if "secnumber" in reference:
                reference["secnumber"] = (chapter, *reference["secnumber"][1:])
    return []


def setup(app):
    # After Sphinx' own collector has counted; nothing else needs to be written again.
    app.connect("env-get-updated", renumber, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
