"""The views' figures: plain JSON, one color for a matched pair, and differences that lead from one to the next."""

import base64
import copy
import json
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import plotly.graph_objects as go
import pytest
from dash import no_update
from hypothesis import given
from hypothesis import strategies as st

from core.match import Pair
from core.tree import LevelSetTree, leaf_order
from core.tree.types import Holes
from topoviz.app.callbacks.patches import difference
from topoviz.figures import choice, latent, surface, training, trees
from topoviz.figures.geometry.facing import LINE, Frame
from topoviz.figures.geometry.order import crossings, slots
from topoviz.figures.geometry.tree import tree_geometry
from topoviz.figures.shades import leaf_colors
from topoviz.figures.style import markup, node_styles, packed
from topoviz.figures.theme import THEMES
from topoviz.session.analysis import analyze
from topoviz.session.convergence import choices
from topoviz.session.explanations import Preview
from topoviz.session.state import SIDES, Name, Session
from zoo import CONVERGED

SPECS = {
    "trees": trees.spec,
    "ground": trees.ground,
    "ground-a": lambda *view: latent.ground(*view[:2], "a", view[2]),
    "latent-a": lambda *view: latent.spec(*view[:2], "a", view[2]),
    "latent-b": lambda *view: latent.spec(*view[:2], "b", view[2]),
    "surface-a": lambda *view: surface.spec(*view[:2], "a", view[2]),
}


@pytest.fixture(scope="module")
def views(library):
    """Views of sessions that differ in one thing each."""
    start = Session(model_a="three-a", model_b="three-b")
    pair = analyze(library, start).matching.leaf_pairs[0]
    changed = (
        {}, {"level": 0.8}, {"morph": 0.25}, {"pins": ((pair.a, pair.b),)}, {"bans": ((pair.a, pair.b),)},
        {"names_a": ((pair.a, Name("<north>")),)}, {"model_b": "three-a"},
    )  # fmt: skip
    sessions = [replace(start, **change) for change in changed]
    return [(analyze(library, session), session, theme) for session in sessions for theme in THEMES]


@pytest.mark.parametrize("name", SPECS)
def test_a_figure_is_json_that_plotly_takes(views, name):
    for view in views:
        spec = SPECS[name](*view)
        assert json.loads(json.dumps(spec, allow_nan=False)) == spec
        assert len(go.Figure(spec).data) == len(spec["data"])


@pytest.mark.parametrize("name", SPECS)
def test_a_difference_leads_from_one_figure_to_the_next(views, name):
    specs = [SPECS[name](*view) for view in views]
    for old in specs:
        for new in specs:
            patch = difference(old, new)
            if old == new:
                assert patch is no_update
            else:
                assert _without_none(_applied(old, patch)) == _without_none(new)


def _unpacked(spec):
    return np.frombuffer(base64.b64decode(spec["bdata"]), dtype=f"<{spec['dtype']}")


def test_one_mesh_of_many_leaves_has_the_faces_and_colors_of_theirs(views, monkeypatch):
    for analysis, session, theme in views:
        apart = surface.spec(analysis, session, "a", theme)
        monkeypatch.setattr(surface, "MANY", 1)
        whole = surface.spec(analysis, session, "a", theme)
        monkeypatch.undo()
        assert go.Figure(whole)
        (mesh,), meta = whole["data"], whole["layout"]["meta"]
        owners, places = _unpacked(meta["faces"]), _unpacked(mesh["intensity"])
        corners = _unpacked(mesh["customdata"])
        scale = dict(zip(np.arange(mesh["cmax"] + 0.5), [color for _, color in mesh["colorscale"][::2]], strict=True))
        for at, (node, part) in enumerate(zip(meta["nodes"], apart["data"], strict=True)):
            own = owners == at
            assert own.sum() == len(_unpacked(part["i"]))
            assert {scale[place] for place in places[own]} <= {part["color"]}
            # A vertex where leaves meet is one of theirs.
            assert set(corners[_unpacked(mesh["i"])[own]]) <= set(meta["nodes"])
            assert node in corners or not own.any()


def test_matched_leaves_share_a_color(views):
    for analysis, session, theme in views:
        styles = [node_styles(analysis, session, side, THEMES[theme]) for side in ("a", "b")]
        shared = [styles[0][pair.a].color for pair in analysis.matching.leaf_pairs]
        assert shared == [styles[1][pair.b].color for pair in analysis.matching.leaf_pairs]
        assert len(set(shared)) == len(shared)


