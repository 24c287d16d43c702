"""Foreign gates in the words of a problem's language, where that is exact; refused by gate and line where it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domains.quantum.circuit import (
    FREE,
    GATES,
    LEVELS,
    R1,
    Language,
    Op,
    canonical_angles,
    count_two,
    level_of,
)
from domains.quantum.door.foreign import Foreign, Gate, rest_of
from domains.quantum.door.standard import Part, words_of
from domains.quantum.dressing import dressed, skeleton, undressed
from poets_core.errors import InvalidDesign

TOLERANCE = 1e-9
MOST_WORDS = 2000
"""Gates of a foreign circuit for a problem whose circuits are written as two-qubit gates alone."""
PI = math.pi


@dataclass(frozen=True)
class Expressed:
    """A foreign circuit in the words of a language.

    Attributes:
        ops: canonical gates.
        angles: radians of the free ones, in gate order; None where the file leaves one open.
        notes: what was read and how it was said again.
        raw: two-qubit words before neighbours were cancelled.
    """

    ops: tuple[Op, ...]
    angles: tuple[float, ...] | None
    notes: tuple[str, ...]
    raw: int


def express(foreign: Foreign, language: Language) -> Expressed:
    """Say a circuit again in the words of a language, exactly up to a global phase, from |0...0>.

    What is in the words already stays as it is, so that the number of two-qubit gates is the author's. Then the
    circuit is made canonical, its angles with it. Qubits that a language begins in |1> (`start`) are turned first.

    Args:
        foreign: what was read.
        language: the circuits allowed; in one of levels angles must be on the grid to 1e-9.

    Raises:
        InvalidDesign: names gate and line: an angle off the grid, qubits that are not coupled, too many gates.
    """
    if foreign.qubits > language.qubits:
        raise InvalidDesign(
            f"Expected at most {language.qubits} qubits, got {foreign.qubits}. Choose a problem of that size, or take "
            "the qubits out that are not used."
        )
    notes = [*foreign.notes, *rest_of(foreign, language.qubits)]
    if not foreign.gates:
        raise InvalidDesign("Expected at least one gate, got an empty circuit. Add gates.")
    if foreign.inputs and language.free:
        notes.append(
            f"angles that the file leaves open are optimised, each gate's its own: {', '.join(foreign.inputs[:8])}"
        )
    words = _Words(replace(undressed(language), max_ops=MOST_WORDS) if language.dressing else language)
    for gate in foreign.gates:
        words.take(gate)
    notes += words.notes()
    ops, angles = _from_start(words.ops, words.angles, words.language)
    made, values = canonical_angles(ops, angles, words.language)
    _check_budget(made, words.language)
    if language.dressing and made != (put := _dressed(made, language)):
        notes.append("rotations are put anew around its two-qubit gates, and their angles optimised")
        return Expressed(tuple(put), None, tuple(notes), count_two(words.ops))
    known = not any(v != v for v in values)
    return Expressed(tuple(made), values if known else None, tuple(notes), count_two(words.ops))


def _dressed(ops: Sequence[Op], language: Language) -> list[Op]:
    """Return the two-qubit gates of a circuit with all their rotations; cz is a cx and rotations.

    Raises:
        InvalidDesign: it has no two-qubit gate.
    """
    two = [Op("cx", (min(op.qubits), max(op.qubits))) for op in skeleton(ops)]
    if not two:
        raise InvalidDesign(
            "Expected at least one two-qubit gate, got gates on single qubits alone. Add one; or have circuits "
            "of this problem written gate by gate."
        )
    return dressed(two, language)


class _Words:
    """Collects the words of one circuit."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.allowed = frozenset(language.gates)
        self.ops: list[Op] = []
        self.angles: list[float] = []
        self._said_again: dict[str, int] = {}
        self._turned: list[int] = []

    def notes(self) -> list[str]:
        """What was done, in sentences."""
        found = []
        if self._said_again:
            counts = ", ".join(f"{name} ({n})" for name, n in sorted(self._said_again.items()))
            found.append(f"said again in the words of the problem, exactly: {counts}")
        if self._turned:
            lines = ", ".join(map(str, sorted(set(self._turned))[:6]))
            found.append(
                f"cx turned around with h on both qubits, since only the other direction is coupled (line {lines})"
            )
        return found

    def take(self, gate: Gate) -> None:
        """Append one foreign gate."""
        before = len(self.ops)
        for part in words_of(gate.name, gate.params, gate.qubits):
            for word in self._allowed(part, gate):
                self._append(word, gate)
        as_it_was = len(self.ops) == before + 1 and self.ops[before].gate == gate.name.lower()
        if not as_it_was:
            self._said_again[gate.name] = self._said_again.get(gate.name, 0) + 1

    def _allowed(self, part: Part, gate: Gate, depth: int = 0) -> list[Part]:
        """Return a word in words that the language has."""
        if part.name in self.allowed:
            return [part]
        for way in _ways(part):
            if depth < 3 and all(p.name != part.name for p in way):
                try:
                    return [word for p in way for word in self._allowed(p, gate, depth + 1)]
                except InvalidDesign:
                    continue
        raise InvalidDesign(
            f"Expected gates that {' '.join(w for w in GATES if w in self.allowed)} can make, got {gate.said}. "
            "Transpile the circuit to these gates."
        )

    def _append(self, word: Part, gate: Gate) -> None:
        if len(word.wires) == 2 and word.wires not in self.language.pairs:
            self._append_turned(word, gate)
            return
        if word.name not in R1:
            self.ops.append(Op(word.name, word.wires))
            return
        angle = word.params[0]
        if self.language.free:
            self.ops.append(Op(word.name, word.wires, FREE))
            self.angles.append(angle)
        else:
            self.ops.append(Op(word.name, word.wires, _level(angle, word, gate)))

    def _append_turned(self, word: Part, gate: Gate) -> None:
        a, b = word.wires
        if (b, a) not in self.language.pairs:
            raise InvalidDesign(_not_coupled(gate, (a, b), self.language))
        turned = word._replace(wires=(b, a))
        if word.name == "cz":
            self._append(turned, gate)
            return
        self._turned.append(gate.line)
        sides = [Part("h", (), (q,)) for q in (a, b)]
        for part in [*sides, turned, *sides]:
            for allowed in self._allowed(part, gate):
                self._append(allowed, gate)


