"""A coupling map of one's own: which pairs of qubits a two-qubit gate may act on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from domains.quantum.inputs.literals import Call, read_literal
from domains.quantum.inputs.text import cleaned, is_json, json_of, number_of, quoted
from poets_core.errors import InvalidTable

WHAT = "the coupling map"
_PAIR = re.compile(r"[\[(]? ?(\d{1,6}) ?(?:-|,|;| |->|<->|--) ?(\d{1,6}) ?[\])]?")
"""Of a text whose blanks are single spaces."""


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

    Args:
        text: ``[[0, 1], [1, 2]]``, or a pair a line: ``0 1``, ``0,1`` or ``0-1``; several on a line separated by ``;``
            or by commas between dashes: ``0-1, 1-2``.
        qubits: of the problem.

    Raises:
        InvalidTable: a pair is out of range, or the map is not connected.
    """
    pairs = _pairs(cleaned(text, WHAT))
    edges: set[tuple[int, int]] = set()
    both = 0
    for number, (a, b) in enumerate(pairs, 1):
        if a == b or not (0 <= a < qubits and 0 <= b < qubits):
            raise InvalidTable(
                f"Expected two different qubits, 0 to {qubits - 1}, in pair {number} of {WHAT}, got {a} and {b}. "
                "Count qubits from 0."
            )
        both += (min(a, b), max(a, b)) in edges
        edges.add((min(a, b), max(a, b)))
    alone = sorted(set(range(qubits)) - _reached(edges))
    if alone:
        raise InvalidTable(
            f"Expected a coupling map that joins all {qubits} qubits, got no path from qubit 0 to "
            f"{', '.join(map(str, alone[:12]))}. Add pairs."
        )
    notes = ["Pairs are taken in both directions: a CX can be turned round by one-qubit gates."]
    if both:
        notes.append(f"{both} pair{'s' * (both > 1)} stood there before.")
    return CouplingRead(tuple(sorted(edges)), tuple(notes))


def _reached(edges: set[tuple[int, int]]) -> set[int]:
    """Return the qubits that can be reached from qubit 0."""
    reached = {0}
    while True:
        more = {q for edge in edges if reached & set(edge) for q in edge} - reached
        if not more:
            return reached
        reached |= more


def _pairs(text: str) -> list[tuple[int, int]]:
    """Return the pairs as written."""
    if is_json(text) or text.startswith("CouplingMap"):
        return _from_list(text)
    found = []
    for k, line in enumerate(text.split("\n"), 1):
        line = line.split("#")[0].strip()
        # A comma separates pairs where dashes join them, and the two qubits of a pair elsewhere.
        for part in re.split(r"[;,]" if "-" in line else ";", line):
            if not part.strip():
                continue
            match = _PAIR.fullmatch(" ".join(part.split()))
            if match is None:
                raise InvalidTable(f"Expected pairs such as 0-1 or 0 1 in line {k} of {WHAT}, got {quoted(part)}.")
            found.append((int(match[1]), int(match[2])))
    return found


def _from_list(text: str) -> list[tuple[int, int]]:
    if text.startswith("CouplingMap") or "(" in text:
        value: Any = read_literal(text, WHAT)
        value = value.args[0] if isinstance(value, Call) and value.args else value
    else:
        value = json_of(text, "JSON of " + WHAT)
    if isinstance(value, dict):
        value = next((value[k] for k in ("coupling_map", "coupling", "edges", "pairs") if k in value), None)
    if not isinstance(value, list):
        raise InvalidTable(f"Expected a list of pairs as {WHAT}, got {quoted(value)}.")
    found = []
    for number, pair in enumerate(value, 1):
        ends = [number_of(q) for q in pair] if isinstance(pair, list) and len(pair) == 2 else []
        whole = [int(q.real) for q in ends if q is not None and q.imag == 0 and abs(q.real) < 1e6 and q.real % 1 == 0]
        if len(whole) != 2:
            raise InvalidTable(f"Expected two qubits in pair {number} of {WHAT}, got {quoted(pair)}.")
        found.append((whole[0], whole[1]))
    return found
