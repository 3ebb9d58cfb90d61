"""The trees of the page: many leaves, opening, zooming, finding, and editing by hand."""

import pytest

from core.model.store import save_model
from zoo import many

MANY = "?a=many-a&b=many-b"


@pytest.fixture(scope="module")
def crowd(trained, models_folder):
    """A pair of models with more leaves than there is room for."""
    for name, model in many(trained["three-a"], 40, seed=3).items():
        save_model(model, models_folder / f"many-{name}")


@pytest.fixture
def crowded(screen, crowd):
    screen.open(MANY)
    yield screen
    screen.page.keyboard.press("0")
    screen.open()


def tips(screen, side="a"):
    return [node for node in screen.meta()["nodes"] if node["side"] == side and node["tip"]]


def hold(screen, side, node):
    screen.click_node(side, node)
    return screen.wait(lambda session: session.selection and session.selection.node == node)


def test_an_edit_changes_the_elements_that_it_concerns_in_place(screen):
    a, b = next(iter(screen.links()))
    count = "() => [...document.querySelectorAll('#trees [role=treeitem]')].filter((item) => item.old).length"
    screen.page.evaluate("() => { for (const i of document.querySelectorAll('#trees [role=treeitem]')) i.old = true; }")
    items = screen.page.evaluate(count)
    screen.link(a, b)
    screen.page.wait_for_function("() => topoviz.trees().links.some((link) => link.pinned)")
    assert screen.page.evaluate(count) == items > 4
    assert screen.page.locator("#trees .pins path").count() == 1


def test_names_never_overlap_and_a_click_opens_a_closed_branch(crowded):
    for _ in range(2):
        boxes = crowded.page.evaluate(
            "() => [...document.querySelectorAll('#trees .names text')].map((text) => {"
            " const { x, y, width, height } = text.getBoundingClientRect(); return [x, y, x + width, y + height]; })"
        )
        assert len(boxes) > 20
        overlaps = [
            (one, other)
            for at, one in enumerate(boxes)
            for other in boxes[:at]
            if min(one[2], other[2]) - max(one[0], other[0]) > 1 and min(one[3], other[3]) - max(one[1], other[1]) > 3
        ]
        assert overlaps == []
        closed = [node for node in tips(crowded) if node["closed"]]
        if not closed:
            break
        branch = max(closed, key=lambda node: node["leaves"])
        x, y = crowded.at_node("a", branch["id"])
        box = crowded.page.evaluate("() => document.querySelector('#trees').getBoundingClientRect().left")
        crowded.page.mouse.click((x + box + branch["end"]) / 2, y)
        crowded.page.wait_for_function(f"() => !topoviz.info({{ side: 'a', id: {branch['id']} }}).closed")
        assert len(tips(crowded)) >= len(closed)
    assert crowded.session().selection is None


def test_zooming_opens_all_leaves_shows_the_map_and_fitting_closes_them(crowded):
    page = crowded.page
    few = len(tips(crowded))
    assert few < 40
    assert not page.locator(".tree-map").is_visible()
    for _ in range(6):
        page.keyboard.press("+")
    assert len(tips(crowded)) > few
    assert not any(node["closed"] for node in tips(crowded))
    assert page.locator(".tree-map").is_visible()
    first = page.locator("#trees [role=treeitem]").first
    box = page.locator("#trees").bounding_box()
    before = crowded.at_node("a", tips(crowded)[0]["id"])
    page.mouse.move(box["x"] + 12, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 12, box["y"] + 20, steps=4)
    page.mouse.up()
    assert crowded.at_node("a", tips(crowded)[0]["id"])[1] == pytest.approx(before[1] - 40, abs=2)
    assert first.get_attribute("aria-level") == "1"
    page.keyboard.press("0")
    assert len(tips(crowded)) == few


