"""A coupling map of one's own: which pairs of qubits a two-qubit gate may act on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from domains.quantum.inputs.literals import Call, Entries, body_of, json_or_literal
from domains.quantum.inputs.text import cleaned, number_of, quoted
from poets_core.errors import InvalidTable

WHAT = "the coupling map"
MAX_PAIRS = 20_000
_QUBIT = re.compile(
    r"(?<![\w.])(?:node|qubits?|qb|q|Q)(?:\[(\d{1,6})\]|\((\d{1,6})\)|_?(\d{1,6}))(?![\w.])|\$(\d{1,6})(?![\w.])"
)
"""``q0``, ``Q0``, ``$0``, ``q[0]``, ``node[0]`` and ``q(0)``: a qubit by its number."""
_PAIR = re.compile(r"[\[(]? ?(\d{1,6}) ?(?:-|,|;| |->|<->|--) ?(\d{1,6}) ?[\])]?")
"""Of a text whose blanks are single spaces."""
_LINK = re.compile(r"(\d{1,6})(?:->|<->|--|-)(\d{1,6})")
_BRACKETED = re.compile(r"[\[(] ?(\d{1,6}) ?[, ] ?(\d{1,6}) ?[\])]")
_NAMES = (
    "source",
    "target",
    "from",
    "to",
    "control",
    "u",
    "v",
    "i",
    "j",
    "a",
    "b",
    "qubit1",
    "qubit2",
    "q1",
    "q2",
    "src",
    "dst",
    "first",
    "second",
)
_ENDS = (("control", "target"), *zip(*[iter(name for name in _NAMES if name != "control")] * 2, strict=True))
_VIEWS = ("CouplingMap", "EdgeList", "WeightedEdgeList", "EdgeView", "OutEdgeView", "frozenset", "set", "list", "tuple")
_ARROWS = str.maketrans("↔→⟷", "---")
KEYS = ("coupling_map", "coupling", "edges", "pairs", "links", "edge_list")


@dataclass(frozen=True)
class CouplingRead:
    """A coupling map as it was understood.

    Attributes:
        edges: (a, b), a < b, sorted, each pair once.
        coupling: both directions of every pair, as `Language` wants it.
        notes: what was done and a person should know, sentences.
    """

    edges: tuple[tuple[int, int], ...]
    notes: tuple[str, ...]

    @property
    def coupling(self) -> frozenset[tuple[int, int]]:
        """Both directions of every pair."""
        return frozenset((*self.edges, *((b, a) for a, b in self.edges)))


def read_coupling(text: str, qubits: int) -> CouplingRead:
    """Read the pairs of qubits that are coupled.

    Of a larger device, whose qubits are numbered from 0 and all joined, the first ones are taken.

    Args:
        text: ``[[0, 1], [1, 2]]``, pairs such as ``0-1``, ``(0, 1)`` or ``q0-q1``, a pair a line, several on a line
            separated by commas, semicolons or blanks, a dict of neighbours, or an adjacency matrix of 0 and 1. Empty
            for one qubit.
        qubits: of the problem.

    Raises:
        InvalidTable: a pair is out of range, or the map is not connected.
    """
    if qubits == 1 and text.strip() in ("", "[]"):
        return CouplingRead((), (_BOTH,))
    pairs = _pairs(cleaned(text, WHAT), qubits)
    if len(pairs) > MAX_PAIRS:
        raise InvalidTable(f"Expected at most {MAX_PAIRS:,} pairs in {WHAT}, got {len(pairs):,}.")
    pairs, notes = _first(pairs, qubits)
    edges: set[tuple[int, int]] = set()
    both = 0
    for number, (a, b) in enumerate(pairs, 1):
        if a == b or not (0 <= a < qubits and 0 <= b < qubits):
            raise InvalidTable(
                f"Expected two different qubits, 0 to {qubits - 1}, in pair {number} of {WHAT}, got {a} and {b}. "
                + _advice(pairs, qubits)
            )
        both += (min(a, b), max(a, b)) in edges
        edges.add((min(a, b), max(a, b)))
    alone = sorted(set(range(qubits)) - _reached(edges))
    if alone:
        raise InvalidTable(
            f"Expected a coupling map that joins all {qubits} qubits, got no path from qubit 0 to "
            f"{', '.join(map(str, alone[:12]))}. Add pairs."
        )
    notes = [_BOTH, *notes]
    if both:
        notes.append(f"{both} pair{'s' * (both > 1)} stood there before.")
    return CouplingRead(tuple(sorted(edges)), tuple(notes))


_BOTH = "Pairs are taken in both directions: a CX can be turned round by one-qubit gates."


def _first(pairs: list[tuple[int, int]], qubits: int) -> tuple[list[tuple[int, int]], list[str]]:
    """Return the pairs among the first qubits where the map is that of a larger device, and what to say.

    A number out of the row is a slip and no device: all from 0 on must be there, and be joined.
    """
    used = {q for pair in pairs for q in pair}
    if not used or max(used) < qubits or used != set(range(len(used))) or _reached(set(pairs)) != used:
        return pairs, []
    kept = [pair for pair in pairs if max(pair) < qubits]
    if _reached(set(kept)) != set(range(qubits)):
        return pairs, []
    return kept, [
        f"The map is that of a device of {len(used)} qubits: its qubits 0 to {qubits - 1} are used, and "
        f"{len(pairs) - len(kept)} pairs with others are left out."
    ]


def _advice(pairs: list[tuple[int, int]], qubits: int) -> str:
    used = {q for pair in pairs for q in pair}
    if min(used) > 0 and max(used) <= qubits:
        return "Count qubits from 0."
    if max(used) >= qubits:
        return f"Give the pairs of the {qubits} qubits that you want to use, numbered 0 to {qubits - 1}."
    return "Leave that pair out."


def _reached(edges: set[tuple[int, int]]) -> set[int]:
    """Return the qubits that can be reached from qubit 0."""
    beside: dict[int, list[int]] = {}
    for a, b in edges:
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    reached, new = {0}, [0]
    while new:
        more = {q for known in new for q in beside.get(known, ())} - reached
        reached |= more
        new = list(more)
    return reached


def _pairs(text: str, qubits: int) -> list[tuple[int, int]]:
    """Return the pairs as written."""
    text = body_of(text).strip().translate(_ARROWS)
    text = _QUBIT.sub(lambda found: found[1] or found[2] or found[3] or found[4], text)
    name = re.match(r"(?:[a-z]{1,20}\.)?(\w{1,40})(?=[\[(])", text)
    if name is not None and name[1] in _VIEWS:
        if text[name.end()] == "(" and name[1] not in ("set", "frozenset"):
            return _from_value(text, qubits)
        text = (
            text[name.end() :] if text[name.end()] == "[" else text[name.end() + 1 :].rstrip().removesuffix(")").strip()
        )
    if re.match(r"\{\s{0,99}[\[(]", text) and ":" not in text:
        text = "[" + text[1:].removesuffix("}") + "]"  # a set of pairs
    if text.startswith(("{", "[[", "[(", "[]", "((")) or re.match(r"\[\s{0,99}[\[({]", text):
        return _from_value(text, qubits)
    rows = [(k, line.split("#")[0].strip()) for k, line in enumerate(text.split("\n"), 1)]
    rows = [(k, line) for k, line in rows if line]
    if rows and all(re.match(r"\d{1,6}\s{0,9}:", line) for _, line in rows):
        return [pair for k, line in rows for pair in _beside(k, line)]
    if (matrix := _matrix([re.split(r"[,;\s]+", line.strip(" ,;\t")) for _, line in rows])) is not None:
        return matrix
    words = re.split(r"[,;\s]+", rows[0][1].strip(" ,;\t").lower()) if rows else []
    if len(rows) > 1 and len(words) == 2 and all(word.strip("\"'") in _NAMES for word in words):
        rows = rows[1:]
    return [pair for k, line in rows for pair in _of_line(k, line)]


def _beside(k: int, line: str) -> list[tuple[int, int]]:
    """Return the pairs of a line ``0: 1 2``, a qubit and its neighbours."""
    qubit, others = line.split(":", 1)
    cells = re.split(r"[,;\s]+", others.strip(" ,;[](){}\t"))
    if not all(re.fullmatch(r"\d{1,6}", cell) for cell in cells if cell):
        raise InvalidTable(f"Expected a qubit and its neighbours, 0: 1 2, in line {k} of {WHAT}, got {quoted(line)}.")
    return [(int(qubit), int(cell)) for cell in cells if cell]


def _matrix(rows: list[list[str]]) -> list[tuple[int, int]] | None:
    """Return the pairs of an adjacency matrix of 0 and 1; None where rows are none. Two rows read alike as pairs."""
    n = len(rows)
    if n < 3 or any(len(row) != n or set(row) - {"0", "1", "0.0", "1.0", "0.", "1."} for row in rows):
        return None
    return [(i, j) for i in range(n) for j in range(n) if rows[i][j][0] == "1"]


def _of_line(k: int, line: str) -> list[tuple[int, int]]:
    """Return the pairs of a line: 0-1, 1-2 or 0 1, 1 2 or (0, 1), (1, 2), or one pair."""
    plain = " ".join(line.split())
    for pattern in (_BRACKETED, _LINK):
        tight = re.sub(r" ?(->|<->|--|-) ?", r"\1", plain) if pattern is _LINK else plain
        found = pattern.findall(tight)
        if found and not pattern.sub("", tight).strip(" ,;"):
            return [(int(a), int(b)) for a, b in found]
    # A comma separates pairs where dashes or blanks join them, and the two qubits of a pair elsewhere.
    listed = re.fullmatch(r"(?:\d{1,6} \d{1,6} ?[,;] ?){1,9999}\d{1,6} \d{1,6}[,;]?", plain)
    result = []
    for part in re.split(r"[;,]" if listed or "-" in plain else ";", plain):
        if not part.strip():
            continue
        match = _PAIR.fullmatch(part.strip())
        if match is None:
            raise InvalidTable(f"Expected pairs such as 0-1 or 0 1 in line {k} of {WHAT}, got {quoted(part)}.")
        result.append((int(match[1]), int(match[2])))
    return result


def _from_value(text: str, qubits: int) -> list[tuple[int, int]]:
    if re.fullmatch(r"[\[\]\d.\s]+", text) and re.search(r"\d[.\s]", text):
        text = _commas(text)
    value = json_or_literal(text, WHAT, r"['(]|^\{\s{0,99}\d")
    value = value.args[0] if isinstance(value, Call) and value.args else value
    given = value
    for _ in range(3):  # {"backend": {"coupling_map": ..}}
        if not isinstance(value, dict):
            break
        inner = next((value[k] for k in KEYS if k in value), None)
        if inner is None and len(value) == 1 and isinstance(next(iter(value.values())), dict):
            inner = next(iter(value.values()))
        if inner is None:
            break
        value = inner
    if isinstance(value, dict | Entries):
        value = _of_neighbours(value.items if isinstance(value, Entries) else list(value.items()))
    if not isinstance(value, list):
        raise InvalidTable(f"Expected a list of pairs as {WHAT}, got {quoted(given)}. Write [[0, 1], [1, 2]].")
    if value and all(isinstance(row, list) for row in value):
        matrix = _matrix([[str(cell) for cell in row] for row in value])
        if matrix is not None:
            return matrix
    found = []
    for number, pair in enumerate(value, 1):
        if isinstance(pair, dict):
            ends_of = next((ends for ends in _ENDS if ends[0] in pair and ends[1] in pair), None)
            pair = [pair[end] for end in ends_of] if ends_of else pair
        link = _LINK.fullmatch("".join(pair.split())) if isinstance(pair, str) else None
        ends = [number_of(q) for q in pair] if isinstance(pair, list) and len(pair) == 2 else []
        ends = [complex(int(q)) for q in link.groups()] if link else ends
        whole = [int(q.real) for q in ends if q is not None and q.imag == 0 and abs(q.real) < 1e6 and q.real % 1 == 0]
        if len(whole) != 2:
            raise InvalidTable(f"Expected two qubits in pair {number} of {WHAT}, got {quoted(pair)}.")
        found.append((whole[0], whole[1]))
    return found


def _commas(text: str) -> str:
    """Return an array as numpy prints it, ``[[0 1]\\n [1 2]]``, as JSON."""
    rows = re.findall(r"\[([^\[\]]{1,4000})\]", text)
    return "[" + ", ".join("[" + ", ".join(cell.rstrip(".") for cell in row.split()) + "]" for row in rows) + "]"


def _of_neighbours(items: list[tuple[Any, Any]]) -> list[list[Any]] | None:
    """Return the pairs of ``{0: [1], 1: [0, 2]}``; None where it is no such dict."""
    if not items or not all(number_of(key) is not None and isinstance(others, list) for key, others in items):
        return None
    return [[key, other] for key, others in items for other in others]
