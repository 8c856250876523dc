"""The pages of the library's functions: autodoc and napoleon, and what they need to fit the book.

- Names stand as chapters write them: ``objectives.gaussian_kl``, not ``vaelib.objectives...``.
- ``<!-- api-overview -->`` becomes a table of all names with the first sentence of each.
- A chapter that a docstring names by its slug becomes a link to it, with its number.

The modules are imported for it, TensorFlow among them: about four seconds, once in a build.
"""

import importlib
import inspect
import re

from docutils import nodes
from sphinx import addnodes

import chapters

PAGE = "book/api"
# In the order of the pages; a page is named by its group.
ROOMS = {
    "data": ["data", "data.folders", "data.shapes", "data.archives"],
    "models": ["networks", "layers", "objectives", "placements", "vae", "replicas"],
    "study": ["latent", "judge", "checkpoints", "plots"],
    "diagnosis": ["checkup", "inspection", "errors", "recipes"],
    "course": ["startup", "backends", "runs", "exercises", "tables"],
}
SETTINGS = {
    "autodoc_member_order": "bysource",
    "autodoc_preserve_defaults": True,
    "autodoc_typehints": "none",  # types stand in the prose
    "autodoc_inherit_docstrings": False,  # or Keras' own pages come along
    "napoleon_use_param": False,  # "mu, log_var" are one line
    "napoleon_use_rtype": False,  # what is returned is prose
    "toc_object_entries_show_parents": "hide",
}


def module(room):
    return importlib.import_module(f"vaelib.{room}")


def is_public(name, thing, home):
    """Whether a module's page shows a name: what ``__all__`` lists, or what is defined there."""
    if not (inspect.isroutine(inspect.unwrap(thing)) or inspect.isclass(thing)):
        return False
    listed = getattr(home, "__all__", None)
    if listed is not None:
        return name in listed
    # Keras finds `Sampling` in the module of the placements' classes, which renames it.
    homes = (home.__name__, "vaelib.placements.keras_3")
    return not name.startswith("_") and thing.__module__ in homes


def is_error(thing):
    return inspect.isclass(thing) and issubclass(thing, Exception)


def public():
    """Full name: function or class, of every name that has an entry."""
    from vaelib import quiet_tensorflow

    quiet_tensorflow()
    found, seen = {}, set()
    for room in (room for rooms in ROOMS.values() for room in rooms):
        home = module(room)
        things = sorted(vars(home).items(), key=lambda pair: is_error(pair[1]))  # errors last
        for name, thing in things:
            # What `data` takes from `archives` has one entry.
            if is_public(name, thing, home) and id(thing) not in seen:
                seen.add(id(thing))
                found[f"vaelib.{room}.{name}"] = thing
    return found


def first_sentence(thing):
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s+(?=[A-Z`])", text)[0]


def as_written(name):
    """A full name as chapters write it: the last room and the name, ``vaelib.checkup`` aside."""
    parts = name.removeprefix("vaelib.").split(".")
    if parts[:2] == ["checkup", "checkup"]:
        return "vaelib.checkup"
    if parts[0] == "startup":
        return "vaelib." + parts[-1]
    return ".".join(parts[1:] if parts[0] == "data" and len(parts) > 2 else parts)


def overview_as_markdown():
    """A table for each group: name and first sentence."""
    names, pieces = public(), []
    for group, rooms in ROOMS.items():
        pieces.append(f"## {group.capitalize()}\n\n| Name | What it does |\n|---|---|")
        for name, thing in names.items():
            if name.removeprefix("vaelib.").rpartition(".")[0] in rooms:
                sentence = first_sentence(thing).replace("``", "`").replace("|", r"\|")
                pieces.append(f"| {{py:obj}}`{as_written(name)} <{name}>` | {sentence} |")
        pieces.append("")
    return "\n".join(pieces)


def fill(app, docname, source):
    if docname == PAGE:
        source[0] = source[0].replace("<!-- api-overview -->", overview_as_markdown())


def set_options(app, config):
    for name, value in SETTINGS.items():
        setattr(config, name, value)


def tidy_docstring(app, what, name, thing, options, lines):
    """Markdown's single backticks mean code, too."""
    lines[:] = [re.sub(r"(?<![`:])`([^`]+)`(?!`)", r"``\1``", line) for line in lines]


def skip(app, what, name, thing, skipped, options):
    """Fields of a named tuple: their docstrings only count them."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def sign(app, what, name, thing, options, signature, returned):
    """A layer's arguments are those of its ``__init__``; Keras hides them behind ``__new__``."""
    if what != "class" or "__init__" not in vars(thing) or not hasattr(thing, "get_config"):
        return None
    arguments = list(inspect.signature(thing.__init__).parameters.values())[1:]
    return f"({', '.join(map(str, arguments))})", returned


def shorten_names(app, doctree):
    for node in doctree.findall(addnodes.desc_signature):
        full = f"{node.get('module')}.{node.get('fullname')}"
        for prefix in node.findall(addnodes.desc_addname):
            written = as_written(full).rpartition(".")[0]
            prefix.children = [nodes.Text(f"{written}.")] if written else []


def is_api(docname):
    return docname == PAGE or docname.startswith(f"{PAGE}/")


def name_chapters(app, doctree, docname):
    """A slug in a docstring, ``two-rules``, becomes a link, with the chapter's number."""
    if not is_api(docname):
        return
    known = chapters.chapters()
    for node in list(doctree.findall(nodes.literal)):
        number, name = known.get(node.astext(), (0, ""))
        position = node.parent.index(node)
        before = node.parent[position - 1] if position else nodes.Text("")
        words = before.astext()
        word = re.search(r"[cC]hapter\s$", words)
        # "outputs" may be a placement's name as well.
        meant = word or words.endswith("(") or "-" in node.astext()
        if name not in app.env.titles or not meant:
            continue
        if word and isinstance(before, nodes.Text):
            node.parent.replace(before, nodes.Text(words[: word.start()]))
        text = f"{word[0].strip() if word else 'chapter'} {number}"
        target = app.builder.get_relative_uri(docname, name)
        title = app.env.titles[name].astext()
        link = nodes.reference("", text, refuri=target, internal=True, reftitle=title)
        node.replace_self(link)


def find_elsewhere(app, env, node, content):
    """``DataError`` in the docstring of another room: the one entry that ends so."""
    if node.get("refdomain") != "py":
        return None
    domain = env.get_domain("py")
    found = [name for name in domain.objects if name.endswith("." + node["reftarget"])]
    if len(found) != 1:
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", found[0], node, content)


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.connect("config-inited", set_options)
    app.connect("source-read", fill)
    app.connect("autodoc-process-docstring", tidy_docstring)
    app.connect("autodoc-process-signature", sign)
    app.connect("autodoc-skip-member", skip)
    app.connect("doctree-read", shorten_names)
    app.connect("doctree-resolved", name_chapters)
    app.connect("missing-reference", find_elsewhere)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
