"""A graph of one's own: edges as CSV, text, DIMACS, JSON, or an adjacency matrix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domains.quantum.hamiltonian import MAX_QUBITS
from domains.quantum.inputs.literals import read_literal
from domains.quantum.inputs.text import cleaned, is_json, json_of, number_in, number_of, quoted
from poets_core.errors import InvalidTable

WHAT = "the graph"
ENDS = (("source", "target"), ("from", "to"), ("node1", "node2"), ("u", "v"), ("a", "b"), ("i", "j"))
MAX_EDGES = 10_000
_BLANKS = str.maketrans(",;\t", "   ")
Edge = tuple[str, str, float]


@dataclass(frozen=True)
class GraphRead:
    """A graph as it was understood.

    Attributes:
        names: of the nodes; node k is qubit k.
        edges: (i, j, weight), i < j, each pair once, no weight 0.
        form: what the text was read as, in words.
        notes: what was done and a person should know, sentences.
    """

    names: tuple[str, ...]
    edges: tuple[tuple[int, int, float], ...]
    form: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Written:
    """Nodes and edges as they stand in the text."""

    form: str
    edges: list[Edge]
    nodes: tuple[str, ...] = ()


def read_graph(text: str) -> GraphRead:
    """Read an undirected graph of 2 to 12 nodes.

    Args:
        text: an edge a line with or without weight, DIMACS (``p edge``, ``e``) or .mc lines, JSON edges or
            node-link, a dict of neighbours, or a symmetric adjacency matrix.

    Raises:
        InvalidTable: names the edge or line that cannot be read.
    """
    written = _written(cleaned(text, WHAT))
    if len(written.edges) > MAX_EDGES:
        raise InvalidTable(f"Expected at most {MAX_EDGES:,} edges in {WHAT}, got {len(written.edges):,}.")
    used = dict.fromkeys([*written.nodes, *(name for a, b, _ in written.edges for name in (a, b))])
    names = sorted(used, key=int) if all(re.fullmatch(r"\d{1,9}", name) for name in used) else list(used)
    if not 2 <= len(names) <= MAX_QUBITS:
        raise InvalidTable(f"Expected 2 to {MAX_QUBITS} nodes in {WHAT}, one per qubit, got {len(names):,}.")
    number = {name: k for k, name in enumerate(names)}
    total: dict[tuple[int, int], float] = {}
    loops = repeats = 0
    for a, b, weight in written.edges:
        if not abs(weight) < float("inf"):
            raise InvalidTable(f"Expected finite weights in {WHAT}, got {weight} between {quoted(a)} and {quoted(b)}.")
        i, j = sorted((number[a], number[b]))
        loops += i == j
        if i != j:
            repeats += (i, j) in total
            total[i, j] = total.get((i, j), 0.0) + weight
    edges = tuple((i, j, w) for (i, j), w in sorted(total.items()) if w != 0.0)
    if not edges or not all(abs(w) < float("inf") for _, _, w in edges):
        raise InvalidTable(f"Expected at least one edge between two nodes, of finite weight, in {WHAT}, got none.")
    said = (
        (loops, "edge{s} from a node to itself left out: no cut goes through"),
        (repeats, "edge{s} between nodes already joined, weights added"),
        (len(total) - len(edges), "edge{s} of weight 0 left out"),
    )
    notes = [f"{count} {words.format(s='s' * (count > 1))}." for count, words in said if count]
    if any(name != str(k) for k, name in enumerate(names)):
        notes.append(
            "Qubits of the nodes: " + ", ".join(f"{name[:24]} is qubit {k}" for k, name in enumerate(names)) + "."
        )
    return GraphRead(tuple(names), edges, written.form, tuple(notes))


def _written(text: str) -> _Written:
    if is_json(text):
        try:
            value = json_of(text, "JSON of " + WHAT)
        except InvalidTable:
            if not re.search(r"['(]", text):
                raise
            value = read_literal(text, WHAT)
        return _from_json(value)
    lines = [(k, line.strip()) for k, line in enumerate(text.split("\n"), 1)]
    lines = [(k, line) for k, line in lines if line and not line.startswith(("#", "%", "//"))]
    if any(re.match(r"p\s", line) for _, line in lines):
        return _dimacs(lines)
    rows = [(k, line.translate(_BLANKS).split()) for k, line in lines]
    return _from_rows([row for row in rows if row[1]])


def _dimacs(lines: Sequence[tuple[int, str]]) -> _Written:
    """Read ``p edge 5 6``, ``e 1 2``, ``a 1 2 0.5``; ``c`` begins a comment, nodes count from 1."""
    edges: list[Edge] = []
    nodes = 0
    for k, line in lines:
        kind, *rest = line.split()
        if kind == "c":
            continue
        if kind == "p":
            nodes = _count(rest[1] if len(rest) > 1 else "", k)
        elif kind in ("e", "a") and len(rest) in (2, 3):
            edges.append(_edge(rest, f"line {k}"))
        else:
            raise InvalidTable(f"Expected 'e node node' in line {k} of {WHAT}, got {quoted(line)}.")
    return _counted("DIMACS", edges, nodes)


def _count(text: str, k: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) > MAX_QUBITS:
        raise InvalidTable(f"Expected at most {MAX_QUBITS} nodes in line {k} of {WHAT}, got {quoted(text)}.")
    return int(text)


def _counted(form: str, edges: list[Edge], nodes: int) -> _Written:
    """Return edges whose nodes are the numbers from 1 to a count that the file states."""
    names = tuple(str(k) for k in range(1, nodes + 1))
    wrong = next((name for edge in edges for name in edge[:2] if name not in names), None)
    if wrong is not None:
        raise InvalidTable(f"Expected nodes 1 to {nodes}, as the file says, in {WHAT}, got {quoted(wrong)}.")
    return _Written(form, edges, names)


def _from_rows(rows: Sequence[tuple[int, list[str]]]) -> _Written:
    """Read rows of cells: a matrix, .mc lines, or edges with or without header."""
    cells = [row for _, row in rows]
    if _is_adjacency([[number_in(c) for c in row] for row in cells]):
        return _adjacency([[number_in(c) for c in row] for row in cells])
    if not cells:
        raise InvalidTable(f"Expected an edge a line in {WHAT}, got no node.")
    first = cells[0]
    # .mc and rudy files: the first line is the number of nodes and of edges.
    if (
        len(first) == 2
        and len(cells) > 1
        and all(len(row) == 3 for row in cells[1:])
        and first[1] == str(len(cells) - 1)
    ):
        return _counted("edges under a line of counts", _edges(rows[1:]), _count(first[0], rows[0][0]))
    head = [c.lower() for c in first]
    # Only long words begin a table: nodes may well be called a and b, or u and v.
    if tuple(head[:2]) in ENDS[:3] or (len(head) == 3 and head[2] in ("weight", "w", "value")):
        rows = rows[1:]
    return _Written("edges, one a line", _edges(rows))


def _edges(rows: Sequence[tuple[int, list[str]]]) -> list[Edge]:
    return [_edge(row, f"line {k}") for k, row in rows]


def _edge(row: Sequence[Any], where: str) -> Edge:
    """Return the edge of two names and perhaps a weight."""
    if len(row) not in (2, 3) or not all(isinstance(name, str | int | complex) for name in row[:2]):
        raise InvalidTable(f"Expected two nodes and perhaps a weight in {where} of {WHAT}, got {quoted(list(row))}.")
    weight = number_of(row[2]) if len(row) == 3 else 1.0
    if weight is None or complex(weight).imag:
        raise InvalidTable(f"Expected a real number as weight in {where} of {WHAT}, got {quoted(row[2])}.")
    return _name(row[0]), _name(row[1]), complex(weight).real


def _name(value: Any) -> str:
    if isinstance(value, complex) and value.imag == 0 and value.real % 1 == 0:
        value = int(value.real)
    text = value if isinstance(value, str) else str(value)
    return " ".join("".join(c for c in text if c.isprintable()).split())[:40]


def _is_adjacency(rows: Sequence[Sequence[complex | None]]) -> bool:
    """Whether numbers are a symmetric square matrix with an empty diagonal; of edges that would be nonsense."""
    n = len(rows)
    if not 2 <= n <= MAX_QUBITS or any(len(row) != n or None in row for row in rows):
        return False
    return all(rows[i][i] == 0 and rows[i][j] == rows[j][i] for i in range(n) for j in range(n))


def _adjacency(rows: Sequence[Sequence[complex | None]]) -> _Written:
    n = len(rows)
    found = [(str(i), str(j), complex(rows[i][j] or 0)) for i in range(n) for j in range(i + 1, n) if rows[i][j]]
    if any(w.imag for _, _, w in found):
        raise InvalidTable(f"Expected real weights in {WHAT}, got a complex one.")
    return _Written("adjacency matrix", [(a, b, w.real) for a, b, w in found], tuple(map(str, range(n))))


def _from_json(value: Any) -> _Written:
    nodes: tuple[str, ...] = ()
    if isinstance(value, dict):
        edges = next((value[k] for k in ("edges", "links", "adjacency") if isinstance(value.get(k), list)), None)
        if edges is None:
            return _neighbours(value)
        given = value.get("nodes", [])
        given = range(given) if type(given) is int and 0 <= given <= MAX_QUBITS else given
        if isinstance(given, list | range):
            nodes = tuple(_name(v.get("id", v.get("name", v)) if isinstance(v, dict) else v) for v in given)
        value = edges
    if not isinstance(value, list):
        raise InvalidTable(f"Expected a list of edges as {WHAT}, got {quoted(value)}.")
    if all(isinstance(row, list) for row in value):
        numbers = [[number_of(c) for c in row] for row in value]
        if _is_adjacency(numbers):
            return _adjacency(numbers)
    return _Written("JSON", [_json_edge(f"edge {k}", item) for k, item in enumerate(value, 1)], nodes)


def _json_edge(where: str, item: Any) -> Edge:
    if isinstance(item, dict):
        pair = next(((item[a], item[b]) for a, b in ENDS if a in item and b in item), None)
        weight = next((item[k] for k in ("weight", "w", "value") if k in item), 1.0)
        item = [*pair, weight] if pair else [item]
    elif isinstance(item, list) and len(item) == 3 and isinstance(item[2], dict):
        item = [*item[:2], item[2].get("weight", 1.0)]  # networkx: (u, v, {"weight": w})
    if not isinstance(item, list):
        raise InvalidTable(f"Expected two nodes and perhaps a weight in {where} of {WHAT}, got {quoted(item)}.")
    return _edge(item, where)


def _neighbours(value: dict[str, Any]) -> _Written:
    """Read ``{"a": ["b", "c"], "b": {"a": 0.5}}``; an edge told from both ends is one edge."""
    found: dict[tuple[str, str], float] = {}
    for node, others in value.items():
        if not isinstance(others, list | dict):
            raise InvalidTable(f"Expected a list of neighbours of {quoted(node)} in {WHAT}, got {quoted(others)}.")
        pairs = others.items() if isinstance(others, dict) else [(other, 1.0) for other in others]
        for other, weight in pairs:
            a, b, w = _edge([node, other, weight], f"the neighbours of {quoted(node)}")
            known = found.get((b, a), w)
            if known != w:
                raise InvalidTable(f"Expected one weight between {quoted(a)} and {quoted(b)}, got {known:g} and {w:g}.")
            if (b, a) not in found:
                found[a, b] = w
    return _Written("neighbours of each node", [(a, b, w) for (a, b), w in found.items()], tuple(map(_name, value)))
