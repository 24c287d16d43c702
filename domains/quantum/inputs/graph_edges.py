"""Edges and adjacency matrices, whatever file they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domains.quantum.hamiltonian import MAX_QUBITS
from domains.quantum.inputs.array_text import number_at
from domains.quantum.inputs.text import number_of, quoted
from poets_core.errors import InvalidTable

WHAT = "the graph"
ROUNDED = 1e-9
"""Relative difference of the two halves of a matrix that is rounding."""
WEIGHTS = ("weight", "weights", "w", "value")
MEASURES = ("capacity", "cost", "distance", "length", "strength", "coupling", "probability", "score", "similarity")
"""What a table calls the weight where it has no other number."""
IDENTITIES = (
    "id",
    "key",
    "index",
    "label",
    "name",
    "type",
    "kind",
    "color",
    "colour",
    "title",
    "comment",
    "interaction",
    "timeset",
    "directed",
    "timestamp",
)
"""What an edge may say of itself beside its weight."""
Edge = tuple[str, str, float]


@dataclass(frozen=True)
class Written:
    """Nodes and edges as they stand in the text.

    Attributes:
        form: what the text was read as, in words.
        edges: two names and a weight.
        nodes: names that the text lists, also those without an edge.
        notes: what was done and a person should know, sentences.
        once: whether every pair is told once; a list of edges may tell it in both directions.
    """

    form: str
    edges: list[Edge]
    nodes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    once: bool = False


def edge_of(row: Sequence[Any], where: str, given: str = "") -> Edge:
    """Return the edge of two names and perhaps a weight.

    Args:
        row: names and weight.
        where: it stands, for messages. given: as it stands there.
    """
    if len(row) not in (2, 3) or any(isinstance(n, bool) or not isinstance(n, str | int | float) for n in row[:2]):
        got = quoted(given or list(row))
        raise InvalidTable(f"Expected two nodes and perhaps a weight in {where} of {WHAT}, got {got}.")
    weight = (number_at(row[2]) if isinstance(row[2], str) else number_of(row[2])) if len(row) == 3 else 1.0
    if weight is None or complex(weight).imag:
        raise InvalidTable(f"Expected a real number as weight in {where} of {WHAT}, got {quoted(row[2])}.")
    if isinstance(row[0], str) and isinstance(row[1], str) and not (row[0].strip() and row[1].strip()):
        raise InvalidTable(f"Expected two nodes in {where} of {WHAT}, got {quoted(given or list(row))}.")
    return name_of(row[0]), name_of(row[1]), complex(weight).real


def name_of(value: Any) -> str:
    """Return the name of a node: one line, at most 40 letters."""
    if isinstance(value, float) and value % 1 == 0:
        value = int(value)
    text = value if isinstance(value, str) else str(value)
    return " ".join("".join(c for c in text if c.isprintable()).split())[:40]


def adjacency_of(rows: Sequence[Sequence[Any]], names: Sequence[str] = ()) -> Written | None:
    """Read a square matrix of weights; None where rows are none, or are two or three edges as likely.

    Args:
        rows: cells, numbers or their texts.
        names: of the nodes; ``()``: 0, 1, ...

    Raises:
        InvalidTable: it is a matrix that is not symmetric, or that may be edges as well.
    """
    n = len(rows)
    if not 2 <= n <= MAX_QUBITS or any(len(row) != n for row in rows):
        return None
    found = [[number_of(c) for c in row] for row in rows]
    if any(c is None for row in found for c in row):
        return None
    cells = [[complex(c or 0) for c in row] for row in found]
    loops = sum(cells[i][i] != 0 for i in range(n))
    half = _half(cells)
    whole = all(c.imag == 0 and c.real >= 0 and c.real % 1 == 0 for row in cells for c in row[:2])
    if not names and n == 2 and loops and not whole and half == "both" and _may_be_edges(cells):
        raise InvalidTable(
            f"Expected {WHAT} that can be read in one way, got two rows of two numbers: a matrix, or two edges between "
            "nodes that are called so. Name nodes by whole numbers from 0, or write the matrix with zeros on its "
            "diagonal."
        )
    if not names and n < 4 and (loops or half != "both"):
        if whole and (n == 2 or half == ""):
            return None
        if whole and _may_be_edges(cells):
            raise InvalidTable(
                f"Expected {WHAT} that can be read in one way, got three rows that are a matrix or three edges with "
                "weights. Write 'p edge 3 3' and e before each edge, or the matrix with zeros on its diagonal."
            )
    if half == "":
        raise InvalidTable(
            f"Expected a symmetric matrix as {WHAT}, or one with an empty half, got one whose halves differ. Give the "
            "weight of a pair in both places."
        )
    if any(c.imag for row in cells for c in row):
        raise InvalidTable(f"Expected real weights in {WHAT}, got a complex one.")
    shown = tuple(names) or tuple(map(str, range(n)))
    edges_found = []
    for i in range(n):
        for j in range(i + 1, n):
            weight = cells[j][i].real if half == "lower" else cells[i][j].real
            if weight:
                edges_found.append((shown[i], shown[j], weight))
    notes = [f"Left out: {loops} number{'s' * (loops > 1)} on the diagonal, no cut goes through."] if loops else []
    if half != "both":
        notes.append(f"Only the {half} half of the matrix is filled: it was taken for both.")
    return Written("adjacency matrix", edges_found, shown, tuple(notes), once=True)


def _half(cells: Sequence[Sequence[complex]]) -> str:
    """Return ``"both"`` of a symmetric matrix, the half that is filled of a triangular one, ``""`` of any other."""
    n = len(cells)
    pairs = [(cells[i][j], cells[j][i]) for i in range(n) for j in range(i + 1, n)]
    if all(a == b or abs(a - b) <= ROUNDED * max(abs(a), abs(b)) for a, b in pairs):
        return "both"
    if all(b == 0 for _, b in pairs):
        return "upper"
    return "lower" if all(a == 0 for a, _ in pairs) else ""


def _may_be_edges(rows: Sequence[Sequence[complex]]) -> bool:
    """Whether rows of two nodes and a weight make sense: two pairs or more, none of them twice."""
    pairs = [frozenset(row[:2]) for row in rows if row[0] != row[1]]
    return len(pairs) > 1 and len(set(pairs)) == len(pairs)


def node_number(text: str) -> bool:
    """Whether a name is a whole number."""
    return text.isascii() and text.isdigit() and len(text) < 10
