"""Graphs as lines of text: edges, tables with named columns, DIMACS, Matrix Market, adjacency lists and matrices."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from domains.quantum.hamiltonian import MAX_QUBITS
from domains.quantum.inputs.array_text import decimal_commas, mark_of, number_at
from domains.quantum.inputs.graph_columns import LONG, header_of, read_columns
from domains.quantum.inputs.graph_edges import WHAT, Edge, Written, adjacency_of, edge_of, name_of, node_number
from domains.quantum.inputs.graph_guards import refuse_lines
from domains.quantum.inputs.graph_json import weight_in
from domains.quantum.inputs.literals import read_literal
from domains.quantum.inputs.text import number_in, quoted
from poets_core.errors import InvalidTable

_OTHER_MARKS = {",": ";\t", ";": "\t", "\t": ";"}
_BLANKS = str.maketrans(",;\t", "   ")
_DATA = re.compile(r"([^{}]{1,200}?)[ \t,]{0,9}(\{[^{}]{0,400}\})")
_LINK = re.compile(r"(\w{1,40})(->|<->|--|<-|→|↔)(\w{1,40})|(\d{1,9})-(\d{1,9})")
_PAREN = re.compile(r"[(\[]\s{0,9}([^()\[\],;]{1,60}),\s{0,9}([^()\[\],;]{1,60})(?:,\s{0,9}([^()\[\],;]{1,60}))?[)\]]")

_ENTRY = re.compile(r"\(\s{0,9}(\d{1,9}),\s{0,9}(\d{1,9})\s{0,9}\)\s{1,99}([-+.\deE]{1,40})")
_SERIES = re.compile(r"\d{1,9} {1,9}\d{1,9}(?: {0,9}, {0,9}\d{1,9} {1,9}\d{1,9}){1,9999},?")


@dataclass(frozen=True)
class Row:
    """A line: its number, its cells, and how it stands in the text."""

    number: int
    cells: list[str]
    text: str

    def edge(self) -> Edge:
        """Return the edge that the line is."""
        return edge_of(self.cells, f"line {self.number}", self.text)


def read_rows(text: str) -> Written:
    """Read lines.

    Raises:
        InvalidTable: names the line.
    """
    every = [(k, line.strip()) for k, line in enumerate(text.split("\n"), 1)]
    lines = [(k, re.split(r"[ \t]#", line)[0].rstrip()) for k, line in every if not line.startswith(("#", "%", "//"))]
    lines = [(k, line) for k, line in lines if line]
    if text.startswith("%%MatrixMarket"):
        return _matrix_market(text.split("\n", 1)[0].lower().split(), lines)
    if any(re.match(r"p\s", line) for _, line in lines):
        return _dimacs(lines)
    for read in (_in_series, _with_data, _in_brackets, _with_colons, _linked):
        if lines and (found := read(lines)) is not None:
            return found
    rows = [row for row in _table(lines) if row.cells]
    if not rows:
        raise InvalidTable(f"Expected an edge a line in {WHAT}, got no node.")
    return _from_rows(rows, any(line.startswith("# GMT") for _, line in every))


def _from_rows(rows: list[Row], listed: bool) -> Written:
    """Read rows of cells: a matrix, lines under counts, neighbours, or edges with or without names of columns."""
    cells = [row.cells for row in rows]
    matrix = adjacency_of(cells) or _labelled(cells)
    if matrix is not None:
        return matrix
    if (counts := _under_counts(rows)) is not None:
        return counts
    if (found := _neighbours(rows, listed)) is not None:
        return found
    if (head := header_of(cells, rows[0].number)) is not None:
        return read_columns(head, [(row.number, row.cells, row.text) for row in rows[1:]])
    refuse_lines(cells, rows[0].number)
    bare = sum(len(row) == 2 for row in cells)
    said = f"{bare} edge{'s' * (bare > 1)} without a number {'have' if bare > 1 else 'has'} weight 1."
    return Written(
        "edges, one a line", [row.edge() for row in rows], notes=(said,) if bare < len(cells) and bare else ()
    )


def _table(lines: Sequence[tuple[int, str]]) -> list[Row]:
    """Return the cells of lines: of a table where one mark stands in every line, else also between blanks."""
    plain = [Row(k, line.translate(_BLANKS).split(), line) for k, line in lines]
    texts = [line for _, line in lines]
    mark = mark_of(texts) or ("," if texts and all("," in line for line in texts) else "")
    if not mark or any(other in line for line in texts for other in _OTHER_MARKS[mark]):
        return plain
    table = [Row(k, _cells(line, mark), line) for k, line in lines]
    if mark != ",":
        points = decimal_commas([row.cells for row in table], WHAT)
        if points is not None:
            changed = [row for row, cells in zip(table, points, strict=True) if row.cells[:2] != cells[:2]]
            if changed and len(changed[0].cells) < 4:
                raise InvalidTable(
                    f"Expected two nodes and perhaps a weight in line {changed[0].number} of {WHAT}, got "
                    f"{quoted(changed[0].text)}: its commas may separate, or be decimal marks. Separate by blanks "
                    "alone."
                )
            return [Row(row.number, cells, row.text) for row, cells in zip(table, points, strict=True)]
        if any("," in cell for row in table for cell in row.cells) and _weighted(plain):
            return plain
    inner = [cell for row in table for cell in row.cells if " " in cell]
    if all(number_at(part) is not None for cell in inner for part in cell.split()):
        return plain if inner else table
    return _two_cells(table, plain) if _weighted(plain) and not any('"' in line for line in texts) else table


def _weighted(rows: Sequence[Row]) -> bool:
    return all(len(row.cells) == 3 and number_at(row.cells[2]) is not None for row in rows)


def _two_cells(table: list[Row], plain: list[Row]) -> list[Row]:
    """Return rows such as Hub,Site 1: a node called so, or a node and a weight."""
    pairs = [frozenset(row.cells[:2]) for row in plain]
    if len(set(pairs)) < len(pairs):
        return table
    if any(not node_number(row.cells[2]) for row in plain):
        return plain
    raise InvalidTable(
        f"Expected {WHAT} that can be read in one way, got {quoted(table[0].text)} in line {table[0].number}: a node "
        "whose name has a blank, or a node and a weight. Put quotes around names with blanks, or a comma before the "
        "weight."
    )


def _cells(line: str, mark: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])
    except csv.Error:
        cells = line.split(mark)
    cells = [cell.strip() for cell in cells]
    while len(cells) > 2 and not cells[-1]:
        cells.pop()
    return cells


def _with_data(lines: Sequence[tuple[int, str]]) -> Written | None:
    """Read ``0 1 {'weight': 0.5}``, as networkx.write_edgelist writes."""
    if not all(line.endswith("}") for _, line in lines):
        return None
    edges = []
    for k, line in lines:
        found = _DATA.fullmatch(line)
        data = read_literal(found[2], f"line {k} of {WHAT}") if found else None
        if found is None or not isinstance(data, dict):
            raise InvalidTable(f"Expected two nodes and {{'weight': 0.5}} in line {k} of {WHAT}, got {quoted(line)}.")
        row = [*found[1].translate(_BLANKS).split(), *weight_in(data, f"line {k}")]
        edges.append(edge_of(row, f"line {k}", line))
    return Written("edges with their data", edges)


def _in_series(lines: Sequence[tuple[int, str]]) -> Written | None:
    """Read ``0 1, 1 2, 2 3``: edges of numbers, with commas between."""
    if not all(_SERIES.fullmatch(line) for _, line in lines):
        return None
    parts = [(k, part.split()) for k, line in lines for part in line.split(",") if part.strip()]
    return Written("edges with commas between", [edge_of(part, f"line {k}") for k, part in parts])


def _in_brackets(lines: Sequence[tuple[int, str]]) -> Written | None:
    """Read ``(0, 1)`` a line, or several on a line."""
    if not lines[0][1].startswith("("):
        return None
    edges = []
    for k, line in lines:
        entry = _ENTRY.fullmatch(line)  # (0, 1) 0.5, as scipy prints sparse matrices
        found = [entry.groups()] if entry else _PAREN.findall(line)
        if not found or (not entry and _PAREN.sub("", line).strip(" ,;")):
            raise InvalidTable(
                f"Expected edges such as (0, 1) or (0, 1, 0.5) in line {k} of {WHAT}, got {quoted(line)}."
            )
        for ends in found:
            row = [cell.strip().strip("'\"") for cell in ends if cell]
            edges.append(edge_of(row, f"line {k}", line))
    return Written("edges in brackets", edges)


def _with_colons(lines: Sequence[tuple[int, str]]) -> Written | None:
    """Read ``0: 1 2``, a node and its neighbours."""
    if not all(re.match(r"[^\s:]{1,40}\s?:", line) for _, line in lines):
        return None
    rows = []
    for _, line in lines:
        node, others = line.split(":", 1)
        rows.append((node.strip(), others.translate(_BLANKS).split()))
    if all(others and others[0][0] == "[" and others[-1][-1] == "]" for _, others in rows):  # 0: [1, 2]
        bare = [(node, " ".join(others)[1:-1].replace("'", "").replace('"', "").split()) for node, others in rows]
        known = {node for node, _ in bare}
        rows = bare + [
            (name, []) for name in dict.fromkeys(o for _, others in bare for o in others) if name not in known
        ]
    names = [node for node, _ in rows]
    lost = next((other for _, others in rows for other in others if other not in names), None)
    if lost is not None or len(set(names)) < len(names):
        raise InvalidTable(
            f"Expected a line 'node: its neighbours' for every node of {WHAT}, got none or two for "
            f"{quoted(lost or names[0])}. Write edges, one a line, if numbers are weights."
        )
    return _listed(rows)


def _listed(rows: Sequence[tuple[str, Sequence[str]]]) -> Written:
    told: set[tuple[str, str]] = set()
    kept = []
    for node, others in rows:
        for other in others:
            if (node, other) not in told and (other, node) not in told:
                kept.append((name_of(node), name_of(other), 1.0))
            told.add((node, other))
    return Written("neighbours of each node", kept, tuple(name_of(node) for node, _ in rows), once=True)


def _linked(lines: Sequence[tuple[int, str]]) -> Written | None:
    """Read ``0-1``, ``a -> b`` or ``a -- b 0.5``, one or several on a line."""
    edges: list[Edge] = []
    for k, line in lines:
        tight = re.sub(r"[ \t]{0,9}(->|<->|--|<-|→|↔)[ \t]{0,9}", r"\1", line)
        cells = tight.translate(_BLANKS).replace(": ", " ").split()
        links = [_LINK.fullmatch(cell) for cell in cells]
        if not links or links[0] is None:
            if edges or re.search(r"->|<-|→|↔|(?:^|\s)--?(?:\s|$)", line):
                raise InvalidTable(f"Expected an edge such as 0-1 or a -> b in line {k} of {WHAT}, got {quoted(line)}.")
            return None
        if len(cells) == 2 and links[1] is None:
            edges.append(edge_of([*_ends(links[0]), cells[1]], f"line {k}", line))
            continue
        if not all(links):
            raise InvalidTable(f"Expected edges such as 0-1 or a -> b in line {k} of {WHAT}, got {quoted(line)}.")
        edges += [edge_of(_ends(link), f"line {k}", line) for link in links if link]
    return Written("edges with dashes or arrows", edges)


def _ends(link: re.Match[str]) -> list[str]:
    return [link[1], link[3]] if link[1] else [link[4], link[5]]


def _dimacs(lines: Sequence[tuple[int, str]]) -> Written:
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
            edges.append(edge_of(rest, f"line {k}", line))
        else:
            raise InvalidTable(f"Expected 'e node node' in line {k} of {WHAT}, got {quoted(line)}.")
    return _counted("DIMACS", edges, nodes)


def _matrix_market(head: Sequence[str], lines: Sequence[tuple[int, str]]) -> Written:
    """Read the coordinates of a matrix: its size, then a row, a column and perhaps a value a line."""
    if head[1:3] != ["matrix", "coordinate"] or "complex" in head or "skew-symmetric" in head or not lines:
        raise InvalidTable(
            f"Expected a Matrix Market file of real coordinates as {WHAT}, got {quoted(' '.join(head))}."
        )
    number, line = lines[0]
    sizes = line.split()
    if len(sizes) != 3 or sizes[0] != sizes[1]:
        raise InvalidTable(f"Expected a square matrix in line {number} of {WHAT}, got {quoted(line)}.")
    edges = [edge_of(line.split(), f"line {k}", line) for k, line in lines[1:]]
    if sizes[2] != str(len(edges)):
        raise InvalidTable(f"Expected {quoted(sizes[2])} entries in {WHAT}, as line {number} says, got {len(edges):,}.")
    return _counted("Matrix Market", edges, _count(sizes[0], number))


def _count(text: str, k: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) > MAX_QUBITS:
        raise InvalidTable(f"Expected at most {MAX_QUBITS} nodes in line {k} of {WHAT}, got {quoted(text)}.")
    return int(text)


def _counted(form: str, edges: list[Edge], nodes: int) -> Written:
    """Return edges whose nodes are the numbers from 1 to a count that the file states."""
    return _within(form, edges, tuple(str(k) for k in range(1, nodes + 1)))


def _from_zero(form: str, edges: list[Edge], nodes: int) -> Written:
    """Return edges as `_counted` does, whose nodes count from 0 where one is called so."""
    begin = 0 if any("0" in edge[:2] for edge in edges) else 1
    return _within(form, edges, tuple(str(k) for k in range(begin, nodes + begin)))


def _within(form: str, edges: list[Edge], names: tuple[str, ...]) -> Written:
    wrong = next((name for edge in edges for name in edge[:2] if name not in names), None)
    if wrong is not None:
        span = f"{names[0]} to {names[-1]}" if names else "of which there are none"
        raise InvalidTable(f"Expected nodes {span}, as the file says, in {WHAT}, got {quoted(wrong)}.")
    return Written(form, edges, names)


def _under_counts(rows: Sequence[Row]) -> Written | None:
    """Read .mc and rudy files, whose first line is the number of nodes and of edges; None where it is an edge."""
    first, rest = rows[0].cells, rows[1:]
    if len(first) != 2 or not rest or first[1] != str(len(rest)) or not node_number(first[0]):
        return None
    form = "edges under a line of counts"
    if all(len(row.cells) == 3 for row in rest):
        return _from_zero(form, [row.edge() for row in rest], _count(first[0], rows[0].number))
    if not all(len(row.cells) == 2 and all(map(node_number, row.cells)) for row in rest):
        return None
    ends = {int(cell) for row in rest for cell in row.cells}
    nodes, edges = int(first[0]), int(first[1])
    if max(ends) > nodes - (min(ends) == 0):
        return None
    pairs = {frozenset(map(int, row.cells)) for row in rest}
    # As an edge it would join a node to itself, one that is far off, or two that are joined already.
    if nodes != edges and edges <= nodes and frozenset((nodes, edges)) not in pairs:
        raise InvalidTable(
            f"Expected {WHAT} that can be read in one way, got {quoted(rows[0].text)} in line {rows[0].number}: "
            f"{nodes} nodes and {edges} edges, or an edge. Write 'p edge {nodes} {edges}' and e before each edge, or "
            "a weight behind every edge."
        )
    return _from_zero(form, [row.edge() for row in rest], _count(first[0], rows[0].number))


def _neighbours(rows: Sequence[Row], listed: bool) -> Written | None:
    """Read a node and its neighbours a line, as networkx.write_adjlist writes: each node begins one line."""
    cells = [row.cells for row in rows]
    names = [row[0] for row in cells]
    every = {cell for row in cells for cell in row}
    odd = listed or any(len(row) not in (2, 3) for row in cells)
    odd = odd and all(len(set(row)) == len(row) for row in cells)
    if not odd or len(rows) < 2 or set(names) != every or len(set(names)) < len(names):
        return None
    return _listed([(row[0], row[1:]) for row in cells])


def _labelled(cells: Sequence[Sequence[str]]) -> Written | None:
    """Read a matrix with the names of nodes above it, and perhaps before its rows."""
    n = len(cells) - 1
    if n < 2 or any(len(row) != len(cells[1]) for row in cells[1:]):
        return None
    head = list(cells[0])
    # Rows of three cells are edges, unless a corner or names that are no numbers tell otherwise.
    told = (number_in(head[0]) is None or n > 2) and len(set(head[-n:])) == n
    if len(cells[1]) == n + 1 and len(head) in (n, n + 1) and told and head[-n:] == [row[0] for row in cells[1:]]:
        return adjacency_of([row[1:] for row in cells[1:]], [name_of(name) for name in head[-n:]])
    lower = {name.lower() for name in head}
    words = all(number_in(name) is None for name in head) and len(set(head)) == n
    words = words and not any(set(pair) <= lower for pair in LONG)
    if len(cells[1]) == n == len(head) and n > 3 and words:
        return adjacency_of(cells[1:], [name_of(name) for name in head])
    return None
