"""The page as a person uses it: what is on it, what its gestures do, what stays."""

import json
import shutil
from urllib.parse import urlencode

import pytest

from core.config import choices
from core.model.store import save_model
from topoviz.session.state import Session
from zoo import CONVERGED, UNCONVERGED, with_metrics


def test_everything_is_on_one_screen(screen):
    height = screen.page.evaluate("() => document.documentElement.scrollHeight")
    assert height == 900
    for name in ("trees", "latent-a", "latent-b", "surface-a", "surface-b", "details", "level", "simplify"):
        box = screen.page.locator(f"#{name}").bounding_box()
        assert box is not None, name
        assert min(box["width"], box["height"]) > 10, name
        assert box["y"] + box["height"] <= 901, name


def test_a_small_screen_is_enough(screen):
    screen.page.set_viewport_size({"width": 1024, "height": 768})
    screen.settle()
    screen.page.wait_for_timeout(700)
    width = screen.page.evaluate("() => document.documentElement.scrollWidth")
    boxes = {name: screen.page.locator(f"#{name}").bounding_box() for name in ("help", "undo", "simplify", "details")}
    screen.page.set_viewport_size({"width": 1440, "height": 900})
    assert width <= 1024
    for name, box in boxes.items():
        assert box["x"] + box["width"] <= 1024, name
        assert box["y"] + box["height"] <= 769, name


def _other_pair(screen):
    """A leaf of A and a leaf of B that are not each other's match."""
    a, b = next(iter(screen.links()))
    return a, next(node for node in screen.nodes("b") if node != b)


def test_clicking_two_nodes_links_them_and_undo_takes_it_back(screen):
    pair = _other_pair(screen)
    screen.link(*pair)
    screen.page.wait_for_function(
        f"() => topoviz.trees().links.some((l) => l.a === {pair[0]} && l.b === {pair[1]} && l.pinned)"
    )
    screen.page.keyboard.press("Control+z")
    screen.wait(lambda session: session.pins == ())
    screen.page.keyboard.press("Control+Shift+z")
    screen.wait(lambda session: session.pins == (pair,))
    screen.page.locator("#undo").click()
    screen.wait(lambda session: session.pins == ())


def test_delete_bans_the_link_in_hand(screen):
    pair = next(iter(screen.links()))
    screen.click_link(*pair)
    screen.page.keyboard.press("Delete")
    screen.wait(lambda session: session.bans == (pair,))
    screen.page.wait_for_function(f"() => !topoviz.trees().links.some((l) => l.a === {pair[0]} && l.b === {pair[1]})")


def test_backspace_takes_a_pin_back(screen):
    pair = next(iter(screen.links()))
    screen.link(*pair)
    screen.click_link(*pair)
    screen.page.keyboard.press("Backspace")
    screen.wait(lambda session: session.pins == () and session.bans == ())


@pytest.mark.slow
def test_the_camera_stays_through_orbits_and_edits(screen):
    pair = next(iter(screen.links()))
    for across, change in ((90, lambda: screen.link(*_other_pair(screen))), (-60, lambda: screen.link(*pair))):
        for start in (0.5, 0.1):
            before = screen.camera("a")
            screen.orbit("a", across, 30, start)
            turned = screen.camera("a")
            assert turned != before
        change()
        screen.settle()
        screen.page.mouse.move(*screen.at_node("a", pair[0]))
        screen.page.wait_for_timeout(300)
        assert screen.camera("a") == pytest.approx(turned)


def test_the_zoom_of_a_latent_space_stays_through_edits(screen):
    ranges = "() => document.querySelector('#latent-b .js-plotly-plot')._fullLayout.xaxis.range"
    box = screen.page.locator("#latent-b").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for _ in range(2):
        before = screen.page.evaluate(ranges)
        screen.page.mouse.move(x, y)
        screen.page.mouse.down()
        screen.page.mouse.move(x + 40, y + 10, steps=4)
        screen.page.mouse.up()
        screen.page.wait_for_timeout(200)
        moved = screen.page.evaluate(ranges)
        assert moved != before
    screen.link(*_other_pair(screen))
    screen.settle()
    assert screen.page.evaluate(ranges) == pytest.approx(moved)


