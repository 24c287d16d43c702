"""A graph of one's own: edges as CSV, text, DIMACS, JSON, GraphML, or an adjacency matrix."""

from __future__ import annotations

import re
from dataclasses import dataclass

from domains.quantum.hamiltonian import MAX_QUBITS
from domains.quantum.inputs.graph_edges import WHAT, Written, node_number
from domains.quantum.inputs.graph_guards import refuse_names
from domains.quantum.inputs.graph_json import read_value, value_in
from domains.quantum.inputs.graph_rows import read_rows
from domains.quantum.inputs.graph_xml import read_graphml
from domains.quantum.inputs.literals import body_of
from domains.quantum.inputs.text import cleaned, quoted
from poets_core.errors import InvalidTable

MAX_EDGES = 10_000
_OTHERS = (
    (r"(?:Creator\s[^\n]{0,200}\s{0,99})?graph\s{0,99}\[", "GML"),
    (r"(?:strict\s{1,99})?(?:di)?graph\b[^\n{\[]{0,99}\{", "DOT"),
    (r"\*(?:vertices|network)\b", "Pajek"),
    (r">>(?:graph6|sparse6|digraph6)<<", "graph6"),
    (r"<gexf|<\?xml[^>]{0,200}>\s{0,99}<gexf", "GEXF"),
)
"""Files of graphs that are known and not read."""


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


def read_graph(text: str) -> GraphRead:
    """Read an undirected graph of 2 to 12 nodes.

    Args:
        text: an edge a line with or without weight, a table with named columns, DIMACS (``p edge``, ``e``), .mc or
            Matrix Market lines, an adjacency list, JSON or Python edges or node-link, a dict of neighbours, GraphML, or
            an adjacency matrix, symmetric or with an empty half.

    Raises:
        InvalidTable: names the edge or line that cannot be read; or the text has two readings, or is of a kind that is
            known and not read (GML, DOT, Pajek, graph6, GEXF).
    """
    written = _written(cleaned(text, WHAT))
    if len(written.edges) > MAX_EDGES:
        raise InvalidTable(f"Expected at most {MAX_EDGES:,} edges in {WHAT}, got {len(written.edges):,}.")
    used = dict.fromkeys([*written.nodes, *(name for a, b, _ in written.edges for name in (a, b))])
    names = sorted(used, key=int) if all(map(node_number, used)) else list(used)
    if not 2 <= len(names) <= MAX_QUBITS:
        raise InvalidTable(f"Expected 2 to {MAX_QUBITS} nodes in {WHAT}, one per qubit, got {len(names):,}.")
    total, notes = _totals(written, {name: k for k, name in enumerate(names)})
    edges = tuple((i, j, w) for (i, j), w in sorted(total.items()) if w != 0.0)
    if not edges or not all(abs(w) < float("inf") for _, _, w in edges):
        raise InvalidTable(f"Expected at least one edge between two nodes, of finite weight, in {WHAT}, got none.")
    empty = len(total) - len(edges)
    if empty:
        notes.append(f"{empty} edge{'s' * (empty > 1)} of weight 0 left out.")
    notes += written.notes
    if any(name != str(k) for k, name in enumerate(names)):
        notes.append(
            "Qubits of the nodes: " + ", ".join(f"{name[:24]} is qubit {k}" for k, name in enumerate(names)) + "."
        )
    return GraphRead(tuple(names), edges, written.form, tuple(notes))


def _totals(written: Written, number: dict[str, int]) -> tuple[dict[tuple[int, int], float], list[str]]:
    """Return the weight of each pair (i, j), i < j, and what to say.

    A file that tells every edge in both directions with one weight tells each edge twice.
    """
    told: dict[tuple[int, int], float] = {}
    loops = repeats = 0
    for a, b, weight in written.edges:
        if not abs(weight) < float("inf"):
            raise InvalidTable(f"Expected finite weights in {WHAT}, got {weight} between {quoted(a)} and {quoted(b)}.")
        way = number[a], number[b]
        loops += way[0] == way[1]
        if way[0] != way[1]:
            repeats += way in told
            told[way] = told.get(way, 0.0) + weight
    both = [(a, b) for a, b in told if (b, a) in told and a < b]
    total = {(min(way), max(way)): weight for way, weight in told.items()}
    notes = []
    if loops:
        notes.append(f"{loops} edge{'s' * (loops > 1)} from a node to itself left out: no cut goes through.")
    if repeats:
        notes.append(f"{repeats} edge{'s' * (repeats > 1)} between nodes already joined, weights added.")
    if both and not written.once:
        names = list(number)
        differ = next(((i, j) for i, j in both if told[i, j] != told[j, i]), None)
        if differ is not None or 2 * len(both) != len(told):
            one, two = differ or both[0]
            raise InvalidTable(
                f"Expected each edge of {WHAT} once, or all of them in both directions with one weight, got that of "
                f"{quoted(names[one])} and {quoted(names[two])} with {told[one, two]:g} and {told[two, one]:g} in its "
                f"two directions: its weight may be either, or {told[one, two] + told[two, one]:g}. Write it once."
            )
        notes.append("Every edge stands there in both directions with one weight: each was counted once.")
    return total, notes


def _written(text: str) -> Written:
    body = body_of(text).strip()
    kind = next((name for pattern, name in _OTHERS if re.match(pattern, body, re.IGNORECASE)), None)
    if kind is not None:
        raise InvalidTable(
            f"Expected {WHAT} as edges, JSON or GraphML, got a {kind} file. Write an edge a line: two nodes and a "
            "weight, as networkx.write_weighted_edgelist does."
        )
    if re.match(r"<\?xml|<!|<graphml", body):
        return read_graphml(body)
    value = value_in(body)
    written = read_rows(text) if value is None else read_value(value)
    refuse_names(written, lines=value is None)
    return written
