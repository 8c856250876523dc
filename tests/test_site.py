"""The rendered site: builds without a warning, works offline, and can be read by everybody."""

import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]
CHAPTER = {
    path.stem[3:]: f"chapters/{path.stem}.html" for path in (ROOT / "chapters").glob("*.ipynb")
}
NOTEBOOKS = [*(ROOT / "chapters").glob("*.ipynb"), *(ROOT / "book").glob("*.ipynb")]


@pytest.fixture(scope="session")
def files(site):
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text(), "html.parser")
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }


@pytest.fixture(scope="session")
def pages(files):
    """All but the stubs at former addresses, which only lead to a page."""
    return {name: page for name, page in files.items() if not is_stub(page)}


def is_stub(page):
    return page.get_text().strip().endswith(".") and "This page is now" in page.get_text()


def articles(pages):
    for name, page in pages.items():
        article = page.find("article")
        if article:
            yield name, article


def test_the_front_page_is_a_page(pages):
    index = pages["index.html"]
    assert not index.find("meta", attrs={"http-equiv": re.compile("refresh", re.I)})
    assert index.find("h1").get_text().startswith("Autoencoders that run")
    assert index.html["lang"] == "en"


def test_every_page_of_the_table_of_contents_is_there(pages):
    toc = (ROOT / "_toc.yml").read_text()
    for name in re.findall(r"(?:file|root): (\S+)", toc):
        assert f"{name}.html" in pages


def test_chapters_carry_the_number_of_their_file(pages):
    """In the title, in the sections, and in the table of contents of every page."""
    for name, page in pages.items():
        if name.startswith("chapters/"):
            number = f"{int(name.split('/')[1][:2])}."
            assert page.select_one("article h1").get_text().startswith(f"{number} "), name
            assert all(h.get_text().startswith(number) for h in page.select("article h2")), name
        for link in page.select("nav.bd-links a[href*='-']"):
            found = re.search(r"(?:^|/)(\d\d)-[\w-]+\.html$", link["href"])
            if found:
                assert link.get_text().strip().startswith(f"{int(found[1])}. "), (name, link)


def test_addresses_do_not_break(site, files):
    """A chapter is found without its number, and with every number it once had."""
    former = json.loads((ROOT / "book" / "_data" / "addresses.json").read_text())
    for address, slug in {**former, **{slug: slug for slug in CHAPTER}}.items():
        name = f"chapters/{address}.html"
        if name == CHAPTER[slug]:
            continue
        stub = files[name]
        assert is_stub(stub), name
        target = stub.find("a")["href"]
        assert f"chapters/{target}" == CHAPTER[slug] in files
        assert f'location.replace("{target}"' in stub.find("script").get_text()


def test_a_chapter_is_named_by_its_number(pages):
    """{chapter} and {Chapter} differ in their first letter; docutils knows one role only."""
    seen = set()
    for path in NOTEBOOKS:
        text = "\n".join(
            c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"
        )
        page = pages[path.relative_to(ROOT).with_suffix(".html").as_posix()]
        shown = page.find("article").get_text(" ", strip=True)
        for word, slug in re.findall(r"{([cC]hapter)}`([\w-]+)`", text):
            assert f"{word} {int(CHAPTER[slug].split('/')[1][:2])}" in shown, (path.stem, slug)
            seen.add(word)
    assert seen == {"chapter", "Chapter"}


def test_links_lead_somewhere(site, pages):
    ids = {name: {tag["id"] for tag in page.find_all(id=True)} for name, page in pages.items()}
    for name, page in pages.items():
        if name == "404.html":  # shown at any depth: test_a_page_can_be_found_and_shared
            continue
        for tag in page.find_all(["a", "img", "script", "link"]):
            address = tag.get("href") or tag.get("src")
            if not address or urlsplit(address).scheme or address.startswith(("//", "#")):
                if address and address.startswith("#") and len(address) > 1 and tag.name == "a":
                    assert unquote(address[1:]) in ids[name], (name, address)
                continue
            parts = urlsplit(address)
            target = (site / name).parent / unquote(parts.path)
            assert target.exists(), (name, address)
            target_name = target.resolve().relative_to(site.resolve()).as_posix()
            if parts.fragment and target_name in ids:
                assert unquote(parts.fragment) in ids[target_name], (name, address)


