"""Each translator does what its paper promises; the figures of merit mean what they say."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

import core
from core.baselines import (
    TRANSLATORS,
    Latents,
    Pairs,
    compare,
    gromov,
    latent_translation,
    merit,
    mini_vec2vec,
    planted_pairs,
    problem,
    ranked,
    translate,
    transport,
    wasserstein,
)
from core.baselines.affine import least_squares
from core.baselines.gaussian import monge_map
from core.baselines.gromov import gromov_coupling
from core.baselines.merits import explained_variance, label_accuracy, retrieval, sliced_wasserstein
from core.baselines.procrustes import orthogonal_map
from core.baselines.transport import BarycentricMap, exact_coupling
from core.errors import InputError
from core.gaussians import GaussianMixture
from core.maps import AffineMap
from topoviz import resource

MUST_TURN = (
    "ours", "ours-tree", "wasserstein-procrustes-ours", "wasserstein-procrustes", "gromov-wasserstein",
    "mini-vec2vec-like", "procrustes", "affine",
)  # fmt: skip
QUICK = ("ours", "ours-tree", "optimal-transport", "gaussian-transport", "affine", "procrustes")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Smaller batches and fewer searches: the clouds here are small."""
    for module, settings in (
        (wasserstein, {"_COARSE": (100, 30), "_JUDGED": 300, "_FINE": (300, 20)}),
        (mini_vec2vec, {"_RUNS": 6, "_CLUSTERS": 12, "_SEARCHES": 8}),
        (gromov, {"_POINTS": 150, "_RANDOM_STARTS": 3}),
        (latent_translation, {"_STEPS": 30}),
    ):
        for name, value in settings.items():
            monkeypatch.setattr(module, name, value)


def lopsided(dim=2):
    """Five Gaussians of different mass and shape, whitened as a whole, like no rotation of themselves."""
    rng = np.random.default_rng(dim)
    means = np.zeros((5, dim))
    means[:, :2] = [[0, 0], [5, 0], [1, 4], [-4, -2], [7, 6]]
    axes = np.linalg.qr(rng.normal(size=(5, dim, dim)))[0]
    spread = rng.uniform(0.3, 0.8, (5, dim))
    q = GaussianMixture(
        np.array([0.34, 0.26, 0.18, 0.12, 0.1]), means, axes @ (spread[:, :, None] ** 2 * np.swapaxes(axes, 1, 2))
    )
    center = q.weights @ q.means
    away = q.means - center
    root = np.linalg.cholesky(np.linalg.inv((q.weights * away.T) @ away + np.tensordot(q.weights, q.covariances, 1))).T
    return q.transformed(root, -root @ center)


def turned(matrix, offset=None, n=600):
    """A cloud, its image under a map in another order, and true pairs that neither holds."""
    q = lopsided(len(matrix))
    offset = np.zeros(len(matrix)) if offset is None else offset
    z = q.sample(n, seed=1)
    other = q.sample(n, seed=2) @ matrix.T + offset
    models = [SimpleNamespace(prior=p) for p in (q, q.transformed(matrix, offset))]
    fresh = q.sample(400, seed=3)
    labels = q.log_components(fresh).argmax(1)
    return Latents(z, models[0]), Latents(other, models[1]), Pairs(fresh, fresh @ matrix.T + offset, labels)


def rotation(dim, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]


@pytest.fixture(scope="module", params=[0, 1], ids=["turned", "mirrored"])
def clouds(request):
    turn = rotation(2, 5)
    turn[0] *= np.sign(np.linalg.det(turn)) * (1 - 2 * request.param)
    return turned(turn, np.array([2.0, -1.0]))


@pytest.mark.parametrize("name", MUST_TURN)
def test_a_planted_rotation_is_recovered(clouds, name):
    source, target, pairs = clouds
    carry = translate(name, source, target, pairs, seed=1)
    assert explained_variance(carry(pairs.a), pairs.b) > 0.97


@pytest.mark.parametrize("name", ["ours", "ours-tree", "affine"])
def test_a_planted_stretch_is_recovered_where_the_family_has_it(name):
    source, target, pairs = turned(np.array([[1.5, 0.4], [-0.2, 0.6]]), np.array([1.0, 3.0]))
    carry = translate(name, source, target, pairs)
    assert explained_variance(carry(pairs.a), pairs.b) > 0.99


