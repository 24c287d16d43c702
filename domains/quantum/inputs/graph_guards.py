"""What lines of a graph may mean beside two nodes and a weight: refused, with the readings that they have."""

from __future__ import annotations

import re
from collections.abc import Sequence

from domains.quantum.inputs.graph_edges import WHAT, Written, node_number
from domains.quantum.inputs.text import number_in, quoted
from poets_core.errors import InvalidTable

_KEYWORDS = {"e", "v", "edge", "edges", "arc", "arcs", "vertex", "vertices", "node", "nodes", "link", "links"}
_TITLES = (["source", "target"], ["from", "to"], ["node1", "node2"])
_NOTHING = {"true", "false", "nan", "none", "null"}
_PLAIN = re.compile(r"[^()\[\]{}:=]{1,40}(?:\(\w{1,20}\)|\[\w{1,20}\])?")
"""``a``, ``New York``, ``q[0]`` and ``Paris (FR)``: no name that is torn out of something else."""
_DASHED = re.compile(r"(\w{1,40})-(\w{1,40})")
_STEM = re.compile(r"(.{1,38}?)[ _-]?(?:[12ab])", re.IGNORECASE)


def refuse_names(written: Written, *, lines: bool) -> None:
    """Refuse names of nodes that are numbers, or parts of something else.

    Args:
        written: the graph. lines: whether it stood as lines, where marks may be parts of names by a slip.

    Raises:
        InvalidTable: names the node.
    """
    spelled: dict[complex, str] = {}
    for name in dict.fromkeys([*written.nodes, *(end for edge in written.edges for end in edge[:2])]):
        value = number_in(name)
        if value is not None and not value.imag and (value.real < 0 or value.real % 1):
            raise InvalidTable(
                f"Expected two nodes, then perhaps a weight, for each edge of {WHAT}, got {quoted(name)} as a node: it "
                "may be a weight, a coordinate, or an entry of a matrix. Name nodes by whole numbers or words."
            )
        if value is not None and spelled.setdefault(value, name) != name:
            raise InvalidTable(
                f"Expected one name for each node of {WHAT}, got {quoted(spelled[value])} and {quoted(name)}: one node "
                "or two. Write the number in one way."
            )
        if lines and name.lower() in _NOTHING:
            raise InvalidTable(
                f"Expected names of nodes in {WHAT}, got {quoted(name)}: an entry of a matrix, or a cell that is "
                "empty. Write 0 and 1 in a matrix, and leave edges without a node out."
            )
        if not any(c.isalnum() for c in name) or (lines and not _PLAIN.fullmatch(name)):
            raise InvalidTable(
                f"Expected names of nodes without brackets, colons and dashes of their own in {WHAT}, got "
                f"{quoted(name)}. Write an edge a line, 0 1 0.5, or 'a -- b 0.5'."
            )


def refuse_lines(cells: Sequence[Sequence[str]], number: int) -> None:
    """Refuse lines that have a letter or word before their nodes, or a pair of nodes in one cell.

    Args:
        cells: of all lines, which are about to be read as edges. number: of the first, for messages.

    Raises:
        InvalidTable: says what they may be.
    """
    first = ", ".join(cells[0])
    heads = {row[0].lower() for row in cells}
    numbered = [row for row in cells if len(row) > 1 and all(map(node_number, row[1:]))]
    worded = any(len(row) == 3 and row[0].lower() in _KEYWORDS for row in numbered) or heads <= _KEYWORDS
    word = _constant(cells)
    if word or (numbered and worded):
        word = word or next(row[0] for row in numbered if row[0].lower() in _KEYWORDS)
        raise InvalidTable(
            f"Expected two nodes and perhaps a weight in each line of {WHAT}, got {quoted(word)} beside numbers: a "
            "mark of DIMACS and the like, or a node. Leave it out, or write 'p edge' with the numbers of nodes and "
            "edges above (nodes then count from 1); if it is a node, write source,target,weight above."
        )
    titles = next((row for row in cells if [cell.lower() for cell in row[:2]] in _TITLES), None)
    counted = len(cells[0]) == 3 and len(cells) > 2 and all(len(row) == 2 for row in cells[1:])
    if titles or (counted and cells[0][1] == str(len(cells) - 1)):
        raise InvalidTable(
            f"Expected edges alone in {WHAT}, got {quoted(', '.join(titles or cells[0]))} among them: an edge, or "
            "names of columns or counts. Leave that line and what stands above it out, or name the nodes otherwise."
        )
    pairs = [[_DASHED.fullmatch(cell) for cell in row] for row in cells]
    if all(len(row) == 2 and row[0] for row in pairs):
        named = all(m and m[1].isalpha() and m[2].isdigit() for row in pairs for m in row)  # node-1 node-2
        other = all(_DASHED.fullmatch(cell) or number_in(cell) is not None for row in cells for cell in row)
        if other and not named:
            raise InvalidTable(
                f"Expected {WHAT} that can be read in one way, got {quoted(first)} in line {number}: two nodes, or the "
                "two ends of an edge with a dash between. Write 'a b' or 'a -- b 0.5', an edge a line."
            )
    every = [cell for row in cells for cell in row]
    if all(len(cell) == 2 and node_number(cell) for cell in every) and any(cell[0] == "0" for cell in every):
        raise InvalidTable(
            f"Expected {WHAT} that can be read in one way, got {quoted(first)} in line {number}: nodes of two figures, "
            "or pairs of nodes of one. Write 0 1 for the pair and 1 for the node."
        )


def _constant(cells: Sequence[Sequence[str]]) -> str:
    """Return the word that stands first, or second, in every line beside two whole numbers, ``""`` if there is none."""
    if any(len(row) != 3 for row in cells):
        return ""
    for place in (0, 1):
        words = {row[place] for row in cells}
        ends = [[cell for k, cell in enumerate(row) if k != place] for row in cells]
        apart = all(a != b and node_number(a) and node_number(b) for a, b in ends)
        if apart and len(words) == 1 and number_in(cells[0][place]) is None:
            return cells[0][place]
    return ""


def like_columns(cells: Sequence[Sequence[str]]) -> bool:
    """Whether the first line has two names such as Name1,Name2, and no other line has names of that kind."""
    head = cells[0][:2]
    stems = [_STEM.fullmatch(cell) for cell in head]
    if len(head) < 2 or not (stems[0] and stems[1]) or head[0].lower() == head[1].lower():
        return False
    stem = stems[0][1].lower()
    return stems[1][1].lower() == stem and not any(
        cell.lower().startswith(stem) for row in cells[1:] for cell in row[:2]
    )