def test_every_picture_says_what_it_shows(pages):
    count = 0
    for name, article in articles(pages):
        for image in article.find_all("img"):
            alt = image.get("alt", "")
            assert len(alt.split()) >= 4 and not re.search(r"[\w-]+/[\w-]+\.(png|svg)", alt), name
            count += 1
    assert count > 15


def test_every_figure_has_a_number_and_a_caption(pages):
    """Those of the cells carry the number of their chapter, and are not wider than drawn."""
    for path in NOTEBOOKS:
        page = pages[path.relative_to(ROOT).with_suffix(".html").as_posix()]
        number = f"{int(path.stem[:2])}." if path.parent.name == "chapters" else ""
        for cell in nbformat.read(path, 4).cells:
            told = cell.metadata.get("mystnb", {})
            if "figure" in told:
                figure = page.find("figure", id=told["figure"]["name"])
                caption = figure.find("figcaption").get_text(" ", strip=True)
                assert re.match(rf"Fig\. {re.escape(number)}", caption), (path.stem, caption)
                assert told["image"]["width"] in str(figure.find("img")), path.stem


def test_a_fold_on_the_page_is_called_what_it_holds(pages):
    checks = 0
    for _, page in pages.items():
        for cell in page.select("div.cell.tag_check"):
            # One name for the fold when it is shut, one when it is open.
            assert set(cell.find("summary").stripped_strings) == {"Check"}
            checks += 1
    assert checks > 30


def test_nothing_is_loaded_from_elsewhere(pages):
    for name, page in pages.items():
        for tag in page.find_all(["script", "link", "img", "iframe"]):
            address = tag.get("src") or (
                tag.get("href") if "stylesheet" in tag.get("rel", []) else None
            )
            assert not address or not urlsplit(address).netloc, (name, address)
        scripts = " ".join(tag.get_text() for tag in page.find_all("script") if not tag.get("type"))
        assert "unpkg.com" not in scripts and "cdn." not in scripts, name


def test_formulas_are_set_when_the_book_is_built(site, pages):
    """No script is needed for them, and screen readers get MathML."""
    for name in ("book/notation.html", CHAPTER["points-to-distributions"]):
        page = pages[name]
        formulas = page.select(".math")
        assert len(formulas) > 20
        assert all(f.select_one(".katex math") and f.select_one(".katex-html") for f in formulas)
        assert any("katex.min.css" in tag["href"] for tag in page.find_all("link", href=True))
    assert not any("katex" in str(tag) for tag in pages["index.html"].find_all("link"))
    css = (site / "_static/katex/katex.min.css").read_text()
    fonts = set(re.findall(r"url\((fonts/[\w-]+\.\w+)\)", css))
    assert len(fonts) > 10 and all((site / "_static/katex" / font).exists() for font in fonts)


def test_a_formula_that_cannot_be_set_is_named():
    import katex_math

    with pytest.raises(ValueError, match="Undefined control sequence"):
        katex_math.to_html(r"\nonsense{x}", False)


def test_icons_are_all_that_is_left_of_the_font(site, pages):
    """Each icon that a page shows has its sign in the style sheet, and the sign is in a font."""
    from fontTools.ttLib import TTFont

    rules = dict(
        re.findall(
            r'\.fa-([\w-]+)::before { content: "\\(\w+)"', (site / "_static/icons.css").read_text()
        )
    )
    folder = site / "_static/vendor/fontawesome/webfonts"
    signs = {sign for path in folder.glob("*.ttf") for sign in TTFont(path).getBestCmap()}
    shown = set()
    for page in pages.values():
        for icon in page.select("i[class*=fa-]"):
            shown |= {name[3:] for name in icon["class"] if name.startswith("fa-")}
    shown -= {"solid", "brands", "regular", "lg"}
    assert len(shown) > 10 and shown <= rules.keys()
    assert all(int(rules[name], 16) in signs for name in shown)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 50_000