def test_the_level_moves_the_cut_in_all_views(screen):
    graph = "document.querySelector('#surface-a .js-plotly-plot')"
    faces = f"() => {graph}._fullData.map((mesh) => (mesh.i ? mesh.i.length : 0)).join()"
    before = screen.page.evaluate(faces)
    start = screen.session().level
    screen.page.locator("#level").focus()
    for _ in range(12):
        screen.page.keyboard.press("ArrowRight")
    screen.wait(lambda session: session.level == pytest.approx(start + 0.12))
    screen.page.wait_for_function(f"() => ({faces})() !== {before!r}")


def test_the_grip_moves_the_level_by_keys_and_by_hand(screen):
    page = screen.page
    page.locator("#grip-a").focus()
    start = screen.session().level
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    screen.wait(lambda session: session.level == pytest.approx(start + 0.02))
    assert page.locator("#latent-a svg.regions.lit path.cut").count() == 1
    assert page.locator("#latent-b svg.regions.lit path.cut").count() == 1
    page.locator("#grip-b").focus()
    page.keyboard.press("ArrowRight")
    moved = screen.wait(lambda session: session.level == pytest.approx(start + 0.01)).level
    assert float(page.locator("#level").input_value()) == pytest.approx(moved)
    assert "nats under the peak" in page.locator("#grip-b").get_attribute("aria-valuetext")
    box = page.locator("#grip-a").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y + 20, steps=5)
    dragged = page.locator("#grip-a").bounding_box()
    page.mouse.up()
    assert dragged["x"] < box["x"] - 40
    screen.wait(lambda session: session.level < moved - 0.05)


def test_explanations_are_stepped_through_adopted_and_taken_back(screen):
    page = screen.page
    screen.open("?a=islands-a&b=islands-partial")
    page.keyboard.press("]")
    screen.wait(lambda session: session.alternative == 1)
    page.locator("#matches tr.new").first.wait_for()
    assert any(link["new"] for link in screen.links().values())
    assert page.locator("#undo").is_disabled()
    shown = set(screen.links())
    page.get_by_role("button", name="adopt").click()
    adopted = screen.wait(lambda session: session.pins)
    assert set(adopted.pins) == shown
    assert adopted.alternative == 0
    page.keyboard.press("Control+z")
    screen.wait(lambda session: session.pins == () and session.alternative == 1)
    page.keyboard.press("[")
    screen.wait(lambda session: session.alternative == 0)
    screen.open()


def test_focus_on_a_match_says_how_sure_it_is_as_hovering_does(screen):
    page = screen.page
    row = page.locator("#matches tr[data-a]").first
    row.focus()
    card = page.get_by_role("tooltip")
    card.wait_for()
    told = card.inner_text()
    assert "↔" in told
    assert any(word in told for word in ("sure", "likely"))
    assert row.get_attribute("aria-describedby") == "tip"
    page.keyboard.press("Escape")
    card.wait_for(state="hidden")
    a, b = next(iter(screen.links()))
    link = screen.links()[a, b]
    middle = len(link["x"]) // 2
    page.mouse.move(*screen.point(link["x"][middle], link["y"][middle]))
    card.wait_for()
    assert link["word"] in card.inner_text()


def test_simplifying_takes_leaves_away_and_brings_them_back(screen):
    many = len(screen.nodes("a"))
    screen.page.locator("#simplify").focus()
    screen.page.keyboard.press("End")
    screen.wait(lambda session: session.simplify > 1)
    screen.page.wait_for_timeout(400)
    few = len(screen.nodes("a"))
    assert few <= many
    screen.page.keyboard.press("Control+z")
    screen.wait(lambda session: session.simplify < 1)
    screen.page.wait_for_timeout(400)
    assert len(screen.nodes("a")) == many


def test_a_drag_of_a_slider_ends_at_its_last_value(screen):
    slider = screen.page.locator("#level")
    slider.evaluate(
        """async (field) => { for (let at = 0; at <= 40; at += 1) {
          field.value = at / 50; field.dispatchEvent(new Event('input', { bubbles: true }));
          await new Promise(requestAnimationFrame); } }"""
    )
    assert screen.wait(lambda session: session.level == 0.8)


