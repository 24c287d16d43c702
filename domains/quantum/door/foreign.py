"""Circuits that other tools wrote, read: a flat list of gates, with the line of the file each stands on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from domains.quantum.door.prescan import said_lines, scan
from domains.quantum.door.reader import Reader
from poets_core.errors import InvalidDesign


class Gate(NamedTuple):
    """One gate: a name of `standard.STANDARD`, radians (nan: the file leaves it open), qubits, line of the file."""

    name: str
    params: tuple[float, ...]
    qubits: tuple[int, ...]
    line: int

    @property
    def said(self) -> str:
        """The gate and where it stands, for messages: ``rz(0.3) on line 4``."""
        angles = ", ".join("an input" if math.isnan(p) else f"{p:.10g}" for p in self.params)
        return f"{self.name}{f'({angles})' if angles else ''} on line {self.line}"


@dataclass(frozen=True)
class Foreign:
    """A circuit as its file has it.

    Attributes:
        qubits: in all registers, numbered in the order of declaration.
        gates: in the file's order.
        notes: what was left out and what was taken for granted, in sentences without a full stop.
        dialect: ``"OpenQASM 2"`` or ``"OpenQASM 3"``.
        inputs: names of angles that the file leaves open.
    """

    qubits: int
    gates: tuple[Gate, ...]
    notes: tuple[str, ...]
    dialect: str
    inputs: tuple[str, ...] = ()

    @property
    def two(self) -> int:
        """Number of gates on two or more qubits, as written."""
        return sum(len(gate.qubits) > 1 for gate in self.gates)


def read_circuit_file(text: str, *, qubits: int | None = None, reader: Reader | None = None) -> Foreign:
    """Read OpenQASM 2 or 3 from anyone, in a process with limits.

    Args:
        text: of the file.
        qubits: most qubits it may have; None: 24.
        reader: that reads several files; None: one of its own.

    Raises:
        InvalidDesign: names the line and what is wrong there; see `prescan`, `unroll`.
        MissingPackage: a package that reads OpenQASM is not installed.
    """
    scanned = scan(text)
    question = {"text": scanned.text, "version": scanned.version, "opaque": list(scanned.opaque)}
    if reader is None:
        with Reader() as own:
            told = own.ask(question)
    else:
        told = reader.ask(question)
    size = int(told["qubits"])
    if not told["gates"]:
        raise InvalidDesign("Expected a register and gates on it, got none. Add gates.")
    if qubits is not None and size > qubits:
        raise InvalidDesign(f"Expected at most {qubits} qubits, got {size}. Choose a problem of that size.")
    gates = tuple(
        Gate(name, tuple(math.nan if p is None else float(p) for p in params), tuple(on), line)
        for name, params, on, line in told["gates"]
    )
    notes = [*scanned.notes, *(f"{kind} ({said_lines(lines)})" for kind, lines in told["notes"])]
    if len(told["registers"]) > 1:
        notes.append(_order(told["registers"]))
    if told["physical"]:
        notes.append(f"physical qubits: $k is qubit k, {size} in all")
    return Foreign(size, gates, tuple(notes), f"OpenQASM {scanned.version}", tuple(told["inputs"]))


def _order(registers: Sequence[tuple[str, int]]) -> str:
    said, at = [], 0
    for name, size in registers:
        said.append(f"{name} is {at}" if size == 1 else f"{name}[0..{size - 1}] are {at}..{at + size - 1}")
        at += size
    return f"qubits are numbered in the order of declaration: {', '.join(said)}"