def test_what_no_page_needs_is_gone(site, pages):
    assert not list(site.rglob("*.map"))
    for name, page in pages.items():
        # MyST gives every section a class for MathJax, whether it is there or not.
        text = str(page).lower().replace("mathjax_ignore", "")
        for left in ("ethical-ad", "thebe", "docsearch", "mathjax", "scripts/fontawesome"):
            assert left not in text, (name, left)
        assert len(page.find_all("meta", attrs={"name": "viewport"})) == 1, name
        assert len(page.find_all("h1")) == 1, name


def test_a_page_can_be_found_and_shared(site, pages):
    """Description, preview, canonical address; a site map, and what a server asks for."""
    listed = (site / "sitemap.xml").read_text()
    home = pages["index.html"].find("link", rel="canonical")["href"].removesuffix("index.html")
    assert home.startswith("https://") and home.endswith("/")
    for name, page in pages.items():
        if name in ("search.html", "genindex.html", "404.html"):
            assert f"/{name}</loc>" not in listed
            continue
        told = page.find("meta", attrs={"name": "description"})["content"]
        assert len(told) > 40, name
        canonical = page.find("link", rel="canonical")["href"]
        assert canonical == home + name
        image = page.find("meta", property="og:image")["content"]
        assert image.startswith(home) and (site / image.removeprefix(home)).exists(), image
        assert f"/{name}</loc>" in listed, name
    assert (site / ".nojekyll").exists() and "sitemap.xml" in (site / "robots.txt").read_text()
    lost = pages["404.html"]
    assert "no page at this address" in lost.get_text()
    for tag in lost.select("link[rel=stylesheet], script[src]"):
        assert (tag.get("href") or tag["src"]).startswith("/"), tag


@pytest.mark.parametrize(
    ("environment", "remote", "name", "url"),
    [
        ({}, "", "a/b", "https://a.github.io/b/"),
        ({}, "me/fork", "me/fork", "https://me.github.io/fork/"),
        ({"COURSE_REPOSITORY": "You/c"}, "me/fork", "You/c", "https://you.github.io/c/"),
        ({"COURSE_REPOSITORY": ""}, "me/fork", "", ""),
        ({"COURSE_URL": "https://x.org/vae"}, "", "a/b", "https://x.org/vae/"),
    ],
)
def test_a_fork_leads_to_the_fork(environment, remote, name, url):
    import home

    assert home.repository("https://github.com/a/b", environment, lambda: remote) == name
    assert home.address(name, environment) == url


def test_where_a_notebook_runs_stands_in_words(pages):
    for slug, name in CHAPTER.items():
        bar = pages[name].select_one("h1 + .page-tools")
        words = [link.get_text() for link in bar.find_all("a")]
        assert words == ["Run on Binder", "Open in Colab", "Download notebook"], slug
        own = bar.find_all("a")[2]["href"]
        assert own.endswith(f"{name[9:-5]}.ipynb")
        assert re.fullmatch(r"\d+ minutes to read, .+ to run", bar.find("span").get_text())


def test_neighbours_are_told_for_every_route(pages):
    """The first chapter is nobody's successor; each other one follows the one before it."""
    import page_tools

    for pages_of_route in page_tools.routes().values():
        for before, after in zip(pages_of_route, pages_of_route[1:], strict=False):
            links = pages[f"{after}.html"].select("nav.routes tbody a")
            if after.startswith("chapters/"):
                targets = [Path(link["href"]).name for link in links]
                assert f"{Path(before).name}.html" in targets, (before, after)


