"""How circuits are named: by what they cost, and what the oracle says of their energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domains.entry import Named
from domains.quantum.circuit import count_two, depth_of, line_of
from domains.quantum.drawing import read_gates
from domains.quantum.units import Scale


def named(design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any]) -> Named:
    """Name a circuit, see `domains.entry.Naming`; its parts are its gates, one a line."""
    ops = read_gates(design)
    if not ops:
        return Named("", {}, tuple(design.splitlines()))
    wires = 1 + max(q for op in ops for q in op.qubits)
    two, depth = count_two(ops), depth_of(ops, wires)
    scale, energy, error = Scale.of(facts), details.get("energy"), details.get("error")
    told: dict[str, float] = {}
    if isinstance(energy, int | float):
        # Where circuits are judged by a fidelity, what is minimised is minus it.
        told = {"fidelity": -float(energy)} if "target_sha256" in facts else {"energy": float(energy)}
    gates = "1 gate" if len(ops) == 1 else f"{len(ops)} gates"
    name = f"{gates}, {two} CX, depth {depth}"
    if isinstance(error, int | float):
        told[scale.title] = float(error) * scale.factor
        name = f"{two} CX, error {scale.said(error)}, {gates}, depth {depth}"
    figures = {**told, "CX": two, "depth": depth, "gates": len(ops)}
    return Named(name, figures, tuple(line_of(op) for op in ops))
