"""The rendered site in a real browser: what every page must have, and what moves on it."""

import json
import re
import statistics
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import NARROW, WIDE, chapter, expect, needs_browser, open_page, tab

pytestmark = needs_browser

PICTURES = (".png", ".svg", ".jpg", ".ico")
# A page without its pictures, in bytes; the limit of the design is 1.5 MB. The error index brings
# all its entries along, so that the field answers at once, and from disk; the search
# brings the text of all pages.
LIGHT = 1_500_000
HEAVY = {"book/error-index.html": 3_000_000, "search.html": 3_500_000}

# In the page: how many characters stand in a line of running text, for paragraphs of four lines
# or more that stand directly in a section.
LINES = """() => [...document.querySelectorAll('article section > p')].flatMap(p => {
  const text = p.innerText.trim(), height = parseFloat(getComputedStyle(p).lineHeight);
  const lines = Math.round(p.getBoundingClientRect().height / height);
  return lines >= 4 && p.querySelectorAll('.math, img').length === 0
    ? [text.length / (lines - 0.5)] : [];
})"""
# What sticks out of a narrow window, and is not inside a box that scrolls.
WIDER = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const scrolls = e => e && (['auto', 'scroll', 'hidden'].includes(getComputedStyle(e).overflowX)
    || scrolls(e.parentElement));
  return [...document.querySelectorAll('body *')].filter(e =>
    e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e.parentElement))
    .map(e => `${e.tagName}.${e.className}: ${(e.textContent || '').slice(0, 40)}`).slice(0, 3);
}"""
DOUBLE_IDS = """() => { const seen = {};
  document.querySelectorAll('[id]').forEach(e => { seen[e.id] = (seen[e.id] || 0) + 1; });
  return Object.keys(seen).filter(id => seen[id] > 1); }"""


def axe_says(page, code=False):
    """Rule: where, of what axe-core finds.

    Code and formulas are thousands of little spans of one palette, and take most of the time: they
    are looked at on one page (``code=True``), and left out of the others.
    """
    from axe_playwright_python.sync_playwright import Axe

    context = (
        None
        if code
        else {"include": [["html"]], "exclude": [["div.highlight pre"], [".katex-html"]]}
    )
    # Style sheets cannot be fetched again from a disk.
    options = {"resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, context=context, options=options).response["violations"]
    return {item["id"]: [str(node["target"]) for node in item["nodes"]][:3] for item in found}


def weight(page):
    """Bytes of everything that a page asked for, pictures aside; `file:` only."""
    files = {unquote(urlsplit(address).path) for address in page.asked}
    return sum(Path(f).stat().st_size for f in files if not f.endswith(PICTURES))


@contextmanager
def in_turn(browser, first):
    """A function from the number of a page to its tab, and that to its colour: by turns ``first``
    and the other colour at the same width, so that neighbours in a folder have both."""
    scheme, *size = first
    other = {"light": "dark", "dark": "light"}[scheme]
    with tab(browser, first) as even, tab(browser, (other, *size)) as odd:
        yield lambda number: [(even, scheme), (odd, other)][number % 2]


def test_every_page_wide(browser, site, names):
    """Silent, from disk alone, light, accessible, with lines that can be read."""
    problems, measured = {}, {}
    with in_turn(browser, WIDE) as of:
        for number, name in enumerate(names):
            page, scheme = of(number)
            open_page(page, site, name)
            assert page.evaluate("document.documentElement.dataset.theme") == scheme, name
            found = {
                "complaints": list(page.complaints),
                "elsewhere": [a for a in page.asked if not a.startswith(("file:", "data:"))],
                "double ids": page.evaluate(DOUBLE_IDS),
                "axe": axe_says(page),
            }
            measured[name] = weight(page)
            if measured[name] > HEAVY.get(name, LIGHT):
                found["bytes"] = measured[name]
            lengths = page.evaluate(LINES)
            if len(lengths) >= 4 and not 55 <= statistics.median(lengths) <= 80:
                found["characters in a line"] = statistics.median(lengths)
            problems[name] = {what: told for what, told in found.items() if told}
    left = {name: found for name, found in problems.items() if found}
    assert not left, json.dumps(left, indent=1)


def test_every_page_narrow(browser, site, names):
    """Accessible in the colour in which it was not wide, and nothing is wider than 320 pixels."""
    problems = {}
    with in_turn(browser, NARROW) as of:
        for number, name in enumerate(names):
            page, scheme = of(number)
            open_page(page, site, name)
            assert page.evaluate("document.documentElement.dataset.theme") == scheme, name
            found = {"complaints": list(page.complaints), "axe": axe_says(page)}
            for width in (390, 320):
                page.set_viewport_size({"width": width, "height": 844})
                found[f"wider than {width}"] = page.evaluate(WIDER)
            page.set_viewport_size({"width": 390, "height": 844})
            problems[name] = {what: told for what, told in found.items() if told}
    left = {name: found for name, found in problems.items() if found}
    assert not left, json.dumps(left, indent=1)


CHAPTER = chapter("points-to-distributions")


def test_the_front_page_tells_at_once(browser, site):
    """Title, sentence, four ways in and the size of the course: above the fold, also on a phone."""
    for kind in (WIDE, NARROW):
        with tab(browser, kind) as page:
            open_page(page, site, "index.html")
            ways = page.locator(".ways-in a.sd-stretched-link")
            assert ways.count() == 4
            for number in range(4):
                card = page.locator(".ways-in .sd-card").nth(number).bounding_box()
                assert card["y"] + card["height"] <= kind[2], (kind, card)
            facts = page.locator(".hero-facts").inner_text()
            assert re.search(r"\d+ chapters, \d+ hours of reading, \d+ exercises", facts)
            assert re.search(r"version \d+\.\d+\.\d+", facts)


def test_code_is_large_enough(browser, site):
    with tab(browser) as page:
        open_page(page, site, CHAPTER)
        size = page.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('div.cell_input pre')).fontSize)"
        )
        assert size >= 13.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_code_has_contrast(browser, site, scheme):
    with tab(browser, (scheme, 1440, 900)) as page:
        open_page(page, site, CHAPTER)
        assert not axe_says(page, code=True)


def test_the_colours_can_be_switched_by_keyboard(browser, site):
    """Twice with one focus; the theme let go of it."""
    with tab(browser) as page:
        open_page(page, site, CHAPTER)
        button = page.locator(".theme-switch-button:visible").first
        button.focus()
        seen = []
        for _ in range(3):
            page.keyboard.press("Enter")
            page.wait_for_timeout(50)
            seen.append(page.evaluate("document.documentElement.dataset.mode"))
        assert sorted(seen) == ["auto", "dark", "light"]


def test_comments_are_calm_in_dark_mode(browser, site):
    """Grey, not yellow: the three channels lie near each other."""
    with tab(browser, ("dark", 1440, 900)) as page:
        open_page(page, site, CHAPTER)
        colour = page.evaluate("getComputedStyle(document.querySelector('.highlight .c1')).color")
        channels = [int(part) for part in re.findall(r"\d+", colour)[:3]]
        assert max(channels) - min(channels) < 50, colour


def test_what_has_been_read_is_marked_in_the_contents(browser, site):
    with tab(browser) as page:
        open_page(page, site, CHAPTER)
        times = page.locator("nav.bd-links .contents-time")
        assert times.count() == len(list((site / "_sources" / "chapters").glob("*.ipynb")))
        page.locator(".mark-read").click()
        assert page.locator("nav.bd-links .contents-time.read").count() == 1
        open_page(page, site, "index.html")
        read = page.locator("nav.bd-links .contents-time.read")
        assert read.count() == 1
        assert "points-to-distributions" in read.locator("xpath=..").get_attribute("href")


def test_formulas_are_no_stops_of_the_tab_key(browser, site):
    with tab(browser) as page:
        open_page(page, site, CHAPTER)
        assert page.locator(".katex").count() > 50
        assert page.locator(".katex [tabindex], .katex a, mjx-container").count() == 0
        assert page.locator(".katex-error").count() == 0


def test_a_mark_of_the_atlas_opens_a_card(browser, site):
    """By pointer and by keyboard; Escape closes it; the head of the table stays in sight."""
    with tab(browser) as page:
        open_page(page, site, "book/version-atlas.html")
        card = page.locator("#atlas-card")
        assert card.is_hidden()
        mark = page.locator(".atlas .mark.fails").first
        mark.scroll_into_view_if_needed()
        page.wait_for_timeout(300)  # scrolling closes a card
        mark.hover()
        card.wait_for(state="visible")
        assert len(card.inner_text()) > 10
        page.keyboard.press("Escape")
        assert card.is_hidden()
        page.locator(".atlas a:has(.mark)").nth(3).focus()
        card.wait_for(state="visible")
        page.evaluate("document.querySelector('.atlas').scrollTop = 400")
        top, head = page.evaluate(
            """['.atlas', '.atlas thead'].map(s =>
               document.querySelector(s).getBoundingClientRect().y)"""
        )
        assert abs(top - head) < 2


def test_the_ledger_can_be_filtered(browser, site):
    with tab(browser) as page:
        open_page(page, site, "book/source-ledger.html")
        rows = page.locator(".ledger-summary tbody tr:visible")
        everything = rows.count()
        verdict = page.locator(".ledger-filter select").first
        refuted = page.locator(".ledger-summary .verdict.refuted").count()
        verdict.select_option("✗ not reproduced")
        assert 0 < rows.count() == refuted < everything
        assert page.locator(".ledger-row:visible").count() == refuted
        assert f"{refuted} of {everything} claims" in page.locator(".ledger-filter").inner_text()
        verdict.select_option("")
        page.locator(".ledger-filter select").nth(1).select_option(index=2)
        assert 0 < rows.count() < everything


def test_print_is_black_on_white_from_dark_mode(browser, site):
    with tab(browser, ("dark", 1000, 900)) as page:
        open_page(page, site, CHAPTER)
        page.emulate_media(media="print")
        colours = page.evaluate(
            """() => ['article p', 'article pre', 'article h2', 'article table a'].map(s =>
               getComputedStyle(document.querySelector(s)).color)"""
        )
        for colour in colours:
            assert sum(int(part) for part in re.findall(r"\d+", colour)[:3]) < 270, colour
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        assert page.locator(".page-tools").is_hidden()


@pytest.mark.parametrize("name", ["index.html", CHAPTER, "book/glossary.html"])
def test_a_printed_page_has_its_title_once(browser, site, name):
    """And no field that nobody can fill in, and no box of a cell that stays behind its code."""
    with tab(browser, WIDE) as page:
        open_page(page, site, name)
        page.emulate_media(media="print")
        titles = page.locator("h1:visible").all_inner_texts()
        assert len(titles) == 1 and titles[0].strip() in page.title()
        assert page.locator("article form:visible").count() == 0
        boxes = page.locator(".cell_input").evaluate_all(
            "cells => cells.map(cell => getComputedStyle(cell).breakInside)"
        )
        assert set(boxes) <= {"avoid"}


def test_without_scripts_a_chapter_can_be_read(browser, site):
    """Text, formulas, and no dead buttons."""
    with tab(browser, WIDE, java_script_enabled=False) as page:
        open_page(page, site, CHAPTER)
        assert page.locator(".katex").first.is_visible()
        assert page.locator("article section p").nth(3).is_visible()


LEDGER, ATLAS = "book/source-ledger.html", "book/version-atlas.html"


def test_the_ledger_is_filtered_on_the_way_back(browser, site):
    """What stands in the fields is what is shown, also where the browser filled them in again."""
    with tab(browser) as page:
        open_page(page, site, LEDGER)
        page.locator(".ledger-filter select").first.select_option(index=2)
        told = page.locator(".ledger-filter [role=status]").inner_text()
        assert told.split()[0] != told.split()[2]
        open_page(page, site, "book/glossary.html")
        page.go_back()
        page.wait_for_load_state("load")
        chosen = page.locator(".ledger-filter select").first.input_value()
        rows = page.locator(".ledger-summary tbody tr")
        fitting = rows.filter(has=page.locator(f".verdict:text-is('{chosen}')")) if chosen else rows
        expect(page.locator(".ledger-summary tbody tr:visible")).to_have_count(fitting.count())
        assert chosen and page.locator(".ledger-filter [role=status]").inner_text() == told


def test_each_row_of_the_ledger_names_its_source(browser, site):
    """Seen once in a group, or in each row among chosen ones; on a phone, verdicts fit."""
    seen = """() => [...document.querySelectorAll('.ledger-summary .again')].filter(
        e => e.checkVisibility({opacityProperty: true})).length"""
    over = """() => { const box = document.querySelector('.ledger-summary').getBoundingClientRect();
        return [...document.querySelectorAll('.ledger-summary .verdict')].filter(
            e => e.getBoundingClientRect().right > box.right).map(e => e.textContent); }"""
    with tab(browser, NARROW) as page:
        open_page(page, site, LEDGER)
        rows = page.locator(".ledger-summary tbody tr td:first-child")
        assert all(text.strip() for text in rows.all_text_contents())
        assert page.evaluate(seen) == 0
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate(over) == []
        page.locator(".ledger-filter select").first.select_option(index=2)
        repeated = page.locator(".ledger-summary tbody tr:not([hidden]) .again").count()
        assert page.evaluate(seen) == repeated > 0
        assert "color-contrast" not in axe_says(page)


def test_the_atlas_begins_with_the_versions_of_today(browser, site):
    """On a phone it is scrolled to its right end, beside the names; not for a link to a place."""
    places = """() => { const box = document.querySelector('.atlas');
        const left = s => box.querySelector(s).getBoundingClientRect().left;
        return [box.scrollLeft, box.scrollWidth - box.clientWidth, box.getBoundingClientRect().left,
            left('thead th'), left('tr.chapter a'), left('tbody th[scope=row]')]; }"""
    with tab(browser, NARROW) as page:
        open_page(page, site, ATLAS)
        at, end, edge, *names = page.evaluate(places)
        assert abs(at - end) < 2 and end > 100
        assert all(abs(name - edge) < 4 for name in names)
    with tab(browser, NARROW) as page:
        open_page(page, site, f"{ATLAS}?#what-to-take")
        assert page.evaluate(places)[0] == 0


# A4 upright less the margins that site.css asks for, in pixels.
PAPER = ("light", 672, 1000)


@pytest.mark.parametrize("name", [ATLAS, "book/runs.html", "book/folk-remedies.html"])
def test_a_wide_table_fits_on_paper(browser, site, name):
    with tab(browser, PAPER) as page:
        open_page(page, site, name)
        page.emulate_media(media="print")
        rights = page.locator("article table").evaluate_all(
            "tables => tables.map(table => table.getBoundingClientRect().right)"
        )
        assert 500 < max(rights) <= PAPER[1]
        boxes = page.locator(".pst-scrollable-table-container, .atlas").evaluate_all(
            "boxes => boxes.filter(box => box.scrollWidth > box.clientWidth + 1).length"
        )
        assert boxes == 0


@pytest.mark.parametrize("slug", ["points-to-distributions", "collapse-and-choice"])
def test_paper_opens_results_and_boxes_and_no_solutions(browser, site, slug):
    with tab(browser, PAPER) as page:
        open_page(page, site, chapter(slug))

        def shown(selector):
            return page.locator(selector).evaluate_all("all => all.map(e => e.checkVisibility())")

        results = ".cell.tag_hide-output details .cell_output, details.sd-dropdown > .sd-card-body"
        assert shown(results) and not any(shown(results))
        page.emulate_media(media="print")
        assert all(shown(results))
        assert not any(shown(".solution > :not(.admonition-title)"))
        code = "details:has(> summary > .collapsed:text-is('Show the code')) > .cell_input"
        assert shown(code) and not any(shown(code))


def test_tables_break_between_rows_on_paper(browser, site):
    """Not inside one, nor after its first; a heading stays whole, and with what follows."""
    with tab(browser, PAPER) as page:
        open_page(page, site, "index.html")
        page.emulate_media(media="print")

        def styles(selector, name):
            told = page.locator(selector).evaluate_all(
                f"all => all.map(e => getComputedStyle(e).{name})"
            )
            assert told
            return set(told)

        assert styles("article table", "breakInside") == {"auto"}
        assert styles("article tr", "breakInside") == {"avoid"}
        assert styles("article tbody tr:first-child", "breakAfter") == {"avoid"}
        assert styles("article :is(h1, h2)", "breakInside") == {"avoid"}
        assert styles("article :is(h1, h2)", "breakAfter") == {"avoid"}
        assert styles("article :is(h2, section)", "breakBefore") == {"auto"}
        # A part of the course stays with its first chapter.
        parts = "article tbody tr:has(td:first-child strong)"
        assert styles(parts, "breakAfter") == {"avoid"}