def _ways(part: Part) -> list[list[Part]]:
    """Return ways to say a word in other words, exactly up to a global phase; the first is the shortest."""
    q = part.wires[:1]

    def turn(axis: str, angle: float) -> Part:
        return Part(axis, (angle,), q)

    angle = part.params[0] if part.params else 0.0
    h = Part("h", (), part.wires[1:])
    return {
        "h": [[turn("rz", PI), turn("ry", PI / 2)], [turn("ry", PI / 2), Part("x", (), q)]],
        "x": [[turn("rx", PI)], [turn("rz", PI), turn("ry", PI)]],
        "s": [[turn("rz", PI / 2)]],
        "sdg": [[turn("rz", -PI / 2)]],
        "t": [[turn("rz", PI / 4)]],
        "rx": [
            [turn("rz", PI / 2), turn("ry", angle), turn("rz", -PI / 2)],
            [Part("h", (), q), turn("rz", angle), Part("h", (), q)],
        ],
        "ry": [[turn("rz", -PI / 2), turn("rx", angle), turn("rz", PI / 2)]],
        "rz": [[turn("rx", -PI / 2), turn("ry", angle), turn("rx", PI / 2)]],
        "cx": [[h, Part("cz", (), part.wires), h]],
        "cz": [[h, Part("cx", (), part.wires), h]],
    }[part.name]


