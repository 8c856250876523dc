"""What answers and moves on the rendered site, driven as a reader would: by mouse, finger and keys.

The exercises' forms, the search, the latent explorer.
"""

import json
import re
from urllib.parse import urlsplit

import pytest
from browser import (
    NARROW,
    WIDE,
    chapter,
    eventually,
    expect,
    needs_browser,
    open_page,
    tab,
)

pytestmark = needs_browser

WEIGHING = chapter("weigh-the-kl-term")


# Exercises and search

EXERCISES = chapter("collapse-and-choice")


@pytest.mark.parametrize("kind", [WIDE, NARROW])
def test_an_exercise_answers_in_the_page(browser, site, kind):
    with tab(browser, kind) as page:
        open_page(page, site, EXERCISES)
        form = page.locator("#ex-free form")
        said = form.get_by_role("status")
        form.get_by_label("charge").fill("5/2")
        form.get_by_label("pushed").fill("4")
        form.get_by_role("button", name="Check").click()
        assert "you compared the sum with 0.5" in said.inner_text()
        assert "Read as 2.5, 4." in said.inner_text()
        form.get_by_label("charge").fill("3.5")
        form.get_by_label("pushed").fill("1")
        form.get_by_label("pushed").press("Enter")
        assert said.inner_text().endswith("Correct.")
        page.reload()
        assert form.get_by_label("charge").input_value() == "3.5"
        assert page.locator("#ex-free .exercise-done").count() == 1
        # Every form of the page is made, and hides the notebook's own "No answer yet".
        forms = page.locator(".exercise-form form").count()
        assert forms == page.locator(".exercise-form").count() > 4
        assert forms == page.locator(".cell_output[hidden]").count()
        open_page(page, site, "book/exercises.html")
        assert page.locator("td .exercise-done").count() >= 1
        assert not page.complaints


def test_without_javascript_there_is_no_form(browser, site):
    with tab(browser, java_script_enabled=False) as page:
        open_page(page, site, EXERCISES)
        assert page.locator(".exercise-form").count() > 4
        assert page.locator(".exercise-form input").count() == 0


def test_solutions_stay_shut_on_paper(browser, site):
    with tab(browser) as page:
        open_page(page, site, EXERCISES)
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        inside = page.locator(".solution > :not(.admonition-title)")
        assert inside.count() > 4 and not any(one.is_visible() for one in inside.all())
        assert page.locator("#ex-free").is_visible()
        assert not page.locator("#ex-free form").is_visible()


@pytest.mark.parametrize(
    ("query", "address"),
    [("blurry", "book/errors/questions.html"), ("posterior collapse", "collapse-and-choice"),
     ("reparameterization", "points-to-distributions"),
     ("reparameterisation", "points-to-distributions"),
     ("8,728,505", "walk-the-manifold"), ("8728505", "walk-the-manifold"),
     ("NaN", "book/errors/nan-or-zero-loss"), ("add_loss", "model-loss"),
     ("free bits", "collapse-and-choice"), ("which beta should I use", "book/errors/questions"),
     ("multi gpu", "several-devices"), ("difference between AE and VAE", "latent-space"),
     ("homework with solutions", "book/exercises")],
)  # fmt: skip
def test_the_search_leads_to_sections(browser, site, query, address):
    """From disk: the right page is among the first three, and excerpts mark the words."""
    with tab(browser) as page:
        open_page(page, site, "search.html")
        page.get_by_label("Search the course").fill(query)
        page.get_by_label("Search the course").press("Enter")
        links = page.locator("#site-hits .hit-title a")
        links.first.wait_for()
        first = [links.nth(i).get_attribute("href") for i in range(min(3, links.count()))]
        assert any(address in link for link in first), first
        assert page.locator("#site-hits .hit-text mark").count() > 0
        assert not page.complaints


@pytest.mark.parametrize("kind", [WIDE, NARROW])
def test_the_search_from_any_page_and_back_into_one(browser, site, kind):
    with tab(browser, kind) as page:
        open_page(page, site, "book/setup.html")
        page.keyboard.press("Control+k")
        page.keyboard.type("posterior collapse")
        page.keyboard.press("Enter")
        page.wait_for_selector("#site-hits li")
        assert page.url.endswith("search.html?q=posterior+collapse")
        page.locator("#site-hits a[href*='#']").first.click()
        page.wait_for_selector("mark.search-mark")
        assert "highlight" not in page.url and "#" in page.url
        assert page.locator("nav mark, header mark").count() == 0
        page.keyboard.press("Escape")
        assert page.locator("mark.search-mark, #search-unmark").count() == 0
        assert not page.complaints


def test_the_search_hands_an_error_to_the_error_index(browser, site):
    with tab(browser) as page:
        open_page(page, site, "search.html?q='KerasTensor' object has no attribute 'add_loss'")
        page.wait_for_function("document.querySelectorAll('#site-errors a').length === 2")
        answer = page.locator("#site-errors a").nth(1).get_attribute("href")
        assert answer.startswith("book/errors/") and (site / answer.split("#")[0]).exists()
        page.get_by_role("link", name="Ask the error index").click()
        page.wait_for_selector("#error-answers a")
        assert page.locator("#error-query").input_value().startswith("'KerasTensor'")


