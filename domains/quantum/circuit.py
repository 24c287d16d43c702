"""Circuits as words: the language, its parser and its canonical form.

    circuit := op {op};   op := G1 q | R1 q aK | G2 q q'
    G1: h x s sdg t;   R1: rx ry rz;   G2: cx cz

Words are separated by whitespace; the canonical text holds one gate a line
(``"ry 2 a5\\ncx 0 1"``). An angle is a level ``a0`` .. ``a31`` (2 pi k / 32), or
``a*`` where an optimiser sets the angles. Nothing is ever executed or evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from poets_core.errors import InvalidDesign

G1 = ("h", "x", "s", "sdg", "t")
R1 = ("rx", "ry", "rz")
G2 = ("cx", "cz")
GATES = (*G1, *R1, *G2)
LEVELS = 32
FREE = LEVELS
"""Angle code of ``a*``; levels are 0 .. 31 and gates without an angle carry -1."""
MAX_BYTES = 64 * 1024
QUBITS = tuple(map(str, range(12)))
"""Words of the qubits; there are no circuits of more."""
INVERSE = {"h": "h", "x": "x", "s": "sdg", "sdg": "s", "cx": "cx", "cz": "cz"}
"""Gates whose inverse is in the language, rotations aside."""

_CALL = re.compile(r"(?:[A-Za-z_]\w{0,30}\.)?([a-z]{1,4})\(([^()]{0,200})\)")
_NUMBER = re.compile(r"[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,3})?")


class Op(NamedTuple):
    """One gate: its word, its qubits (control first), its angle code (-1 where it has none)."""

    gate: str
    qubits: tuple[int, ...]
    angle: int = -1


@dataclass(frozen=True)
class Language:
    """The circuits a problem allows.

    Attributes:
        qubits: number of qubits, at most 12.
        pairs: ordered pairs (q, q') a two-qubit gate may act on.
        free: angles are ``a*`` only; else levels only.
        max_ops: most gates.
        max_two: most two-qubit gates.
        gates: words of the gates that are allowed.
        start: qubits that begin in |1>, in increasing order; the others begin in |0>. No gate of a circuit says so.
        dressing: axes of the rotations that stand on every qubit first, and on both qubits after every two-qubit gate;
            such circuits are written as two-qubit gates alone (`domains.quantum.dressing`). Empty: as they are.
    """

    qubits: int
    pairs: frozenset[tuple[int, int]]
    free: bool
    max_ops: int
    max_two: int
    gates: tuple[str, ...] = GATES
    start: tuple[int, ...] = ()
    dressing: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words that a circuit is written in: gates, qubits, angles; of dressed circuits a word for each pair."""
        if self.dressing:
            return tuple(f"{a}-{b}" for a, b in sorted(self.pairs))
        return (*self.gates, *map(str, range(self.qubits)), *self.angles)

    @property
    def both(self) -> frozenset[tuple[int, int]]:
        """The coupled pairs in both directions; of dressed circuits each is stated once."""
        return self.pairs | {(b, a) for a, b in self.pairs} if self.dressing else self.pairs

    @property
    def longest(self) -> int:
        """Words of the longest circuit: three a gate, of dressed circuits one for each two-qubit gate."""
        return self.max_two if self.dressing else 3 * self.max_ops

    @property
    def angles(self) -> tuple[str, ...]:
        """The angle words of this language."""
        return ("a*",) if self.free else tuple(f"a{k}" for k in range(LEVELS))


def line_coupling(n: int) -> frozenset[tuple[int, int]]:
    """Return both directions of every bond of an open chain of n qubits."""
    return frozenset((a, b) for a in range(n) for b in range(n) if abs(a - b) == 1)


def full_coupling(n: int) -> frozenset[tuple[int, int]]:
    """Return every ordered pair of n qubits."""
    return frozenset((a, b) for a in range(n) for b in range(n) if a != b)


def parse(text: str, language: Language) -> list[Op]:
    """Read the words of a circuit, or calls like ``qc.ry(0.3, 2)``.

    In the call form an angle in radians becomes the nearest level (``a*`` in a
    language of free angles).

    Raises:
        InvalidDesign: names the first gate that is wrong and why.
    """
    if len(text) > MAX_BYTES or len(text.encode()) > MAX_BYTES:
        raise InvalidDesign(f"Expected a circuit of at most {MAX_BYTES} bytes, got {len(text)} characters. Shorten it.")
    words = _words_of_calls(text, language) if "(" in text else text.split()
    ops: list[Op] = []
    two = at = 0
    while at < len(words):
        op, used = _operation(words, at, len(ops) + 1, language)
        two += len(op.qubits) == 2
        ops.append(op)
        at += used
        if len(ops) > language.max_ops:
            raise InvalidDesign(f"Expected at most {language.max_ops} gates, got more. Shorten the circuit.")
        if two > language.max_two:
            raise InvalidDesign(
                f"Expected at most {language.max_two} two-qubit gates, got one more at gate {len(ops)}. Remove some."
            )
    if not ops:
        raise InvalidDesign("Expected at least one gate, got an empty circuit. Write e.g. 'h 0'.")
    return ops


def _operation(words: list[str], at: int, number: int, language: Language) -> tuple[Op, int]:
    """Read one gate from `words[at:]`; also return how many words it took."""
    gate = words[at]
    where = f"at gate {number} (word {at + 1})"
    if language.dressing and "-" in gate:
        return _pair(gate, language, where), 1
    known = (*language.gates, *language.dressing)
    if gate not in known:
        raise InvalidDesign(f"Expected a gate, one of {' '.join(known)}, got {gate[:20]!r} {where}.")
    used = 2 if gate in G1 else 3
    if at + used > len(words):
        raise InvalidDesign(
            f"Expected {used - 1} words after {gate!r} {where}, got {len(words) - at - 1}. Complete it."
        )
    first = _qubit(words[at + 1], language, where)
    if gate in G1:
        return Op(gate, (first,)), used
    last = words[at + 2]
    if gate in R1:
        if last not in language.angles:
            wanted = "a*" if language.free else f"a0 .. a{LEVELS - 1}"
            raise InvalidDesign(f"Expected an angle {wanted} for {gate!r} {where}, got {last[:20]!r}.")
        return Op(gate, (first,), FREE if language.free else int(last[1:])), used
    second = _qubit(last, language, where)
    return _coupled(gate, first, second, language, where), used


def _coupled(gate: str, first: int, second: int, language: Language, where: str) -> Op:
    if language.dressing and (second, first) in language.pairs:
        first, second = second, first  # the same family of circuits, see `domains.quantum.dressing`
    if (first, second) not in language.pairs:
        raise InvalidDesign(f"Expected coupled qubits for {gate!r} {where}, got {first} and {second}.")
    return Op(gate, (first, second))


def _pair(word: str, language: Language, where: str) -> Op:
    """Read the word of a pair, as ``0-1``."""
    first, _, second = word.partition("-")
    gate = language.gates[0]
    return _coupled(gate, _qubit(first, language, where), _qubit(second, language, where), language, where)


def _qubit(word: str, language: Language, where: str) -> int:
    # The very words, since int() would also take "٣", "1_0", "+1" or "07".
    if word not in QUBITS[: language.qubits]:
        raise InvalidDesign(f"Expected a qubit 0 .. {language.qubits - 1} {where}, got {word[:20]!r}.")
    return int(word)


def _words_of_calls(text: str, language: Language) -> list[str]:
    """Turn ``qc.ry(0.3, 2); qc.cx(0, 1)`` into words, leaving every check of content to `parse`."""
    words: list[str] = []
    end = 0
    for call in _CALL.finditer(text):
        if text[end : call.start()].strip(" \t\r\n;"):
            raise InvalidDesign(f"Expected gates like 'qc.ry(0.3, 2)', got {text[end : call.start()].strip()[:40]!r}.")
        end = call.end()
        gate, arguments = call[1], [part.strip() for part in call[2].split(",")]
        if gate in R1:
            angle = float(arguments[0]) if _NUMBER.fullmatch(arguments[0]) else math.nan
            if len(arguments) != 2 or not math.isfinite(angle):
                raise InvalidDesign(f"Expected a finite angle in radians and a qubit, got {call[0][:40]!r}.")
            words += [gate, arguments[1], "a*" if language.free else f"a{level_of(angle)}"]
        else:
            words += [gate, *arguments]
    if text[end:].strip(" \t\r\n;"):
        raise InvalidDesign(f"Expected gates like 'qc.ry(0.3, 2)', got {text[end:].strip()[:40]!r}.")
    return words


def level_of(angle: float) -> int:
    """Return the level nearest to an angle in radians (mod 2 pi: a global phase)."""
    return round(math.fmod(angle, 2 * math.pi) * LEVELS / (2 * math.pi)) % LEVELS


def canonical(ops: list[Op], language: Language) -> list[Op]:
    """Return the canonical circuit of the same operator (up to global phase).

    Adjacent inverse pairs cancel, adjacent rotations about one axis merge,
    rotations by a0 vanish, ``cz`` names its lower qubit first where it may, and
    gates are ordered by (earliest layer, lowest qubit), so that circuits which
    differ only in the order of gates on disjoint qubits become equal. With free
    angles the family of circuits is kept, not each angle. Idempotent. A circuit
    that cancels altogether becomes ``rz 0 a0`` (``rz 0 a*``), which leaves |0..0>
    as it is: a design is never empty.
    """
    return canonical_angles(ops, [0.0] * sum(op.angle == FREE for op in ops), language)[0]


def canonical_angles(
    ops: Sequence[Op], angles: Sequence[float], language: Language
) -> tuple[list[Op], tuple[float, ...]]:
    """Return the canonical circuit, see `canonical`, and its free angles in its own gate order.

    Gates in another order carry their angles along. Free rotations about one axis that meet become one, by the sum of
    their angles; one that is nan (not known) makes the sum nan.

    Args:
        ops: gates.
        angles: radians of the free ones, in the order of `ops`.
        language: the circuits allowed.
    """
    rest = iter(angles)
    kept: list[tuple[Op, float] | None] = []
    last: list[list[int]] = [[] for _ in range(language.qubits)]  # per qubit: indices into kept, oldest first
    for op in ops:
        value = next(rest) if op.angle == FREE else 0.0
        if op.gate == "cz" and op.qubits[::-1] in language.pairs:
            op = op._replace(qubits=(min(op.qubits), max(op.qubits)))
        tops = {last[q][-1] if last[q] else -1 for q in op.qubits}
        top = tops.pop() if len(tops) == 1 else -1
        before = kept[top] if top >= 0 else None
        if before is not None and before[0].qubits == op.qubits and _reduces(before[0], op):
            level = FREE if op.angle == FREE else (before[0].angle + op.angle) % LEVELS if op.angle >= 0 else 0
            if level:
                kept[top] = (op._replace(angle=level), before[1] + value)
                continue
            kept[top] = None
            for q in op.qubits:
                last[q].pop()
        elif op.angle != 0:
            for q in op.qubits:
                last[q].append(len(kept))
            kept.append((op, value))
    layer = [0] * language.qubits
    placed: list[tuple[int, int, Op, float]] = []
    for held in kept:
        if held is not None:
            op, value = held
            depth = max(layer[q] for q in op.qubits)
            for q in op.qubits:
                layer[q] = depth + 1
            placed.append((depth, min(op.qubits), op, value))
    placed.sort(key=lambda held: held[:2])  # no two gates of a layer share a qubit
    if not placed:
        return [Op("rz", (0,), FREE if language.free else 0)], (0.0,) if language.free else ()
    found = [held[2] for held in placed]
    return found, tuple(_short(held[3]) for held in placed if held[2].angle == FREE)


def _short(angle: float) -> float:
    """Return an angle as it is up to two turns, beyond that the same one within half a turn."""
    return angle if not abs(angle) > 4 * math.pi else math.remainder(angle, 2 * math.pi)


def _reduces(before: Op, op: Op) -> bool:
    """Whether two neighbours on the same qubits cancel or merge."""
    return before.gate == op.gate if op.gate in R1 else INVERSE.get(before.gate) == op.gate


def text_of(ops: list[Op]) -> str:
    """Return the text of a circuit, one gate a line."""
    return "\n".join(line_of(op) for op in ops)


def line_of(op: Op) -> str:
    """Return the words of one gate, separated by spaces."""
    angle = "" if op.angle < 0 else " a*" if op.angle == FREE else f" a{op.angle}"
    return f"{op.gate} {' '.join(map(str, op.qubits))}{angle}"


def radians_of(ops: Sequence[Op], angles: Sequence[float]) -> list[float | None]:
    """Return the angle of every gate in radians, None where it has none.

    Args:
        ops: gates.
        angles: radians of the free ones, in gate order.

    Raises:
        ValueError: not one angle per free gate.
    """
    if sum(op.angle == FREE for op in ops) != len(angles):
        raise ValueError(f"Expected one angle per free gate, got {len(angles)}.")
    rest = iter(angles)
    return [None if op.angle < 0 else next(rest) if op.angle == FREE else 2 * math.pi * op.angle / LEVELS for op in ops]


def count_two(ops: list[Op]) -> int:
    """Return the number of two-qubit gates; each is one CX in the basis {cx, 1-qubit}."""
    return sum(len(op.qubits) == 2 for op in ops)


def depth_of(ops: list[Op], qubits: int) -> int:
    """Return the circuit depth, every gate counting one layer."""
    layer = [0] * qubits
    for op in ops:
        top = 1 + max(layer[q] for q in op.qubits)
        for q in op.qubits:
            layer[q] = top
    return max(layer)