def on_a_sphere(n, seed, clusters=12, dim=8):
    """Clusters of different mass on a sphere, as embeddings of text are."""
    rng = np.random.default_rng(1)
    means, weights = rng.normal(size=(clusters, dim)), rng.uniform(0.5, 1.5, clusters)
    rng = np.random.default_rng(seed)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    points = means[rng.choice(clusters, n, p=weights / weights.sum())] + 0.1 * rng.normal(size=(n, dim))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["mini-vec2vec", "mini-vec2vec-like"])
def test_clusters_on_a_sphere_are_anchors_from_some_seeds(name):
    turn = rotation(8, 2)
    source, target = Latents(on_a_sphere(1000, 1)), Latents(on_a_sphere(1000, 2) @ turn.T + 4)
    fresh = on_a_sphere(300, 3)
    found = [translate(name, source, target, seed=seed)(fresh) for seed in range(3)]
    assert max(explained_variance(images, fresh @ turn.T + 4) for images in found) > 0.95


def test_transport_does_not_turn():
    source, target, pairs = turned(np.array([[-0.5, -0.8], [0.8, -0.5]]))
    for name in ("optimal-transport", "gaussian-transport"):
        assert explained_variance(translate(name, source, target)(pairs.a), pairs.b) < 0.9


@pytest.mark.parametrize("name", TRANSLATORS)
def test_the_same_seed_gives_the_same_translator(name):
    source, target, pairs = turned(rotation(2, 5), n=120)
    one, two = (translate(name, source, target, pairs, seed=3)(pairs.a) for _ in range(2))
    assert np.array_equal(one, two)


def test_procrustes_is_no_worse_than_any_rotation_or_reflection():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40, 2))
    best = orthogonal_map(a, b)
    assert best.matrix @ best.matrix.T == pytest.approx(np.eye(2))
    error = ((best(a) - b) ** 2).sum()
    for angle, mirror in itertools.product(np.linspace(0, 2 * np.pi, 720), (1, -1)):
        turn = np.array([[np.cos(angle), -mirror * np.sin(angle)], [np.sin(angle), mirror * np.cos(angle)]])
        shift = b.mean(0) - turn @ a.mean(0)
        assert ((a @ turn.T + shift - b) ** 2).sum() >= error - 1e-9


def test_least_squares_leaves_what_no_affine_map_explains():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    left = least_squares(a, b)(a) - b
    assert a.T @ left == pytest.approx(0, abs=1e-9)
    assert left.sum(0) == pytest.approx(0, abs=1e-9)


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_the_monge_map_carries_one_gaussian_to_the_other_and_is_the_gradient_of_a_convex_function(seed, dim):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(2, dim, dim)) + 2 * np.eye(dim)
    a, b = roots @ np.swapaxes(roots, 1, 2) + 0.1 * np.eye(dim)
    means = rng.normal(size=(2, dim))
    carry = monge_map(means[0], a, means[1], b)
    assert carry.matrix @ a @ carry.matrix.T == pytest.approx(b, rel=1e-6, abs=1e-6)
    assert carry(means[:1])[0] == pytest.approx(means[1])
    assert carry.matrix == pytest.approx(carry.matrix.T, abs=1e-7)
    assert np.linalg.eigvalsh(carry.matrix).min() > 0


def test_a_coupling_is_the_cheapest_of_all_permutations():
    costs = np.random.default_rng(2).uniform(size=(6, 6))
    coupling = exact_coupling(costs)
    assert coupling.sum(0) == pytest.approx(1 / 6)
    assert coupling.sum(1) == pytest.approx(1 / 6)
    least = min(costs[range(6), order].mean() for order in itertools.permutations(range(6)))
    assert (coupling * costs).sum() == pytest.approx(least)


def test_transport_to_a_shifted_copy_is_the_shift():
    z = lopsided().sample(300, seed=0)
    carry = translate("optimal-transport", Latents(z), Latents(z[::-1] + np.array([3.0, -1.0])))
    assert carry(z) == pytest.approx(z + np.array([3.0, -1.0]))
    assert carry(z[:1] + 1e-6) == pytest.approx(z[:1] + np.array([3.0, -1.0]) + 1e-6)


def test_a_barycentric_map_refuses_other_widths():
    carry = BarycentricMap(np.eye(2), np.eye(2), np.eye(2))
    with pytest.raises(InputError):
        carry(np.zeros((3, 1)))


def test_gromov_wasserstein_knows_no_isometry():
    q = lopsided()
    a, b = q.sample(60, seed=1), q.sample(60, seed=2) * [1.0, 1.3]
    distances = [cdist(x, x) for x in (a, b, b @ rotation(2, 3).T + 5)]
    values = [gromov_coupling(distances[0], other, np.random.default_rng(0))[1] for other in distances[1:]]
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    assert values[0] > 1e-3
    assert gromov_coupling(distances[1], distances[2], np.random.default_rng(0))[1] == pytest.approx(0, abs=1e-9)


