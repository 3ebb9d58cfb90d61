"""Published ways to match two merge trees, behind one signature."""

from collections.abc import Callable

from core.match.published.branch_wasserstein import branch_wasserstein
from core.match.published.edit_distance import edit_distance
from core.match.published.fused_gromov_wasserstein import fused_gromov_wasserstein
from core.match.published.gromov_wasserstein import gromov_wasserstein
from core.match.published.path_mapping import path_mapping
from core.match.published.types import Published
from core.tree.types import LevelSetTree

__all__ = [
    "PUBLISHED",
    "Published",
    "branch_wasserstein",
    "edit_distance",
    "fused_gromov_wasserstein",
    "gromov_wasserstein",
    "path_mapping",
]

PUBLISHED: dict[str, Callable[[LevelSetTree, LevelSetTree], Published]] = {
    "edit-distance": edit_distance,
    "branch-wasserstein": branch_wasserstein,
    "path-mapping": path_mapping,
    "fused-gromov-wasserstein": fused_gromov_wasserstein,
}