def _level(angle: float, word: Part, gate: Gate) -> int:
    """Return the level of an angle.

    Raises:
        InvalidDesign: it is on none, to 1e-9; names the gate, the line, the nearest level.
    """
    if math.isnan(angle):
        raise InvalidDesign(
            f"Expected a known angle, got {gate.said}. This problem's angles are levels: give the input a value, e.g. "
            "circuit.assign_parameters(...), and write the file again."
        )
    level = level_of(angle)
    off = math.remainder(angle - 2 * PI * level / LEVELS, 2 * PI)
    if abs(off) <= TOLERANCE:
        return level
    made = "" if gate.name == word.name else f", which needs {word.name}({angle:.10g})"
    hint = _meant(angle) if gate.name == word.name else ""
    raise InvalidDesign(
        f"Expected multiples of 2 pi / {LEVELS} as angles, got {gate.said}{made}. The nearest level is a{level} = "
        f"{_fraction(level)} = {2 * PI * level / LEVELS:.10g}.{hint}"
    )


def _fraction(level: int) -> str:
    """Return a level as a multiple of pi: ``3*pi/8``."""
    if not level:
        return "0"
    shared = math.gcd(level, LEVELS // 2)
    top, bottom = level // shared, LEVELS // 2 // shared
    return f"{'' if top == 1 else f'{top}*'}pi{'' if bottom == 1 else f'/{bottom}'}"


def _meant(angle: float) -> str:
    """Guess which slip made an angle that is off the grid: digits cut off, degrees, half turns."""
    level = level_of(angle)
    if abs(math.remainder(angle - 2 * PI * level / LEVELS, 2 * PI)) < 1e-3:
        return f" If that was rounded, write {_fraction(level)}."
    for unit, factor in (("degrees", PI / 180), ("half turns", PI), ("turns", 2 * PI)):
        meant = angle * factor
        level = level_of(meant)
        if abs(math.remainder(meant - 2 * PI * level / LEVELS, 2 * PI)) < TOLERANCE:
            return f" Angles are radians; if {unit} were meant, write {_fraction(level)}."
    return ""


def _not_coupled(gate: Gate, pair: tuple[int, int], language: Language) -> str:
    pairs = sorted({(min(p), max(p)) for p in language.pairs})
    shown = ", ".join(f"{a}-{b}" for a, b in pairs[:12]) + (" ..." if len(pairs) > 12 else "")
    via = "" if gate.qubits == pair else f", which needs {pair[0]}-{pair[1]}"
    return (
        f"Expected coupled qubits, got {gate.said} on {', '.join(map(str, gate.qubits))}{via}. Coupled are {shown}. "
        f"Transpile for them, e.g. qiskit.transpile(circuit, coupling_map={[list(p) for p in pairs[:3]]}"
        f"{'+...' if len(pairs) > 3 else ''}, basis_gates=['cx', 'rx', 'ry', 'rz'])."
    )


def _from_start(ops: Sequence[Op], angles: Sequence[float], language: Language) -> tuple[list[Op], list[float]]:
    """Return a circuit for a language whose qubits `start` begin in |1>, with the same state as from |0...0>.

    The circuit's first x there and the start's x are one and the same; where it has none, the qubit is turned back,
    by the rotation that comes next if that is one about x or y, so that the two merge.
    """
    made, values = list(ops), list(angles)
    for q in sorted(language.start, reverse=True):
        first = next((k for k, op in enumerate(made) if q in op.qubits), None)
        if first is not None and made[first].gate == "x":
            del made[first]
            continue
        axis = made[first].gate if first is not None and made[first].gate in ("rx", "ry") else "x"
        word = next(w for w in (axis, "x", "ry", "rx") if w in language.gates)
        if word == "x":
            made.insert(0, Op("x", (q,)))
        else:
            made.insert(0, Op(word, (q,), FREE if language.free else LEVELS // 2))
            if language.free:
                values.insert(0, PI)
    return made, values


def _check_budget(ops: Sequence[Op], language: Language) -> None:
    two = count_two(list(ops))
    if two > language.max_two:
        raise InvalidDesign(
            f"Expected at most {language.max_two} two-qubit gates (CX), got {two}. Raise the problem's limit of CX to "
            f"{two}, or take a shorter circuit."
        )
    if len(ops) > language.max_ops:
        raise InvalidDesign(
            f"Expected at most {language.max_ops} gates, got {len(ops)} ({two} of two qubits). Raise the problem's "
            f"limit of gates to {len(ops)}, or take a shorter circuit."
        )