def test_a_name_crosses_the_link_in_italics(screen):
    a, b = next(iter(screen.links()))
    screen.click_node("a", a)
    screen.wait(lambda session: session.selection is not None)
    screen.page.keyboard.press("F2")
    screen.page.wait_for_function("() => document.activeElement.id === 'name-field'")
    screen.page.keyboard.type("north <b>")
    screen.page.keyboard.press("Enter")
    session = screen.wait(lambda session: session.names_a)
    assert session.names("a")[a].text == "north <b>"
    screen.page.wait_for_function("() => document.querySelector('#details table i')?.textContent === 'north <b>'")
    assert screen.nodes("b")[b]["label"] == "north <b>"


def test_hovering_a_node_marks_it_and_its_match_everywhere(screen):
    a, _ = next(iter(screen.links()))
    screen.page.mouse.move(*screen.at_node("a", a))
    for name in ("trees", "latent-a", "latent-b"):
        screen.page.wait_for_function(f"() => document.querySelector('#{name} svg.marks')?.childElementCount > 0")
    screen.page.mouse.move(720, 20)
    screen.page.wait_for_function("() => document.querySelector('#latent-b svg.marks').childElementCount === 0")


def test_arrows_walk_the_tree_and_escape_lets_go(screen):
    leaf = next(iter(screen.nodes("a")))
    screen.click_node("a", leaf)
    screen.wait(lambda session: session.selection and session.selection.node == leaf)
    walked = set()
    for key in ("ArrowLeft", "ArrowUp", "ArrowDown", "ArrowRight"):
        screen.page.keyboard.press(key)
        screen.settle()
        walked.add(screen.session().selection.node)
    assert len(walked) > 1
    screen.page.keyboard.press("Escape")
    screen.wait(lambda session: session.selection is None)


def test_a_question_mark_opens_the_keys_and_escape_closes_them(screen):
    screen.page.keyboard.press("?")
    keys = screen.page.get_by_role("dialog")
    keys.wait_for()
    assert "undo" in keys.inner_text()
    screen.page.keyboard.press("Escape")
    keys.wait_for(state="hidden")


def test_a_match_can_be_pinned_from_the_keyboard_alone(screen):
    screen.page.locator("#details tr[data-a] button").first.focus()
    screen.page.keyboard.press("Enter")
    screen.wait(lambda session: len(session.pins) == 1)


def test_reloading_keeps_the_session(screen):
    pair = _other_pair(screen)
    screen.link(*pair)
    screen.page.reload()
    screen.wait(lambda session: session.pins == (pair,))
    screen.page.wait_for_function("() => window.topoviz?.trees?.()?.links?.length")
    assert screen.links()[pair]["pinned"]


def test_a_session_is_saved_and_a_view_is_exported(screen):
    pair = _other_pair(screen)
    screen.link(*pair)
    with screen.page.expect_download() as download:
        screen.page.get_by_role("button", name="Save", exact=True).click()
        screen.page.get_by_role("menuitem", name="Save the session").click()
    with open(download.value.path(), encoding="utf-8") as stream:
        assert Session.from_json(json.load(stream)).pins == (pair,)
    with screen.page.expect_download() as download:
        screen.page.locator("[data-save=trees][data-format=svg]").focus()
        screen.page.keyboard.press("Enter")
    with open(download.value.path(), encoding="utf-8") as stream:
        assert stream.read(200).lstrip().startswith("<svg")


def test_an_address_that_leads_nowhere_says_so_and_opens_something(screen):
    screen.page.goto(screen.address + "?a=nowhere&b=three-b")
    screen.page.wait_for_function("() => document.querySelector('#notice')?.textContent.includes('nowhere')")
    screen.page.wait_for_function("() => window.topoviz?.trees?.()?.nodes?.length")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_accessible(screen, theme):
    from axe_playwright_python.sync_playwright import Axe

    if theme == "dark":
        screen.page.locator("#switch-theme").click()
        screen.page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
        screen.settle()
    found = Axe().run(screen.page).response["violations"]
    if theme == "dark":
        screen.page.locator("#switch-theme").click()
    assert screen.page.evaluate("() => document.documentElement.lang") == "en"
    told = "; ".join(f"{item['id']} at {[node['target'] for node in item['nodes']]}" for item in found)
    assert told == ""


