"""Quantum circuits, as the catalog knows them; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from domains.entry import CSV, Entry, Export, Parameter, Science, ShippedBackbone
from domains.quantum.parameters import (
    BROUGHT,
    CIRCUITS,
    MOLECULES,
    MOST_QUBITS,
    NOISE,
    START,
    STRUCTURES,
    WORDS,
    reward_fields,
    structure_tokens,
)

INSTALL = "pip install 'poets[quantum]'"


def _discrete(params: Mapping[str, Any]) -> int:
    return WORDS * int(params["max_ops"])


def _chain(params: Mapping[str, Any]) -> int:
    # A rotation of each of the six qubits, and of both qubits after every CX.
    return WORDS * (6 + 3 * int(params["max_cx"]))


TEXTS = ("json", "csv", "tsv", "txt", "dat")
"""Endings of files that hold what is otherwise pasted."""
FILE = Parameter("file", "file", "", "The same as a file, instead of pasting it.", endings=TEXTS, wide=True)


def _structures(name: str, loader: str, **more: Any) -> Entry:
    """Return a problem of free angles: its class of `domains.quantum.own`, and what it has of its own."""
    path = f"domains.quantum.own:{loader}"
    same = {"objective": "reward", "unit": "1 at best", "seconds": 0.01, "settings": STRUCTURES}
    return Entry(name=name, loader=path, check=path, tokens=structure_tokens, **{**same, **more})


PROBLEMS: tuple[Entry, ...] = (
    _structures(
        "quantum/hamiltonian",
        "OwnHamiltonian",
        title="Own Hamiltonian",
        summary="Ground state of your own Hamiltonian with few two-qubit gates; angles are optimised inside.",
        parameters=(
            Parameter(
                "hamiltonian",
                "text",
                "",
                "Pasted: Qiskit labels with coefficients (JSON, CSV, lines), SparsePauliOp(...), OpenFermion text.",
                0,
                256_000,
                area=True,
                wide=True,
                example="-0.5 [Z0 Z1] +\n0.25 [X0]\n\nor one label a line: IZZ -0.5",
            ),
            FILE,
            Parameter(
                "order",
                "text",
                "last letter is qubit 0",
                "Order of the qubits in a label. Qiskit: the last letter is qubit 0; Cirq and PennyLane: the first.",
                choices=("last letter is qubit 0", "first letter is qubit 0"),
                label="Order of qubits",
            ),
            Parameter("unit", "text", "Ha", "Unit of its energies, for axes.", 0, 20),
            START,
            *CIRCUITS,
            *reward_fields(1.6e-3, " in the Hamiltonian's unit; 0.0016 Ha is chemical accuracy"),
            NOISE,
            *BROUGHT,
        ),
        reads="Up to 12 qubits; the exact ground energy is computed, so the error of every circuit is exact.",
    ),
    _structures(
        "quantum/molecule",
        "MoleculeEnergy",
        title="Molecule",
        summary="Ground state of a molecule, starting from Hartree-Fock, with few two-qubit gates.",
        parameters=(
            Parameter(
                "molecule",
                "text",
                "lih-4q-2.2",
                "Molecule, qubits, and bond length in angstrom.",
                choices=MOLECULES,
            ),
            Parameter(
                "start",
                "text",
                "Hartree-Fock",
                "State that circuits begin in; exports begin with its X gates.",
                choices=("Hartree-Fock", "all 0"),
                label="Start state",
            ),
            *CIRCUITS,
            *reward_fields(1.6e-3, " in Ha; 0.0016 is chemical accuracy"),
            NOISE,
            *BROUGHT,
        ),
        reads="Small active spaces in a minimal basis, where published circuits can be compared with.",
    ),
    _structures(
        "quantum/spin-chain",
        "SpinChain",
        title="Spin chain",
        summary="Ground state of an Ising, Heisenberg or J1-J2 chain with few two-qubit gates.",
        parameters=(
            Parameter("model", "text", "heisenberg", "Which chain.", choices=("ising", "heisenberg", "j1-j2")),
            Parameter("qubits", "int", 6, "Number of sites.", 2, MOST_QUBITS),
            Parameter("strength", "float", 1.0, "J, the coupling of neighbours.", -1e3, 1e3, label="J"),
            Parameter(
                "second",
                "float",
                1.0,
                "The field h of the Ising chain, or J2, the coupling of next neighbours, of j1-j2.",
                -1e3,
                1e3,
                label="h or J2",
            ),
            Parameter("periodic", "bool", False, "Whether the chain is closed to a ring."),
            *CIRCUITS,
            *reward_fields(0.0, " in units of J; 0 shows no line"),
            NOISE,
            *BROUGHT,
        ),
        reads="Models of textbooks whose exact energies are known.",
    ),
    _structures(
        "quantum/state",
        "PreparedState",
        title="State preparation",
        summary="A circuit that prepares a W, Dicke or GHZ state or one of your own, with few two-qubit gates.",
        parameters=(
            Parameter("state", "text", "w", "Which state.", choices=("w", "dicke", "ghz", "own")),
            Parameter(
                "qubits", "int", 4, "Number of qubits; amplitudes of your own say it themselves.", 2, MOST_QUBITS
            ),
            Parameter("ones", "int", 2, "Ones of a Dicke state.", 1, MOST_QUBITS - 1),
            Parameter(
                "amplitudes",
                "text",
                "",
                'Pasted, of an own state: 2^n numbers, {"0011": 0.5, ...} with qubit 0 last, or kets.',
                0,
                256_000,
                area=True,
                wide=True,
                example='{"0011": 0.7071, "1100": 0.7071}',
                group="State of your own",
            ),
            replace(FILE, group="State of your own"),
            *CIRCUITS,
            *reward_fields(1e-3, ", of the fidelity"),
            *BROUGHT,
        ),
        reads="The error is the infidelity.",
    ),
    _structures(
        "quantum/unitary",
        "Unitary",
        title="Unitary",
        summary="A circuit for a matrix of your own on up to 4 qubits, up to a phase, with few two-qubit gates.",
        seconds=0.02,
        parameters=(
            Parameter(
                "matrix",
                "text",
                "",
                "Pasted: rows of numbers like 0.5+0.5j or 1/sqrt(2), JSON, or what numpy prints.",
                0,
                256_000,
                area=True,
                wide=True,
                example="1 0 0 0\n0 1 0 0\n0 0 0 1\n0 0 1 0",
            ),
            FILE,
            *CIRCUITS,
            *reward_fields(1e-3, ", of |Tr(U'V)|^2 / 4^n"),
            *BROUGHT,
        ),
        reads="The error is 1 - |Tr(U'V)|^2 / 4^n.",
    ),
    _structures(
        "quantum/maxcut",
        "LargestCut",
        title="Largest cut",
        summary="The largest cut of a graph of your own with up to 12 nodes, as a ground state.",
        parameters=(
            Parameter(
                "graph",
                "text",
                "",
                "Pasted: edges, one a line, with weights if there are any; a table, JSON, GraphML, or a matrix.",
                0,
                64_000,
                area=True,
                wide=True,
                example="a b 1.5\nb c 2\nc a 1",
            ),
            replace(FILE, endings=(*TEXTS, "mtx", "edges", "graphml")),
            *CIRCUITS,
            *reward_fields(0.0, " in weights; 0 shows no line"),
            *BROUGHT,
        ),
        reads="A basis state is always as good as any: an exercise in optimisation, no evidence of entanglement.",
    ),
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
    views="domains.quantum.views.shown:views",
    prune="domains.quantum.pruned:pruned",
    score="domains.quantum.door.score:score_files",
    install=INSTALL,
)
