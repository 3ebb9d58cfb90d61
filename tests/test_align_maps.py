"""Maps compose, invert, know their derivative, and survive JSON."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.maps import AffineMap, TreeMap, map_from_dict

seeds = st.integers(0, 100_000)
dims = st.integers(1, 5)


def affine(dim, seed, dim_out=None):
    """A random map; well conditioned where it is square."""
    rng = np.random.default_rng(seed)
    if dim_out is not None:
        return AffineMap(rng.normal(size=(dim_out, dim)), rng.normal(size=dim_out))
    left, right = np.linalg.qr(rng.normal(size=(2, dim, dim)))[0]
    return AffineMap(left @ np.diag(rng.uniform(0.5, 2, dim)) @ right, rng.normal(size=dim))


def gentle(dim, seed, leaves=4):
    """A tree-guided map whose pieces are near its global map, so that it folds nowhere."""
    rng = np.random.default_rng(seed)
    whole = affine(dim, seed)
    means = 3 * rng.normal(size=(leaves, dim))
    axes = np.linalg.qr(rng.normal(size=(leaves, dim, dim)))[0]
    covariances = axes @ (rng.uniform(0.5, 1.2, (leaves, dim))[:, :, None] ** 2 * np.swapaxes(axes, 1, 2))
    matrices = whole.matrix + 0.03 * rng.normal(size=(leaves, dim, dim))
    shifts = 0.03 * rng.normal(size=(leaves, dim))
    offsets = whole(means) + shifts - np.einsum("mba,ma->mb", matrices, means)
    return TreeMap(whole.matrix, whole.offset, rng.uniform(0.5, 1.5, leaves), means, covariances, matrices, offsets)


def points(dim, seed, n=30):
    return 3 * np.random.default_rng(seed + 1).normal(size=(n, dim))


MAKERS = {
    "affine": affine,
    "tree": gentle,
    "tree of affine": lambda dim, seed: gentle(dim, seed) @ affine(dim, seed + 2),
    "affine of tree": lambda dim, seed: affine(dim, seed + 2) @ gentle(dim, seed),
    "tree of tree": lambda dim, seed: gentle(dim, seed) @ gentle(dim, seed + 2),
    "inverse tree": lambda dim, seed: gentle(dim, seed).inverse(),
}
each = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@each
@settings(max_examples=15, deadline=None)
@given(dim=dims, seed=seeds)
def test_the_inverse_leads_back(make, dim, seed):
    forward, z = make(dim, seed), points(dim, seed)
    back = forward.inverse()
    np.testing.assert_allclose(back(forward(z)), z, atol=1e-6)
    np.testing.assert_allclose(forward(back(z)), z, atol=1e-6)


@each
@settings(max_examples=10, deadline=None)
@given(dim=dims, seed=seeds)
def test_the_jacobian_is_the_derivative(make, dim, seed):
    forward, z, step = make(dim, seed), points(dim, seed, 8), 1e-5
    columns = [(forward(z + step * e) - forward(z - step * e)) / (2 * step) for e in np.eye(dim)]
    jacobian = np.stack(columns, axis=-1)
    np.testing.assert_allclose(forward.jacobian(z), jacobian, atol=1e-5)
    np.testing.assert_allclose(forward.log_abs_det(z), np.linalg.slogdet(forward.jacobian(z))[1], atol=1e-9)


@each
@settings(max_examples=10, deadline=None)
@given(dim=dims, seed=seeds)
def test_composition_is_one_after_the_other(make, dim, seed):
    outer, z = make(dim, seed), points(dim, seed)
    for inner in (affine(dim, seed + 7), gentle(dim, seed + 7)):
        both = outer @ inner
        np.testing.assert_allclose(both(z), outer(inner(z)), atol=1e-8)
        volume = outer.log_abs_det(inner(z)) + inner.log_abs_det(z)
        np.testing.assert_allclose(both.log_abs_det(z), volume, atol=1e-7)


@each
def test_maps_survive_json(make):
    forward, z = make(3, 5), points(3, 5)
    again = map_from_dict(json.loads(json.dumps(forward.to_dict())))
    np.testing.assert_allclose(again(z), forward(z), atol=1e-12)
    assert np.shape(forward.to_dict()["matrix"]) == (3, 3)
    np.testing.assert_allclose(forward.to_dict()["matrix"], forward.matrix)
    np.testing.assert_allclose(forward.to_dict()["offset"], forward.offset)


def test_affine_maps_compose_to_an_affine_map_between_dimensions():
    both = affine(3, 1, dim_out=2) @ affine(5, 2, dim_out=3)
    assert isinstance(both, AffineMap)
    assert both.matrix.shape == (2, 5)


def test_a_tree_map_stays_one_under_affine_maps_before_it():
    assert isinstance(gentle(2, 1) @ affine(2, 2), TreeMap)


def test_maps_are_immutable():
    whole = affine(2, 1)
    with pytest.raises(ValueError, match="read-only"):
        whole.matrix[0, 0] = 3.0


def test_float32_points_are_taken():
    z = points(2, 1).astype(np.float32)
    np.testing.assert_allclose(gentle(2, 1)(z), gentle(2, 1)(z.astype(float)))


def strong(dim, seed, leaves=5, shift=1.0):
    """A tree-guided map whose pieces stretch by up to e each way and move their leaves by a deviation and more."""
    rng = np.random.default_rng(seed)
    whole = affine(dim, seed)
    means = 2.5 * rng.normal(size=(leaves, dim))
    roots = np.linalg.qr(rng.normal(size=(leaves, dim, dim)))[0] * rng.uniform(0.4, 1.0, (leaves, 1, dim))
    turns = np.linalg.qr(rng.normal(size=(leaves, dim, dim)))[0]
    growths = turns * np.exp(rng.uniform(-1, 1, (leaves, 1, dim))) @ np.swapaxes(turns, 1, 2)
    matrices = whole.matrix @ roots @ growths @ np.linalg.inv(roots)
    ends = whole(means + shift * rng.normal(size=(leaves, dim)))
    offsets = ends - np.einsum("mba,ma->mb", matrices, means)
    weights = rng.uniform(0.5, 1.5, leaves)
    return TreeMap(
        whole.matrix, whole.offset, weights, means, roots @ np.swapaxes(roots, 1, 2), matrices, offsets
    ), roots


@settings(max_examples=20, deadline=None)
@given(dim=st.integers(1, 4), seed=seeds)
def test_a_tree_map_folds_nowhere_and_has_an_inverse(dim, seed):
    forward, roots = strong(dim, seed)
    rng = np.random.default_rng(seed)
    # Out to four deviations and more of every leaf.
    z = (forward.means[:, None] + 2 * rng.normal(size=(len(roots), 60, dim)) @ np.swapaxes(roots, 1, 2)).reshape(
        -1, dim
    )
    turned = np.linalg.det(forward.jacobian(z)) / np.linalg.det(forward.matrix)
    assert turned.min() > 0
    # A crowded place loses digits on the way there.
    error = np.abs(forward.inverse()(forward(z)) - z).max(axis=1)
    assert (error * np.minimum(turned, 1.0)).max() < 1e-6


def test_a_tree_map_carries_an_isolated_leaf_by_its_piece():
    forward, roots = strong(3, 7, shift=0.3)
    apart = forward.means + 40 * np.arange(5)[:, None]
    offsets = forward.offsets - np.einsum("mba,ma->mb", forward.matrices - forward.matrix, apart - forward.means)
    forward = TreeMap(
        forward.matrix, forward.offset, forward.weights, apart, forward.covariances, forward.matrices, offsets
    )
    z = apart + 0.5 * np.einsum("mij,j->mi", roots, np.ones(3))
    pieces = np.einsum("mba,ma->mb", forward.matrices, z) + offsets
    np.testing.assert_allclose(forward(z), pieces, atol=0.02)
    assert np.abs(forward.affine(z) - pieces).max() > 0.3
    far = np.full((1, 3), -90.0)
    np.testing.assert_allclose(forward(far), forward.affine(far))


def test_pieces_that_turn_against_the_global_map_are_refused():
    whole = gentle(2, 3)
    with pytest.raises(InputError, match="turn as the global map"):
        TreeMap(
            whole.matrix, whole.offset, whole.weights, whole.means, whole.covariances, -whole.matrices, whole.offsets
        )


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"family": "spline"},
        {"family": "affine", "matrix": [[1, 2], [3]], "offset": [0, 0]},
        {"family": "affine", "matrix": [[1.0, float("nan")], [0, 1]], "offset": [0, 0]},
        {"family": "affine", "matrix": [[1.0, 0], [0, 1]], "offset": [0, 0, 0]},
        {"family": "tree", "matrix": [[1.0]], "offset": [0], "reach": 4, "pieces": {"weights": [1]}},
        {"family": "tree", "matrix": [[1.0]], "offset": [0], "pieces": []},
        {"family": "composed", "outer": {}, "inner": 3},
        {"family": "inverse tree", "forward": {"family": "affine", "matrix": [[1]], "offset": [0]}},
    ],
)
def test_documents_that_are_no_map_are_refused_in_one_line(document):
    with pytest.raises(InputError) as caught:
        map_from_dict(document)
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match=r"shape \(n, 2\)"):
        affine(2, 1)(np.zeros((4, 3)))
    with pytest.raises(InputError, match="3 dimensions"):
        affine(3, 1) @ affine(2, 1)
    with pytest.raises(InputError, match="flattens"):
        AffineMap(np.diag([1.0, 0.0]), np.zeros(2)).inverse()
