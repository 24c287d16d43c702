"""Circuits that other tools wrote, read: a flat list of gates, with the line of the file each stands on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
        physical: whether qubits are those of a device, ``$12``.
        measured: qubits that are measured at the end.
    """

    qubits: int
    gates: tuple[Gate, ...]
    notes: tuple[str, ...]
    dialect: str
    inputs: tuple[str, ...] = ()
    physical: bool = False
    measured: tuple[int, ...] = ()

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
    if not size:
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
    measured, physical = tuple(map(int, told["measured"])), bool(told["physical"])
    if list(measured) != sorted(measured):
        notes.append(_permuted(measured, "$" if physical else "the file's qubit "))
    dialect = f"OpenQASM {scanned.version}"
    return Foreign(size, gates, tuple(notes), dialect, tuple(told["inputs"]), physical, measured)


def fitted(foreign: Foreign, most: int) -> Foreign:
    """Return a circuit without idle qubits, where it has more qubits than there are and no gate needs them.

    Where those that gates act on are the first ones anyway they keep their numbers; else they are numbered anew, in
    increasing order, and a note says which became which.

    Args:
        foreign: what was read.
        most: qubits that there are.

    Raises:
        InvalidDesign: gates act on more qubits than that.
    """
    if foreign.qubits <= most:
        note = [f"physical qubits: $k is qubit k, {foreign.qubits} in all"] if foreign.physical else []
        return replace(foreign, notes=(*foreign.notes, *note), physical=False)
    used = sorted({q for gate in foreign.gates for q in gate.qubits})
    if len(used) > most:
        some = "" if len(used) == foreign.qubits else f", gates on {len(used)} of them"
        raise InvalidDesign(
            f"Expected at most {most} qubits, got {foreign.qubits}{some}. Choose a problem of that size, or take "
            "the qubits out that are not used."
        )
    # A qubit that is measured belongs to the circuit, unless the file measures the whole register of a device.
    both = sorted({*used, *foreign.measured})
    used = both if len(both) <= most else used
    kept = used if used and used[-1] >= most else list(range(most))
    new = {q: k for k, q in enumerate(kept)}
    gates = tuple(gate._replace(qubits=tuple(new[q] for q in gate.qubits)) for gate in foreign.gates)
    sign = "$" if foreign.physical else "the file's qubit "
    became = ", ".join(f"{sign}{q} is qubit {k}" for q, k in new.items() if q != k)
    left = foreign.qubits - len(kept)
    said = f"{left} of the file's {foreign.qubits} qubits left out, which no gate acts on; " + (
        f"the others, in increasing order: {became}" if became else "the others keep their numbers"
    )
    return replace(foreign, qubits=len(kept), gates=gates, notes=(*foreign.notes, said), physical=False)


def rest_of(foreign: Foreign, qubits: int) -> list[str]:
    """Return a note about the qubits of a problem that a file has not; none where it has all."""
    first, final = foreign.qubits, qubits - 1
    if first > final:
        return []
    rest = f"qubit {final}" if first == final else f"qubits {first}..{final}"
    return [f"the file has {first} of {qubits} qubits: |0> is kept on {rest}"]


def _permuted(measured: Sequence[int], sign: str) -> str:
    """Return the note about measurements that write qubits to bits in another order than the qubits' own."""
    some = ", ".join(f"bit {k} is {sign}{q}" for k, q in enumerate(measured[:12]))
    more = ", ..." if len(measured) > 12 else ""
    return (
        f"measurements name the qubits in another order, as transpiling may leave them: {some}{more}; qubits keep the "
        "file's order, so the energy is another one if the bits are the problem's qubits"
    )


def _order(registers: Sequence[tuple[str, int]]) -> str:
    said, at = [], 0
    for name, size in registers:
        said.append(f"{name} is {at}" if size == 1 else f"{name}[0..{size - 1}] are {at}..{at + size - 1}")
        at += size
    return f"qubits are numbered in the order of declaration: {', '.join(said)}"