@pytest.mark.parametrize("send", ["Enter", "button"])
def test_the_front_page_hands_a_whole_traceback_over(browser, site, send):
    """With its lines, and not in the query, which a server would refuse at this length, and log."""
    lines = [f'  File "step{number}.py", line {number}, in call' for number in range(600)]
    text = "\n".join([*lines, "ValueError: No gradients provided for any variable."])
    with tab(browser) as page:
        open_page(page, site, "index.html")
        field = page.get_by_label("The error, or what you see")
        field.fill(text)
        if send == "Enter":
            field.press("Enter")
        else:
            page.get_by_role("button", name="Explain").click()
        page.wait_for_url("**/error-index.html**")
        assert page.get_by_label("Paste the message").input_value() == text
        expect(page.locator("#error-found")).to_contain_text("answer")
        assert urlsplit(page.url).query == ""
        assert not page.complaints


def test_no_page_but_that_of_the_search_loads_its_index(site, names):
    for name in names:
        text = (site / name).read_text()
        assert ("search-sections.js" in text) == (name == "search.html"), name
        assert "searchindex.js" not in text and "searchtools.js" not in text, name
    assert (site / "_static" / "search-sections.js").stat().st_size < 1_000_000
    assert not (site / "searchindex.js").exists()


def test_every_section_of_the_search_is_there(site):
    text = (site / "_static" / "search-sections.js").read_text()
    pages = json.loads(text.removeprefix("window.searchPages = ").removesuffix(";\n"))
    assert sum(len(sections) for _, _, sections in pages) > 900
    for address, _, sections in pages:
        page = (site / address).read_text()
        assert all(f'id="{anchor}"' in page for anchor, *_ in sections if anchor), address


# The latent explorer


