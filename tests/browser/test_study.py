"""The dialog of studies as a person uses it: by pointer and by keyboard."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def dialog(screen):
    """The dialog, open, with its trials drawn; the page is left as it was."""
    screen.page.locator("#studies").click()
    screen.page.locator("#study-table tr[data-trial]").first.wait_for()
    yield screen
    if screen.page.locator("#study-view").is_visible():
        screen.page.keyboard.press("Escape")
    screen.page.locator("#study-view").wait_for(state="hidden")


def point(page, trial):
    return page.locator(f".trial-point[data-trial='{trial}']")


def test_a_trial_shows_its_tree_and_a_click_opens_it_as_a(dialog):
    page = dialog.page
    expect(page.locator("#study-summary")).to_contain_text("Still running: 5 of 8")
    expect(page.locator("#study-card")).to_contain_text("Trial 1")
    point(page, 0).hover()
    expect(page.locator("#study-card")).to_contain_text("Trial 0")
    expect(page.locator("#study-card")).to_contain_text("volume changes")
    picture = page.locator("#study-card .tree-picture")
    expect(picture).to_have_attribute("alt", "Tree of trial 0: 6 leaves")
    page.wait_for_function("() => document.querySelector('#study-card .tree-picture').naturalWidth === 240")
    expect(page.locator("#study-table tr.lit")).to_have_attribute("data-trial", "0")
    point(page, 0).click()
    session = dialog.wait(lambda session: session.model_a == "search/0000")
    assert session.model_b == "three-b"
    expect(page.locator("#model-a")).to_have_value("trial 0 · search")
    dialog.settle()


def test_keys_go_from_trial_to_trial_and_open_one_as_b(dialog):
    page = dialog.page
    point(page, 1).focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => document.activeElement.dataset.trial") == "0"
    expect(page.locator("#study-card")).to_contain_text("Trial 0")
    rows = page.locator("#study-table tr[data-trial]")
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    assert rows.nth(1).evaluate("(row) => row === document.activeElement")
    # A trial without a model opens nothing.
    page.locator("#study-table tr[data-trial='3']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#study-view")).to_be_visible()
    page.locator("#study-table tr[data-trial='1']").focus()
    page.keyboard.press("Shift+Enter")
    session = dialog.wait(lambda session: session.model_b == "search/0001")
    assert session.model_a == "three-a"
    dialog.settle()


def test_columns_sort_and_axes_change(dialog):
    page = dialog.page
    first = page.locator("#study-table tr[data-trial]").first
    expect(first).to_have_attribute("data-trial", "1")
    page.get_by_role("button", name="Critic loss", exact=True).click()
    expect(first).to_have_attribute("data-trial", "0")
    expect(page.locator("#study-table th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="Critic loss", exact=True).click()
    expect(first).to_have_attribute("data-trial", "1")
    assert page.locator(".trial-point").count() == 2
    page.locator("#study-y").click()
    page.get_by_role("option", name="Held-out NLL").click()
    expect(page.locator(".trial-point")).to_have_count(3)
    page.get_by_text("All parameters").click()
    expect(page.locator("#study-lines polyline.reach")).to_have_count(3)
    page.locator("#study-table tr[data-trial='4']").hover()
    expect(page.locator("#study-lines g.lit")).to_have_attribute("data-trial", "4")
    page.get_by_text("Two figures").click()
    page.locator("#study-y").click()
    page.get_by_role("option", name="Tree stability").click()
    expect(page.locator(".trial-point")).to_have_count(2)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dialog_is_accessible_and_fits(screen, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = screen.page
    if theme == "dark":
        page.locator("#switch-theme").click()
        page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
        screen.settle()
    page.locator("#studies").click()
    page.locator("#study-table tr[data-trial]").first.wait_for()
    screen.settle()
    told = _violations(Axe(), page)
    page.get_by_text("All parameters").click()
    page.locator("#study-lines svg").wait_for()
    told += _violations(Axe(), page)
    page.get_by_text("Two figures").click()
    page.locator(".plot").wait_for()
    page.set_viewport_size({"width": 1024, "height": 768})
    boxes = {name: page.locator(name).bounding_box() for name in ("#study-chart", "#study-table", "#study-card")}
    page.set_viewport_size({"width": 1440, "height": 900})
    page.keyboard.press("Escape")
    page.locator("#study-view").wait_for(state="hidden")
    page.locator("#train").click()
    page.locator("#training-start").wait_for()
    screen.settle()
    told += _violations(Axe(), page)
    page.keyboard.press("Escape")
    page.locator("#training-start").wait_for(state="hidden")
    if theme == "dark":
        page.locator("#switch-theme").click()
        screen.settle()
    assert "\n".join(told) == ""
    for name, box in boxes.items():
        assert min(box["width"], box["height"]) > 150, name
        assert box["x"] + box["width"] <= 1024, name
        assert box["y"] + box["height"] <= 768, name


def _violations(axe, page):
    found = axe.run(page).response["violations"]
    return [f"{item['id']} at {[node['target'] for node in item['nodes']]}" for item in found]