def test_no_markup_is_left_unrendered(pages):
    """A directive or role that failed shows as raw text, without a warning."""
    for name, article in articles(pages):
        for code in [*article.find_all(["pre", "code"]), *article.select(".sig")]:
            code.extract()
        text = article.get_text()
        for raw in (
            "```",
            ":::",
            "{doc}",
            "{ref}",
            "{chapter}",
            "{Chapter}",
            "{cite}",
            "{exercise",
            "{solution",
            ":class:",
        ):
            assert raw not in text, (name, raw)
        # Bold that failed; in a table of code, `mu**2` has letters on both sides.
        assert not re.search(r"(?<!\w)\*\*|\*\*(?!\w)", text), name
        assert not re.search(r"{(doc|ref|cite|[cC]hapter)}", text), name


def test_exercises_have_solutions_folded_shut(pages):
    for name, article in articles(pages):
        if name.startswith("chapters/"):
            exercises = article.select("div.exercise")
            solutions = article.select("div.solution")
            assert len(exercises) == len(solutions) >= 2, name
            assert all("dropdown" in solution["class"] for solution in solutions)
            assert any(solution.select("div.cell") for solution in solutions), (
                "their code is inside"
            )


def test_chapters_can_be_launched_and_pages_of_prose_cannot(pages):
    """Pages of the appendix that run are notebooks, too."""
    runs = {path.relative_to(ROOT).with_suffix(".html").as_posix() for path in NOTEBOOKS}
    for name, page in pages.items():
        links = [tag["href"] for tag in page.find_all("a", href=True)]
        binder = [link for link in links if link.startswith("https://mybinder.org/v2/gh/")]
        colab = [link for link in links if link.startswith("https://colab.research.google.com/")]
        if name in runs:
            notebook = name.replace(".html", ".ipynb")
            assert len(binder) == 1 and binder[0].endswith(f"?urlpath=lab/tree/{notebook}")
            assert len(colab) == 1 and colab[0].endswith(notebook)
        else:
            assert not binder and not colab, name


def test_the_site_is_small(site):
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size < 40e6


def test_the_table_of_runs_is_made_from_its_record():
    from measure_runs import CANDIDATES, NAMES, table

    data = ROOT / "book" / "_data"
    record = json.loads((data / "runs.json").read_text())
    assert (data / "runs-table.md").read_text() == table(record)
    measured = [tuple(row[name] for name in NAMES) for row in record["rows"]]
    assert measured == CANDIDATES, "measure again: python tools/measure_runs.py"


def test_what_the_page_on_runs_says_is_in_its_record():
    rows = json.loads((ROOT / "book/_data/runs.json").read_text())["rows"]
    series, small_batch, with_xla = rows[0], rows[2], rows[3]
    assert small_batch["loss"] < series["loss"] - 10
    assert with_xla["seconds"] > 1.05 * small_batch["seconds"]
    conv, small_conv, quick, quick_xla, cosine = rows[4:9]
    for other in (conv, small_conv):
        # Older rows have the clock alone, of a machine that did nothing else.
        cost = other.get("computing", other["seconds"])
        assert quick["loss"] < other["loss"] - 5 and quick["computing"] < 1.25 * cost
    assert abs(quick_xla["computing"] / quick["computing"] - 1) < 0.1
    assert cosine["loss"] > quick["loss"] - 1
    _, wide, narrow, chosen = rows[9:]
    assert wide["loss"] < chosen["loss"] < narrow["loss"] - 5
    assert 30 * chosen["megabytes"] < wide["megabytes"]
    assert 2 * chosen["megabytes"] < narrow["megabytes"]


def test_no_row_has_fallen_out_of_its_table(pages):
    for name, page in pages.items():
        for paragraph in page.find_all("p"):
            assert not paragraph.get_text().lstrip().startswith("| "), (name, paragraph)


