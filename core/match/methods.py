"""The methods of matching, one row each; `match_trees` and everything that names one reads the row."""

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import invalid
from core.match.published.branch_wasserstein import branch_wasserstein
from core.match.published.edit_distance import edit_distance
from core.match.published.fused_gromov_wasserstein import fused_gromov_wasserstein
from core.match.published.path_mapping import path_mapping
from core.match.published.types import Published
from core.match.types import OURS
from core.tree.types import LevelSetTree

__all__ = ["METHODS", "MatchMethod", "method_row"]


@dataclass(frozen=True)
class MatchMethod:
    """A method of matching two trees.

    `label` names it in a list, `says` completes "matched ..." in a sentence, and `source` is where it comes from.
    `find` is the published function; None for the method of this package, which `match_trees` itself carries out.
    """

    label: str
    says: str
    source: str
    find: Callable[[LevelSetTree, LevelSetTree], Published] | None = None

    @property
    def verdict(self) -> bool:
        """Whether the method says how sure its matching is; no published one does."""
        return self.find is None


# The first is the default.
METHODS: dict[str, MatchMethod] = {
    OURS: MatchMethod(
        "Evidence", "by the evidence of masses, heights and distances, in nats", "topoviz"
    ),
    "edit-distance": MatchMethod(
        "Edit distance", "by the merge-tree edit distance",
        "Sridharamurthy, Masood, Kamakshidasan and Natarajan 2018, arXiv 2207.08511", edit_distance,
    ),
    "branch-wasserstein": MatchMethod(
        "Branch Wasserstein", "by the branch-decomposition Wasserstein distance",
        "Pont, Vidal, Delon and Tierny 2021, arXiv 2107.07789", branch_wasserstein,
    ),
    "path-mapping": MatchMethod(
        "Path mapping", "by the path-mapping distance",
        "Wetzels and Garth 2022, arXiv 2208.05850", path_mapping,
    ),
    "fused-gromov-wasserstein": MatchMethod(
        "Fused Gromov-Wasserstein", "by fused Gromov-Wasserstein transport",
        "Vayer, Chapel, Flamary, Tavenard and Courty 2019, arXiv 1805.09114", fused_gromov_wasserstein,
    ),
}  # fmt: skip


def method_row(name: str) -> MatchMethod:
    """The row of a method. Raises `InputError` for a name that is none."""
    if name not in METHODS:
        raise invalid("method", "one of " + ", ".join(METHODS), repr(name), "choose one of these")
    return METHODS[name]
