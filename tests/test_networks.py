"""Trees and matchings as networkx graphs: every node, edge and attribute is there, and comes back from either file."""

import io
import json
from dataclasses import fields

import networkx as nx
import numpy as np
import pytest

import core
from core.errors import InputError
from core.tree.networks import GRAPH_FORMATS, graph_file
from topoviz import resource
from topoviz.__main__ import main
from topoviz.report.export import export
from topoviz.session.analysis import analyze
from topoviz.session.library import Library
from topoviz.session.settings import Settings
from topoviz.session.state import Session

PAIRS = [("islands-a", "islands-b"), ("islands-a", "islands-5d"), ("digits-mlp", "digits-cnn")]


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def matching(request):
    trees = [core.level_set_tree(core.load_model(resource("sample_data") / "models" / name)) for name in request.param]
    free = core.match_trees(*trees)
    pair = free.leaf_pairs[0]
    return core.match_trees(*trees, pins=[(pair.a, pair.b)])


@pytest.fixture(params=["tree", "matching"])
def graph(matching, request):
    return (matching.tree_a if request.param == "tree" else matching).to_networkx()


def read_back(content, name):
    """The graph in a file, whose JSON texts are read where the file is GraphML."""
    if name == "json":
        return nx.node_link_graph(json.loads(content), edges="edges")
    found = nx.read_graphml(io.BytesIO(content), node_type=lambda text: int(text) if text.isdecimal() else text)
    for attributes in (found.graph, *found.nodes.values(), *found.edges.values()):
        for key, value in attributes.items():
            if isinstance(value, str) and value[:1] in "[{":
                attributes[key] = json.loads(value)
    for kind in ("node_default", "edge_default"):
        assert found.graph.pop(kind, {}) == {}
    return found


@pytest.mark.parametrize("name", GRAPH_FORMATS)
def test_a_graph_comes_back_from_its_file_as_it_was(graph, name):
    found = read_back(graph_file(graph, name), name)
    assert list(found.nodes.items()) == list(graph.nodes.items())
    assert dict(found.edges) == dict(graph.edges)
    assert found.graph == graph.graph


def test_a_tree_is_an_arborescence_from_its_root(matching):
    tree, graph = matching.tree_b, matching.tree_b.to_networkx()
    assert nx.is_arborescence(graph)
    assert len(graph) == len(tree)
    assert set(graph.edges) == {
        (tree.id[parent], tree.id[row]) for row, parent in enumerate(tree.parent) if parent >= 0
    }
    kinds = {node: "leaf" if not graph[node] else "saddle" if graph.pred[node] else "root" for node in graph}
    assert dict(graph.nodes(data="kind")) == kinds


def test_a_tree_graph_says_what_the_tree_says(matching):
    tree, graph = matching.tree_a, matching.tree_a.to_networkx()
    names = {field.name for field in fields(tree)} - {"id", "parent", "holes"}
    for name in names:
        assert np.array_equal([value for _, value in graph.nodes(data=name)], getattr(tree, name))
    assert [*graph] == tree.id.tolist()
    assert all(set(attributes) == names | {"kind"} for attributes in graph.nodes.values())


def test_a_matching_graph_is_both_trees_and_an_edge_a_pair(matching):
    graph = matching.to_networkx()
    for side, tree in (("a", matching.tree_a), ("b", matching.tree_b)):
        own = graph.subgraph(node for node, of in graph.nodes(data="side") if of == side)
        numbered = nx.relabel_nodes(own, dict(own.nodes(data="node")))
        assert set(numbered.edges) == set(tree.to_networkx().edges)
        assert {relation for *_, relation in own.edges(data="relation")} <= {"parent"}
        for node, attributes in tree.to_networkx().nodes.items():
            assert numbered.nodes[node] == attributes | {"side": side, "node": node}
    matches = [
        (graph.nodes[a]["node"], graph.nodes[b]["node"], edge["confidence"], edge["pinned"], edge["terms"])
        for a, b, edge in graph.edges(data=True)
        if edge["relation"] == "match"
    ]
    assert sorted(matches) == sorted((p.a, p.b, p.confidence, p.pinned, dict(p.terms)) for p in matching.pairs)
    assert sum(pinned for *_, pinned, _ in matches) == 1


def test_a_reversed_matching_swaps_the_sides(matching):
    other = {"a": "b", "b": "a"}
    there, back = matching.to_networkx(), matching.reversed().to_networkx()
    swapped = {node: other[node[0]] + node[1:] for node in there}
    assert {swapped[node] for node in there} == set(back)
    assert {(swapped[b], swapped[a]) for a, b, r in there.edges(data="relation") if r == "match"} == {
        (a, b) for a, b, relation in back.edges(data="relation") if relation == "match"
    }


def test_another_format_is_refused_in_one_line(graph):
    with pytest.raises(InputError, match=r"`format` must be one of graphml, json, got 'gexf'; choose one of these\."):
        graph_file(graph, "gexf")


def test_tree_writes_what_the_name_asks_for(tmp_path):
    for name in ("tree.json", "tree.graphml"):
        assert main(["tree", "islands-a", "--out", str(tmp_path / name)]) == 0
    tree = core.load_tree(tmp_path / "tree.json")
    found = read_back((tmp_path / "tree.graphml").read_bytes(), "graphml")
    assert found.nodes.items() >= tree.to_networkx().nodes.items()


@pytest.mark.parametrize("name", GRAPH_FORMATS)
def test_an_export_holds_the_graphs_of_the_session(name):
    library, session = Library(Settings(open_browser=False)), Session(model_a="islands-a", model_b="islands-b")
    analysis = analyze(library, session)
    files = dict(export(library, session, analysis, (name,), "light"))
    wanted = {"a": analysis.matching.tree_a, "b": analysis.matching.tree_b, "match": analysis.matching}
    for part, source in wanted.items():
        assert files[f"graph-{part}.{name}"] == graph_file(source.to_networkx(), name)