@pytest.fixture
def judged(screen, trained, models_folder):
    """The page with a model that converged beside one that did not."""
    for name, metrics in (("judged-a", CONVERGED), ("judged-b", UNCONVERGED)):
        save_model(with_metrics(trained["three-a"], **metrics), models_folder / name)
    screen.open("?" + urlencode({"a": "judged-a", "b": "judged-b"}))
    yield screen
    screen.open()
    for name in ("judged-a", "judged-b"):
        shutil.rmtree(models_folder / name)


def test_each_model_says_whether_it_converged_and_opens_why(judged):
    page = judged.page
    good, bad = (page.get_by_role("button", name=name) for name in ("Model A: converged", "Model B: not converged"))
    assert "✓" in good.inner_text()
    assert "▲" in bad.inner_text()
    bad.focus()
    page.keyboard.press("Enter")
    details = page.locator(".verdict-details")
    details.wait_for()
    assert "The latents explain 12% of a noise dimension" in details.inner_text()
    assert page.locator(".elbow").count() == 0
    page.keyboard.press("Escape")
    details.wait_for(state="hidden")
    assert bad.evaluate("(button) => button === document.activeElement")
    good.click()
    page.wait_for_function("() => document.querySelector('.elbow .js-plotly-plot')?.data?.[0]?.x?.length === 3")
    assert "Dimension 2 still gains 0.81 nats." in details.inner_text()
    box = details.bounding_box()
    assert box["x"] >= 0
    assert box["y"] + box["height"] <= 900
    page.keyboard.press("Escape")
    assert "Model B did not converge" in page.locator("#trust").inner_text()


def test_verdicts_fit_on_a_small_screen(judged):
    judged.page.set_viewport_size({"width": 1024, "height": 768})
    judged.page.wait_for_timeout(700)
    boxes = [judged.page.locator(f"#verdict-{side} .verdict").bounding_box() for side in "ab"]
    column = judged.page.locator("#surface-a").bounding_box()
    judged.page.set_viewport_size({"width": 1440, "height": 900})
    assert boxes[0]["x"] + boxes[0]["width"] <= column["x"] + column["width"]
    assert boxes[1]["x"] + boxes[1]["width"] <= 1024


@pytest.fixture
def superposed(screen, trained, models_folder):
    """The page with a model whose superposition chose a ring as A."""
    save_model(with_metrics(trained["three-a"], families={"ring": 0.81, "blobs": 0.19}), models_folder / "superposed")
    screen.open("?" + urlencode({"a": "superposed", "b": "three-b"}))
    yield screen
    screen.open()
    shutil.rmtree(models_folder / "superposed")


def test_a_superposition_says_what_it_chose_beside_its_latent_density(superposed):
    page = superposed.page
    assert "chose a ring (81 %)" in page.locator("#families-a").inner_text()
    assert page.locator("#families-a li").all_inner_texts() == ["ring\n81 %", "blobs\n19 %"]
    assert page.locator("#families-b").inner_text() == ""
    graph = page.locator("#latent-a").bounding_box()
    assert graph["y"] >= (strip := page.locator("#families-a").bounding_box())["y"] + strip["height"] - 1
    assert graph["y"] + graph["height"] <= 901


def test_the_training_dialog_offers_auto_and_the_priors(screen):
    from playwright.sync_api import expect

    page = screen.page
    page.locator("#train").click()
    for name in ("training-dim", "training-pad"):
        page.locator(f"#{name}").click()
        page.get_by_role("option", name="auto", exact=True).click()
        expect(page.locator(f"#{name}")).to_have_value("auto")
        # The list fades: until it is gone, its options would be found along with the next one's.
        expect(page.get_by_role("option")).to_have_count(0)
    page.wait_for_timeout(300)
    for prior in choices("prior"):
        expect(page.get_by_role("radio", name=prior)).to_be_checked(checked=prior == "mixture")
    expect(page.get_by_role("radiogroup")).to_contain_text("a big Gaussian mixture")
    assert page.locator("#training-words").inner_text() == ""
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
