"""What nodes mean: contact sheets on both sides, what a branch separates, labels carried to the other side."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from zoo import gallery

QUERY = "?a=shown-a&b=shown-b"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_LOADED = "() => [...document.querySelectorAll('#meaning img')].every((image) => image.naturalWidth > 0)"


@pytest.fixture(scope="module")
def shown(browser, browser_context_args, served, screen_of, trained, tmp_path_factory):
    """A page on two models with pictures and labels, and on one without; nothing may be said in its console."""
    from core.model.store import save_model
    from topoviz.session.settings import Settings

    folder = tmp_path_factory.mktemp("gallery")
    gallery(folder, {"shown-a": trained["three-a"], "shown-b": trained["three-b"]})
    save_model(trained["three-a"], folder / "plain")
    with served(Settings(models=folder, open_browser=False)) as address:
        context = browser.new_context(**browser_context_args)
        context.set_default_timeout(120_000)
        page, said = context.new_page(), []
        page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        yield screen_of(page, address)
        context.close()
    assert said == []


def alts(page, side):
    """What the pictures on one side are called."""
    return (
        page.locator(".meaning-side")
        .nth("ab".index(side))
        .locator(".sheet img")
        .evaluate_all("(images) => images.map((image) => image.alt)")
    )


@pytest.mark.slow
def test_a_node_in_hand_shows_its_contact_sheet_beside_its_partner_s(shown):
    page = shown.open(QUERY).page
    assert page.locator("#meaning").is_hidden()
    for node, other in shown.links():
        if node not in shown.nodes("a"):
            continue
        shown.click_node("a", node)
        name = shown.nodes("a")[node]["label"]
        expect(page.locator(".meaning-side h3").first).to_have_text(name)
        expect(page.locator(".meaning-side h3").last).to_have_text(shown.nodes("b")[other]["label"])
        blobs = {side: {alt.rsplit(" ", 1)[1] for alt in alts(page, side)} for side in "ab"}
        assert len(alts(page, "a")) == len(alts(page, "b")) == 12
        assert len(blobs["a"]) == 1
        assert blobs["a"] == blobs["b"]
        expect(page.locator(".meaning-held").first).to_contain_text(f"blob {blobs['a'].pop()}")
        page.wait_for_function(_LOADED)
        page.keyboard.press("Escape")
        shown.wait(lambda session: session.selection is None)


def test_the_card_of_a_node_shows_both_sheets(shown):
    page = shown.open(QUERY).page
    shown.page.mouse.move(*shown.at_node("a", 1))
    expect(page.locator("#tip .card-sheets > div")).to_have_count(2)
    expect(page.locator("#tip .card-sheets img")).to_have_count(16)
    page.mouse.move(5, 5)


def test_a_saddle_says_what_it_separates(shown):
    page = shown.open(QUERY).page
    page.locator("#tab-meaning").click()
    expect(page.locator("#meaning")).to_contain_text("Take a node in hand")
    root = next(node["id"] for node in shown.meta()["nodes"] if node["side"] == "a" and node["up"] is None)
    shown.click_node("a", root)
    expect(page.locator(".meaning-side").first).to_contain_text("What it separates")
    # The roots are matched, though no link shows it.
    expect(page.locator(".meaning-side").last).to_contain_text("What it separates")
    strip = page.locator(".meaning-side").first.locator(".strip img")
    expect(strip).to_have_count(3)
    assert strip.nth(1).get_attribute("alt").startswith("Where ")
    page.wait_for_function(_LOADED)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    assert [item["id"] for item in found] == []


def test_labels_are_carried_to_the_other_side_and_set_beside_its_own(shown):
    page = shown.open(QUERY).page
    key = page.locator(".panel-latent-b .labels-key")
    key.get_by_role("button", name="Carried from A").click()
    expect(key).to_contain_text("Labels carried from A agree with B's own on 100 %")
    expect(key.get_by_role("button", name="Carried from A")).to_be_focused()
    key.get_by_role("button", name="Color by blob").click()
    expect(key).not_to_contain_text("agree")
    expect(key.get_by_role("button", name="Color by blob")).to_have_attribute("aria-pressed", "true")


def test_a_model_without_examples_says_how_to_have_some(shown):
    page = shown.open("?a=plain&b=shown-b").page
    page.keyboard.press("m")
    expect(page.locator("#tab-meaning")).to_be_focused()
    shown.click_node("a", 1)
    expect(page.locator(".meaning-side").first).to_contain_text("--examples FILE")
    expect(page.locator(".panel-latent-a .labels-key [data-colors=own]")).to_have_count(0)
    expect(page.locator(".panel-latent-a .labels-key")).to_contain_text("Carried from B")


def test_a_tab_that_a_person_chose_stays(shown):
    page = shown.open(QUERY).page
    page.locator("#tab-log").click()
    shown.click_node("a", 1)
    shown.wait(lambda session: session.selection is not None)
    shown.settle()
    expect(page.locator("#tab-log")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("m")
    expect(page.locator(".meaning-side img").first).to_be_visible()