def test_the_error_index_has_an_anchor_for_every_entry(pages):
    """On the page of its class, and on the overview, where all of them once stood."""
    from vaelib import errors

    overview = pages["book/error-index.html"]
    entries = {entry["entry"]: entry for entry in errors.entries()}
    for slug, entry in entries.items():
        page = pages[f"book/errors/{entry['class']}.html"]
        assert page.find(id=slug).find_parent("article"), slug
        assert overview.find("span", id=slug).parent.find("a")["href"].endswith(f"#{slug}"), slug
        for url in entry["reports"] or []:
            assert page.find("a", href=url), url
    headings = [h.get_text() for h in overview.find("article").find_all("h3")]
    for kind in ("TypeError", "ValueError", "A warning", "No error, but something is wrong"):
        assert any(heading.startswith(kind) for heading in headings)
    for name, page in pages.items():
        if name.startswith(("book/errors/", "book/error-index")):
            assert "<!--" not in page.find("article").get_text()


def test_the_search_field_has_all_it_needs(site, pages):
    """Scripts in their order, and data from which the page answers as explain does."""
    from script_engine import engine

    from vaelib import errors

    page = pages["book/error-index.html"]
    scripts = [tag["src"].split("/")[-1] for tag in page.find_all("script", src=True)]
    ours = [name for name in scripts if name.startswith(("matcher", "error-"))]
    assert ours == ["matcher.js", "error-data.js", "error-index.js"]
    for name in ("error-query", "error-found", "error-answers"):
        assert page.find(id=name)
    browser = engine(*(site / "_static" / name for name in ours[:2]), first="const window = {}")
    browser.eval("const answer = Matcher.build(window.errorIndex); 0")
    data = json.loads(browser.eval("JSON.stringify(window.errorIndex)"))
    for text in ("'KerasTensor' object has no attribute 'add_loss'", "KL is zero", "bus is late"):
        found = json.loads(browser.eval(f"JSON.stringify(answer({json.dumps(text)}))"))["found"]
        assert [item["slug"] for item in found] == [slug for _, slug, _ in errors.answer(text)[0]]
    for entry in [*data["entries"], *data["leads"]]:
        name, _, anchor = entry["page"].partition("#")
        target = pages[f"book/{name or 'error-index.html'}"]
        assert not anchor or target.find(id=anchor), entry["page"]


def test_the_atlas_is_one_table_that_leads_to_the_error_index(pages):
    page = pages["book/version-atlas.html"]
    (table,) = page.select(".atlas table")
    rows = json.loads((ROOT / "book" / "_data" / "atlas.json").read_text())
    marks = table.select("td .mark")
    assert len(marks) == len(rows)
    assert len(table.select("tbody tr:not(.chapter)")) == len({r["recipe"] for r in rows})
    for mark in marks:
        link = mark.find_parent("a")
        assert bool(link) == (mark["title"] not in ("works", "works, KL estimated"))
        if link:
            page_name, anchor = link["href"].split("#")
            assert page_name.startswith("errors/")
            assert pages[f"book/{page_name}"].find(id=anchor)


def test_the_accuracy_on_the_page_is_what_the_matcher_reaches(pages):
    """Measured again: the page says nothing that the installed matcher does not do."""
    import measure_accuracy

    stored = json.loads(measure_accuracy.RECORD.read_text())
    now = measure_accuracy.measure()
    for kind in ("ours", "others"):
        for old, new in zip(stored[kind], now[kind], strict=True):
            assert old.keys() == new.keys() and old["texts"] == new["texts"]
            for name in ("n", *measure_accuracy.OUTCOMES):
                # One text may stand on an edge that another machine's rounding moves.
                assert abs(old[name] - new[name]) <= (0 if name == "n" else 1), (new, name)


def test_the_ledger_has_a_block_for_every_row(pages):
    page = pages["book/source-ledger.html"]
    rows = json.loads((ROOT / "book" / "_data" / "ledger.json").read_text())
    assert len(page.select(".ledger-row")) == len(rows)
    assert len(page.select(".ledger-summary tbody tr")) == len(rows)
    for row in rows:
        (block,) = page.find(id=f"ledger-{row['id']}").find_parent("section").select(".ledger-row")
        assert row["verdict"] in block.select_one(".verdict").get_text()
        assert page.select_one(f".ledger-summary a[href='#ledger-{row['id']}']"), row["id"]
