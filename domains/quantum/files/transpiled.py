"""What a circuit costs on a device: its CX after Qiskit's optimisation level 3, for the run's coupling map."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from domains.packages import needed_for
from domains.quantum.entries import INSTALL

with needed_for("counting gates after transpiling", INSTALL):
    from qiskit import QuantumCircuit
    from qiskit.transpiler import CouplingMap, PassManager, generate_preset_pass_manager

BASIS = ("rz", "sx", "x", "cx")
LEVEL = 3
Pairs = frozenset[tuple[int, int]]


@lru_cache(maxsize=8)
def pass_manager(qubits: int, pairs: Pairs) -> PassManager:
    """Return the pass manager of one coupling map, made once: making it takes longer than using it.

    Qubit k of a circuit stays qubit k of the map, and the seed is fixed, so that equal circuits have equal counts.
    """
    coupling: Any = None
    if len(pairs) < qubits * (qubits - 1):
        # Every qubit is named, also one without a neighbour.
        coupling = CouplingMap()
        for qubit in range(qubits):
            coupling.add_physical_qubit(qubit)
        for a, b in sorted(pairs):
            coupling.add_edge(a, b)
    return generate_preset_pass_manager(
        LEVEL,
        basis_gates=list(BASIS),
        coupling_map=coupling,
        initial_layout=None if coupling is None else list(range(qubits)),
        seed_transpiler=0,
    )


def transpiled(circuit: QuantumCircuit, pairs: Pairs) -> QuantumCircuit:
    """Return a circuit in rz, sx, x and cx at optimisation level 3.

    Args:
        circuit: from |0..0>.
        pairs: ordered pairs of qubits that a CX may act on.
    """
    return pass_manager(circuit.num_qubits, pairs).run(circuit)


def transpiled_counts(circuit: QuantumCircuit, pairs: Pairs) -> tuple[int, int]:
    """Return CX and depth after `transpiled`."""
    after = transpiled(circuit, pairs)
    return int(after.count_ops().get("cx", 0)), int(after.depth())
