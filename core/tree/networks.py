"""A level-set tree as a networkx graph, and graphs as files: GraphML and node-link JSON.

Nodes and edges have plain Python values as attributes. GraphML allows only scalars, so a vector or a matrix becomes its
JSON text there, such as "[0.5, 1.0]", which `json.loads` reads back exactly.
"""

import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.errors import invalid
from core.tree.types import LevelSetTree

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["GRAPH_FORMATS", "graph_file", "node_attributes", "tree_network"]

_COLUMNS = (
    "level", "persistence", "mass", "volume", "mean", "covariance", "betti", "peak",
    "basin_mass", "basin_mean", "basin_covariance", "level_error", "mass_error",
)  # fmt: skip


def tree_network(tree: LevelSetTree) -> "nx.DiGraph":
    """The tree as a directed graph: nodes are ids, edges go from parents to children.

    A node's attributes are those of `node_attributes`; the graph's is `dim`. Nodes come in the order of the rows.
    """
    import networkx as nx

    graph = nx.DiGraph(dim=tree.dim)
    for node, attributes in zip(tree.id.tolist(), node_attributes(tree), strict=True):
        graph.add_node(node, **attributes)
    for row, parent in enumerate(tree.parent):
        if parent >= 0:
            graph.add_edge(int(tree.id[parent]), int(tree.id[row]))
    return graph


def node_attributes(tree: LevelSetTree) -> list[dict[str, Any]]:
    """For each row its `kind` and every column of the tree that is known, arrays as lists of numbers."""
    known = {name: getattr(tree, name).tolist() for name in _COLUMNS if getattr(tree, name) is not None}
    return [
        {"kind": kind} | {name: column[row] for name, column in known.items()} for row, kind in enumerate(tree.kind)
    ]


def graph_file(graph: "nx.DiGraph", name: str) -> bytes:
    """A graph as `graphml` or `json` (node-link). Raises `InputError` on another format.

    >>> import networkx as nx
    >>> graph_file(nx.path_graph(1, nx.DiGraph), "json")
    b'{"directed": true, "multigraph": false, "graph": {}, "nodes": [{"id": 0}], "edges": []}'
    """
    if name not in GRAPH_FORMATS:
        raise invalid("format", f"one of {', '.join(GRAPH_FORMATS)}", repr(name), "choose one of these")
    return GRAPH_FORMATS[name](graph)


def _graphml(graph: "nx.DiGraph") -> bytes:
    import networkx as nx

    flat = nx.DiGraph(**_scalars(graph.graph))
    flat.add_nodes_from((node, _scalars(attributes)) for node, attributes in graph.nodes.items())
    flat.add_edges_from((*ends, _scalars(attributes)) for ends, attributes in graph.edges.items())
    content = io.BytesIO()
    # The writer of the standard library gives the same bytes with and without lxml.
    nx.write_graphml_xml(flat, content)
    return content.getvalue()


def _node_link(graph: "nx.DiGraph") -> bytes:
    import networkx as nx

    return json.dumps(nx.node_link_data(graph, edges="edges"), allow_nan=False).encode()


def _scalars(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in attributes.items()}


GRAPH_FORMATS: dict[str, Callable[["nx.DiGraph"], bytes]] = {"graphml": _graphml, "json": _node_link}
