"""Level sets of a latent density: the grid it is read on, contour lines and closed surfaces."""

from core.levelset.contour import Contour, contours
from core.levelset.grid import Density, Grid, density_of, latent_grid
from core.levelset.surface import Surface, surface

__all__ = ["Contour", "Density", "Grid", "Surface", "contours", "density_of", "latent_grid", "surface"]