@pytest.fixture
def explorer(browser, site):
    """The explorer of the chapter, its data loaded."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page.goto((site / WEIGHING).as_uri())
    place = page.locator(".explorer")
    place.scroll_into_view_if_needed()
    expect(place).to_have_attribute("data-ready", "")
    yield place
    page.close()


def digit(place, side):
    """The pixels of a decoded digit, as one long string."""
    return place.locator(f"[data-side={side}] .explorer-decoded canvas").evaluate(
        "c => c.toDataURL()"
    )


def digits(place):
    return [digit(place, side) for side in ("plain", "vae")]


def all_differ(before, after):
    return all(old != new for old, new in zip(before, after, strict=True))


def plane(place, side="vae"):
    return place.locator(f"[data-side={side}] .explorer-plane")


def picture(place, side="vae"):
    return plane(place, side).evaluate("c => c.toDataURL()")


def test_the_data_come_when_the_reader_comes_near(browser, site):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / WEIGHING).as_uri())
    page.wait_for_timeout(300)
    far = page.locator(".explorer").bounding_box()["y"] > 1400
    assert any("explorer-data" in url for url in asked) != far
    page.locator(".explorer").scroll_into_view_if_needed()
    expect(page.locator(".explorer")).to_have_attribute("data-ready", "")
    assert sum("explorer-data" in url for url in asked) == 1
    page.close()


def test_the_mouse_moves_the_point_and_a_click_keeps_it(explorer):
    before = digits(explorer)
    assert before[0] != before[1]
    box = plane(explorer).bounding_box()
    mouse = explorer.page.mouse
    mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"])
    assert eventually(lambda: all_differ(before, digits(explorer))), "both decoders follow"
    moved = digits(explorer)
    mouse.move(5, 5)
    assert eventually(lambda: digits(explorer) == before), "a point only tried is given up"
    mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"])
    mouse.move(5, 5)
    assert eventually(lambda: digits(explorer) == moved)
    assert explorer.locator(".explorer-z").first.input_value() in ("0.00", "-0.00")


def test_a_finger_moves_the_point(browser, site):
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto((site / "index.html").as_uri())
    place = page.locator(".explorer")
    place.scroll_into_view_if_needed()
    expect(place).to_have_attribute("data-ready", "")
    before = digits(place)
    plane(place, "plain").tap(position={"x": 90, "y": 90})
    assert eventually(lambda: all_differ(before, digits(place)))
    page.close()


def test_the_keys_move_the_point_and_it_is_said(explorer):
    before = digits(explorer)
    plane(explorer).focus()
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowRight", "ArrowDown"):
        explorer.page.keyboard.press(key)
    assert eventually(lambda: all_differ(before, digits(explorer)))
    expect(explorer.locator(".explorer-said")).to_contain_text("z1 1.00, z2 \u22121.80.")
    expect(explorer.locator(".explorer-said")).to_contain_text(
        re.compile("VAE, nearest code: an? [0-9]")
    )
    explorer.page.keyboard.press("Home")
    expect(explorer.locator(".explorer-z").first).to_have_value("0.00")


def test_the_slider_moves_everything_together(explorer):
    before, shown = digit(explorer, "vae"), picture(explorer)
    plain = digit(explorer, "plain")
    slider = explorer.locator(".explorer-slider")
    slider.focus()
    explorer.page.keyboard.press("End")
    expect(explorer.locator("[data-side=vae] .explorer-title")).to_have_text(
        re.compile(r"VAE, beta 16\s*rate 1\.2, distortion 179\.3")
    )
    expect(explorer.locator("tbody tr").first.locator("td").last).to_have_text("1.2")
    expect(explorer.locator("svg .chosen")).to_have_count(1)
    assert slider.get_attribute("aria-valuetext") == "beta 16, rate 1.2, distortion 179.3"
    assert eventually(lambda: picture(explorer) != shown and digit(explorer, "vae") != before)
    assert digit(explorer, "plain") == plain, "the autoencoder has no weight"
    expect(explorer.locator(".explorer-said")).to_contain_text(
        "beta 16: rate 1.2, distortion 179.3 nats."
    )
    assert "98" in explorer.locator(".explorer-story").inner_text()


def test_classes_can_be_hidden(explorer):
    shown = picture(explorer)
    expect(explorer.locator("[data-side=vae] .explorer-decoded p")).to_contain_text("a 0")
    zero = explorer.get_by_role("button", name="codes of 0")
    zero.click()
    expect(zero).to_have_attribute("aria-pressed", "false")
    assert eventually(lambda: picture(explorer) != shown)
    expect(explorer.locator("[data-side=vae] .explorer-decoded p")).not_to_contain_text("a 0")
    explorer.get_by_role("button", name="none").click()
    expect(explorer.locator("[data-side=vae] .explorer-decoded p")).to_have_text("no codes shown")
    explorer.get_by_role("button", name="all", exact=True).click()
    expect(zero).to_have_attribute("aria-pressed", "true")
    assert eventually(lambda: picture(explorer) == shown)


def test_a_sentence_sets_the_picture(explorer):
    page, before = explorer.page, digits(explorer)
    page.get_by_role("button", name="beta 16", exact=True).click()
    expect(explorer.locator("[data-side=vae] .explorer-title b")).to_have_text("VAE, beta 16")
    expect(explorer.locator(".explorer-shows")).to_have_value("clouds")
    expect(explorer.locator(".explorer-window")).to_have_value("4")
    page.get_by_role("button", name="beta 1", exact=True).click()
    expect(explorer.locator(".explorer-shows")).to_have_value("codes")
    assert eventually(lambda: digits(explorer) == before)
    explorer.get_by_role("button", name="Back to the text").click()
    sentence = page.get_by_role("button", name="beta 1", exact=True)
    expect(sentence).to_be_focused()
    expect(sentence).to_be_in_viewport()
    expect(explorer.get_by_role("button", name="Back to the text")).to_be_hidden()
    expect(explorer.locator("[data-side=vae] .explorer-decoded p")).to_contain_text("65 of 2,000")
    expect(explorer.locator("[data-side=plain] .explorer-decoded p")).to_contain_text("63 of 2,000")


def test_without_scripts_a_picture_and_a_caption_stand_there(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for name in (WEIGHING, "index.html"):
        page.goto((site / name).as_uri())
        assert page.locator(".explorer img").is_visible()
        assert len(page.locator(".explorer-caption").inner_text()) > 40
        assert page.locator(".explorer button, button.explorer-show").count() == 0
    page.goto((site / WEIGHING).as_uri())
    assert page.locator("span.explorer-show").first.is_visible()
    context.close()


def test_without_its_data_the_picture_comes_back(browser, site):
    page = browser.new_page()
    page.route("**/explorer-data.js*", lambda route: route.abort())
    page.goto((site / "index.html").as_uri())
    page.locator(".explorer").scroll_into_view_if_needed()
    expect(page.locator(".explorer img")).to_be_visible()
    expect(page.locator(".explorer-live")).to_be_hidden()
    page.close()


def test_in_print_the_picture_stands_there(explorer):
    explorer.page.emulate_media(media="print")
    assert explorer.locator("img").is_visible() and explorer.locator(".explorer-live").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_axe_finds_nothing_in_the_explorer(browser, site, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    context.add_init_script(f"localStorage.mode = localStorage.theme = '{scheme}'")
    page = context.new_page()
    page.goto((site / WEIGHING).as_uri())
    page.locator(".explorer").scroll_into_view_if_needed()
    expect(page.locator(".explorer")).to_have_attribute("data-ready", "")
    page.get_by_role("button", name="codes of 7").click()
    found = Axe().run(page, context=".explorer", options={"preload": False}).response["violations"]
    assert not found, [(v["id"], [n["target"] for n in v["nodes"]]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
