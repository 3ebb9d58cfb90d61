"""Published ways to match two merge trees, behind one signature; `core.match.methods` has a row for each in use."""

from core.match.published.branch_wasserstein import branch_wasserstein
from core.match.published.edit_distance import edit_distance
from core.match.published.fused_gromov_wasserstein import fused_gromov_wasserstein
from core.match.published.gromov_wasserstein import gromov_wasserstein
from core.match.published.path_mapping import path_mapping
from core.match.published.types import Published

__all__ = [
    "Published",
    "branch_wasserstein",
    "edit_distance",
    "fused_gromov_wasserstein",
    "gromov_wasserstein",
    "path_mapping",
]
