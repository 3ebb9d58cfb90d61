"""The tabs of the third block: suggestions answered by key, the log that stays, two matches compared."""

import json

import pytest

OPEN = "?a=ringed&b=nested"


def _tab(screen, name):
    screen.page.locator(f"#tab-{name}").click()


def _entries(screen):
    return screen.page.locator("#log-list > li").all_inner_texts()


def _edited(screen, before):
    """Wait until the log has more entries, and the newest says what came of it."""
    screen.page.wait_for_function(
        "(count) => document.querySelectorAll('#log-list > li').length > count"
        " && document.querySelector('#log-list .log-came')",
        arg=before,
    )


def test_the_tabs_go_by_arrow_keys(screen):
    screen.page.locator("#tab-matches").focus()
    selected = []
    for key in ("ArrowRight", "ArrowRight", "End", "ArrowRight", "ArrowLeft", "Home"):
        screen.page.keyboard.press(key)
        selected.append(screen.page.locator("#curation [role=tab][aria-selected=true]").inner_text())
    assert selected == ["Meaning", "Suggestions", "Compare", "Matches", "Compare", "Matches"]
    assert screen.page.evaluate("document.activeElement.id") == "tab-matches"
    assert screen.page.locator("#curation [role=tabpanel]:visible").count() == 1
    assert screen.session().selection is None


@pytest.mark.slow
def test_suggestions_are_answered_by_key_and_light_their_pair(screen):
    screen.page.goto(screen.address + OPEN)
    _tab(screen, "suggestions")
    rows = screen.page.locator(".suggestions > li:visible")
    rows.first.wait_for()
    first = tuple(int(rows.first.get_attribute(f"data-{side}")) for side in "ab")
    rows.first.hover()
    screen.page.wait_for_function("() => topoviz.state.hover && topoviz.state.hover.link")
    assert screen.page.evaluate("() => [topoviz.state.hover.link.a, topoviz.state.hover.link.b]") == list(first)
    rows.first.focus()
    second = rows.nth(1).get_attribute("data-question")
    screen.page.keyboard.press("s")
    assert screen.page.evaluate("document.activeElement.dataset.question") == second
    screen.page.locator("[data-skipped]").click()
    screen.page.keyboard.press("y")
    screen.wait(lambda session: session.pins == (first,))
    screen.page.wait_for_function("() => /1 pinned by hand/.test(document.querySelector('.progress').innerText)")
    assert screen.page.evaluate("document.activeElement === document.querySelector('.suggestions > li:not([hidden])')")
    # Keys that were meant for the list before answer nothing for a moment.
    screen.page.wait_for_timeout(400)
    banned = tuple(int(screen.page.evaluate(f"document.activeElement.dataset.{side}")) for side in "ab")
    screen.page.keyboard.press("n")
    screen.wait(lambda session: session.bans == (banned,))
    _tab(screen, "matches")


@pytest.mark.slow
def test_the_log_says_what_happened_stays_and_leads_back(screen):
    screen.open()
    screen.page.evaluate("() => localStorage.clear()")
    screen.open()
    _tab(screen, "log")
    pair = next(iter(screen.links()))
    other = next(node for node in screen.nodes("b") if node != pair[1])
    screen.link(pair[0], other)
    _edited(screen, 1)
    assert "linked" in _entries(screen)[0]
    assert "pairs kept" in _entries(screen)[0]
    screen.page.locator("#undo").click()
    _edited(screen, 2)
    assert "undid: linked" in _entries(screen)[0]
    note = screen.page.locator("[data-note]").first
    note.fill("wrong ring")
    note.press("Enter")
    screen.open(f"?{screen.page.url.partition('?')[2]}")
    _tab(screen, "log")
    assert screen.page.locator("[data-note]").first.input_value() == "wrong ring"
    assert len(_entries(screen)) == 3
    screen.page.locator("#log-list [data-back]:visible").first.click()
    screen.wait(lambda session: session.pins == ((pair[0], other),))
    screen.page.keyboard.press("Control+z")
    screen.wait(lambda session: session.pins == ())
    _tab(screen, "matches")


@pytest.mark.slow
def test_a_saved_session_has_the_log_and_gives_it_back(screen, tmp_path):
    screen.open()
    screen.page.evaluate("() => localStorage.clear()")
    screen.open()
    pair = next(iter(screen.links()))
    screen.link(*pair)
    _tab(screen, "log")
    screen.page.wait_for_function("() => document.querySelectorAll('#log-list > li').length > 1")
    screen.page.get_by_role("button", name="Save", exact=True).click()
    with screen.page.expect_download() as started:
        screen.page.get_by_role("menuitem", name="Save the session").click()
    file = tmp_path / "kept.json"
    started.value.save_as(file)
    kept = json.loads(file.read_text())
    assert kept["log"]["entries"][-1]["text"].startswith("linked")
    screen.page.evaluate("() => localStorage.clear()")
    screen.open()
    screen.page.get_by_role("button", name="Save", exact=True).click()
    with screen.page.expect_file_chooser() as chooser:
        screen.page.get_by_role("menuitem", name="Open a session…").click()
    chooser.value.set_files(file)
    screen.wait(lambda session: session.pins == (pair,))
    _tab(screen, "log")
    screen.page.wait_for_function("() => /opened kept.json/.test(document.querySelector('#log-list').innerText)")
    assert any("linked" in text and "opened kept" not in text for text in _entries(screen))
    _tab(screen, "matches")


def test_two_matches_are_compared_and_a_row_is_taken_over(screen, tmp_path):
    screen.open()
    pair = next(iter(screen.links()))
    _tab(screen, "comparison")
    screen.page.locator("[data-compare=keep]").click()
    screen.page.get_by_text("They have the same pairs and names.").wait_for()
    screen.link(pair[0], next(node for node in screen.nodes("b") if node != pair[1]))
    take = screen.page.locator(f".compare-rows [data-event=link][data-a='{pair[0]}'][data-b='{pair[1]}']")
    take.click()
    screen.wait(lambda session: pair in session.pins)
    file = tmp_path / "other.json"
    file.write_text(json.dumps({"model_a": "ringed", "model_b": "nested"}))
    with screen.page.expect_file_chooser() as chooser:
        screen.page.locator("[data-compare=load]").click()
    chooser.value.set_files(file)
    screen.page.get_by_text("the other match is of").wait_for()
    screen.page.locator("[data-compare=drop]").click()
    _tab(screen, "matches")
