"""Maps compose, invert, know their derivative, and survive JSON."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.align import AffineMap, TreeMap, map_from_dict
from core.errors import InputError

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


def test_the_inverse_of_a_folding_map_stays_finite():
    folded = gentle(2, 3)
    folded = TreeMap(
        folded.matrix, folded.offset, folded.weights, folded.means, folded.covariances, -folded.matrices, folded.offsets
    )
    assert np.isfinite(folded.inverse()(points(2, 3, 200))).all()


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
