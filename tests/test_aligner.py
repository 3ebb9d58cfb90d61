"""The aligner: two tables of activations to a match, a map and a verdict."""

import numpy as np
import pytest
from sklearn.base import clone

import core
from core.activations.prepare import load_preparation, prepare, prepared_pair, save_preparation
from core.errors import InputError
from core.gaussians import GaussianMixture
from core.match.anchors import anchor_pins, anchor_rows
from core.tree import level_set_tree

UNITS, CLASSES = 24, 6


def activations(rows: int, seed: int, turn: int) -> tuple[np.ndarray, np.ndarray]:
    """One world of six clusters in five dimensions among 24 units, in a basis of its own, and the clusters."""
    world = np.random.default_rng(7)
    means = np.concatenate((np.diag([5.0, 6, 7, 8, 9]), np.zeros((1, 5)))) + world.normal(size=(CLASSES, 5))
    axes = np.linalg.qr(world.normal(size=(CLASSES, 5, 5)))[0]
    spread = world.uniform(0.4, 1.4, (CLASSES, 5))
    rng = np.random.default_rng(seed)
    classes = rng.choice(CLASSES, rows, p=np.array([3, 3, 4, 4, 5, 5]) / 24)
    shape = axes[classes] * spread[classes][:, None]
    inner = means[classes] + np.einsum("nij,nj->ni", shape, rng.normal(size=(rows, 5)))
    basis = np.linalg.qr(np.random.default_rng(turn).normal(size=(UNITS, UNITS)))[0]
    full = np.concatenate((inner, 0.2 * rng.normal(size=(rows, UNITS - 5))), axis=1)
    return full @ basis, classes


@pytest.fixture(scope="module")
def fitted():
    (a, of_a), (b, of_b) = activations(500, 1, 11), activations(500, 2, 12)
    return core.TopologyAligner(steps=60).fit(a, b), a, of_a, b, of_b


def test_the_dimension_is_what_the_clusters_span(fitted):
    aligner = fitted[0]
    assert aligner.preparation_a_.latent_dim == aligner.preparation_b_.latent_dim == 5
    assert any("6 clusters lie apart in 5 directions" in reason for reason in aligner.preparation_a_.reasons)


def test_clusters_are_matched_and_the_verdict_says_so(fitted):
    aligner, a, of_a, b, of_b = fitted
    models = aligner.model_a_, aligner.model_b_
    latents_a, latents_b = aligner.encode_a(a), aligner.encode_b(b)
    carried = core.map_labels(aligner.matching_, aligner.map_, *models, latents_a, of_a, latents_b)
    assert core.score_labels(carried, of_b).accuracy > 0.98
    assert aligner.verdict_.determined
    assert aligner.verdict_.reasons
    assert aligner.alternatives_ == aligner.matching_.alternatives


def test_activations_translate_both_ways(fitted):
    aligner = fitted[0]
    a, _ = activations(300, 3, 11)
    b, _ = activations(300, 3, 12)
    assert aligner.score(a, b) > 0.9
    images = aligner.transform(a)
    assert images.shape == b.shape
    assert np.mean((images - b) ** 2) < 0.2 * np.mean((b - b.mean(0)) ** 2)
    back = aligner.inverse_transform(images)
    assert np.mean((back - a) ** 2) < 0.1 * np.mean((a - a.mean(0)) ** 2)
    assert aligner.score() > -2


@pytest.mark.slow
def test_the_same_seed_gives_the_same_translation(fitted):
    aligner, a, _, b, _ = fitted
    again = core.TopologyAligner(steps=60).fit(a, b)
    np.testing.assert_array_equal(again.transform(a[:5]), aligner.transform(a[:5]))


def test_it_has_the_manners_of_scikit_learn():
    aligner = core.TopologyAligner(k=3, seed=4)
    assert clone(aligner).get_params() == aligner.get_params()
    assert aligner.set_params(k="auto").k == "auto"