def test_a_node_is_found_by_name_and_number_and_brought_into_sight(crowded):
    page = crowded.page
    wanted = next(n for n in crowded.meta()["nodes"] if n["side"] == "b" and n["leaf"] and not n["shown"])
    page.keyboard.press("/")
    page.keyboard.type(wanted["label"].lower())
    assert page.locator("#tree-found").inner_text() == "1"
    assert page.locator("#trees svg.marks .found").count() == 1
    page.keyboard.press("Enter")
    crowded.wait(lambda session: session.selection and session.selection.node == wanted["id"])
    assert crowded.page.evaluate(f"() => topoviz.info({{ side: 'b', id: {wanted['id']} }}).shown")
    page.locator("#tree-find").fill(wanted["label"][1:])
    page.wait_for_function("() => document.querySelector('#tree-found').textContent.startsWith('2')")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('#tree-find').value === ''")
    assert page.locator("#trees svg.marks .found").count() == 0
    assert page.evaluate("() => document.activeElement.id") != "tree-find"


def test_an_order_stays_while_one_edits(crowded):
    before = [node["id"] for node in sorted(tips(crowded), key=lambda node: node["y"])]
    left, right = (next(node["id"] for node in tips(crowded, side) if not node["closed"]) for side in "ab")
    hold(crowded, "b", right)
    crowded.click_node("a", left)
    crowded.wait(lambda session: (left, right) in session.pins)
    crowded.page.wait_for_function("() => topoviz.trees().links.some((link) => link.pinned)")
    assert [node["id"] for node in sorted(tips(crowded), key=lambda node: node["y"])] == before


def test_nodes_are_hidden_and_shown_merged_and_split_by_keys(screen):
    page = screen.page
    leaves = set(screen.nodes("a"))
    saddle = next(
        n for n in screen.meta()["nodes"] if n["side"] == "a" and not n["leaf"] and n["up"] is not None
    )  # fmt: skip
    hold(screen, "a", saddle["id"])
    page.keyboard.press("c")
    screen.wait(lambda session: session.merged_a == (saddle["id"],) and session.selection.node in leaves)
    page.wait_for_function(
        f"() => topoviz.trees().nodes.filter((n) => n.side === 'a' && n.leaf).length < {len(leaves)}"
    )
    kept = screen.session().selection.node
    assert screen.nodes("a")[kept]["opens"] == saddle["id"]
    page.keyboard.press("s")
    screen.wait(lambda session: session.merged_a == ())
    page.wait_for_function(
        f"() => topoviz.trees().nodes.filter((n) => n.side === 'a' && n.leaf).length === {len(leaves)}"
    )
    assert page.locator("#tree-show").is_disabled()
    page.locator("#tree-hide").click()
    screen.wait(lambda session: session.hidden_a == (kept,) and session.selection is None)
    page.wait_for_function("() => !document.querySelector('#tree-show').disabled")
    assert kept not in screen.nodes("a")
    assert not any(a == kept for a, _ in screen.links())
    page.keyboard.press("Control+z")
    screen.wait(lambda session: session.hidden_a == ())
    page.keyboard.press("Control+Shift+z")
    screen.wait(lambda session: session.hidden_a == (kept,))
    page.keyboard.press("Shift+H")
    screen.wait(lambda session: session.hidden_a == ())
    page.wait_for_function(f"() => topoviz.info({{ side: 'a', id: {kept} }})")


def test_the_trees_are_read_as_two_trees(screen):
    page = screen.page
    a, b = next(iter(screen.links()))
    labels = screen.nodes("a")[a]["label"], screen.nodes("b")[b]["label"]
    said = page.locator(f"#tree-a-{a}").get_attribute("aria-label")
    assert said.startswith(f"{labels[0]}, leaf")
    assert f"matched to {labels[1]}" in said
    page.locator("#tree-b").focus()
    page.keyboard.press("Enter")
    session = screen.wait(lambda session: session.selection is not None)
    assert session.selection.side == "b"
    page.keyboard.press("ArrowLeft")
    screen.wait(lambda now: now.selection.node != session.selection.node)
    now = screen.session().selection.node
    page.wait_for_function(f"() => document.querySelector('#tree-b-{now}').getAttribute('aria-selected') === 'true'")
    assert page.locator("#tree-b").get_attribute("aria-activedescendant") == f"tree-b-{now}"