def test_a_name_from_the_other_side_is_in_italics_and_no_markup(views):
    analysis, session, theme = next(view for view in views if view[1].names_a)
    node = {pair.a: pair.b for pair in analysis.matching.pairs}[session.names_a[0][0]]
    assert markup(node_styles(analysis, session, "b", THEMES[theme])[node]) == "<i>&lt;north&gt;</i>"


def test_the_morph_ends_at_the_transform_and_starts_at_its_center(views):
    analysis, session, _ = views[0]
    ends = latent.live(analysis, session)["overlay"]
    end = np.array(ends["end"]).T
    assert end == pytest.approx(analysis.mapped[: len(end)], abs=1e-3)
    assert np.mean(ends["start"], axis=1) == pytest.approx(end.mean(0), abs=1e-3)


def test_packing_keeps_shape_and_values():
    array = np.linspace(0, 1, 6).reshape(2, 3)
    spec = packed(array)
    assert (spec["dtype"], spec["shape"]) == ("f4", "2, 3")
    back = np.frombuffer(base64.b64decode(spec["bdata"]), dtype="<f4").reshape(2, 3)
    assert back == pytest.approx(array)


@pytest.mark.parametrize("theme", THEMES)
def test_an_elbow_shows_all_that_was_tried_and_marks_what_was_chosen(theme):
    (found,) = choices(CONVERGED)
    spec = choice.spec(found, theme)
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    (curve,) = go.Figure(spec).data
    assert list(curve.x) == [1, 2, 3]
    assert list(curve.y) == [4.1, 3.29, 3.28]
    assert list(curve.error_y.array) == [0.03, 0.008, 0.0]
    assert list(curve.text) == ["", "chosen", ""]
    accent = THEMES[theme].accent
    assert [color == accent for color in curve.marker.color] == [False, True, False]


def test_trials_for_a_size_are_no_part_of_the_training_curve():
    steps = [{"phase": phase, "step": 10, "heldout_nll": nll} for phase, nll in (("choose", 9.0), ("fit", 3.0))]
    assert [list(trace.y) for trace in training.figure(steps, "light").data][1] == [3.0]


def test_the_page_is_told_of_the_trees_what_the_picture_shows(views):
    for view in views:
        facts, meta = trees.facts(*view), trees.ground(*view)["layout"]["meta"]
        assert json.loads(json.dumps(facts, allow_nan=False)) == facts
        assert facts["models"] == [view[1].model_a, view[1].model_b]
        assert [facts[key] for key in ("nodes", "holes", "floor")] == [meta[key] for key in ("nodes", "holes", "floor")]
        assert facts["links"] == [
            {key: value for key, value in link.items() if key not in "xy"} for link in meta["links"]
        ]
        assert trees.facts(view[0], replace(view[1], level=0.1, morph=0.5), view[2]) is facts


def test_a_merged_branch_says_what_splits_it(library):
    session = Session(model_a="three-a", model_b="three-b")
    tree = analyze(library, session).tree("a")
    saddle = next(int(tree.id[row]) for row in range(1, len(tree)) if tree.children[row])
    merged = replace(session, merged_a=(saddle,))
    facts = trees.facts(analyze(library, merged), merged, "light")["nodes"]
    (node,) = [node for node in facts if node.get("merged")]
    assert (node["side"], node["leaf"], node["opens"]) == ("a", True, saddle)
    assert node["inside"] >= 1
    hidden = replace(session, hidden_a=(node["id"],))
    assert node["id"] not in analyze(library, hidden).tree("a").id
    assert not any(pair.a == node["id"] for pair in analyze(library, hidden).matching.pairs)


