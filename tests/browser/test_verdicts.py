"""Badge, sentence and log of the page say the one verdict on every example pair."""

import pytest
from playwright.sync_api import expect

from topoviz.session.analysis import analyze
from topoviz.session.library import Library
from topoviz.session.settings import Settings
from topoviz.vocabulary import NO_VERDICT, VERDICTS

EXAMPLES = {example.id: example.session for example in Library(Settings()).examples()}

_WIDTHS = """() => [...document.querySelectorAll('#trees .links path')]
  .filter((path) => path.getAttribute('stroke')).map((path) => Number(path.getAttribute('stroke-width')))"""


def _open(screen, name):
    screen.page.evaluate("(id) => topoviz.emit({ type: 'open-example', id })", name)
    screen.wait(lambda session: (session.model_a, session.model_b) == (EXAMPLES[name].model_a, EXAMPLES[name].model_b))


@pytest.mark.parametrize("name", EXAMPLES)
def test_badge_sentence_and_log_say_one_word(screen, library, name):
    page, verdict = screen.page, analyze(library, EXAMPLES[name]).verdict
    _open(screen, name)
    expect(page.locator("#trust .reasons li").first).to_have_text(verdict.reasons[0])
    badge = page.locator("#trust .badge")
    assert badge.get_attribute("data-word") == verdict.word
    assert badge.evaluate("(badge) => badge.lastChild.textContent") == VERDICTS[verdict.word].label
    assert page.locator("#trust .words").first.inner_text() == verdict.sentence
    assert page.locator("#trust .reasons li").all_inner_texts() == list(verdict.reasons)
    page.locator("#tab-log").click()
    node = next(iter(screen.nodes("a")))
    page.evaluate("([node]) => topoviz.emit({ type: 'rename', side: 'a', node, text: 'known' })", [node])
    came = page.locator("#log-list > li").first.locator(".log-came")
    expect(page.locator("#log-list > li").first.locator(".log-text")).to_contain_text("named")
    expect(came).to_contain_text(verdict.word)
    assert came.inner_text().split(";")[0] == verdict.word
    page.locator("#tab-matches").click()
    screen.settle()
    expect(page.locator("#finding")).to_contain_text(f"by hand; {verdict.word}.")


def test_a_published_method_shows_no_badge_and_no_number(screen):
    page = screen.page
    page.evaluate("() => topoviz.emit({ type: 'set-method', method: 'path-mapping' })")
    expect(page.locator("#trust .hint").first).to_have_text(NO_VERDICT)
    assert page.locator("#trust .badge").count() == 0
    screen.settle()
    links = screen.links()
    assert links
    assert all(link["confidence"] is None for link in links.values())
    cells = page.locator("#match-grid tr[data-a][data-b] td.number").all_inner_texts()
    assert cells == [""] * len(links)
    widths = page.evaluate(_WIDTHS)
    assert len(widths) >= len(links)
    assert all(width > 1 for width in widths)
    page.evaluate("() => topoviz.hover({ link: topoviz.trees().links[0] })")
    assert page.locator(".card-sure").first.inner_text() == "matched"


def test_a_log_of_an_earlier_version_is_shown_in_todays_words(screen):
    page = screen.page
    page.locator("#tab-log").click()
    words = page.evaluate("""() => {
      const state = topoviz.session(), key = 'topoviz-log ' + JSON.stringify(['ringed', 'nested']);
      const old = { id: 'k3-a1', time: '2026-11-25T00:12:03.123Z', by: '', kind: 'edit', text: 'named A1', note: '',
        effect: { trust: ['undetermined', 'ambiguous'] }, state };
      window.localStorage.setItem(key, JSON.stringify({ entries: [old], dropped: 0 }));
      return key;
    }""")
    _open(screen, "unrelated")
    expect(page.locator("#log-list .log-came").last).to_contain_text("not determined → ambiguous")
    page.evaluate("(key) => window.localStorage.removeItem(key)", words)
    page.locator("#tab-matches").click()
