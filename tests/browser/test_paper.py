"""For the paper, in a browser: the composer's dialog, and the linked figure from a file."""

import io

import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe

from topoviz.report.figure.linked import linked_html
from topoviz.session.analysis import analyze
from topoviz.session.composition import Composition
from topoviz.session.state import Session


@pytest.mark.slow
def test_a_figure_is_composed_seen_and_saved(screen):
    page = screen.page
    screen.orbit("a", 60, 20)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("menuitem", name="Compose a figure").click()
    drawn = "() => { const i = document.querySelector('#composer-preview'); return i.complete && i.naturalWidth > 0; }"
    page.wait_for_function(drawn)
    page.wait_for_function("() => topoviz.session().figure")
    found = Axe().run(page).response["violations"]
    assert [f"{item['id']} at {[node['target'] for node in item['nodes']]}" for item in found] == []
    page.get_by_label("Width (mm)").fill("120")
    page.wait_for_function("() => document.getElementById('composer-status').textContent.startsWith('120 ×')")
    page.wait_for_function("() => topoviz.session().figure.width === 120")
    kept = page.evaluate("() => topoviz.session().figure")
    eye = screen.camera("a")
    assert kept["cameras"][0]["eye"] == pytest.approx([eye[axis] for axis in "xyz"], abs=1e-3)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the figure as PDF").click()
    box = pypdf.PdfReader(io.BytesIO(download.value.path().read_bytes())).pages[0].mediabox
    assert float(box.width) / 72 * 25.4 == pytest.approx(120, abs=0.01)
    page.get_by_label("Width (mm)").fill("7")
    page.wait_for_function("() => document.getElementById('composer-status').textContent.includes('width')")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('#composer [role=dialog]')")


def test_hovering_a_node_lights_its_partner_without_a_server(library, browser, tmp_path):
    session = Session(model_a="three-a", model_b="three-b")
    analysis = analyze(library, session)
    pair = analysis.matching.leaf_pairs[0]
    (tmp_path / "linked.html").write_text(linked_html(analysis, session, Composition()), "utf-8")
    page = browser.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((tmp_path / "linked.html").as_uri())
    page.locator(f"#mark-a-{pair.a}").hover()
    lit = "() => document.documentElement.dataset.lit"
    assert page.evaluate(lit) == f"a{pair.a} b{pair.b}"
    assert "lit" in page.locator(f"#area-b-{pair.b}").get_attribute("class")
    assert page.locator(f"#solid-b-{pair.b}").evaluate("(e) => e.style.visibility") == "visible"
    assert "partner" in page.locator("#card").inner_text()
    page.mouse.move(2, 2)
    page.wait_for_function("() => !document.documentElement.dataset.lit")
    page.locator(f"#mark-b-{pair.b}").focus()
    assert page.evaluate(lit) == f"a{pair.a} b{pair.b}"
    page.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == []
