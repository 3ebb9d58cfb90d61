"""The level-set tree of a density."""

from core.tree.levelsets import LevelSets, level_set_tree, level_sets, node_of, tree_with_regions
from core.tree.types import LevelSetTree

__all__ = ["LevelSetTree", "LevelSets", "level_set_tree", "level_sets", "node_of", "tree_with_regions"]
