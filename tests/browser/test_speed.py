"""Drags and edits leave nothing stale, and the page says how much of the data it draws."""


def test_a_dragged_level_ends_everywhere_where_the_hand_left_it(screen):
    before = screen.page.evaluate(_CUT)
    screen.page.evaluate(
        "() => { for (let at = 30; at <= 90; at += 5) topoviz.setLevel(at / 100); topoviz.setLevel(0.42); }"
    )
    screen.wait(lambda session: session.level == 0.42)
    screen.settle()
    after = screen.page.evaluate(_CUT)
    assert after != before
    screen.page.evaluate("() => topoviz.planes()")
    assert screen.page.evaluate(_CUT) == after
    assert screen.page.evaluate("() => topoviz.state.level") is None


def test_the_overlay_and_the_score_follow_an_edit(screen):
    shown = "() => [topoviz.state.live.overlay.end[0][0], document.querySelector('#score').textContent]"
    before = screen.page.evaluate(shown)
    a, b = next(iter(screen.links()))
    others = [pair for pair in screen.links() if pair != (a, b) and pair[0] in screen.nodes("a")]
    event = "([a, b]) => topoviz.emit({ type: 'ban', a, b })"
    screen.page.evaluate(event, list(others[0]))
    screen.wait(lambda session: bool(session.bans))
    screen.page.wait_for_function(f"(before) => JSON.stringify(({shown})()) !== before", arg=_compact(before))


def test_the_page_says_how_many_points_it_draws(screen):
    assert screen.page.inner_text("#points-a").endswith("points drawn")


def _compact(value):
    import json

    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_CUT = "() => document.querySelector('#latent-a path.cut').getAttribute('d')"
