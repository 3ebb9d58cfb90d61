"""What makes edits fast changes nothing about their answers."""

import base64
import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.gaussians import GaussianMixture
from core.gaussians.procrustes import _polar_and_norm
from core.match import MatchConfig, match_trees
from core.match.heuristic import _assign, _neighbors, marginal_costs, solve_from
from core.match.problem import AssignmentProblem
from core.tree import level_set_tree, tree_with_regions
from core.tree.fields import contours
from topoviz.figures.density import field, plane
from topoviz.figures.geometry.density import grid_of
from topoviz.session.history import History
from topoviz.session.state import Session


def problem(seed, na=7, nb=9):
    """A problem with some bans and a pin."""
    rng = np.random.default_rng(seed)

    def between(n):
        part = rng.normal(size=(2, n, n))
        return part + np.swapaxes(part, 1, 2)

    allowed = rng.uniform(size=(na, nb)) < 0.85
    allowed[0, 0] = True
    peaks = rng.uniform(0.5, 1, 2)
    return AssignmentProblem(
        rng.uniform(-1, 1, (na, nb)), between(na), between(nb), peaks, peaks + 1.0, MatchConfig(), allowed, {0: 0}
    )


@pytest.mark.parametrize("seed", range(12))
def test_moves_and_trades_cost_what_they_say(seed):
    given_problem = problem(seed)
    partners = _assign(given_problem, marginal_costs(given_problem, np.full(7, -1)))
    before = given_problem.cost(partners)
    moved, traded = _neighbors(given_problem, partners)
    for i, j in np.argwhere(np.isfinite(moved)).tolist():
        changed = partners.copy()
        changed[partners == j] = -1
        changed[i] = j if j < 9 else -1
        assert given_problem.cost(changed) - before == pytest.approx(moved[i, j], abs=1e-9)
    for i, k in np.argwhere(np.isfinite(traded)).tolist():
        changed = partners.copy()
        changed[[i, k]] = partners[[k, i]]
        assert given_problem.cost(changed) - before == pytest.approx(traded[i, k], abs=1e-9)
    assert np.isinf(moved[0]).all()


@pytest.mark.parametrize("seed", range(12))
def test_a_repair_keeps_pins_and_bans_and_ends_where_no_change_helps(seed):
    given_problem = problem(seed)
    found = solve_from(given_problem, np.arange(7))
    partners = np.array(found[0][0])
    assert partners[0] == 0
    assert np.isfinite(found[0][1])
    moved, traded = _neighbors(given_problem, partners)
    assert min(moved.min(), traded.min()) >= -1e-9


def large(seed, modes=24):
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)[:modes]
    means = 2.0 * places + rng.uniform(-0.3, 0.3, (modes, 2))
    covariances = rng.uniform(0.1, 0.2, (modes, 2))[:, :, None] * np.eye(2)
    weights = rng.uniform(0.5, 1.5, modes)
    return GaussianMixture(weights / weights.sum(), means, covariances)


def test_a_matching_does_not_hang_on_the_way_to_it():
    q = large(3)
    a, b = level_set_tree(q), level_set_tree(q.transformed(np.array([[0.8, -0.6], [0.6, 0.8]]), np.zeros(2)))
    first = match_trees(a, b)
    assert first.solver == "heuristic"
    (one, two) = first.leaf_pairs[3], first.leaf_pairs[9]
    pins = ((one.a, two.b), (two.a, one.b))
    match_trees(a, b, pins=pins[:1])
    match_trees(a, b, bans=pins[1:])
    after = match_trees(a, b, pins=pins)
    anew = match_trees(replace(a), replace(b), pins=pins)
    assert [(p.a, p.b) for p in after.pairs] == [(p.a, p.b) for p in anew.pairs]
    assert after.cost == anew.cost
    assert set(pins) <= {(p.a, p.b) for p in after.pairs}


@given(st.lists(st.floats(-10, 10), min_size=4, max_size=4))
def test_two_by_two_in_closed_form(values):
    matrix = np.array(values).reshape(1, 2, 2)
    turn, norm = _polar_and_norm(matrix)
    assert norm[0] == pytest.approx(np.linalg.svd(matrix[0], compute_uv=False).sum(), abs=1e-9)
    assert turn[0] @ turn[0].T == pytest.approx(np.eye(2), abs=1e-9)
    assert np.trace(turn[0].T @ matrix[0]) == pytest.approx(norm[0], abs=1e-9)


def test_an_outline_is_the_contour_of_its_component():
    sets = tree_with_regions(large(1, 8))
    tree = sets.tree
    for row in tree.leaves.tolist():
        parent = int(tree.parent[row])
        level = max(float(tree.level[row]) - 3.0, float(tree.level[parent]) + 0.03)
        (whole,) = (
            line.points
            for line in contours(grid_of(sets), level)
            if line.node(sets.region, tree.parent, tree.level) == row
        )
        drawn = plane(sets).outlines[str(tree.id[row])]
        found = {(x, y) for x, y in zip(drawn["x"], drawn["y"], strict=True) if x is not None}
        assert found == {tuple(point) for point in np.round(whole, 3).tolist()}


def test_the_field_that_the_browser_cuts_is_the_density():
    sets = tree_with_regions(large(1, 8))
    sent, grid = field(sets), grid_of(sets)
    steps = np.frombuffer(base64.b64decode(sent["data"]), "<u2").reshape(sent["shape"])
    kept = np.maximum(grid.relative[::2, ::2], sent["low"])
    assert sent["low"] * (1 - steps / 65535) == pytest.approx(kept, abs=2e-4)
    assert sent["x"][1] == grid.axes[0][::2][-1]


def test_the_past_weighs_what_was_changed():
    session = Session(model_a="x", model_b="y", pins=tuple((i, i) for i in range(0, 600, 2)))
    history = History(session)
    for at in range(100):
        history = history.push(replace(history.now, bans=((at, at + 1),)))
    document = json.dumps(history.to_json())
    assert len(document) < 3 * len(json.dumps(session.to_json())) + 100 * 80
    back = History.from_json(json.loads(document))
    for _ in range(100):
        back = back.undo()
    assert back.now == session


def test_what_goes_far_is_packed_and_what_names_its_version_is_kept():
    from topoviz.app.server import create_app
    from topoviz.session.settings import Settings

    client = create_app(Settings(open_browser=False)).server.test_client()
    asked = {"headers": {"Accept-Encoding": "gzip"}, "base_url": "http://localhost"}
    near = client.get("/assets/style.css?m=1", **asked)
    far = client.get("/assets/style.css?m=1", environ_overrides={"REMOTE_ADDR": "10.0.0.1"}, **asked)
    assert "Content-Encoding" not in near.headers
    assert far.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(far.data) == near.data
    assert "immutable" in near.headers["Cache-Control"]
    plain = client.get("/assets/style.css", **asked)
    assert "immutable" not in plain.headers["Cache-Control"]
    for answer in (near, far, plain):
        answer.close()
