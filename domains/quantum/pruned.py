"""Pruned circuits as the catalog wants them: what went, what is left, and a file of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from domains.brought import Pruned
from domains.quantum.circuit import count_two, depth_of, text_of
from domains.quantum.dressing import undressed
from domains.quantum.energy import CircuitEnergy
from domains.quantum.prune import prune
from domains.quantum.units import Scale
from poets_core.errors import InvalidDesign
from poets_core.types import Record

if TYPE_CHECKING:
    from domains.quantum.problem import CircuitProblem


def pruned(problem: CircuitProblem, design: str, details: Mapping[str, Any], allowed: float) -> Pruned:
    """Prune a circuit of a run, see `domains.brought.Prune`.

    Raises:
        InvalidDesign: its angles are levels, or do not fit.
    """
    from domains.quantum.export import write
    from domains.quantum.files.facts import Source
    from domains.quantum.files.start import with_start
    from domains.quantum.files.transpiled import transpiled_counts
    from domains.quantum.verify import to_qiskit

    energy = problem.energy
    if not energy.language.free:
        raise InvalidDesign("Expected a circuit with free angles, got one whose angles are levels: none is set again.")
    ops, angles = energy.ops(design), energy.angles(design, details)
    found = prune(energy, ops, angles, allowed=allowed)
    left, n, scale = list(found.ops), energy.language.qubits, Scale.of(problem.info.facts)
    best = float(problem.info.facts["ground_energy"])
    lines: tuple[str, ...] = (
        f"CX: {count_two(ops)} before, {count_two(left)} now",
        f"gates: {len(ops)} before, {len(left)} now; depth {depth_of(ops, n)} before, {depth_of(left, n)} now",
        f"error: {scale.said(found.before - best)} before, {scale.said(found.value - best)} now",
        f"energy: {found.before:.12g} before, {found.value:.12g} now",
    )
    made = to_qiskit(with_start(left, energy.language), n, found.angles)
    cx, depth = transpiled_counts(made, energy.language.both)
    lines += (f"after transpiling to rz sx x cx at level 3, for this coupling map: {cx} CX, depth {depth} now",)
    # Rotations may be missing now, so the circuit is written in the language of all gates.
    whole = replace(undressed(energy.language), max_ops=max(len(left), 1), max_two=max(count_two(left), 1))
    source = Source(CircuitEnergy(whole, energy.observable, 0), problem.info.name, problem.info.title, best)
    told = {"angles": list(found.angles), "energy": found.value, "error": found.value - best, "n_cx": count_two(left)}
    record = Record("pruned", text_of(left), found.value, told)
    text = write(source, [record], "qasm3").decode()
    return Pruned(lines, text_of(left), told, text, f"pruned_{count_two(left)}cx.qasm")