@given(st.integers(2, 40), st.integers(0, 10_000))
def test_few_leaves_have_a_color_each_and_many_shades_of_their_branches(count, seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(count, rng)
    ranks = np.zeros(len(tree), dtype=int)
    ranks[tree.leaves] = 2 * rng.permutation(count) + 1
    ranks[[row for row in range(len(tree)) if tree.children[row]]] = 2 * np.arange(1, count)
    tree = replace(tree, id=ranks)
    colors = leaf_colors(tree, THEMES["light"])
    assert set(colors) == set(tree.ids(tree.leaves))
    if count <= 9:
        assert len(set(colors.values())) == count
    else:
        assert len(set(colors.values())) > min(count, 9)


@pytest.mark.parametrize("theme", THEMES)
def test_shades_of_many_leaves_stand_off_the_paper(theme):
    rng = np.random.default_rng(1)
    paper = _luminance(THEMES[theme].paper)
    for color in leaf_colors(random_tree(120, rng), THEMES[theme]).values():
        high, low = sorted((_luminance(color), paper), reverse=True)
        assert (high + 0.05) / (low + 0.05) > 1.5


def _luminance(color):
    parts = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_the_level_moves_without_a_new_figure_of_the_trees(views):
    (analysis, session, theme), *_ = views
    moved = replace(session, level=0.2)
    assert difference(trees.ground(analysis, session, theme), trees.ground(analysis, moved, theme)) is no_update
    lines = [trees.spec(analysis, view, theme)["layout"]["shapes"][-2:] for view in (session, moved)]
    (a0, b0), (a1, b1) = ([line["x0"] for line in pair] for pair in lines)
    assert a1 < a0 < b0 < b1


def test_links_are_as_wide_as_they_are_sure_and_pins_bear_a_diamond(views):
    analysis, session, theme = views[0]
    first, *rest = analysis.matching.leaf_pairs
    widths = []
    for confidence in (0.1, 0.5, 0.9):
        pairs = (replace(first, confidence=confidence), *rest)
        spec = trees.ground(replace(analysis, matching=replace(analysis.matching, pairs=pairs)), session, theme)
        *links, pins = spec["data"][-len(pairs) - 1 :]
        widths.append(links[0]["line"]["width"])
        assert spec["layout"]["meta"]["links"][0]["word"] in ("unsure", "sure")
        assert pins["x"] == []
    assert widths == sorted(set(widths))
    pinned = replace(analysis.matching, pairs=(replace(first, pinned=True), *rest))
    spec = trees.ground(replace(analysis, matching=pinned), session, theme)
    assert spec["data"][-1]["marker"]["symbol"] == "diamond"
    assert len(spec["data"][-1]["x"]) == 1
    assert spec["layout"]["meta"]["links"][0]["word"] == "pinned"


def test_links_say_what_they_cost_the_largest_term_first(views):
    analysis, session, theme = views[0]
    first, *rest = analysis.matching.leaf_pairs
    pairs = (replace(first, terms={"mass": 0.01, "height": 0.03, "holes": 0.0}), *(replace(p, terms={}) for p in rest))
    spec = trees.ground(replace(analysis, matching=replace(analysis.matching, pairs=pairs)), session, theme)
    link, *others = spec["layout"]["meta"]["links"]
    assert link["terms"] == [["height", 0.03, 0.75], ["mass", 0.01, 0.25], ["holes", 0.0, 0.0]]
    assert all(other["terms"] == [] for other in others)


def test_what_another_explanation_changes_is_dashed_in_the_accent(views):
    analysis, session, theme = views[0]
    (one, two, *rest), tree = analysis.matching.leaf_pairs, analysis.matching
    swapped = (replace(one, b=two.b), replace(two, b=one.b))
    preview = Preview(1, 0.01, tuple((p.a, p.b) for p in swapped), ((one.a, one.b), (two.a, two.b)), ())
    shown = replace(analysis, matching=replace(tree, pairs=(*swapped, *rest)), preview=preview)
    spec = trees.ground(shown, session, theme)
    *links, _ = spec["data"][-len(rest) - 5 :]
    accent = THEMES[theme].accent
    changed = [(trace["line"]["color"] == accent, trace["line"]["dash"]) for trace in links]
    assert changed == [(True, "7px,4px")] * 2 + [(False, "solid")] * len(rest) + [(False, "1px,4px")] * 2
    assert [link["new"] for link in spec["layout"]["meta"]["links"]] == [True, True] + [False] * len(rest)


def test_errors_are_bars_in_the_tree_and_words_beside_it(views):
    analysis, session, theme = views[0]
    tree = analysis.tree("a")
    views_of = {side: getattr(analysis, f"level_sets_{side}") for side in "ab"}
    unknown = {
        f"level_sets_{side}": replace(sets, tree=replace(sets.tree, level_error=None, mass_error=None))
        for side, sets in views_of.items()
    }
    bare = trees.ground(replace(analysis, **unknown), session, theme)
    assert not any(trace.get("error_x", {}).get("visible") for trace in bare["data"])
    known = replace(tree, level_error=np.full(len(tree), 0.25), mass_error=np.full(len(tree), 0.01))
    view = {**unknown, "level_sets_a": replace(analysis.level_sets_a, tree=known)}
    spec = trees.ground(replace(analysis, **view), session, theme)
    (bars,) = [trace["error_x"] for trace in spec["data"] if trace.get("error_x", {}).get("visible")]
    length = np.frombuffer(base64.b64decode(bars["array"]["bdata"]), dtype="<f4")
    assert length == pytest.approx(0.25 / -analysis.cut(0.0))
    a, b = ([n for n in spec["layout"]["meta"]["nodes"] if n["side"] == side] for side in "ab")
    assert all((node["level_error"], node["basin_error"]) == (0.25, 0.01) for node in a)
    assert not any("level_error" in node or "basin_error" in node for node in b)


def test_a_branch_runs_along_its_parents_level_and_turns_once(views):
    for tree in (views[0][0].tree("a"), views[0][0].tree("b")):
        shape = tree_geometry(tree, -4.0, stem=0.1)
        node = np.column_stack((shape.slot, shape.depth))
        start, turn, end = np.moveaxis(shape.branches, 1, 0)
        assert (end == node).all()
        assert (start[1:] == node[tree.parent[1:]]).all()
        assert start[0] == pytest.approx((shape.slot[0], 1.1))
        assert (turn == np.column_stack((end[:, 0], start[:, 1]))).all()


def test_the_same_tree_on_both_sides_is_its_own_mirror_image(views):
    tree = views[0][0].tree("a")
    for frame in (Frame(-4.0, 7), Frame(-4.0, 7, 90.0, width=20.0, end=80.0, margin=1.5, stem=1.0)):
        a, b = (frame.placed(tree, leaf_order(tree), side) for side in SIDES)
        assert a.branches[..., 0] + b.branches[..., 0] == pytest.approx(frame.end)
        assert (a.branches[..., 1] == b.branches[..., 1]).all()
        assert a.place == pytest.approx(a.branches[:, -1])


def test_a_hole_hangs_from_where_it_closes_to_where_it_is_filled(views):
    analysis, session, theme = views[0]
    tree = analysis.tree("a")
    top, bottom = np.array([-0.5, -1.0, -1.6]), np.array([-1.5, -1.8, -2.0])
    found = Holes(np.zeros(3, int), top, bottom, np.array([[0.5, 0.0], [0.0, 0.5], [1.0, 1.0]]))
    view = replace(analysis, level_sets_a=replace(analysis.level_sets_a, tree=replace(tree, holes=found)))
    meta = trees.ground(view, session, theme)["layout"]["meta"]
    floor = -analysis.cut(0.0)
    assert [hole["x"] for hole in meta["holes"]] == pytest.approx(1 + top / floor, abs=1e-4)
    assert [hole["end"] for hole in meta["holes"]] == pytest.approx(1 + bottom / floor, abs=1e-4)
    below = [hole["y"] - next(n for n in meta["nodes"] if n["side"] == "a")["y"] for hole in meta["holes"]]
    assert 0 < below[0] < below[1]
    # The third begins after the first has ended, so it takes its place.
    assert below[2] == pytest.approx(below[0])
    assert latent.ground(view, session, "a", theme)["layout"]["meta"]["holes"] == found.place.tolist()


@given(st.lists(st.integers(0, 12), max_size=9))
def test_crossings_are_counted_by_pairs(lines):
    expected = sum(one > other for at, one in enumerate(lines) for other in lines[at + 1 :])
    assert crossings(lines) == expected


@given(st.integers(2, 6), st.integers(0, 10_000))
def test_no_turning_of_b_has_fewer_crossings(count, seed):
    rng = np.random.default_rng(seed)
    a, b = random_tree(count, rng), random_tree(count, rng)
    partner = dict(zip(b.leaves.tolist(), rng.permutation(a.leaves).tolist(), strict=True))
    pairs = tuple(Pair(int(a.id[there]), int(b.id[here]), 1.0) for here, there in partner.items())
    world = {"a": a, "b": b}
    orders = slots(SimpleNamespace(tree=world.__getitem__, matching=SimpleNamespace(leaf_pairs=pairs)))
    assert orders["a"] == leaf_order(a)
    slot = {row: at for at, row in enumerate(orders["a"])}

    def crossed(order):
        return crossings([slot[partner[row]] for row in order])

    assert crossed(orders["b"]) == min(map(crossed, turnings(b)))


def test_sixty_leaves_keep_their_names_apart_and_every_mark(views):
    rng = np.random.default_rng(0)
    analysis, session, theme = views[0]
    world = {"a": random_tree(60, rng), "b": random_tree(60, rng)}
    pairs = tuple(Pair(node, node, 0.8) for node in world["a"].ids(world["a"].leaves))
    matching = replace(analysis.matching, tree_a=world["a"], tree_b=world["b"], pairs=pairs)
    sets = {f"level_sets_{side}": replace(analysis.level_sets(side), tree=tree) for side, tree in world.items()}
    view = replace(analysis, matching=matching, **sets)
    for height in (320.0, 400.0, 1200.0):
        spec = trees.ground(view, session, theme, height)
        foot, top = spec["layout"]["yaxis"]["range"]
        leaves = [node for node in spec["layout"]["meta"]["nodes"] if node["leaf"]]
        assert len(leaves) == 120
        for side in "ab":
            at = np.sort([node["y"] for node in leaves if node["side"] == side and node["named"]])
            assert 10 < len(at) <= 60
            assert np.diff(at).min() * height / (foot - top) >= LINE
        assert max(node["size"] for node in leaves) < 3 * height / (foot - top)
    assert all(node["named"] for node in leaves)


def random_tree(count, rng):
    """A tree of `count` leaves joined at random, two at a time, at random levels."""
    size = 2 * count - 1
    parent = np.full(size, -1)
    free, level = list(range(size - count, size)), np.zeros(size)
    level[count - 1 :] = -rng.uniform(0, 0.5, count)
    for row in reversed(range(count - 1)):
        joined = rng.choice(len(free), 2, replace=False)
        below = [free[at] for at in joined]
        free = [leaf for leaf in free if leaf not in below] + [row]
        parent[below] = row
        level[row] = level[below].min() - rng.uniform(0.1, 0.5)
    flat, square = rng.normal(size=(size, 2)), np.tile(np.eye(2), (size, 1, 1))
    share = rng.uniform(0.001, 0.05, size)
    return LevelSetTree(
        id=np.arange(size), parent=parent, level=level, persistence=np.ones(size), mass=share, volume=share,
        mean=flat, covariance=square, betti=np.tile([1, 0], (size, 1)), peak=flat,
        basin_mass=share, basin_mean=flat, basin_covariance=square,
    )  # fmt: skip


def turnings(tree, row=0):
    """Every order of the leaves below a row that crosses no branches."""
    if not tree.children[row]:
        return [(row,)]
    one, other = (turnings(tree, child) for child in tree.children[row])
    return [x + y for left, right in ((one, other), (other, one)) for x, y in product(left, right)]


def _applied(spec, patch):
    """A figure after a patch, as the browser makes it."""
    spec = copy.deepcopy(spec)
    for step in patch.to_plotly_json()["operations"]:
        *path, last = step["location"]
        at = spec
        for key in path:
            at = at[key]
        at[last] = step["params"]["value"]
    return spec


def _without_none(spec):
    return {
        "data": [{key: value for key, value in trace.items() if value is not None} for trace in spec["data"]],
        "layout": {key: value for key, value in spec["layout"].items() if value is not None},
    }


def test_changes_make_the_new_facts_of_the_old_ones(library):
    session = Session(model_a="three-a", model_b="three-b")
    analysis = analyze(library, session)
    first = analysis.matching.leaf_pairs[0]
    old = trees.facts(analysis, session, "light")
    for edit in (
        {"bans": ((first.a, first.b),)},
        {"pins": ((first.a, first.b),)},
        {"names_a": ((first.a, Name("left")),)},
    ):
        after = replace(session, **edit)
        new = trees.facts(analyze(library, after), after, "light")
        sent = trees.changes(old, new)
        nodes = [node | sent["change"].get(str(at), {}) for at, node in enumerate(old["nodes"])]
        links = [old["links"][link] if isinstance(link, int) else link for link in sent["links"]]
        rest = {key: value for key, value in sent.items() if key != "change"}
        assert new not in (old, sent)
        assert old | rest | {"nodes": nodes, "links": links} == new
    fewer = old | {"nodes": old["nodes"][1:]}
    assert trees.changes(old, fewer) is fewer
