"""Catalog entries of the quantum problems; standard library only."""

from __future__ import annotations

from domains.catalog import Entry, Parameter

ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="quantum/artificial-7q",
        loader="domains.quantum.artificial:Artificial7q",
        title="Artificial Hamiltonian, 7 qubits",
        summary="Lowest energy of a fixed nine-term Hamiltonian by discrete circuits, the circuit task of ToSFiT.",
        objective="- energy",
        unit="units of J",
        parameters=(Parameter("max_ops", "int", 20, "Most gates a circuit may hold.", 1, 60),),
        backbones=("circuit", "library"),
        settings={"budget": {"rounds": 32, "batch": 32}},
    ),
    Entry(
        name="quantum/tfim-6",
        loader="domains.quantum.tfim:Tfim6",
        title="Transverse-field Ising chain, 6 qubits",
        summary="Ground state of the open critical chain with few two-qubit gates; angles are optimised inside.",
        objective="reward",
        unit="fraction of the gap to the ground state",
        parameters=(
            Parameter("max_cx", "int", 10, "Most two-qubit gates (CX) a circuit may use.", 1, 20),
            Parameter("iterations", "int", 60, "L-BFGS iterations of the angle optimiser.", 0, 200),
        ),
        backbones=("circuit", "library"),
        settings={"budget": {"rounds": 10, "batch": 30}},
    ),
)
