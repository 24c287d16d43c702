"""Which qubits a name in a circuit file means: registers, slices, sets, aliases, physical qubits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from openqasm3 import ast

from domains.quantum.door.values import Values, named
from poets_core.errors import InvalidDesign

MAX_QUBITS = 24
"""Qubits that gates may act on."""
MAX_DECLARED = 2000
"""Qubits of a device, most of which nothing acts on."""
_PHYSICAL = re.compile(r"\$(\d{1,9})")


@dataclass(frozen=True)
class Wires:
    """Qubits that a name stands for; a single one is spread over registers beside it."""

    qubits: tuple[int, ...]
    single: bool


@dataclass
class Registers:
    """The qubits of a file, numbered in the order of declaration.

    Attributes:
        wires: by name; inside a gate definition its arguments.
        declared: (name, size) in order.
        count: qubits so far.
        physical: whether qubits are written as $0, $1.
        bits: sizes of classical registers.
    """

    wires: dict[str, Wires] = field(default_factory=dict)
    declared: list[tuple[str, int]] = field(default_factory=list)
    count: int = 0
    physical: bool = False
    bits: dict[str, int] = field(default_factory=dict)

    def declare(self, name: str, size: int, single: bool, line: int) -> None:
        """Add a register.

        Raises:
            InvalidDesign: no size, too many qubits in all, or a name that is taken.
        """
        if size < 1 or self.count + size > MAX_DECLARED:
            raise InvalidDesign(
                f"Expected 1 to {MAX_DECLARED} qubits in all registers, got {self.count + size} with "
                f"{named(name)!r} on line {line}. Take fewer."
            )
        if name in self.wires or name in self.bits:
            raise InvalidDesign(f"Expected a new name on line {line}, got {named(name)!r} again. Rename one.")
        if self.physical:
            raise InvalidDesign(f"Expected either registers or physical qubits ($0), got both by line {line}.")
        self.wires[name] = Wires(tuple(range(self.count, self.count + size)), single)
        self.declared.append((name, size))
        self.count += size

    def of(self, node: Any, values: Values) -> Wires:
        """Return the qubits of an operand or of what an alias stands for.

        Raises:
            InvalidDesign: an unknown name, an index out of range.
        """
        match node:
            case ast.Identifier(name=name):
                return self._named(name, values.line)
            case ast.IndexedIdentifier(name=ast.Identifier(name=name), indices=indices):
                found = self._named(name, values.line)
                for index in indices:
                    found = _at(found, index, named(name), values)
                return found
            case ast.IndexExpression(collection=collection, index=index):
                return _at(self.of(collection, values), index, "the register", values)
            case ast.Concatenation(lhs=lhs, rhs=rhs):
                return Wires((*self.of(lhs, values).qubits, *self.of(rhs, values).qubits), False)
        raise InvalidDesign(f"Expected a qubit or a register on line {values.line}, got {type(node).__name__}.")

    def bits_of(self, node: Any, values: Values) -> tuple[tuple[int, int], ...]:
        """Return (register, bit) of what measurements are written to; nothing where it is not known."""
        name = node.name.name if isinstance(node, ast.IndexedIdentifier) else getattr(node, "name", None)
        if name not in self.bits:
            return ()
        found = Wires(tuple(range(min(self.bits[name], MAX_DECLARED))), False)
        with suppress(InvalidDesign):
            for index in node.indices if isinstance(node, ast.IndexedIdentifier) else ():
                found = _at(found, index, named(name), values)
            register = list(self.bits).index(name)
            return tuple((register, k) for k in found.qubits)
        return ()

    def _named(self, name: str, line: int) -> Wires:
        if physical := _PHYSICAL.fullmatch(name):
            return Wires((self._physical(int(physical[1]), line),), True)
        if name not in self.wires:
            known = ", ".join(named(n) for n, _ in self.declared[:6]) or "none"
            raise InvalidDesign(
                f"Expected a register of qubits on line {line}, one of {known}, got {named(name)!r}. Declare it first."
            )
        return self.wires[name]

    def _physical(self, index: int, line: int) -> int:
        if self.declared:
            raise InvalidDesign(f"Expected either registers or physical qubits ($0), got both on line {line}.")
        if index >= MAX_DECLARED:
            raise InvalidDesign(
                f"Expected physical qubits $0 .. ${MAX_DECLARED - 1}, got ${index} on line {line}. Number them from 0."
            )
        self.physical = True
        self.count = max(self.count, index + 1)
        return index


def _at(wires: Wires, index: Any, name: str, values: Values) -> Wires:
    """Return the qubits at an index, a range (both ends belong to it) or a set."""
    size = len(wires.qubits)
    items: Sequence[Any] = index.values if isinstance(index, ast.DiscreteSet) else index
    if not isinstance(index, ast.DiscreteSet) and len(items) != 1:
        raise InvalidDesign(f"Expected one index of {name} on line {values.line}, got {len(items)}.")
    if isinstance(items[0] if items else None, ast.RangeDefinition):
        chosen = [_checked(k if k >= 0 else k - size, size, name, values) for k in span(items[0], values, size)]
        return Wires(tuple(wires.qubits[k] for k in chosen), False)
    chosen = [_checked(values.integer(item, "an index"), size, name, values) for item in items]
    return Wires(tuple(wires.qubits[k] for k in chosen), not isinstance(index, ast.DiscreteSet))


def _checked(index: int, size: int, name: str, values: Values) -> int:
    """Return an index counted from the front; -1 is the last one, as OpenQASM 3 has it."""
    lowest = -size if values.version == 3 else 0
    if not lowest <= index < size:
        raise InvalidDesign(f"Expected an index 0 .. {size - 1} of {name} on line {values.line}, got {index}.")
    return index % size


def span(node: ast.RangeDefinition, values: Values, size: int | None) -> range:
    """Return the numbers of ``start:step:end``, both ends included.

    Args:
        node: the range.
        values: its scope.
        size: of the register that is sliced, for ends that are left out or negative; None: a loop's range.

    Raises:
        InvalidDesign: an end is missing, or the step is 0.
    """
    step = 1 if node.step is None else values.integer(node.step, "a step")
    if not step or (size is None and (node.start is None or node.end is None)):
        raise InvalidDesign(f"Expected a range start:step:end with a step that is not 0 on line {values.line}.")
    ends = [None if n is None else values.integer(n, "an end of a range") for n in (node.start, node.end)]
    if size is not None:
        ends = [e + size if e is not None and e < 0 else e for e in ends]
    start = ends[0] if ends[0] is not None else (0 if step > 0 else (size or 0) - 1)
    end = ends[1] if ends[1] is not None else ((size or 0) - 1 if step > 0 else 0)
    return range(start, end + (1 if step > 0 else -1), step)
