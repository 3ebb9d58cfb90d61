"""What all panels of one figure share: the analysis, the styles of nodes, and their names on paper."""

from dataclasses import dataclass
from functools import cached_property

from topoviz.figures.geometry.order import slots
from topoviz.figures.style import NodeStyle, node_styles
from topoviz.figures.theme import THEMES, Theme
from topoviz.session.analysis import Analysis
from topoviz.session.composition import Composition
from topoviz.session.naming import clean
from topoviz.session.state import Session, Side

__all__ = ["Scene"]


@dataclass(frozen=True, eq=False)
class Scene:
    """An analysis of a session and the composition to draw it in, always on a light ground."""

    analysis: Analysis
    session: Session
    composition: Composition
    theme: Theme = THEMES["light"]

    @cached_property
    def styles(self) -> dict[Side, dict[int, NodeStyle]]:
        """The style of every node of both sides by id."""
        return {
            "a": node_styles(self.analysis, self.session, "a", self.theme),
            "b": node_styles(self.analysis, self.session, "b", self.theme),
        }

    @cached_property
    def orders(self) -> dict[Side, tuple[int, ...]]:
        """The rows of both trees' leaves from top to bottom."""
        return slots(self.analysis)

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """The matched leaves by id, in the order of A's tree."""
        tree = self.analysis.tree("a")
        rank = {node: at for at, node in enumerate(tree.ids(self.orders["a"]))}
        return sorted(((pair.a, pair.b) for pair in self.analysis.matching.leaf_pairs), key=lambda pair: rank[pair[0]])

    def label(self, side: Side, node: int) -> str:
        """The name of a node, on one line."""
        return clean(self.styles[side][node].label)

    def both(self, a: int, b: int) -> str:
        """The name of a matched pair: one name where both nodes have it, else both names."""
        one, other = self.label("a", a), self.label("b", b)
        return one if one == other else f"{one} – {other}"
