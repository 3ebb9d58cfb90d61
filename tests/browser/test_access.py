"""The page for those who do not use a mouse or do not see it, and a page whose server is away."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def _violations(page):
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{item['id']} at {[node['target'] for node in item['nodes']]}" for item in found]


def _theme(screen, name):
    if screen.page.evaluate("() => document.documentElement.dataset.theme") != name:
        screen.page.locator("#switch-theme").click()
        screen.page.wait_for_function(f"() => document.documentElement.dataset.theme === '{name}'")
        screen.settle()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_part_of_the_page_breaks_wcag(screen, theme):
    page, found = screen.page, {}
    _theme(screen, theme)
    found["page"] = _violations(page)
    for tab in page.locator("#curation [role=tab]").all():
        tab.click()
        screen.settle()
        found[tab.inner_text()] = _violations(page)
    page.locator("#curation [role=tab]").first.click()
    for name in ("help", "train"):
        page.locator(f"#{name}").click()
        page.locator("[role=dialog]:visible").wait_for()
        page.wait_for_timeout(400)
        found[name] = _violations(page)
        page.keyboard.press("Escape")
        page.locator("[role=dialog]:visible").wait_for(state="hidden")
        expect(page.locator(f"#{name}")).to_be_focused()
    page.locator("#tour").click()
    screen.settle()
    found["story"] = _violations(page)
    page.locator("[data-story=leave]").click()
    page.locator("#tree-a").focus()
    page.keyboard.press("ArrowRight")
    screen.wait(lambda session: session.selection is not None)
    page.keyboard.press("b")
    expect(page.locator("#brushed")).not_to_be_empty()
    screen.settle()
    found["brush"] = _violations(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    _theme(screen, "light")
    assert {name: told for name, told in found.items() if told} == {}


def test_the_story_is_gone_through_by_keyboard(screen):
    page = screen.page
    page.locator("#tour").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#story")).to_be_focused()
    steps = page.locator("#story article").count()
    for step in range(steps):
        expect(page.locator("#story article:visible .story-count")).to_have_text(f"{step + 1} of {steps}")
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("() => document.activeElement.dataset.story") == "next":
                break
        button = page.locator("[data-story=next]")
        expect(button).to_be_focused()
        expect(button).to_have_text("Finish" if step == steps - 1 else "Next")
        page.keyboard.press("Enter")
        screen.settle()
        if step < steps - 1:
            expect(page.locator("#story")).to_be_focused()
    expect(page.locator("#story")).to_be_hidden()
    expect(page.locator("#tour")).to_be_focused()


def test_every_view_says_what_it_shows_and_follows_an_edit(screen):
    page = screen.page

    def said(name):
        return page.locator(f".graph-frame:has(#{name})")

    for side in ("a", "b"):
        expect(said(f"latent-{side}")).to_have_attribute("aria-label", re.compile(r"\d leaves, the heaviest .* \d+ %"))
        expect(said(f"surface-{side}")).to_have_attribute("aria-label", re.compile(r"cut at .* nats leaves \d part"))
    expect(said("trees")).to_have_attribute("aria-label", re.compile(r"\d of \d leaves of A and \d of B matched, 0 by"))
    expect(page.locator("#finding")).to_contain_text("Transform A to B: ")
    screen.link(*next(iter(screen.links())))
    expect(said("trees")).to_have_attribute("aria-label", re.compile("matched, 1 by hand"))
    expect(page.locator("#finding")).to_contain_text("1 by hand")
    before, level = said("latent-a").get_attribute("aria-label"), screen.session().level
    page.locator("#level").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    expect(said("latent-a")).not_to_have_attribute("aria-label", before)
    screen.wait(lambda session: session.level == pytest.approx(level + 0.12))
    screen.settle()


def test_a_lost_connection_is_told_and_the_edit_is_made_when_it_is_back(screen):
    page = screen.page
    pair = next(iter(screen.links()))
    away = re.compile("_dash-update-component|/edit$")
    page.route(away, lambda route: route.abort("connectionrefused"))
    page.route("**/_favicon.ico*", lambda route: route.abort("connectionrefused"))
    screen.click_node("a", pair[0])
    expect(page.locator("#connection")).to_contain_text("Your curation is kept")
    assert screen.session().selection is None
    page.unroute(away)
    page.unroute("**/_favicon.ico*")
    expect(page.locator("#connection")).to_be_empty(timeout=10_000)
    screen.wait(lambda session: session.selection is not None and session.selection.node == pair[0])
    # What the browser says of the requests that were refused is meant here.
    page.said.clear()


def test_a_session_whose_models_are_gone_leaves_the_curation(screen):
    page = screen.page
    pair = next(iter(screen.links()))
    screen.link(*pair)
    gone = screen.session().to_json() | {"model_a": "long-gone"}
    page.evaluate(f"() => topoviz.emit({{ type: 'load-session', session: {json.dumps(gone)} }})")
    expect(page.locator("#notice")).to_contain_text("long-gone")
    assert "\n" not in page.locator("#notice").inner_text()
    assert screen.session().pins == (pair,)


def test_keys_of_one_letter_can_be_switched_off(screen):
    page = screen.page
    page.locator("#help").click()
    switch = page.locator("#letter-keys")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    page.keyboard.press("Escape")
    page.locator("[role=dialog]:visible").wait_for(state="hidden")
    page.keyboard.press("l")
    expect(page.locator("[data-tool=lasso]").first).to_have_attribute("aria-pressed", "false")
    page.locator("#help").click()
    switch.click()
    page.keyboard.press("Escape")
    page.locator("[role=dialog]:visible").wait_for(state="hidden")
    page.keyboard.press("l")
    expect(page.locator("[data-tool=lasso]").first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
