"""Quantum circuits, as the catalog knows them; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domains.entry import CSV, Entry, Export, Parameter, Science, ShippedBackbone

INSTALL = "pip install 'poets[quantum]'"
WORDS = 3
"""Words of a gate, at most: name, qubit, and a second qubit or an angle."""


def _discrete(params: Mapping[str, Any]) -> int:
    return WORDS * int(params["max_ops"])


def _chain(params: Mapping[str, Any]) -> int:
    # A rotation of each of the six qubits, and of both qubits after every CX.
    return WORDS * (6 + 3 * int(params["max_cx"]))


PROBLEMS: tuple[Entry, ...] = (
    Entry(
        name="quantum/artificial-7q",
        loader="domains.quantum.artificial:Artificial7q",
        title="Artificial Hamiltonian, 7 qubits",
        summary="Lowest energy of a fixed nine-term Hamiltonian by discrete circuits, the circuit task of ToSFiT.",
        objective="- energy",
        unit="units of J",
        seconds=2e-3,
        tokens=_discrete,
        parameters=(Parameter("max_ops", "int", 20, "Most gates a circuit may hold.", 1, 60, label="Gates at most"),),
        backbones=("circuit", "library"),
        settings={
            "search": {
                "branches": 4,
                "pool": 2,
                "shared_pool": False,
                "steps": 20,
                "minibatch": 16,
                "edit_share": 1.0,
                "elites": 8,
            },
            "budget": {"rounds": 25, "batch": 40},
        },
        reads="A benchmark of search, not of physics: product states reach 5.92 of at most 6.92.",
    ),
    Entry(
        name="quantum/tfim-6",
        loader="domains.quantum.tfim:Tfim6",
        title="Transverse-field Ising chain, 6 qubits",
        summary="Ground state of the open critical chain with few two-qubit gates; angles are optimised inside.",
        objective="reward",
        unit="1 at best",
        seconds=0.2,
        tokens=_chain,
        parameters=(
            Parameter("max_cx", "int", 10, "Most two-qubit gates (CX) a circuit may use.", 1, 20, label="CX at most"),
            Parameter("iterations", "int", 120, "Gradient evaluations of the angle optimiser per circuit.", 0, 400),
            Parameter(
                "reward",
                "text",
                "precision",
                "precision: decades of the error relative to the best product state, / 6. "
                "gap: share of the gap to the ground state that is closed, less 0.05 for the full CX budget.",
                choices=("precision", "gap"),
            ),
        ),
        backbones=("circuit", "library"),
        settings={
            "search": {
                "branches": 8,
                "beta": 0.2,
                "pool": 2,
                "shared_pool": False,
                "steps": 20,
                "minibatch": 16,
                "edit_share": 0.5,
                "elites": 4,
            },
            "budget": {"rounds": 10, "batch": 30},
        },
        reads="A small model whose exact energy is known, so the error of every circuit is exact too.",
    ),
)

SCIENCE = Science(
    name="quantum",
    title="Quantum circuits",
    design="circuit",
    problems=PROBLEMS,
    backbones=(
        ShippedBackbone("circuit", "Circuit model that ships with the app", Path(__file__).parent / "backbone", 3.5e-5),
    ),
    exports=(
        Export("qasm3", "OpenQASM 3", "qasm", "text/plain", zips=True),
        Export("qasm2", "OpenQASM 2", "qasm", "text/plain", zips=True),
        Export("qpy", "QPY", "qpy", "application/octet-stream", zips=True, reads_back=False),
        Export("json", "JSON", "json", "application/json"),
        Export("python", "Qiskit snippet", "py", "text/x-python", zips=True, reads_back=False),
        CSV,
    ),
    drawing="domains.quantum.drawing:draw",
    naming="domains.quantum.naming:named",
    install=INSTALL,
)
