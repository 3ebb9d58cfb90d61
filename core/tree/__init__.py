"""The level-set tree of a density: building, simplification, attributes and layout."""

from core.tree.branches import Branches, branches
from core.tree.check import TopologyCheck, check_topology
from core.tree.contour import ContourTree, contour_tree
from core.tree.layout import layout, leaf_order
from core.tree.levelsets import LevelSets, leaf_of, level_set_tree, level_sets, node_of, tree_with_regions
from core.tree.simplify import ByHand
from core.tree.types import Holes, LevelSetTree, leaf_number

__all__ = [
    "Branches",
    "ByHand",
    "ContourTree",
    "Holes",
    "LevelSetTree",
    "LevelSets",
    "TopologyCheck",
    "branches",
    "check_topology",
    "contour_tree",
    "layout",
    "leaf_number",
    "leaf_of",
    "leaf_order",
    "level_set_tree",
    "level_sets",
    "node_of",
    "tree_with_regions",
]
