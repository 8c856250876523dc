"""The reference pages in a real browser: the glossary's tips, the converter, names in code."""

import re

import pytest
from browser import chapter, eventually, expect, needs_browser, open_page, tab
from bs4 import BeautifulSoup

pytestmark = needs_browser

WEIGHING = chapter("weigh-the-kl-term")
DEVICES = chapter("several-devices")


@pytest.fixture
def page(browser):
    with tab(browser) as opened:
        yield opened


def tip_page(page, site):
    page.goto((site / DEVICES).as_uri())
    return page.locator(".glossary-tip").first


def test_tips_of_the_glossary_are_few_and_in_prose(site):
    marked = 0
    for path in site.rglob("*.html"):
        article = BeautifulSoup(path.read_text(), "html.parser").find("article")
        found = article.select(".glossary-tip") if article else []
        marked += bool(found)
        assert len(found) <= 12, path
        for tip in found:
            assert tip.a["href"].split("#")[0].endswith("glossary.html"), path
            outside = ["h1", "h2", "h3", "pre", "table", "details", "figure", "aside"]
            boxes = ["exercise", "solution", "admonition", "cell"]
            assert not tip.find_parents(outside) and not tip.find_parents("div", class_=boxes)
    assert marked > 20


def test_a_tip_opens_on_hover_and_can_be_hovered(page, site):
    term = tip_page(page, site)
    tip = term.locator("[role=tooltip]")
    expect(tip).to_be_hidden()
    term.locator("a").hover()
    expect(tip).to_be_visible()
    assert tip.inner_text() == term.get_attribute("data-tip")
    tip.hover()
    page.wait_for_timeout(400)
    expect(tip).to_be_visible()
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


def test_a_tip_opens_on_focus_and_closes_on_escape(page, site):
    term = tip_page(page, site)
    link, tip = term.locator("a"), term.locator("[role=tooltip]")
    link.focus()
    expect(tip).to_be_visible()
    assert link.get_attribute("aria-describedby") == tip.get_attribute("id")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    assert link.evaluate("link => document.activeElement === link"), "the focus stays"
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(tip).to_be_visible()
    page.keyboard.press("Tab")
    expect(tip).to_be_hidden()
    link.hover()
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_a_tip_lies_within_the_window(browser, site):
    """On a phone, too; the first touch opens it, the second follows the link."""
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True)
    page = context.new_page()
    term = tip_page(page, site)
    for other in page.locator(".glossary-tip").all():
        other.locator("a").focus()
        box = other.locator("[role=tooltip]").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 320, box
    page.evaluate("document.activeElement.blur()")
    term.locator("a").tap()
    expect(term.locator("[role=tooltip]")).to_be_visible()
    assert "several-devices" in page.url
    page.locator("h1").tap()
    expect(term.locator("[role=tooltip]")).to_be_hidden()
    term.locator("a").tap()
    term.locator("a").tap()
    page.wait_for_url(re.compile(r"glossary\.html#term-"))
    context.close()


def test_without_scripts_a_term_is_a_link(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    tip_page(page, site).locator("a").click()
    page.wait_for_url(re.compile(r"glossary\.html#term-"))
    page.goto((site / "book/conversions.html").as_uri())
    expect(page.locator("#convert-beta")).to_be_hidden()
    expect(page.locator("#converters-off")).to_be_visible()
    expect(page.get_by_role("cell", name="0.51")).to_be_visible()
    context.close()


def test_the_calculators_convert(page, site):
    page.goto((site / "book/conversions.html").as_uri())
    expect(page.locator("#converters-off")).to_have_count(0)
    form = page.locator("#convert-beta")
    answer, back = form.locator(".converter-answer"), form.locator(".converter-back")
    expect(answer).to_contain_text("beta = 0.5096")
    form.get_by_label("z_dim").fill("12")
    expect(answer).to_contain_text("beta = 0.08493")
    form.get_by_label("I want beta").fill("0.08493")
    expect(back).to_contain_text("6.5e-4")
    form.locator("[name=error]").select_option("squared")
    expect(answer).to_contain_text("Gaussian decoder with s = ")
    form.locator("[name=kl_weight]").fill("0")
    expect(answer).to_have_text("The KL weight must be greater than 0, not 0.")
    form.locator("[name=kl_weight]").fill("6,5")
    expect(answer).to_contain_text("must be a number")
    form.locator("[name=kl_weight]").fill("1")
    form.locator("[name=kl]").select_option("flipped")
    expect(answer).to_contain_text("wrong sign")
    expect(form.get_by_label("batch size")).to_be_hidden()
    form.locator("[name=dimensions]").select_option("batch")
    expect(form.get_by_label("batch size")).to_be_visible()
    expect(page.locator("#convert-nats .converter-answer")).to_contain_text("81.61 nats")
    noise = page.locator("#convert-noise")
    expect(noise.locator(".converter-answer")).to_contain_text("beta = 0.09;")
    noise.get_by_label("s", exact=True).fill("")
    expect(noise.locator(".converter-answer")).to_have_text("s is missing.")


def test_the_calculator_is_right_for_whoever_comes_back(page, site):
    """The browser fills the fields in again; the answer must be that to what stands in them."""
    page.goto((site / "book/conversions.html").as_uri())
    form = page.locator("#convert-beta")
    form.locator("[name=kl]").select_option("half")
    form.locator("[name=kl_weight]").fill("1/784")
    answer = form.locator(".converter-answer")
    expect(answer).to_contain_text("beta = 0.5.")
    page.goto((site / WEIGHING).as_uri())
    page.go_back()
    settled = (
        "() => { const form = document.getElementById('convert-beta'),"
        " answer = () => form.querySelector('.converter-answer').textContent, seen = answer();"
        " form.dispatchEvent(new Event('input')); return seen !== '' && seen === answer(); }"
    )
    page.wait_for_timeout(500)
    assert page.evaluate(settled)


def test_the_cheat_sheet_prints_on_two_pages(page, site):
    page.goto((site / "book/cheat-sheet.html").as_uri())
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 2


def test_names_in_code_lead_to_their_entry_and_copy_clean(browser, site):
    with tab(browser, permissions=["clipboard-read", "clipboard-write"]) as page:
        names_in_code_are_links(page, site)
        what_to_cite_is_copied(page, site)


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


def names_in_code_are_links(page, site):
    open_page(page, site, WEIGHING)
    link = page.locator("a.api-link:visible", has_text="latent.active_units").first
    line = "e => getComputedStyle(e).textDecorationLine"
    block = link.locator("xpath=ancestor::pre")
    code = block.inner_text()
    assert link.evaluate(line) == "none"
    link.hover()
    assert link.evaluate(line) == "underline"
    block.hover()
    block.locator("xpath=../button").click()
    assert eventually(lambda: clipboard(page).strip() == code.strip())
    link.click()
    page.wait_for_load_state()
    assert page.url.endswith("book/api/study.html#vaelib.latent.active_units")


def what_to_cite_is_copied(page, site):
    open_page(page, site, "book/cite.html")
    page.locator(".cite-block button.copybtn").first.click()
    assert eventually(lambda: clipboard(page).startswith("@software{"))
