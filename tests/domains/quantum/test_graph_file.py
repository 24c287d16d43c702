"""Graphs as tools and people write them: read alike, refused where they have two readings, and what is said."""

from __future__ import annotations

import time

import pytest

from domains.quantum.inputs.graph import read_graph
from poets_core.errors import InvalidTable

TRIANGLE = ((0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0))
WEIGHTED = ((0, 1, 0.5), (0, 2, 2.0), (1, 2, 1.5))
NODE_LINK = '{"directed": false, "multigraph": false, "graph": {}, "nodes": [{"id": 0}, {"id": 1}, {"id": 2}], '
GRAPHML = (
    '<?xml version="1.0" encoding="UTF-8"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    '<key id="d0" for="edge" attr.name="weight" attr.type="double"/><graph edgedefault="undirected">'
    '<node id="0"/><node id="1"/><node id="2"/><edge source="0" target="1"><data key="d0">0.5</data></edge>'
    '<edge source="1" target="2"><data key="d0">1.5</data></edge><edge source="0" target="2"><data key="d0">2</data>'
    "</edge></graph></graphml>"
)


@pytest.mark.parametrize(
    "text",
    [
        "3 3\n1 2\n2 3\n1 3",
        "(0, 1)\n(1, 2)\n(0, 2)",
        "(0,1), (1,2), (0,2)",
        "0 -> 1\n1 -> 2\n0 -> 2",
        "0--1\n1--2\n0--2",
        "0-1\n1-2\n0-2",
        "0-1, 1-2, 0-2",
        "0,1,1\n0,0,1\n0,0,0",
        "0 0 0\n1 0 0\n1 1 0",
        "1 1 1\n1 1 1\n1 1 1",
        "u,v\n0,1\n1,2\n0,2",
        "i j\n0 1\n1 2\n0 2",
        "src,dst\n0,1\n1,2\n0,2",
        "head,tail\n0,1\n1,2\n0,2",
        "vertex1,vertex2\n0,1\n1,2\n0,2",
        ",source,target\n0,0,1\n1,1,2\n2,0,2",
        "source,target,id\n0,1,7\n1,2,8\n0,2,9",
        "edges = [(0, 1), (1, 2), (0, 2)]  # three",
        "[(np.int64(0), np.int64(1)), (np.int64(1), np.int64(2)), (np.int64(0), np.int64(2))]",
        "EdgeView([(0, 1), (1, 2), (0, 2)])",
        "EdgeList[(0, 1), (1, 2), (0, 2)]",
        "nx.Graph([(0,1),(1,2),(0,2)])",
        "{(0,1),(1,2),(0,2)}",
        "{0: [1, 2], 1: [0, 2], 2: [1, 0]}",
        "#x.py\n# GMT Mon\n# \n0 1 2\n1 2\n2",
        "# GMT Mon\n0 1 2\n1 0 2\n2 0 1",
        "0: 1 2\n1: 2\n2:",
        "0 1 {}\n1 2 {}\n0 2 {}",
        "[[0 1 1]\n [1 0 1]\n [1 1 0]]",
        "array([[0., 1., 1.],\n       [1., 0., 1.],\n       [1., 1., 0.]])",
        "tensor([[0, 1, 2],\n        [1, 2, 0]])",
        '{"edge_index": [[0, 1, 2], [1, 2, 0]]}',
        '{"graph": {"nodes": 3, "edges": [[0, 1], [1, 2], [0, 2]]}}',
        '{"edges": ["0-1", "1-2", "0-2"]}',
        '{"adjacency_matrix": [[0, 1, 1], [1, 0, 1], [1, 1, 0]]}',
        "%%MatrixMarket matrix coordinate pattern symmetric\n3 3 3\n2 1\n3 2\n3 1",
        ",0,1,2\n0,0,1,1\n1,1,0,1\n2,1,1,0",
        "0 1 # a\n1 2\n0 2",
        "0 1\n1 0\n1 2\n2 1\n0 2\n2 0",
        "3 3\n0 1\n1 2\n0 2",
        "0: [1, 2]\n1: [2]",
        "[0,1],[1,2],[0,2]",
        "0 1, 1 2, 0 2",
        "source,target,note\n0,1,x\n1,2,y\n0,2,z",
        '{"edges": {"(0,1)": 1, "(1,2)": 1, "(0,2)": 1}}',
    ],
)
def test_every_form_is_the_same_triangle(text: str) -> None:
    read = read_graph(text)
    assert read.edges == TRIANGLE
    assert len(read.names) == 3


