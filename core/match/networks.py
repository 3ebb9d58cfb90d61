"""A matching as one networkx graph: both trees, and an edge for each matched pair."""

from typing import TYPE_CHECKING

from core.match.types import Matching
from core.tree.networks import tree_network

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["matching_network"]


def matching_network(matching: Matching) -> "nx.DiGraph":
    """Both trees and their match in a directed graph whose nodes are "a1", "b1", ...: the side, then the node's id.

    Nodes have the attributes of `core.tree.networks.node_attributes`, besides `side` ("a" or "b") and `node` (the id).
    An edge's `relation` is "parent" (from a parent to a child) or "match" (from A's node to B's). Match edges have
    `pinned`, `terms` (nats by kind of evidence) and, where the method gives one, `confidence`. The graph has `dim_a`,
    `dim_b`, `cost` and `gap`.
    """
    import networkx as nx

    a, b = matching.tree_a, matching.tree_b
    graph = nx.DiGraph(dim_a=a.dim, dim_b=b.dim, cost=float(matching.cost), gap=float(matching.gap))
    for side, tree in (("a", a), ("b", b)):
        network = tree_network(tree)
        for node, attributes in network.nodes.items():
            graph.add_node(f"{side}{node}", side=side, node=node, **attributes)
        for above, below in network.edges:
            graph.add_edge(f"{side}{above}", f"{side}{below}", relation="parent")
    for pair in matching.pairs:
        graph.add_edge(
            f"a{pair.a}",
            f"b{pair.b}",
            relation="match",
            pinned=bool(pair.pinned),
            terms={kind: float(cost) for kind, cost in pair.terms.items()},
        )
        if pair.confidence is not None:
            graph.edges[f"a{pair.a}", f"b{pair.b}"]["confidence"] = float(pair.confidence)
    return graph
