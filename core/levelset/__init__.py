"""Level sets of a latent density: the grid it is read on, contour lines and closed surfaces."""

from core.levelset.grid import Density, Grid, density_of, latent_grid

__all__ = ["Density", "Grid", "density_of", "latent_grid"]