@pytest.mark.parametrize(
    "text",
    [
        "0;1;0,5\n1;2;1,5\n0;2;2,0",
        "source\ttarget\tweight\n0\t1\t0,5\n1\t2\t1,5\n0\t2\t2,0",
        "Source;Target;Type;Weight\n0;1;Undirected;0,5\n1;2;Undirected;1,5\n0;2;Undirected;2,0",
        "Source,Target,Type,Id,Weight\n0,1,Undirected,0,0.5\n1,2,Undirected,1,1.5\n0,2,Undirected,2,2.0",
        "weight,source,target\n0.5,0,1\n1.5,1,2\n2.0,0,2",
        "u,v,distance\n0,1,0.5\n1,2,1.5\n0,2,2.0",
        "0 1 {'weight': 0.5}\n1 2 {'weight': 1.5}\n0 2 {'weight': 2.0}",
        "0-1 0.5\n1-2 1.5\n0-2 2",
        "3 3\n0 1 0.5\n1 2 1.5\n0 2 2",
        "(0, 1)\t0.5\n  (1, 2)\t1.5\n  (0, 2)\t2.0",
        '{"edges": [[0, 1], [1, 2], [0, 2]], "w": [0.5, 1.5, 2]}',
        '{"graph": {"edges": [[0, 1], [1, 2], [0, 2]]}, "edge_weights": [0.5, 1.5, 2]}',
        '{"edge_index": [[0, 1, 0], [1, 2, 2]], "weights": [0.5, 1.5, 2]}',
        '{"edges": {"(0,1)": 0.5, "(1,2)": 1.5, "(0,2)": 2}}',
        "source,target,capacity\n0,1,0.5\n1,2,1.5\n0,2,2",
        "0.9 0.5 2\n0.5 0.9 1.5\n2 1.5 0.9",
        "2 0.5 2\n0.5 2 1.5\n2 1.5000000000000002 2",
        "[[0. 0.5 2. ]\n [0. 0. 1.5]\n [0. 0. 0. ]]",
        "{0: {1: {'weight': 0.5}, 2: {'weight': 2.0}}, 1: {0: {'weight': 0.5}, 2: {'weight': 1.5}}, 2: {}}",
        "{(0, 1): 0.5, (1, 2): 1.5, (0, 2): 2.0}",
        '{"(0,1)": 0.5, "(1,2)": 1.5, "(0,2)": 2.0}',
        '{"edges": [[0, 1], [1, 2], [0, 2]], "weights": [0.5, 1.5, 2]}',
        '[{"start": 0, "end": 1, "w": 0.5}, {"start": 1, "end": 2, "weight": 1.5}, {"start": 0, "end": 2, "w": 2}]',
        '{"directed": false, "nodes": [{"id": 0}, {"id": 1}, {"id": 2}], "adjacency": [[{"weight": 0.5, "id": 1}, '
        '{"weight": 2.0, "id": 2}], [{"weight": 0.5, "id": 0}, {"weight": 1.5, "id": 2}], []]}',
        '{"data": [], "elements": {"nodes": [{"data": {"id": "0"}}, {"data": {"id": "1"}}, {"data": {"id": "2"}}], '
        '"edges": [{"data": {"source": 0, "target": 1, "weight": 0.5}}, {"data": {"source": 1, "target": 2, "weight": '
        '1.5}}, {"data": {"source": 0, "target": 2, "weight": 2}}]}}',
        "WeightedEdgeList[(0, 1, 0.5), (1, 2, 1.5), (0, 2, 2.0)]",
        GRAPHML,
    ],
)
def test_every_form_has_the_same_weights(text: str) -> None:
    assert read_graph(text).edges == WEIGHTED


