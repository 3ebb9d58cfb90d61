"""Standard errors of trees: against closed forms, against mixtures fitted anew, and in files."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture as Fit

from core.documents import tree_from_json, tree_to_json
from core.errors import InputError
from core.gaussians.mixture import GaussianMixture
from core.tree import Holes, level_set_tree, tree_with_regions
from core.tree.errors import standard_errors


def three_bumps(dim):
    """Three bumps of unequal weight and shape; the first two overlap."""
    means = np.zeros((3, dim))
    means[1, 0], means[2, 1] = 2.6, 5.0
    covariances = np.stack([np.eye(dim), 0.7 * np.eye(dim), np.diag(np.linspace(0.5, 1.5, dim))])
    return GaussianMixture(np.array([0.5, 0.3, 0.2]), means, covariances)


def nearest_bump(density):
    """Says which mean each point is nearest to, (n, c) bool."""
    return lambda z: (
        np.linalg.norm(z[:, None] - density.means, axis=2).argmin(1)[:, None] == np.arange(len(density.means))
    )


@pytest.mark.parametrize("dim", [1, 2, 6])
def test_one_gaussian_has_the_errors_of_its_mean_and_covariance(dim):
    # -|u|^2 / 2 moves by |u| times the mean's error along u, and by |u|^2 / 2 times the relative one of the variance.
    q = GaussianMixture(np.ones(1), np.zeros((1, dim)), np.eye(dim)[None])
    distance = np.array([0.0, 1.0, 2.0, 4.0])
    places = np.outer(distance, np.ones(dim) / np.sqrt(dim))
    found = standard_errors(q, 10_000, places, lambda z: np.ones((len(z), 1), dtype=bool))
    expected = np.sqrt((distance**2 + distance**4 / 2) / 10_000)
    assert found.level_error == pytest.approx(expected, rel=0.1)
    assert found.mass_error == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("dim", [2, 5])
def test_errors_are_those_of_mixtures_fitted_anew(dim):
    q, n = three_bumps(dim), 2000
    places = np.concatenate([q.means, (q.means[:1] + q.means[1:]) / 2])
    predicted = standard_errors(q, n, places, nearest_bump(q))
    draws = q.sample(20_000, seed=0)
    inside = nearest_bump(q)(draws)
    levels, masses = [], []
    for seed in range(60):
        start = {"weights_init": q.weights, "means_init": q.means, "precisions_init": np.linalg.inv(q.covariances)}
        fit = Fit(3, max_iter=300, tol=1e-5, **start).fit(q.sample(n, seed=1 + seed))
        anew = GaussianMixture(fit.weights_, fit.means_, fit.covariances_)
        height = anew.log_density(places)
        levels.append(height - height[0])
        masses.append((np.exp(anew.log_density(draws) - q.log_density(draws))[:, None] * inside).mean(0))
    # Sixty refits know a standard deviation to 9 %.
    assert np.std(levels, axis=0)[1:] == pytest.approx(predicted.level_error[1:], rel=0.27)
    assert np.std(masses, axis=0) == pytest.approx(predicted.mass_error, rel=0.27)
    persistence = np.std(np.subtract(*np.array(levels).T[[1, 3]]))
    assert persistence == pytest.approx(predicted.difference(1, 3), rel=0.27)


def test_a_mass_is_known_at_least_as_well_as_a_share_of_points():
    q, n = three_bumps(2), 5000
    draws = q.sample(50_000, seed=3)
    share = nearest_bump(q)(draws).mean(0)
    counted = np.sqrt(share * (1 - share) / n)
    found = standard_errors(q, n, q.means, nearest_bump(q)).mass_error
    assert (found < 1.05 * counted).all()
    assert (found > 0.7 * counted).all()


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_four_times_the_points_halve_every_error_of_a_tree(dim):
    few, many = (level_set_tree_of(three_bumps(dim), points) for points in (10_000, 40_000))
    assert few.level_error[few.level.argmax()] == 0
    assert many.level_error == pytest.approx(few.level_error / 2, rel=0.02)
    assert many.mass_error == pytest.approx(few.mass_error / 2, rel=0.02, abs=1e-4)
    assert few.level_error.argmax() == 0


def level_set_tree_of(density, points):
    return tree_with_regions(density, size=None if density.dim == 2 else 32, points=points).tree


def test_errors_do_not_depend_on_the_coordinates():
    q = three_bumps(2)
    matrix, offset = np.array([[2.0, 0.7], [0.0, 0.5]]), np.array([3.0, -1.0])
    moved = q.transformed(matrix, offset)
    inside = nearest_bump(q)
    a = standard_errors(q, 5000, q.means, inside)
    b = standard_errors(moved, 5000, moved.means, lambda z: inside((z - offset) @ np.linalg.inv(matrix).T))
    assert b.level_error == pytest.approx(a.level_error, rel=0.08)
    assert b.mass_error == pytest.approx(a.mass_error, rel=0.08)


def test_a_component_that_faded_leaves_errors_finite():
    q = three_bumps(2)
    weights = np.append(q.weights, 1e-12)
    faded = GaussianMixture(weights / weights.sum(), np.vstack([q.means, [[1.0, 1.0]]]), q.covariances[[0, 1, 2, 2]])
    with_it, without = (standard_errors(d, 5000, q.means, nearest_bump(q)) for d in (faded, q))
    assert with_it.level_error == pytest.approx(without.level_error, rel=0.1)


def test_a_flow_adds_to_the_errors_of_its_mixture():
    prior = three_bumps(2)
    bare = level_set_tree_of(prior, 4000)
    tree = level_set_tree(SimpleNamespace(prior=prior, metrics={"points": 4000}))
    assert tree.level_error == pytest.approx(1.2 * bare.level_error)
    assert tree.mass_error == pytest.approx(1.2 * bare.mass_error)


def test_errors_follow_simplification():
    sets = tree_with_regions(three_bumps(2), points=4000)
    simple = sets.simplified(persistence=1.0)
    assert len(simple.tree) < len(sets.tree)
    kept = [sets.tree.row(node) for node in simple.tree.id]
    assert simple.tree.level_error == pytest.approx(sets.tree.level_error[kept], rel=1e-9)


def test_errors_are_kept_in_files_and_absent_from_older_ones():
    tree = level_set_tree_of(three_bumps(2), 4000)
    document = json.loads(json.dumps(tree_to_json(tree)))
    again = tree_from_json(document)
    assert np.array_equal(again.level_error, tree.level_error)
    assert np.array_equal(again.mass_error, tree.mass_error)
    for node in document["nodes"]:
        del node["level_error"], node["mass_error"]
    older = tree_from_json(document)
    assert older.level_error is None
    assert older.mass_error is None
    assert "level_error" not in tree_to_json(level_set_tree(three_bumps(2)))["nodes"][0]


def test_holes_are_kept_in_files_and_absent_from_older_ones():
    tree = level_set_tree(three_bumps(2))
    assert "holes" not in tree_to_json(replace(tree, holes=None))
    for count in (0, 2):
        node = np.arange(count) + 1
        holes = Holes(node, -1.0 - node, -3.0 - node, np.ones((count, 2)) * node[:, None])
        again = tree_from_json(json.loads(json.dumps(tree_to_json(replace(tree, holes=holes))))).holes
        for name in ("node", "top", "bottom", "place"):
            assert np.array_equal(getattr(again, name), getattr(holes, name))


def test_errors_on_some_nodes_only_are_refused():
    document = tree_to_json(level_set_tree_of(three_bumps(2), 4000))
    del document["nodes"][1]["mass_error"]
    with pytest.raises(InputError, match="mass_error"):
        tree_from_json(document)


def test_errors_need_points():
    with pytest.raises(InputError, match="points"):
        standard_errors(three_bumps(2), 0, np.zeros((1, 2)), nearest_bump(three_bumps(2)))
