"""Time the merge tree of a grid with its nodes' attributes against higra, scikit-image and GUDHI; print the ratios.

    python tests/benchmarks/trees.py [--repeats 5] [--cheap]

All get the same field and the same work: the tree of the superlevel sets (all 3^k - 1 vertices around one are its
neighbors) and of each node the mass, volume, mean and covariance, and the persistence. scikit-image has no way to
sum over its tree but a loop in Python, GUDHI has no tree at all: of those two the bare max-tree and the bare
persistence pairs are timed, less than the same work. The ratio is our time over that of the fastest peer. Then what
the page does on an edit, in milliseconds, and the imports, each in a fresh process. The least of several runs counts
(of the slowest two peers in space, one run; with --cheap they are left out). pip install higra gudhi first.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product

import numpy as np
from scipy.ndimage import gaussian_filter

from core.gaussians.mixture import GaussianMixture
from core.tree import level_sets
from core.tree.attributes import Cells, moments
from core.tree.build import grid_merge_tree
from core.tree.fields import Grid, latent_grid

try:
    import gudhi
    import higra
    from skimage.morphology import max_tree
except ImportError as error:
    raise SystemExit(f"this benchmark compares with {error.name}, which is not installed; pip install it.") from None


def noisy(shape: tuple[int, ...], noise: float) -> np.ndarray:
    """A smooth random field of unit variance with white noise on top."""
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.normal(size=shape), 6)
    return smooth / smooth.std() + noise * rng.normal(size=shape)


def mixture(dim: int) -> GaussianMixture:
    """Twelve bumps of unequal weight and shape."""
    rng = np.random.default_rng(1)
    factor = rng.normal(size=(12, dim, dim))
    covariances = np.eye(dim) + 0.3 * factor @ factor.transpose(0, 2, 1)
    return GaussianMixture(rng.dirichlet(np.full(12, 3.0)), 6 * rng.normal(size=(12, dim)), covariances)


def ours(grid: Grid, weight: np.ndarray) -> object:
    """The tree and its attributes by this package."""
    merge = grid_merge_tree(grid.log_density)
    volume = np.full(weight.size, grid.cell_volume)
    cells = Cells(grid.points(), weight.ravel(), volume, np.diag(grid.steps**2 / 12))
    total = moments(cells, merge.node, len(merge)).accumulated(merge.parent)
    return total.normalized(cells.points[merge.vertex]), merge.height[2::2] - merge.height[1::2]


def bare(grid: Grid, weight: np.ndarray) -> object:
    """Our tree alone."""
    return grid_merge_tree(grid.log_density)


def higra_graph(shape: tuple[int, ...]) -> object:
    """The implicit graph (the explicit one takes longer) of all 3^k - 1 neighbors."""
    around = [offset for offset in product((-1, 0, 1), repeat=len(shape)) if any(offset)]
    return higra.get_nd_regular_implicit_graph(shape, around)


def by_higra_bare(grid: Grid, weight: np.ndarray) -> object:
    """Its component tree alone."""
    return higra.component_tree_max_tree(higra_graph(grid.log_density.shape), grid.log_density)


def by_higra(grid: Grid, weight: np.ndarray) -> object:
    """Its component tree, sums of all moments in one pass, dynamics."""
    tree, altitudes = higra.component_tree_max_tree(higra_graph(grid.log_density.shape), grid.log_density)
    points, mass = grid.points(), weight.ravel()
    k = grid.dim
    leaf = np.empty((mass.size, 2 + k + k * (k + 1) // 2))
    leaf[:, 0], leaf[:, 1] = mass, grid.cell_volume
    leaf[:, 2 : 2 + k] = points * mass[:, None]
    for at, (i, j) in enumerate(zip(*np.tril_indices(k), strict=True)):
        leaf[:, 2 + k + at] = leaf[:, 2 + i] * points[:, j]
    total = higra.accumulate_sequential(tree, leaf, higra.Accumulators.sum)[tree.num_leaves() :]
    mean = total[:, 2 : 2 + k] / total[:, :1]
    i, j = np.tril_indices(k)
    covariance = total[:, 2 + k :] / total[:, :1] - mean[:, i] * mean[:, j]
    return mean, covariance, higra.attribute_dynamics(tree, altitudes)


def by_scikit_image(grid: Grid, weight: np.ndarray) -> object:
    """Its max-tree alone."""
    return max_tree(grid.log_density, connectivity=grid.dim)


def by_gudhi(grid: Grid, weight: np.ndarray) -> object:
    """Its persistence pairs alone."""
    complex_ = gudhi.CubicalComplex(top_dimensional_cells=-grid.log_density)  # pyright: ignore
    complex_.compute_persistence()
    return complex_.persistence_intervals_in_dimension(0)


def fastest(call: Callable[[], object], repeats: int) -> float:
    """The least seconds that a call takes."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def compare(name: str, grid: Grid, repeats: int, cheap: bool) -> None:
    """A line for one field."""
    weight = np.exp(grid.relative)
    weight /= weight.sum()
    slow = {} if cheap else {"scikit-image": by_scikit_image, "GUDHI": by_gudhi}
    seconds = {}
    methods = {"ours": ours, "ours, bare": bare, "higra": by_higra, "higra, bare": by_higra_bare, **slow}
    ours(grid, weight)
    for method, call in methods.items():
        runs = 1 if method in slow and grid.dim == 3 else repeats
        seconds[method] = fastest(lambda call=call: call(grid, weight), runs)
    peer = min(value for method, value in seconds.items() if method in ("higra", *slow))
    line = "  ".join(f"{method} {value:.3f}" for method, value in seconds.items())
    print(f"{name:14} ratio {seconds['ours'] / peer:.2f}, bare {seconds['ours, bare'] / seconds['higra, bare']:.2f}")
    print(f"{'':14} {line} s", flush=True)


def edit(repeats: int) -> None:
    """What the page waits for: a new grid's tree, and one of its thresholds moved."""
    for dim in (1, 2, 3):
        grid = latent_grid(mixture(dim))
        sets = level_sets(grid)
        new = fastest(lambda grid=grid: level_sets(grid), repeats)
        moved = fastest(lambda sets=sets: sets.simplified(0.3), repeats)
        shape = " x ".join(map(str, grid.log_density.shape))
        print(f"page, {shape}: level sets {1e3 * new:.1f} ms, a threshold moved {1e3 * moved:.2f} ms", flush=True)


def imports(repeats: int) -> None:
    """Seconds in a fresh process."""
    for what in ("import core", "import core.tree", "import core.tree.compiled"):
        code = f"import time; began = time.perf_counter(); {what}; print(time.perf_counter() - began)"
        seconds = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(repeats)]
        print(f"{what}: {min(seconds):.3f} s", flush=True)


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cheap", action="store_true")
    arguments = parser.parse_args()
    for shape in ((1024, 1024), (128, 128, 128)):
        axes = tuple(np.linspace(-1.0, 1.0, n) for n in shape)
        fields = {f"noise {noise}": Grid(axes, noisy(shape, noise)) for noise in (0.01, 0.1)}
        fields["mixture"] = latent_grid(mixture(len(shape)), shape[0])
        for name, grid in fields.items():
            compare(f"{name} {len(shape)}-D", grid, arguments.repeats, arguments.cheap)
    edit(arguments.repeats)
    imports(arguments.repeats)


if __name__ == "__main__":
    main()
