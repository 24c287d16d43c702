"""How circuits are named: by what they cost, and what the oracle says of their energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domains.entry import Named
from domains.quantum.circuit import count_two, depth_of, line_of
from domains.quantum.drawing import read_gates

MEASURED = ("energy", "error")
"""Details of an evaluation that are columns, where a problem gives them."""


def named(design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any]) -> Named:
    """Name a circuit, see `domains.entry.Naming`; its parts are its gates, one a line."""
    ops = read_gates(design)
    if not ops:
        return Named("", {}, tuple(design.splitlines()))
    wires = 1 + max(q for op in ops for q in op.qubits)
    two, depth = count_two(ops), depth_of(ops, wires)
    told = {key: float(v) for key in MEASURED if isinstance(v := details.get(key), int | float)}
    gates = "1 gate" if len(ops) == 1 else f"{len(ops)} gates"
    figures = {**told, "CX": two, "depth": depth, "gates": len(ops)}
    return Named(f"{gates}, {two} CX, depth {depth}", figures, tuple(line_of(op) for op in ops))
