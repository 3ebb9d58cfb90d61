"""Data of one's own: a file dropped on the page, its columns seen, a model trained on it and opened in its colors."""

import pytest
from playwright.sync_api import expect

from zoo import blobs

# A file is read and a model trained by processes that let everything else go first.
expect.set_options(timeout=300_000)

_DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""
_COLORS = """(side) => {
  const board = document.querySelector(`#latent-${side} canvas.points`);
  const { data } = board.getContext("2d").getImageData(0, 0, board.width, board.height);
  const found = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) found.add([data[i], data[i + 1], data[i + 2]].join());
  return [...found];
}"""
# Blue and red of the first two classes.
_CLASSES = ([0x44, 0x77, 0xAA], [0xEE, 0x66, 0x77])


@pytest.fixture
def table():
    """Points with a gap, a constant, and their cluster's name with markup in it."""
    data = blobs(1, n=300)
    names = ("<b>rose</b>", "lily", "lily")
    rows = [
        f"{x:.4f},{y:.4f},{z:.4f},7,{names[label]}"
        for (x, y, z), label in zip(data.points, data.labels.tolist(), strict=True)
    ]
    rows[5] = f",{rows[5].split(',', 1)[1]}"
    return "\n".join(["x,y,z,year,species", *rows]) + "\n"


def drop(page, name, text):
    page.evaluate(_DROP, [name, text])


def near(colors, wanted):
    return any(all(abs(int(a) - b) <= 3 for a, b in zip(one.split(","), wanted, strict=True)) for one in colors)


@pytest.mark.slow
def test_a_file_is_dropped_trained_on_and_opened_in_the_colors_of_its_label(screen, table):
    page = screen.page
    # On the page, while the dialog is closed.
    drop(page, "my flowers.csv", table)
    columns = page.locator(".columns")
    columns.wait_for()
    for name in ("x", "y", "z"):
        expect(columns.get_by_role("checkbox", name=name, exact=True)).to_be_checked()
    expect(columns.get_by_role("checkbox", name="year")).to_be_disabled()
    expect(columns).to_contain_text("is constant (7)")
    expect(page.locator(".notes")).to_contain_text("1 of 300 rows")
    expect(page.locator("#training-label")).to_have_value("species (text, 2 values)")
    expect(page.locator(".dots i")).not_to_have_count(0)

    columns.get_by_text("z", exact=True).click()
    page.locator("#training-steps").fill("10")
    page.locator("#training-start").click()
    expect(page.locator(".job-name")).to_have_text("my-flowers")
    page.keyboard.press("Escape")
    page.locator("#training-start").wait_for(state="hidden")
    expect(page.locator("#jobs-badge")).to_have_text("1 training")
    page.locator("#job-notice").get_by_role("button", name="Open my-flowers as A").wait_for()
    expect(page.locator("#jobs-badge")).to_be_hidden()

    page.locator("#jobs-badge").evaluate("() => document.getElementById('train').click()")
    expect(page.locator(".job-state")).to_have_text("done")
    page.locator(".job").get_by_role("button", name="Open my-flowers as A").click()
    session = screen.wait(lambda session: session.model_a == "my-flowers")
    assert session.model_b == "three-b"
    key = page.locator(".panel-latent-a .labels-key")
    expect(key).to_contain_text("<b>rose</b>")
    screen.settle()
    colors = page.evaluate(_COLORS, "a")
    assert all(near(colors, wanted) for wanted in _CLASSES)
    # Two of the three columns were taken.
    expect(page.locator("#title-a")).to_contain_text("2-D")
    key.get_by_role("button").click()
    screen.settle()
    expect(key).not_to_contain_text("rose")
    assert not near(page.evaluate(_COLORS, "a"), _CLASSES[1])
    key.get_by_role("button").click()
    page.locator(".panel-latent-b").wait_for()
    # B has no labels of its own: it can have those of A.
    expect(page.locator(".panel-latent-b .labels-key")).to_have_text("Carried from A")


def test_what_cannot_be_read_is_told_in_one_line_and_the_next_file_is_taken(screen, table):
    page = screen.page
    drop(page, "evil.pkl", "x")
    told = page.locator(".upload-problem")
    expect(told).to_contain_text("evil.pkl")
    drop(page, "<img src=x>.npy", "nothing of the kind")
    expect(told).to_contain_text("<img src=x>.npy")
    expect(told).to_contain_text("sound .npy file")
    drop(page, "good.csv", table)
    page.locator(".columns").wait_for()
    expect(told).to_have_count(0)
    page.get_by_role("button", name="Other data").click()
    expect(page.locator("#training-drop")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#training-start").wait_for(state="hidden")
