"""Level sets of a latent density: the grid it is read on, contour lines and closed surfaces."""

from core.tree.fields.contour import Contour, contours
from core.tree.fields.grid import Density, Grid, density_of, latent_grid
from core.tree.fields.surface import Surface, surface

__all__ = ["Contour", "Density", "Grid", "Surface", "contours", "density_of", "latent_grid", "surface"]
