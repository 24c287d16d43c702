"""Tables of edges whose first line names the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domains.quantum.inputs.graph_edges import IDENTITIES, MEASURES, WEIGHTS, WHAT, Written, edge_of
from domains.quantum.inputs.graph_guards import like_columns
from domains.quantum.inputs.text import number_in, quoted
from poets_core.errors import InvalidTable

LONG = (("source", "target"), ("from", "to"), ("node1", "node2"))
"""Names that no node has."""
OTHERS = (
    ("src", "dst"),
    ("head", "tail"),
    ("vertex1", "vertex2"),
    ("start", "end"),
    ("node 1", "node 2"),
    ("node_1", "node_2"),
    ("vertex 1", "vertex 2"),
    ("vertex_1", "vertex_2"),
    ("node_a", "node_b"),
    ("node a", "node b"),
    ("source_id", "target_id"),
    ("origin", "destination"),
    ("from_node", "to_node"),
    ("from_id", "to_id"),
    ("id1", "id2"),
    ("u", "v"),
    ("a", "b"),
    ("i", "j"),
    ("x", "y"),
)
"""Names that a node may have as well: whether it does, the other lines tell."""
_NUMBERED = ("", "unnamed: 0")
_WORDS = {
    "edge",
    "edges",
    "pair",
    "pairs",
    "link",
    "links",
    "node",
    "nodes",
    "neighbor",
    "neighbour",
    *WEIGHTS,
    *MEASURES,
}
"""Names of columns that do not say which are the ends."""
Line = tuple[int, Sequence[str], str]


@dataclass(frozen=True)
class Header:
    """Which columns hold what; -1: none does."""

    names: tuple[str, ...]
    first: int
    second: int
    weight: int = -1
    unused: tuple[str, ...] = ()


def header_of(cells: Sequence[Sequence[str]], number: int) -> Header | None:
    """Return what the first line says of the columns, None where it is an edge.

    Args:
        cells: of all lines.
        number: of the first line, for messages.

    Raises:
        InvalidTable: it may be either, or the column of the weight is not known.
    """
    head, rest = [cell.lower() for cell in cells[0]], cells[1:]
    if not rest or any(number_in(cell) is not None for cell in cells[0]) or len(head) < 2:
        return None
    pair = next((ends for ends in (*LONG, *OTHERS) if set(ends) <= set(head)), None)
    if pair is None:
        if len(head) == 3 and head[2] in WEIGHTS:
            return Header(tuple(cells[0]), 0, 1, 2)
        if all(len(row) >= 2 and number_in(row[0]) is not None and number_in(row[1]) is not None for row in rest):
            raise _asked(cells[0], number)
        if like_columns(cells) or set(head) <= _WORDS:
            raise _asked(cells[0], number)
        return None
    first, second = head.index(pair[0]), head.index(pair[1])
    if pair not in LONG and not any(name in WEIGHTS for name in head):
        ends = [row[k] for row in rest for k in (first, second) if k < len(row)]
        if any(end in cells[0] for end in ends):
            return None
        if len(rest) > 1 and not all(number_in(end) is not None for end in ends) and len(pair[0]) == 1:
            raise _asked(cells[0], number)
        if len(rest) == 1 and not all(number_in(end) is not None for end in ends) and len(pair[0]) == 1:
            return None
    if pair == ("x", "y"):
        raise InvalidTable(
            f"Expected two nodes and perhaps a weight in each line of {WHAT}, got columns 'x' and 'y' in line "
            f"{number}: coordinates of nodes, or the ends of edges. Call the ends source and target."
        )
    if len(pair[0]) == 1 and any(
        len(name) == 1 and k not in (first, second) and name not in WEIGHTS for k, name in enumerate(head)
    ):
        raise _asked(cells[0], number)  # a, b, c: nodes above a matrix as well
    others = [k for k, name in enumerate(head) if k not in (first, second) and not (k == 0 and name in _NUMBERED)]
    weight = _weight(cells, head, others, number)
    unused = tuple(cells[0][k] for k in others if k != weight)
    return Header(tuple(cells[0]), first, second, weight, unused)


def _asked(head: Sequence[str], number: int) -> InvalidTable:
    return InvalidTable(
        f"Expected {WHAT} that can be read in one way, got {quoted(', '.join(head))} in line {number}: names of "
        "columns, or an edge. Call the columns source,target,weight, or leave that line out."
    )


def _weight(cells: Sequence[Sequence[str]], head: Sequence[str], others: Sequence[int], number: int) -> int:
    """Return the column of the weight, -1 where there is none."""
    known = next((k for name in WEIGHTS for k in others if head[k] == name), -1)
    if known >= 0:
        return known
    open_ = [k for k in others if head[k] not in IDENTITIES]
    numeric = [k for k in open_ if any(len(row) > k and number_in(row[k]) is not None for row in cells[1:])]
    if len(numeric) == 1 and head[numeric[0]] in MEASURES:
        return numeric[0]
    if numeric:
        raise InvalidTable(
            f"Expected a column 'weight' in line {number} of {WHAT}, got "
            f"{', '.join(quoted(cells[0][k]) for k in others[:6])}."
            " Call the one that is the weight so, and leave the others out: they may be weights, or count lines."
        )
    return -1


def read_columns(head: Header, lines: Sequence[Line]) -> Written:
    """Read the edges under the names of columns."""
    edges = []
    for number, cells, text in lines:
        wanted = [k for k in (head.first, head.second, head.weight) if k >= 0]
        if len(cells) > len(head.names) or len(cells) <= max(wanted):
            raise InvalidTable(
                f"Expected {len(head.names)} cells, as the first line has, in line {number} of {WHAT}, got "
                f"{quoted(text)}."
            )
        edges.append(edge_of([cells[k] for k in wanted], f"line {number}", text))
    notes = (f"Columns that were not used: {', '.join(map(quoted, head.unused[:6]))}.",) if head.unused else ()
    said = f", weights from {quoted(head.names[head.weight])}" if head.weight >= 0 else ""
    return Written(f"edges under names of columns{said}", edges, (), notes)
