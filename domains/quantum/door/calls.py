"""Gates as a file calls them: definitions put in, modifiers applied, registers spread, everything counted.

Every step and every gate is counted, so that no definition or loop can go on for long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from openqasm3 import ast

from domains.quantum.door.modify import Modifier, modified
from domains.quantum.door.standard import BRAKET, RARER, STANDARD, Part
from domains.quantum.door.values import Number, Values, named
from domains.quantum.door.wires import MAX_QUBITS, Registers, Wires, span
from poets_core.errors import InvalidDesign

MAX_GATES = 2000
MAX_STEPS = 20_000
MAX_DEPTH = 60
"""Gate definitions within one another."""


class Calls:
    """The gates of one file so far.

    Attributes:
        registers: its qubits.
        gates: (name, radians, qubits, line), in order; nan where the file leaves an angle open.
        notes: lines where something was left out, by what it was.
        names: values of constants and variables; inputs, constants: which of them may not change.
        line: of the statement at hand.
    """

    def __init__(self, version: int, opaque: Sequence[str], load: Callable[[Callable[[], Any]], Any]) -> None:
        """Begin with nothing.

        Args:
            version: 2 or 3, whose arithmetic holds.
            opaque: gates without a definition.
            load: calls what imports Qiskit, without that time being counted.
        """
        self.version, self.opaque, self.load = version, set(opaque), load
        self.registers = Registers()
        self.gates: list[tuple[str, tuple[float, ...], tuple[int, ...], int]] = []
        self.notes: dict[str, list[int]] = {}
        self.names: dict[str, Number] = {}
        self.inputs: set[str] = set()
        self.constants: set[str] = set()
        self._defined: dict[str, tuple[int, ast.QuantumGateDefinition]] = {}
        self.written: dict[tuple[int, int], int] = {}  # (register, bit): the qubit whose measurement it holds
        self._measured: dict[int, int] = {}
        self._touched: set[int] = set()
        self._made: dict[tuple[object, ...], tuple[list[Part], float]] = {}
        self._steps = self._depth = 0
        self.line = 1

    def _values(self) -> Values:
        sizes = {n: len(w.qubits) for n, w in self.registers.wires.items()} | self.registers.bits
        return Values(self.names, sizes, self.version, self.line)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise InvalidDesign(
                f"Expected a circuit of at most {MAX_STEPS} steps after loops and definitions are put in, got more by "
                f"line {self.line}. Write a shorter circuit."
            )

    def note(self, kind: str) -> None:
        """Remember that something on this line was left out."""
        lines = self.notes.setdefault(kind, [])
        if self.line not in lines and len(lines) < 100:
            lines.append(self.line)

    def _QuantumPhase(self, node: ast.QuantumPhase) -> None:
        self._phase(node, None)

    def _phase(self, node: ast.QuantumPhase, inside: list[Part] | None) -> float:
        """Follow a global phase, which a control makes a gate; return what is left of it as a phase."""
        angle = self._values().angle(node.argument)
        modifiers = self._modifiers(node.modifiers)
        if all(kind in ("inv", "pow") for kind, _ in modifiers):
            # PennyLane names a qubit here, which changes nothing.
            if inside is None:
                self.note("global phase dropped")
            for kind, number in modifiers:
                angle *= -1.0 if kind == "inv" else number
            return angle
        controls = sum(max(1, int(number)) for kind, number in modifiers if kind in ("ctrl", "negctrl"))
        operands = [self.registers.of(q, self._values()) for q in node.qubits]
        parts, phase = self._modified([], angle, 0, modifiers)
        self._apply(parts, self._spread("gphase", operands, controls), inside)
        return phase

    def _QuantumGate(self, node: ast.QuantumGate) -> None:
        if node.duration is not None:
            raise InvalidDesign(f"Expected gates without a duration, got one on line {self.line}. Remove it.")
        self._call(node, len(self._defined), None)

    def _call(self, node: ast.QuantumGate, before: int, inside: list[Part] | None) -> float:
        """Apply a gate; inside a definition its parts are appended to `inside` instead.

        Args:
            node: the call.
            before: definitions that it may use, by their order: a gate that is defined anew may use the old one.
            inside: parts on the qubits of a definition so far.

        Returns:
            The global phase of the gate, radians; matters where the definition is controlled.
        """
        name, values = node.name.name, self._values()
        params = tuple(values.angle(a) for a in node.arguments)
        modifiers = self._modifiers(node.modifiers)
        width = self._width(name, params, before)
        operands = [self.registers.of(q, values) for q in node.qubits]
        parts, phase = self._parts(name, params, width, before)
        if modifiers:
            controls = sum(max(1, int(number)) for kind, number in modifiers if kind in ("ctrl", "negctrl"))
            parts, phase = self._modified(parts, phase, width, modifiers)
            width += controls
        self._apply(parts, self._spread(name, operands, width), inside)
        return phase

    def _apply(self, parts: list[Part], spread: Sequence[tuple[int, ...]], inside: list[Part] | None) -> None:
        """Put a gate on its qubits: into the circuit, or into the definition at hand."""
        if inside is None and any(p.name in RARER for p in parts):
            parts, _ = self._modified(parts, 0.0, len(spread[0]), [])
        for qubits in spread:
            if inside is None:
                self._put(parts, qubits)
            else:
                inside += [Part(p.name, p.params, tuple(qubits[k] for k in p.wires)) for p in parts]
                self._check_count(len(inside))

    def _width(self, name: str, params: Sequence[float], before: int) -> int:
        """Return the number of qubits of a gate, its angles counted."""
        if name in self._defined and self._defined[name][0] < before:
            definition = self._defined[name][1]
            wanted, width = len(definition.arguments), len(definition.qubits)
        elif name in STANDARD:
            wanted, width = STANDARD[name].params, STANDARD[name].qubits
            if name in BRAKET:
                self.note(f"{name}(angle) read as Braket has it, {BRAKET[name]}(angle)")
        elif name in RARER:
            wanted, width = RARER[name]
        elif name in self.opaque:
            raise InvalidDesign(
                f"Expected a gate with a definition on line {self.line}, got opaque {named(name)!r}. Put its "
                "definition into the file, or transpile to standard gates."
            )
        else:
            lower = name.lower() in STANDARD
            do = (
                f"Write {name.lower()!r}."
                if lower
                else "Put its definition into the file, or transpile to standard gates."
            )
            raise InvalidDesign(
                f"Expected a gate that is defined before line {self.line} or standard, got {named(name)!r}. {do}"
            )
        if len(params) != wanted:
            raise InvalidDesign(
                f"Expected {wanted} angles of the gate {named(name)!r} on line {self.line}, got {len(params)}."
            )
        return width

    def _parts(self, name: str, params: tuple[float, ...], width: int, before: int) -> tuple[list[Part], float]:
        """Return a gate as standard gates on its own qubits 0 .. width - 1, and its global phase."""
        if name not in self._defined or self._defined[name][0] >= before:
            return [Part(name, params, tuple(range(width)))], 0.0
        order, definition = self._defined[name]
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidDesign(f"Expected definitions at most {MAX_DEPTH} deep, got more by line {self.line}.")
        names, wires, line = self.names, self.registers.wires, self.line
        self.names = {**names, **{a.name: p for a, p in zip(definition.arguments, params, strict=True)}}
        self.registers.wires = {q.name: Wires((k,), True) for k, q in enumerate(definition.qubits)}
        parts: list[Part] = []
        phase = 0.0
        for inner in definition.body:
            phase += self._inner(inner, order, parts)
        self.names, self.registers.wires, self.line = names, wires, line
        self._depth -= 1
        return parts, phase

    def _inner(self, node: Any, order: int, parts: list[Part]) -> float:
        """Follow one statement of a definition; the line stays that of the call."""
        self._step()
        match node:
            case ast.QuantumGate(duration=None):
                return self._call(node, order, parts)
            case ast.QuantumPhase():
                return self._phase(node, parts)
            case ast.QuantumBarrier():
                self.note("barrier dropped")
                return 0.0
            case ast.ForInLoop(set_declaration=ast.RangeDefinition() as over, identifier=identifier, block=block):
                phase, before = 0.0, dict(self.names)
                for number in span(over, self._values(), None):
                    self.names[identifier.name] = number
                    phase += sum(self._inner(inner, order, parts) for inner in block)
                    self._step()
                self.names = before
                return phase
        raise InvalidDesign(
            f"Expected gates in the definition of the gate called on line {self.line}, got {spelled(node)}."
        )

    def _modifiers(self, modifiers: Sequence[ast.QuantumGateModifier]) -> list[Modifier]:
        values, found = self._values(), []
        for m in modifiers:
            kind = m.modifier.name
            if kind == "pow":
                if m.argument is None:
                    raise InvalidDesign(f"Expected the power in pow(...) on line {self.line}, got none.")
                found.append((kind, float(values.number(m.argument))))
            else:
                number = 1 if m.argument is None else values.integer(m.argument, "a number of controls")
                if kind in ("ctrl", "negctrl") and not 1 <= number < 8:
                    raise InvalidDesign(f"Expected 1 to 7 controls on line {self.line}, got {number}.")
                found.append((kind, float(number)))
        return found

    def _modified(
        self, parts: list[Part], phase: float, width: int, modifiers: list[Modifier]
    ) -> tuple[list[Part], float]:
        if any(p != p for part in parts for p in part.params) or phase != phase:
            raise InvalidDesign(
                f"Expected known angles in a gate with ctrl, inv or pow on line {self.line}, got an input. Bind it."
            )
        # The same gate in the same way again: once is enough, and the clock stands still once only.
        key = (tuple(parts), phase, width, tuple(modifiers))
        if key not in self._made:
            self._made[key] = modified(parts, phase, width, modifiers, self.line, self.load)
        found = self._made[key]
        self._check_count(len(found[0]))
        return found

    def _spread(self, name: str, operands: Sequence[Wires], width: int) -> list[tuple[int, ...]]:
        """Return the qubits of every application: registers go in step, single qubits stay."""
        if len(operands) != width:
            raise InvalidDesign(
                f"Expected {width} qubits of the gate {named(name)!r} on line {self.line}, got {len(operands)}."
            )
        sizes = {len(w.qubits) for w in operands if not w.single}
        if len(sizes) > 1:
            raise InvalidDesign(
                f"Expected registers of one size at {named(name)!r} on line {self.line}, got sizes {sorted(sizes)}."
            )
        spread = [tuple(w.qubits[0 if w.single else k] for w in operands) for k in range(sizes.pop() if sizes else 1)]
        for qubits in spread:
            self._step()
            if len(set(qubits)) < len(qubits):
                raise InvalidDesign(
                    f"Expected different qubits at the gate {named(name)!r} on line {self.line}, got one twice."
                )
        return spread

    def _put(self, parts: Sequence[Part], qubits: tuple[int, ...]) -> None:
        for q in qubits:
            if q in self._measured:
                raise InvalidDesign(
                    f"Expected measurements at the end only, got a gate on line {self.line} on a qubit that was "
                    f"measured on line {self._measured[q]}. Remove the measurement, or the gate."
                )
        self._touched.update(qubits)
        if len(self._touched) > MAX_QUBITS:
            raise InvalidDesign(
                f"Expected gates on at most {MAX_QUBITS} qubits, got more by line {self.line}. Take fewer."
            )
        for part in parts:
            self.gates.append((part.name, part.params, tuple(qubits[k] for k in part.wires), self.line))
        self._check_count(len(self.gates))

    def _check_count(self, n: int) -> None:
        if n > MAX_GATES:
            raise InvalidDesign(
                f"Expected at most {MAX_GATES} gates after loops and definitions are put in, got more by line "
                f"{self.line}. Write a shorter circuit."
            )


_WORDS = {
    "WhileLoop": "'while'",
    "SwitchStatement": "'switch'",
    "SubroutineDefinition": "'def'",
    "ReturnStatement": "'return'",
    "ExternDeclaration": "'extern'",
    "CalibrationDefinition": "'defcal'",
    "CalibrationStatement": "'cal'",
    "CalibrationGrammarDeclaration": "'defcalgrammar'",
    "BreakStatement": "'break'",
    "ContinueStatement": "'continue'",
    "EndStatement": "'end'",
    "ExpressionStatement": "an expression",
}


def spelled(node: Any) -> str:
    """Return what a statement is called in a message."""
    kind = type(node).__name__
    return _WORDS.get(kind, kind)