@pytest.mark.parametrize(
    ("text", "nodes", "edges"),
    [
        ("5 7\n1 2\n2 3\n3 4\n4 5\n1 3\n1 4\n1 5", 5, 7),
        ("Hub,Site 1\nHub,Site 2\nHub,Site 3", 4, 3),
        ("New York,Paris,2\nParis,Rome,1\nNew York,Rome,1", 3, 3),
        ("[[0, 1, 2, 3], [1, 2, 3, 0]]", 4, 4),
        ("4 4 3\n".join(["%%MatrixMarket matrix coordinate real symmetric\n", "2 1 0.5\n3 2 1.5\n3 1 2.0"]), 4, 3),
        ("2 -1 -1\n-1 2 -1\n-1 -1 2", 3, 3),
        ("u v\nv w\nw u", 3, 3),
        ("2 3\n3 4", 3, 2),
        ("1 2 3\n2 3 1\n1 3 2", 3, 3),
        ("0 0 1 1\n0 0 1 1\n1 1 0 0\n1 1 0 0", 4, 4),
        ("[[0, 1, 1], [1, 2, 1]]", 3, 2),
        ('{"nodes": ["a", "b"], "edges": [["a", "b", {"id": 4}]]}', 2, 1),
        ('{"vertices": 4, "edges": [[0, 1], [1, 2]]}', 4, 2),
        ('{"n": 4, "edges": [[0, 1], [1, 2]]}', 4, 2),
        ('{"nodes": {"a": {}, "b": {}, "c": {}}, "edges": [["a", "b"]]}', 3, 1),
        ('{"num_vertices": 4, "edge_index": [[0, 1, 2], [1, 2, 0]]}', 4, 3),
        ('{"nodes": ["a", "b", "c"], "edge_index": [[0, 1], [1, 2]]}', 3, 2),
        ("4 5\n0 1\n1 2\n2 3\n0 3\n0 2", 4, 5),
        (",source,target,weight\n0,0,1,1\n1,1,2,1\n2,2,3,1\n3,0,3,2", 4, 4),
        ("node-1 node-2\nnode-2 node-3", 3, 2),
        ("v1 v2\nv2 v3", 3, 2),
        ("q[0] q[1]\nq[1] q[2]", 3, 2),
        ("e v\nv w", 3, 2),
        ("Hub 1 1\nHub 2 1\nHub 3 1", 4, 3),
        ("source,target,weight\nHub,1,2\nHub,2,3", 3, 2),
        ("x,y\ny,z", 3, 2),
    ],
)
def test_nodes_and_edges_are_counted_as_they_are_meant(text: str, nodes: int, edges: int) -> None:
    read = read_graph(text)
    assert (len(read.names), len(read.edges)) == (nodes, edges)


def test_a_line_of_counts_before_edges_without_weights_is_no_edge() -> None:
    assert read_graph("5 4\n1 2\n2 3\n3 4\n4 5").edges == tuple((k, k + 1, 1.0) for k in range(4))


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("0 1 0.5\n1 2", "1 edge without a number has weight 1."),
        ("0 1 0.5\n1 0 0.5", "both directions with one weight: each was counted once"),
        ("0,1,1\n0,0,1\n0,0,0", "upper half"),
        ("0.9 0.5\n0.5 0.9", "2 numbers on the diagonal"),
        ('{"nodes": [{"id": "a"}, {"id": "b"}], "links": [{"source": 0, "target": 1}]}', "places in the list"),
        ("source,target,type,weight\n0,1,x,2\n1,2,y,2", "not used: 'type'"),
        ('{"edges": [[0, 1], [1, 2]], "scale": 2}', "Not used: 'scale'."),
        ('{"graph": {"edges": [[0, 1]]}, "one_based": true}', "Not used: 'one_based'."),
        ('{"edges": [[0, 1]], "node_weights": [1, 2]}', "Not used: 'node_weights'."),
    ],
)
def test_what_was_done_is_said(text: str, note: str) -> None:
    assert note in " ".join(read_graph(text).notes)


