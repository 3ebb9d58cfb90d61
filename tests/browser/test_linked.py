"""What is linked in the page: brushed points in all views, points that travel, the table of matches by keys alone."""

import math

import pytest


@pytest.fixture
def clean(screen):
    """The page with nothing brushed and nothing on its way."""
    yield screen
    screen.page.evaluate("() => { topoviz.brush.arm(false); topoviz.brush.clear(); topoviz.travel.close(); }")


def _lasso(screen, side, at, radius):
    """Draw a closed loop around a place of a latent plane, in pixels."""
    x, y = at
    screen.page.mouse.move(x + radius, y)
    screen.page.mouse.down()
    for step in range(1, 25):
        angle = 2 * math.pi * step / 24
        screen.page.mouse.move(x + radius * math.cos(angle), y + radius * math.sin(angle))
    screen.page.mouse.up()


def _ink(screen, graph, layer):
    """Whether anything is drawn on a canvas of a panel."""
    return screen.page.evaluate(
        """([graph, layer]) => {
          const board = document.querySelector(`#${graph} canvas.${layer}`);
          if (!board) return false;
          return board.getContext('2d').getImageData(0, 0, board.width, board.height).data.some((value) => value > 0);
        }""",
        [graph, layer],
    )


def test_a_lasso_lights_points_everywhere_and_escape_clears_them(clean):
    page, before = clean.page, clean.session()
    page.get_by_role("button", name="Brush points of A with a lasso").click()
    node = next(iter(clean.nodes("a")))
    _lasso(clean, "a", clean.point(*clean.meta("latent-a")["peaks"][str(node)], "latent-a"), 45)
    page.wait_for_function("() => document.getElementById('brushed').innerText.includes('Carried to B')")
    told = page.locator("#brushed").inner_text()
    label = clean.nodes("a")[node]["label"]
    assert f"in {label}" in told
    rows = page.evaluate("() => topoviz.brush.now()")
    assert rows["side"] == "a"
    assert told.startswith(f"{len(rows['rows'])} of ")
    clean.settle()
    for graph in ("latent-a", "latent-b", "surface-a", "surface-b"):
        assert _ink(clean, graph, "brushed"), graph
    assert page.locator(".brush-share").count() >= 2
    # A loop is no click: nothing is in hand, nothing was edited.
    assert clean.session() == before
    page.keyboard.press("Escape")
    page.wait_for_function(
        "() => topoviz.brush.now() === null && document.querySelectorAll('.brush-share').length === 0"
    )
    assert not _ink(clean, "latent-b", "brushed")


def test_shift_and_drag_boxes_points_of_the_input_and_the_camera_stays(clean):
    page = clean.page
    eye = clean.camera("a")
    box = page.locator("#surface-a").bounding_box()
    page.evaluate("() => new Promise((done) => topoviz.withPoints('cloud', 'a', done))")
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + box["height"] - 3)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_function("() => topoviz.brush.now()")
    assert len(page.evaluate("() => topoviz.brush.now().rows")) == 800
    assert clean.camera("a") == eye


def test_a_brush_stays_through_an_edit_and_its_images_follow(clean):
    page = clean.page
    a, b = next(iter(clean.links()))
    page.evaluate("(id) => topoviz.brush.node({ side: 'a', id })", a)
    page.wait_for_function("() => document.getElementById('brushed').innerText.includes('Carried to B')")
    rows = page.evaluate("() => topoviz.brush.now().rows")
    before = page.evaluate("() => topoviz.points('cloud', 'a').image.latent.bdata")
    other = next(node for node in clean.nodes("b") if node != b)
    clean.link(a, other)
    page.wait_for_function(
        """(before) => {
          const now = topoviz.points('cloud', 'a');
          return now && (now.image ? now.image.latent.bdata : null) !== before;
        }""",
        arg=before,
    )
    assert page.evaluate("() => topoviz.brush.now().rows") == rows


def test_points_travel_stepwise_by_keys_where_motion_is_unwelcome(clean):
    page = clean.page
    page.get_by_role("button", name="data → latent of B").press("Enter")
    slider = page.get_by_role("slider", name="Way from data to latent of B")
    slider.wait_for()
    assert page.evaluate("() => topoviz.travel.at('b')") == 0
    clean.settle()
    assert _ink(clean, "surface-b", "travelers")
    page.get_by_role("button", name="Next step").click()
    first = page.evaluate("() => topoviz.travel.at('b')")
    assert 0 < first < 0.5
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => topoviz.travel.at('b')") == pytest.approx(2 * first, rel=0.05)
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext").startswith("latent plane")
    page.keyboard.press("Escape")
    assert page.evaluate("() => topoviz.travel.at('b')") is None
    page.get_by_role("button", name="data → latent of B").wait_for()


