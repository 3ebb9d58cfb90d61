"""The grid, the contour lines and the surfaces."""

import numpy as np
import pytest

from core.errors import InputError
from core.gaussians.mixture import GaussianMixture
from core.tree import tree_with_regions
from core.tree.fields import Grid, contours, latent_grid, surface


def bump(dim, deviation=1.0):
    return GaussianMixture(np.ones(1), np.zeros((1, dim)), deviation**2 * np.eye(dim)[None])


def area(polygon):
    """Signed area by the shoelace formula."""
    x, y = polygon.T
    return 0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])


@pytest.mark.parametrize(("dim", "size"), [(1, 2048), (2, 256), (3, 64)])
def test_a_grid_holds_the_density_and_its_mass(dim, size):
    grid = latent_grid(bump(dim))
    assert grid.log_density.shape == (size,) * dim
    np.testing.assert_allclose(grid.log_density.ravel(), bump(dim).log_density(grid.points()))
    assert np.exp(grid.log_density).sum() * grid.cell_volume == pytest.approx(1.0, abs=1e-3)
    assert grid.relative.max() == 0


def test_axes_run_along_their_coordinates():
    means, covariances = np.array([[1.0, 50.0]]), np.diag([1.0, 9.0])[None]
    grid = latent_grid(GaussianMixture(np.ones(1), means, covariances), size=33)
    top = np.unravel_index(grid.log_density.argmax(), grid.log_density.shape)
    assert [axis[i] for axis, i in zip(grid.axes, top, strict=True)] == pytest.approx([1.0, 50.0])


def test_a_model_is_read_through_its_prior():
    class Model:
        prior = bump(2)

    np.testing.assert_array_equal(latent_grid(Model()).log_density, latent_grid(bump(2)).log_density)


def test_nearest_inverts_points():
    grid = latent_grid(bump(2), size=9)
    np.testing.assert_array_equal(grid.nearest(grid.points() + 0.01), np.arange(81))


def test_a_grid_beyond_three_dimensions_is_refused():
    with pytest.raises(InputError, match="1 to 3 dimensions"):
        latent_grid(bump(4))


def test_a_contour_of_a_gaussian_is_its_ellipse():
    (curve,) = contours(latent_grid(bump(2)), -2.0)
    np.testing.assert_allclose(np.linalg.norm(curve.points, axis=1), 2.0, atol=0.01)
    assert abs(area(curve.points)) == pytest.approx(4 * np.pi, rel=0.01)


def test_contours_close_at_the_border_and_vanish_above_the_peak():
    grid = latent_grid(bump(2))
    (curve,) = contours(grid, -1000.0)
    np.testing.assert_array_equal(curve.points[0], curve.points[-1])
    assert abs(area(curve.points)) == pytest.approx(64.0, rel=0.02)
    assert contours(grid, 0.5) == ()


def test_each_contour_bounds_the_component_of_its_node():
    means = np.array([[0.0, 0.0], [6.0, 0.0]])
    found = tree_with_regions(GaussianMixture(np.array([0.6, 0.4]), means, np.stack([np.eye(2)] * 2)))
    tree = found.tree
    for level, ids in ((-1.0, {1, 3}), (-6.0, {2})):
        curves = contours(found.grid, level)
        assert {int(tree.id[c.node(found.region, tree.parent, tree.level)]) for c in curves} == ids
        for curve in curves:
            row = curve.node(found.region, tree.parent, tree.level)
            center = curve.points.mean(0)
            assert np.linalg.norm(center - tree.mean[row]) < 1.0


def test_a_surface_of_a_gaussian_is_its_closed_sphere():
    grid = latent_grid(bump(3))
    mesh = surface(grid.axes, grid.log_density.astype(np.float32), -2.0)
    assert mesh.faces.dtype == np.int32
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), 2.0, atol=0.02)
    corners = mesh.vertices[mesh.faces]
    volume = np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(32 * np.pi / 3, rel=0.02)
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_a_surface_is_closed_at_the_border():
    axes = (np.linspace(0, 1, 5),) * 3
    mesh = surface(axes, np.zeros((5, 5, 5)), -1.0)
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    assert mesh.vertices.min() == 0
    assert mesh.vertices.max() == 1


@pytest.mark.parametrize("field", [np.zeros((4, 4, 4)), np.full((4, 4, 4), -np.inf)])
def test_an_empty_set_has_an_empty_surface(field):
    mesh = surface((np.arange(4.0),) * 3, field, 0.5)
    assert mesh.vertices.shape == (0, 3)
    assert mesh.faces.shape == (0, 3)


def test_a_field_that_does_not_fit_its_axes_is_refused():
    with pytest.raises(InputError, match="axes"):
        surface((np.arange(3.0),) * 3, np.zeros((4, 4, 4)), -1.0)


def test_a_grid_is_frozen():
    with pytest.raises(AttributeError):
        Grid((), np.empty(0)).axes = ()  # pyright: ignore