def test_ends_that_are_places_become_the_names_of_nodes() -> None:
    read = read_graph('{"nodes": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "links": [{"source": 0, "target": 2}]}')
    assert (read.names, read.edges) == (("a", "b", "c"), ((0, 2, 1.0),))
    assert read_graph(NODE_LINK + '"edges": [{"source": 1, "target": 2, "key": 0}]}').edges == ((1, 2, 1.0),)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("4 3\n0 1\n1 2\n2 3", "4 nodes and 3 edges, or an edge"),
        ("3 3\n0 1 1\n1 2 1\n0 3 1", "nodes 0 to 2"),
        ('{"edges": [[0, 1], [1, 2]], "capacities": [0.5, 0.7]}', "as many numbers under 'capacities'"),
        ('{"graph": {"edges": [[0, 1], [1, 2]]}, "J": [0.5, 0.7]}', "as many numbers under 'J'"),
        ('{"n": 99, "edges": [[0, 1]]}', "their number up to 12"),
        ('{"n": 3, "edge_index": [[0, 1, 2], [1, 2, 3]]}', "'nodes' lists"),
        ('{"weights": [1], "vertices": ["a"]}', "a list under 'edges'"),
        ('{"edges": {"a": 0.5}}', "weights of pairs"),
        ("e 1 2\ne 2 3", "'e' beside numbers"),
        ("edge 0 1", "'edge' beside numbers"),
        ("v 0\nv 1\ne 0 1", "'v' beside numbers"),
        ("a 1 2\na 2 3", "'a' beside numbers"),
        ("0 — 1", "got '—'"),
        ("l 1 2\nl 2 3", "'l' beside numbers"),
        ("0 to 1\n1 to 2", "'to' beside numbers"),
        ("3 2 1\n0 1\n1 2", "or counts"),
        ("id,label\n0,A\n1,B\nsource,target\n0,1", "names of columns or counts"),
        ("True False\nFalse True", "an entry of a matrix"),
        ("a,b\nb,NaN", "a cell that is empty"),
        ("0 1: 0.5\n1 2: 1", "got '1:'"),
        ("(0 1)\n(1 2)", "in brackets|such as"),
        ("a-b 0.5\nb-c 0.7", "the two ends of an edge"),
        ("a-b,1\nb-c,2", "the two ends of an edge"),
        ("a-b b-c", "the two ends of an edge"),
        ("edge,weight\n0-1,0.5\n1-2,0.7", "names of columns, or an edge"),
        ('pair,weight\n"0,1",0.5\n"1,2",1', "names of columns, or an edge"),
        ("Name1,Name2\nAnn,Bob\nBob,Cid", "names of columns, or an edge"),
        ("edge,source,target\n0,1,2\n1,2,3", "a column 'weight'"),
        ("source,target,year\n0,1,2001\n1,2,2002", "a column 'weight'"),
        ("source,target,layer\na,b,1\nb,c,", "a column 'weight'"),
        ("name,x,y\nA,1,2\nB,2,3", "coordinates of nodes"),
        ("id,x,y\n0,1,2\n1,2,3", "coordinates of nodes"),
        ("0.5 0 1\n0.7 1 2", "got '0.5' as a node"),
        ("[[0.5, 0, 1], [0.7, 1, 2]]", "got '0.5' as a node"),
        ("-1 2\n2 3", "a matrix, or two edges"),
        ("1.5,2.5\n2.5,3.5", "a matrix, or two edges"),
        ("1.5 2\n2 3\n3 4", "got '1.5' as a node"),
        ("01 12 23", "nodes of two figures"),
        ("1.0 2\n1 3", "'1.0' and '1'"),
        ("4 3\n1 2\n2 3\n1 4", "4 nodes and 3 edges, or an edge"),
        ("stadt1,stadt2\n0,1\n1,2", "names of columns, or an edge"),
        ("u,v\nBerlin,Paris\nParis,Rom", "names of columns, or an edge"),
        ("a,b,c\n0,1,1\n1,0,1\n1,1,0", "names of columns, or an edge"),
        ("a, b 1\nb, c 2", "a node and a weight"),
        ("1 2 3\n2 3 1\n3 1 2", "a matrix or three edges"),
        ("0 1 0.5 1\n1 0 1 1\n0 1 0 1\n1 1 1 0", "halves differ"),
        ("0;1,5\n1;2,5", "commas may separate"),
        ("0;1;0,5\n1;2;1.204", "'1.204' beside decimal commas"),
        ("0 1 0.5\n1 0 0.5\n1 2 1.5", "Write it once"),
        ("0 1 0.5\n1 0 0.25", "its weight may be either, or 0.75"),
        ('{"edges": [[0, 1], [1, 2]], "weights": [0.5]}', "one weight for each of 2"),
        ('{"edges": [{"source": 0, "target": 1, "capacity": 0.5}]}', "under 'weight', got 'capacity'"),
        ("[(0, 1, {'capacity': 0.5})]", "under 'weight', got 'capacity'"),
        ("[[0, 1, 2], [1, 2, 0]]", "two edges with weights, or the ends"),
        ('{"J": {"(0,1)": 0.5}, "h": {}}', "Ising model"),
        ('{"linear": {"0": 0}, "quadratic": {"0,1": 1}}', "Ising model"),
        ('{"nodes": ["a", "b"], "edges": [["a", "c"]]}', "none of them"),
        ("source,target,cost,time\n0,1,1,2", "a column 'weight'"),
        ("from,to,cost\n0,1,1,5", "line 2"),
        ("0,,2\n0,1,2", "two nodes in line 1"),
        ("graph [\n node [\n id 0\n ]\n]", "GML file"),
        ("graph {\n0 -- 1 [weight=0.5];\n}", "DOT file"),
        ("digraph G {\n0 -> 1\n}", "DOT file"),
        ("*vertices 2\n1 a\n2 b\n*edges\n1 2", "Pajek file"),
        (">>graph6<<Bw", "graph6 file"),
        ("<html><a/></html>", "line 1"),
        ('<?xml version="1.0"?><html/>', "XML of 'html'"),
        (GRAPHML.replace('key="d0"', 'key="d1"'), "under 'weight', got 'd1'"),
        (GRAPHML[:-20], "ends or breaks"),
        ("0 1 2 3", "got '0 1 2 3'"),
    ],
)
def test_two_readings_and_other_files_are_refused_by_name(text: str, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_graph(text)


def test_graphml_gets_no_dtd_and_no_entities() -> None:
    laughs = "".join(f'<!ENTITY a{k} "{f"&a{k - 1};" * 10}">' for k in range(1, 10))
    begun = time.process_time()
    for head in (f'<!DOCTYPE x [<!ENTITY a0 "ha">{laughs}]>', '<!DOCTYPE x SYSTEM "file:///etc/passwd">'):
        text = f'<?xml version="1.0"?>{head}<graphml><graph><node id="&a9;"/></graph></graphml>'
        with pytest.raises(InvalidTable, match="without a DTD"):
            read_graph(text)
    assert time.process_time() - begun < 1.0
    with pytest.raises(InvalidTable, match="broke|breaks"):
        read_graph('<graphml><graph><node id="&b;"/></graph></graphml>')