def test_gromov_wasserstein_of_few_points_is_that_of_the_best_permutation(monkeypatch):
    monkeypatch.setattr(gromov, "_RANDOM_STARTS", 60)
    a, b = np.random.default_rng(4).normal(size=(2, 6, 2))
    a, b = cdist(a, a), cdist(b, b)
    least = min(((a - b[np.ix_(order, order)]) ** 2).mean() for order in itertools.permutations(range(6)))
    assert gromov_coupling(a, b, np.random.default_rng(0))[1] <= least + 1e-9


def test_wasserstein_procrustes_stays_where_it_starts_well(clouds, monkeypatch):
    source, target, pairs = clouds
    right = orthogonal_map(pairs.a, pairs.b)
    monkeypatch.setattr(wasserstein, "ours", lambda *_: right)
    near = translate("wasserstein-procrustes-ours", source, target)
    assert np.abs(near.matrix - right.matrix).max() < 0.1
    monkeypatch.setattr(wasserstein, "ours", lambda *_: AffineMap(right.matrix @ np.diag([1.0, -1.0]), right.offset))
    wrong = translate("wasserstein-procrustes-ours", source, target)
    assert np.sign(np.linalg.det(wrong.matrix)) == -np.sign(np.linalg.det(right.matrix))


def test_spaces_of_different_dimensions():
    q = lopsided()
    flat = np.array([[1.0, 0.3], [0.2, 1.0], [0.5, -0.7]])
    source, target = Latents(q.sample(300, seed=1)), Latents(q.sample(300, seed=2) @ flat.T)
    pairs = Pairs(q.sample(50, seed=3), q.sample(50, seed=3) @ flat.T)
    for name, method in TRANSLATORS.items():
        reason = problem(name, source, target, pairs)
        if method.models:
            assert reason == "needs a density on both sides"
        elif method.labels:
            assert reason == "needs classes of points on both sides"
        elif method.same_dim:
            assert reason == "needs latent spaces of one dimension, these have 2 and 3"
        else:
            assert reason is None
            assert translate(name, source, target, pairs)(pairs.a).shape == (50, 3)


@pytest.mark.parametrize("name", ["affine", "ours", "procrustes"])
def test_a_method_that_does_not_apply_is_refused_by_name(name):
    cloud = Latents(np.random.default_rng(0).normal(size=(20, 2)))
    with pytest.raises(InputError, match=name):
        translate(name, cloud, cloud)


@pytest.mark.parametrize(
    "make",
    [
        lambda z: Latents(z[:, 0]),
        lambda z: Latents(z[:3]),
        lambda z: Latents(np.where(z > 0, np.nan, z)),
        lambda z: Pairs(z, z[:-1]),
        lambda z: Pairs(z[:1], z[:1]),
        lambda z: Pairs(z[:7], z[:7]).halves(0),
        lambda z: translate("affine", Latents(z), Latents(z), Pairs(z[:3], z[:3])),
        lambda z: Latents(z, labels=np.zeros(3)),
        lambda z: Pairs(z, z, np.zeros(3)),
        lambda z: translate("affine", Latents(z), Latents(z), Pairs(z[:, :1], z)),
        lambda z: translate("best", Latents(z), Latents(z)),
    ],
)
def test_bad_latents_and_pairs_are_one_line(make):
    with pytest.raises(InputError) as caught:
        make(np.random.default_rng(0).normal(size=(40, 2)))
    assert "\n" not in str(caught.value)


def test_a_solver_that_gives_up_says_so(monkeypatch):
    monkeypatch.setattr(transport, "_ITERATIONS", 1)
    a, b = np.random.default_rng(0).normal(size=(2, 200, 2))
    with pytest.raises(InputError, match="did not converge"):
        translate("optimal-transport", Latents(a), Latents(b))


def with_fit(monkeypatch, name, fit):
    monkeypatch.setattr(TRANSLATORS[name].home.replace(":", "."), fit)


def test_a_map_that_is_not_finite_did_not_converge(monkeypatch):
    with_fit(monkeypatch, "gaussian-transport", lambda *_: AffineMap(np.full((2, 2), np.nan), np.zeros(2)))
    cloud = Latents(np.random.default_rng(0).normal(size=(20, 2)))
    with pytest.raises(InputError, match="did not converge"):
        translate("gaussian-transport", cloud, cloud)
    (row,) = compare(["gaussian-transport"], cloud, cloud)
    assert (row.status, row.merit) == ("failed", None)
    assert "did not converge" in row.reason


