"""Graphs as JSON, as Python and networkx print them, and as printed arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from domains.quantum.hamiltonian import MAX_QUBITS
from domains.quantum.inputs.array_text import read_printed
from domains.quantum.inputs.graph_edges import (
    IDENTITIES,
    WEIGHTS,
    WHAT,
    Edge,
    Written,
    adjacency_of,
    edge_of,
    name_of,
    node_number,
)
from domains.quantum.inputs.literals import Call, Entries, json_or_literal
from domains.quantum.inputs.text import number_of, quoted
from poets_core.errors import InvalidTable

ENDS = (
    ("source", "target"),
    ("from", "to"),
    ("node1", "node2"),
    ("u", "v"),
    ("a", "b"),
    ("i", "j"),
    ("start", "end"),
    ("src", "dst"),
    ("head", "tail"),
)
_EDGES = ("edges", "links", "arcs", "edge_list")
_NODES = ("nodes", "vertices", "num_nodes", "num_vertices", "n_nodes", "number_of_nodes", "n", "N")
_LISTED = ("weights", "weight", "w", "edge_weights", "edge_weight")
"""Keys of edges, of nodes or their count, and of weights in a list of their own."""
_WORDS = {
    *_EDGES,
    *_NODES[:6],
    *_LISTED[:1],
    "graph",
    "edge",
    "vertex",
    "neighbors",
    "neighbours",
    "adjacency_list",
    "adj",
}
_SAID = {"directed", "multigraph", "name", "graph", "id", "type", "label", "metadata", "comment", "description"}
"""What a document may say of a graph that its cuts do not depend on."""
MATRICES = ("adjacency_matrix", "matrix", "adjacency")
_VIEW = re.compile(
    r"(?:[a-z]{1,20}\.)?(?:\w{0,20}EdgeView|\w{0,20}EdgeDataView|(?:Weighted)?EdgeList|(?:Di)?Graph|frozenset|set)(?=[\[(])"
)
_ARRAY = re.compile(r"(?:[a-z]{1,20}\.)?(?:array|asarray|matrix|tensor|Tensor|Array)\(")
_ISING = {"j", "quadratic", "q", "qubo", "couplings"}
_FIELDS = {"h", "linear", "offset", "biases", "bias", "constant", "vartype", "variables", "num_variables", "type"}


def value_in(text: str) -> Any:
    """Return the JSON or Python value that a text is; None where it is lines of edges."""
    if (view := _VIEW.match(text)) is not None:
        text = text[view.end() :].strip()
        if text.startswith("("):
            text = text[1:].removesuffix(")").strip()
    if _ARRAY.match(text) or re.match(r"\[\s{0,99}\[?[^,\]'\"]{1,400}\]", text):
        value = read_printed(text, WHAT, _is_square)
        if "tensor(" in text[:40].lower() and _is_index(value):
            return {"edge_index": value}
        return value
    if re.match(r"\{\s{0,99}\(", text) and re.match(r"\{\s{0,99}\([^()]{0,200}\)\s{0,99}[,}]", text):
        text = "[" + text[1:].removesuffix("}") + "]"  # a set of pairs
    if re.fullmatch(r"\[[^\[\]]{3,99}\]\s{0,9}(?:,\s{0,9}\[[^\[\]]{3,99}\]\s{0,9}){1,999}", text):
        text = f"[{text}]"  # [0, 1], [1, 2]
    if not text.startswith(("{", "[")):
        return None
    return json_or_literal(text, WHAT, r"['(]|[{\s]\d{1,9}\s{0,9}:|=")


def _is_square(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, list) and len(row) == len(value) for row in value)


def read_value(value: Any) -> Written:
    """Read what `value_in` found.

    Raises:
        InvalidTable: it is no graph, an Ising model, or can be read in two ways.
    """
    value = value.args[0] if isinstance(value, Call) and value.args else value
    if isinstance(value, dict):
        return _of_dict(value)
    if isinstance(value, Entries):
        return _of_entries(value.items)
    if not isinstance(value, list):
        raise InvalidTable(f"Expected a list of edges as {WHAT}, got {quoted(value)}.")
    return _of_list(value, (), known=False)


def _of_dict(value: dict[str, Any]) -> Written:
    inner = next((k for k in ("elements", "graph", "network", "data") if isinstance(value.get(k), dict)), None)
    if inner is not None and not any(k in value for k in (*_EDGES, "adjacency")) and _is_graph(value[inner]):
        outer = {k: v for k, v in value.items() if k != inner}
        return _of_dict({**outer, **value[inner]})
    if isinstance(value.get("edge_index"), list):
        weights = next((value[k] for k in ("edge_attr", *_LISTED) if k in value), None)
        found = _index(value["edge_index"], weights, value)
        return _said(found, value, {"edge_index", "edge_attr", *_LISTED, *_NODES})
    matrix = next((value[k] for k in MATRICES if isinstance(value.get(k), list)), None)
    key = next((k for k in _EDGES if isinstance(value.get(k), list | dict | Entries)), None)
    if key is None and matrix is None:
        return _of_entries(list(value.items()))
    nodes = _nodes(next((value[k] for k in _NODES if k in value), []))
    found = _of_edges(value[key], value, nodes) if key is not None else _of_matrix(matrix, nodes)
    return _said(found, value, {key or "", *(_LISTED if key else ()), *_NODES, *(() if key else MATRICES)})


def _of_matrix(matrix: Any, nodes: tuple[str, ...]) -> Written:
    if nodes and all(isinstance(row, list) and all(isinstance(o, dict) for o in row) for row in matrix):
        return _adjacency_data(nodes, matrix)  # networkx.adjacency_data
    found = adjacency_of(matrix, nodes or tuple(map(str, range(len(matrix))))) if _rows(matrix) else None
    return found if found is not None else _of_list(matrix, nodes, known=True)


def _of_edges(edges: Any, value: dict[str, Any], nodes: tuple[str, ...]) -> Written:
    """Read what stands under 'edges': a list, perhaps with the weights in another, or a dict of pairs."""
    key = next((k for k in _LISTED if value.get(k) is not None), None)
    if key is not None and not (isinstance(value[key], list) and isinstance(edges, list)):
        raise InvalidTable(f"Expected a list under {quoted(key)} of {WHAT}, got {quoted(value[key])}.")
    if not isinstance(edges, list):
        items = edges.items if isinstance(edges, Entries) else list(edges.items())
        if not items or not all(_pair(pair) and number_of(weight) is not None for pair, weight in items):
            raise InvalidTable(f"Expected a list of edges, or weights of pairs, under 'edges', got {quoted(items)}.")
        edges = [[*_pair(pair), weight] for pair, weight in items]
    return _of_list(edges if key is None else _weighted(edges, value[key]), nodes, known=True)


def _said(found: Written, value: dict[str, Any], used: set[str]) -> Written:
    """Return a graph with what of its document was not used.

    Raises:
        InvalidTable: among it is a list of numbers, one for each edge.
    """
    left = [k for k, v in value.items() if k not in used | _SAID and v not in (None, False, "", [], {})]
    for key in left:
        numbers = value[key] if isinstance(value[key], list) else []
        if len(numbers) == len(found.edges) > 0 and all(
            type(n) in (int, float, str) and number_of(n) is not None for n in numbers
        ):
            raise InvalidTable(
                f"Expected the weights of the edges of {WHAT} under 'weights', got as many numbers under {quoted(key)}"
                ". Call them 'weights' if they are, and leave them out if not."
            )
    if not left:
        return found
    return replace(found, notes=(*found.notes, f"Not used: {', '.join(map(quoted, left[:6]))}."))


def _is_graph(value: dict[str, Any]) -> bool:
    return any(key in value for key in (*_EDGES, "edge_index", *MATRICES))


def _rows(value: Any) -> bool:
    return all(isinstance(row, list) for row in value)


def _nodes(given: Any) -> tuple[str, ...]:
    """Return the names of nodes: of a count, a list of names, or of records with an id."""
    if type(given) is int and 0 <= given <= MAX_QUBITS:
        return tuple(map(str, range(given)))
    given = list(given) if isinstance(given, dict) else given
    if not isinstance(given, list):
        raise InvalidTable(
            f"Expected a list of nodes, or their number up to {MAX_QUBITS}, in {WHAT}, got {quoted(given)}."
        )
    names = []
    for node in given:
        node = node.get("data", node) if isinstance(node, dict) else node
        if isinstance(node, list) and node and len(node) == 2 and isinstance(node[1], dict):
            node = node[0]  # networkx: (node, {..})
        names.append(name_of(node.get("id", node.get("name", node)) if isinstance(node, dict) else node))
    return tuple(names)


def _weighted(edges: list[Any], weights: list[Any]) -> list[Any]:
    """Return edges with weights of a list of their own."""
    plain = all(isinstance(edge, list) and len(edge) == 2 for edge in edges)
    if not plain or len(weights) != len(edges):
        raise InvalidTable(
            f"Expected one weight for each of {len(edges):,} edges of two nodes in {WHAT}, got {len(weights):,} under "
            "'weights'. Write the weight of an edge into it: [0, 1, 0.5]."
        )
    return [[*edge, weight] for edge, weight in zip(edges, weights, strict=True)]


def _adjacency_data(nodes: tuple[str, ...], rows: list[Any]) -> Written:
    items = [(node, [(other.get("id"), other) for other in row]) for node, row in zip(nodes, rows, strict=False)]
    return _joined(items, nodes)


def _of_list(value: list[Any], nodes: tuple[str, ...], *, known: bool) -> Written:
    """Read a list of edges, a matrix, or the two rows of an edge index.

    Args:
        value: the list.
        nodes: that the document lists.
        known: whether the document calls them edges.
    """
    if value and not known and _rows(value):
        found = adjacency_of(value)
        if found is not None:
            return found
        if _is_index(value):
            if len(value[0]) != 3:
                return _index(value, None, {})
            raise InvalidTable(
                f"Expected {WHAT} that can be read in one way, got two rows of three numbers: two edges with "
                "weights, or "
                'the ends of three edges. Write {"edges": ..} or {"edge_index": ..}.'
            )
    read, notes = _by_index([edge_in(f"edge {k}", item) for k, item in enumerate(value, 1)], nodes)
    return Written("JSON", read, nodes, notes)


def _is_index(value: Any) -> bool:
    """Whether two rows are the ends of edges, as PyTorch Geometric has them: whole numbers from 0 on, no loop."""
    if len(value) != 2 or not _rows(value) or len(value[0]) != len(value[1]) or len(value[0]) < 3:
        return False
    ends = [[number_of(end) for end in row] for row in value]
    if any(e is None or e.imag or e.real < 0 or e.real % 1 for row in ends for e in row):
        return False
    used = {e.real for row in ends for e in row if e is not None}
    return used == set(range(len(used))) and all(a != b for a, b in zip(*ends, strict=True))


def _index(rows: list[Any], weights: Any, value: dict[str, Any]) -> Written:
    if len(rows) != 2 or not _rows(rows) or len(rows[0]) != len(rows[1]):
        raise InvalidTable(f"Expected two lists of one length as edge index of {WHAT}, got {quoted(rows)}.")
    edges = [[_whole(a), _whole(b)] for a, b in zip(*rows, strict=True)]
    if weights is not None:
        flat = (
            [w[0] if isinstance(w, list) and len(w) == 1 else w for w in weights] if isinstance(weights, list) else []
        )
        edges = _weighted(edges, flat)
    nodes = _nodes(next((value[k] for k in _NODES if k in value), []))
    read, notes = _by_index([edge_of(e, f"edge {k}") for k, e in enumerate(edges, 1)], nodes)
    return Written("edge index", read, nodes, notes)


def _whole(value: Any) -> Any:
    return value.real if isinstance(value, complex) and value.imag == 0 else value


def _by_index(edges: list[Edge], nodes: tuple[str, ...]) -> tuple[list[Edge], tuple[str, ...]]:
    """Return edges whose ends are names of listed nodes, and notes; d3 and PyTorch Geometric give places instead."""
    ends = {end for edge in edges for end in edge[:2]}
    missing = sorted(ends - set(nodes))
    if not nodes or not missing:
        return edges, ()
    if all(node_number(end) and int(end) < len(nodes) for end in ends) and len(set(nodes)) == len(nodes):
        named = [(nodes[int(a)], nodes[int(b)], weight) for a, b, weight in edges]
        return named, ("Ends of edges are places in the list of nodes, counted from 0.",)
    raise InvalidTable(
        f"Expected edges between the nodes that 'nodes' lists in {WHAT}, got {quoted(missing[0])}, which is none of "
        "them. Add it there, or leave 'nodes' out."
    )


def edge_in(where: str, item: Any) -> Edge:
    """Return the edge of ``[u, v]``, ``[u, v, 1]``, ``[u, v, {"weight": 1}]``, ``{"source": u, ..}`` or ``"u-v"``."""
    given = item
    if isinstance(item, str) and (link := re.fullmatch(r"\s*(\w{1,40})\s*(?:-|--|->)\s*(\w{1,40})\s*", item)):
        item = [link[1], link[2]]
    if isinstance(item, dict):
        item = item["data"] if isinstance(item.get("data"), dict) else item
        pair = next(((item[a], item[b]) for a, b in ENDS if a in item and b in item), None)
        used = next((ends for ends in ENDS if ends[0] in item and ends[1] in item), ())
        item = [*pair, *weight_in({k: v for k, v in item.items() if k not in used}, where)] if pair else given
    elif isinstance(item, list) and len(item) == 3 and isinstance(item[2], dict):
        item = [*item[:2], *weight_in(item[2], where)]  # networkx: (u, v, {"weight": w})
    if not isinstance(item, list):
        raise InvalidTable(f"Expected two nodes and perhaps a weight in {where} of {WHAT}, got {quoted(given)}.")
    return edge_of([*map(_whole, item)], where)


def weight_in(data: dict[str, Any], where: str) -> list[Any]:
    """Return the weight that an edge has among its data, ``[]`` where it has none.

    Raises:
        InvalidTable: it has another number, which may be meant as its weight.
    """
    key = next((k for k in WEIGHTS if k in data), None)
    if key is not None:
        return [data[key]]
    other = next((k for k, v in data.items() if str(k).lower() not in IDENTITIES and number_of(v) is not None), None)
    if other is not None:
        raise InvalidTable(
            f"Expected the weight of {where} of {WHAT} under 'weight', got {quoted(str(other))}. Call it 'weight' if "
            "it is one, and leave it out if not."
        )
    return []


def _of_entries(items: list[tuple[Any, Any]]) -> Written:
    """Read ``{"a": ["b", "c"], "b": {"a": 0.5}}``, or ``{(0, 1): 0.5}``."""
    names = [str(key).lower() for key, _ in items]
    if _ISING & set(names) and set(names) <= _ISING | _FIELDS and not any(isinstance(v, list) for _, v in items[:1]):
        raise InvalidTable(
            f"Expected edges as {WHAT}, got an Ising model or QUBO ({', '.join(map(quoted, names[:4]))}). Its fields "
            "are no part of a graph: write its pairs as edges, [[0, 1, weight]], or use it as a Hamiltonian."
        )
    if _WORDS & set(names):
        raise InvalidTable(
            f"Expected edges in a list under 'edges' of {WHAT}, or nodes with their neighbours, got "
            f'{", ".join(quoted(str(key)) for key, _ in items[:6])}. Write {{"edges": [[0, 1, 0.5]]}}.'
        )
    pairs = [_pair(key) for key, _ in items]
    if items and all(pairs) and all(number_of(value) is not None for _, value in items):
        edges = [
            edge_of([*pair, value], f"the pair {quoted(key)}")
            for pair, (key, value) in zip(pairs, items, strict=True)
            if pair
        ]
        return Written("weights of pairs", edges)
    listed = []
    for key, others in items:
        others = dict(others.items) if isinstance(others, Entries) else others
        if not isinstance(others, list | dict):
            raise InvalidTable(f"Expected a list of neighbours of {quoted(key)} in {WHAT}, got {quoted(others)}.")
        listed.append((key, list(others.items()) if isinstance(others, dict) else [(o, {}) for o in others]))
    return _joined(listed, tuple(name_of(key) for key, _ in items))


def _pair(key: Any) -> list[Any]:
    """Return the two nodes of a key ``(0, 1)``, ``"(0, 1)"`` or ``"0,1"``; ``[]`` of any other."""
    if isinstance(key, list) and len(key) == 2:
        return key
    found = (
        re.fullmatch(r"\(?\s{0,9}'?(\w{1,40})'?\s{0,9},\s{0,9}'?(\w{1,40})'?\s{0,9}\)?", key)
        if isinstance(key, str)
        else None
    )
    return [found[1], found[2]] if found else []


def _joined(items: Iterable[tuple[Any, list[tuple[Any, Any]]]], nodes: tuple[str, ...]) -> Written:
    """Return the edges of nodes with their neighbours; an edge told from both ends is one edge."""
    found: dict[tuple[str, str], float] = {}
    for node, others in items:
        for other, data in others:
            where = f"the neighbours of {quoted(node)}"
            data = dict(data.items) if isinstance(data, Entries) else data
            if (
                isinstance(data, dict)
                and data
                and all(str(k).isdigit() and isinstance(v, dict) for k, v in data.items())
            ):
                raise InvalidTable(
                    f"Expected one edge between two nodes in {WHAT}, got a multigraph. Add up its weights."
                )
            weight = (
                weight_in({k: v for k, v in data.items() if k != "id"}, where) if isinstance(data, dict) else [data]
            )
            a, b, w = edge_of([node, other, *weight], where)
            known = found.get((b, a), w)
            if known != w:
                raise InvalidTable(f"Expected one weight between {quoted(a)} and {quoted(b)}, got {known:g} and {w:g}.")
            if (b, a) not in found:
                found[a, b] = w
    return Written("neighbours of each node", [(a, b, w) for (a, b), w in found.items()], nodes, once=True)