def test_matches_are_walked_sorted_pinned_banned_named_and_found_by_keys_alone(clean):
    page, press = clean.page, clean.page.keyboard.press
    rows = page.locator("#match-grid tr[data-key]")
    rows.first.focus()
    press("ArrowUp")
    press("ArrowRight")
    press("Enter")
    heading = page.locator("#match-grid th[aria-sort=ascending]")
    assert heading.inner_text().startswith("B")
    press("ArrowDown")
    press("Home")
    keys = [row.get_attribute("data-key") for row in rows.all()]
    a, b = map(int, keys[0].split("-"))
    press("p")
    clean.wait(lambda session: session.pins == ((a, b),))
    press("r")
    page.keyboard.type("delta")
    press("Enter")
    clean.wait(
        lambda session: any(
            name.text == "delta" for name in (*session.names("a").values(), *session.names("b").values())
        )
    )
    press("Delete")
    clean.wait(lambda session: session.bans == ((a, b),))
    page.wait_for_function("(key) => !document.querySelector(`#match-grid tr[data-key='${key}']`)", arg=keys[0])
    assert page.evaluate("() => document.activeElement.closest('#match-grid') !== null")
    press("/")
    page.keyboard.type("delta")
    press("ArrowDown")
    assert rows.count() == 1
    assert "delta" in page.evaluate("() => document.activeElement.innerText")
    press("/")
    press("Escape")


def test_a_left_out_leaf_is_linked_by_typing_its_partners_name(clean):
    page, press = clean.page, clean.page.keyboard.press
    a, b = next(iter(clean.links()))
    page.evaluate("([a, b]) => topoviz.emit({ type: 'ban', a, b })", [a, b])
    page.evaluate("() => topoviz.emit({ type: 'set-complete', complete: false })")
    clean.wait(lambda session: session.bans == ((a, b),) and not session.complete)
    row = page.locator(f"#match-grid tr[data-key='{a}-']")
    row.wait_for()
    row.focus()
    press("l")
    partner = next(node for node in clean.nodes("b") if node != b)
    page.get_by_role("combobox", name="Partner of").last.wait_for()
    page.keyboard.type(clean.nodes("b")[partner]["label"])
    press("Enter")
    clean.wait(lambda session: session.pins == ((a, partner),))


def test_hovering_is_of_the_moment_after_a_drag_of_the_level(clean):
    """What is cut and lit when the drag ends is the last level's."""
    page = clean.page
    page.evaluate("() => { for (const level of [0.2, 0.5, 0.9, 0.35]) topoviz.setLevel(level); }")
    clean.wait(lambda session: session.level == 0.35)
    clean.settle()
    page.wait_for_function("() => topoviz.state.level === undefined && !topoviz.state.queue.length")
    node = next(iter(clean.links()))[0]
    page.mouse.move(*clean.at_node("a", node))
    page.locator("#match-grid tr.lit").wait_for()
    assert page.locator("#match-grid tr.lit").get_attribute("data-a") == str(node)


def test_of_many_rows_those_in_sight_are_made(clean):
    page = clean.page
    made = page.evaluate(
        """() => {
          const { state, draw, go } = topoviz.table, before = state.data;
          const look = { color: '#888888', sure: 0.5, off: 1 };
          const row = (i) => ({ a: 1000 + i, b: 1000 + i, A: `left ${i}`, B: `right ${i}`, ...look });
          state.data = { ...before, rows: Array.from({ length: 200 }, (_, i) => row(i)), left: [] };
          draw();
          const rows = () => [...document.querySelectorAll('#match-grid tr[data-key]')];
          const first = [rows().length, rows()[0].innerText];
          go('1199-1199', 1);
          const last = [rows().length, rows().at(-1).innerText, document.activeElement.innerText];
          state.data = before;
          draw();
          return [first, last];
        }"""
    )
    (many, first), (again, last, held) = made
    assert min(again, many) > 3
    assert max(again, many) < 80
    assert "left 0" in first
    assert "right 199" in last
    assert held == "right 199"