def test_anchors_pin_the_leaves_that_they_lie_in(fitted):
    aligner, a, of_a, b, of_b = fitted
    rows = [int(np.flatnonzero(of_a == one)[0]) for one in range(3)]
    partners = [int(np.flatnonzero(of_b == one)[0]) for one in range(3)]
    again = core.TopologyAligner(steps=60)
    for name in ("preparation_a_", "preparation_b_", "model_a_", "model_b_", "tree_a_", "tree_b_"):
        setattr(again, name, getattr(aligner, name))
    again.rematch(a[rows], b[partners])
    assert len(again.anchors_.pins) == 3
    assert again.anchors_.agree == 3
    assert sum(pair.pinned for pair in again.matching_.leaf_pairs) == 3


def test_anchors_that_contradict_each_other_pin_nothing():
    q = GaussianMixture(np.full(2, 0.5), np.array([[0.0, 0.0], [8.0, 0.0]]), np.stack([np.eye(2)] * 2))
    tree = level_set_tree(q)
    both = np.array([[0.0, 0.0], [0.0, 0.0]])
    found = anchor_pins(tree, tree, q, q, both, np.array([[0.0, 0.0], [8.0, 0.0]]))
    assert found.pins == ()
    assert found.contradict == 2


@pytest.mark.parametrize(
    ("anchors", "word"),
    [([[0, 700]], "B's rows"), ([[-1, 0]], "A's rows"), ([0, 1], "whole numbers"), ([[0.5, 1.0]], "whole numbers")],
)
def test_anchors_at_fault_get_one_line(anchors, word):
    with pytest.raises(InputError, match=word):
        anchor_rows(anchors, 700, 700)


def wrong_tables():
    fine = activations(200, 1, 11)[0]
    holed, flat = fine.copy(), np.ones((200, 4))
    holed[3, 2] = np.nan
    return {
        "NaN": (holed, fine, "`A`"),
        "constant": (fine, flat, "`B`"),
        "one dimension": (fine[:, 0], fine, "`A`"),
        "words": (np.array([["a", "b"]] * 200), fine, "`A`"),
        "few": (fine[:60], fine, "rows"),
    }


@pytest.mark.parametrize("name", wrong_tables())
def test_tables_at_fault_get_one_line(name):
    a, b, word = wrong_tables()[name]
    with pytest.raises(InputError, match=word) as error:
        core.TopologyAligner().fit(a, b)
    assert "\n" not in str(error.value)


def test_what_has_not_been_fitted_says_so():
    with pytest.raises(InputError, match="fit"):
        core.TopologyAligner().transform(np.zeros((2, 3)))


def test_a_dimension_that_is_none_is_refused():
    a, b = activations(200, 1, 11)[0], activations(200, 2, 12)[0]
    for k in (0, 99, "many", 2.5, True):
        with pytest.raises(InputError, match="latent_dim"):
            prepared_pair([a, b], k)


def test_dead_and_repeated_units_are_left_out_and_said():
    a, _ = activations(400, 1, 11)
    wide = np.concatenate((a, np.zeros((400, 1)), 2 * a[:, :1]), axis=1)
    found = prepare(wide, 5)
    assert not found.axes[UNITS:].any()
    assert any("zero on every row" in reason for reason in found.reasons)
    np.testing.assert_allclose(np.abs(found(wide)), np.abs(prepare(a, 5)(a)), atol=1e-3)


def test_units_of_unlike_scales_are_scaled_and_said():
    a, _ = activations(400, 1, 11)
    unlike = a * np.logspace(-2, 2, UNITS)
    found = prepare(unlike, 5)
    assert any("each scaled to deviation 1" in reason for reason in found.reasons)


def test_a_preparation_comes_back_from_its_folder_and_a_damaged_one_says_so(tmp_path):
    a, _ = activations(400, 1, 11)
    found = prepare(a)
    assert load_preparation(tmp_path) is None
    save_preparation(found, tmp_path)
    again = load_preparation(tmp_path)
    np.testing.assert_array_equal(again(a), found(a))
    assert again.reasons == found.reasons
    (tmp_path / "preparation.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0nonsense")
    with pytest.raises(InputError, match="damaged"):
        load_preparation(tmp_path)


def test_coordinates_lift_back_to_the_axes_that_were_kept():
    a, _ = activations(400, 1, 11)
    found = prepare(a, 5)
    np.testing.assert_allclose(found(found.inverse(found(a))), found(a), atol=1e-3)
    assert np.mean((found.inverse(found(a)) - a) ** 2) < 0.1