def test_what_is_fitted_to_is_not_what_judges(monkeypatch):
    source, target, pairs = turned(rotation(2, 1), n=100)
    fitted, judged = pairs.halves(seed=0)
    seen = []
    with_fit(monkeypatch, "affine", lambda a, b, given, seed: seen.append(given) or least_squares(given.a, given.b))
    (row,) = compare(["affine"], source, target, fitted, judged)
    assert seen == [fitted]
    assert row.merit.r2 == pytest.approx(1)
    assert not set(map(tuple, fitted.a)) & set(map(tuple, judged.a))
    assert len(fitted) + len(judged) == len(pairs)


def test_rows_are_ranked_by_the_best_evidence_there_is(clouds):
    source, target, pairs = clouds
    rows = ranked(compare(QUICK, source, target, pairs, pairs))
    r2 = [row.merit.r2 for row in rows]
    assert r2 == sorted(r2, reverse=True)
    rows = ranked(compare(QUICK, source, target))
    assert [row.status for row in rows] == ["done"] * 4 + ["not applicable"] * 2
    scores = [row.merit.score for row in rows[:3]]
    assert scores == sorted(scores, reverse=True)
    assert rows[3].name == "optimal-transport"
    assert rows[3].merit.score is None
    assert all(row.merit.r2 is None for row in rows[:4])


def test_figures_of_merit_at_their_ends():
    rng = np.random.default_rng(0)
    truth, labels = rng.normal(size=(200, 2)), np.repeat([0, 1], 100)
    truth[100:] += 20
    assert explained_variance(truth, truth) == 1
    assert explained_variance(np.tile(truth.mean(0), (200, 1)), truth) == pytest.approx(0)
    assert (retrieval(truth, truth), retrieval(truth[::-1], truth)) == (1, 0)
    assert label_accuracy(truth, truth, labels) == 1
    assert label_accuracy(truth[::-1], truth, labels) == 0
    assert label_accuracy(truth, truth, np.arange(200)) == 0
    assert sliced_wasserstein(truth, truth) == pytest.approx(0, abs=1e-9)
    assert sliced_wasserstein(truth[:, :1], truth[:, :1] + 3) == pytest.approx(3)


def test_the_true_map_has_a_perfect_score(clouds):
    source, target, pairs = clouds
    assert merit(orthogonal_map(pairs.a, pairs.b), source, target).score == pytest.approx(0, abs=1e-9)


@pytest.fixture(scope="module")
def shipped():
    names = ("islands-a", "islands-partial", "nested", "trefoil")
    return {name: core.load_model(resource("sample_data") / "models" / name) for name in names}


def test_planted_points_are_pairs_of_the_modes_that_worlds_share(shipped):
    pairs = planted_pairs(shipped["islands-a"], shipped["islands-partial"], n=500)
    assert set(pairs.labels) == {0, 1, 2, 3}
    means = [np.array([side[pairs.labels == mode].mean(0) for mode in range(4)]) for side in (pairs.a, pairs.b)]
    assert explained_variance(least_squares(*means)(means[0]), means[1]) > 0.9
    assert len(planted_pairs(shipped["islands-a"], shipped["islands-a"], n=500)) == 500


@pytest.mark.parametrize("other", ["nested", "trefoil"])
def test_worlds_that_share_nothing_have_no_pairs(shipped, other):
    assert planted_pairs(shipped["islands-a"], shipped[other]) is None


def test_a_name_alone_is_no_proof_of_a_world(shipped):
    model = shipped["islands-a"]
    file = replace(model, sample=replace(model.sample, points=model.sample.points + 1))
    assert planted_pairs(file, model) is None
    assert planted_pairs(replace(model, sample=replace(model.sample, truth=None)), model) is None


def test_ours_is_ahead_of_the_quick_ones_without_pairs_on_a_shipped_pair(shipped):
    models = shipped["islands-a"], shipped["islands-partial"]
    source, target = (Latents(model.sample.latent, model) for model in models)
    fitted, judged = planted_pairs(*models, n=1500).halves(0)
    best = ranked(row for row in compare(QUICK, source, target, fitted, judged) if not row.method.pairs)
    assert [row.name for row in best[:2]] == ["ours-tree", "ours"]
    assert best[1].merit.r2 > 0.9 > best[2].merit.r2
