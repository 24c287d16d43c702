"""What others reached on the problems here, with where it stands: rows for tables and Pareto plots, as data.

Fairness, to be said wherever these rows stand: see `FAIRNESS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domains.quantum.molecules import molecule, molecule_names
from domains.quantum.reference import Level

TENSOR_RL = "TensorRL-QAS, NeurIPS 2025, table 1"
HERE = "measured here with Qiskit 2.6"
FAIRNESS = (
    "Circuits here start from the basis state (a layer of X) and use exact gradients; the reinforcement-learning "
    "methods start from |0...0>, use COBYLA and stop at chemical accuracy. CX counts compare, search effort does not."
)
Quantity = Literal["error", "relative error", "fidelity"]


@dataclass(frozen=True)
class PublishedRow:
    """One point of an error-CX plot that is not of a run.

    Attributes:
        instance: the molecule's name in `molecules`, or the problem's own name: ``"tfim-6"``, ``"w4"``.
        method: who or what reached it.
        value: of `quantity`; None where only the CX were stated.
        quantity: ``"error"`` in units of the problem (Ha for molecules), ``"relative error"`` or ``"fidelity"``.
        cx: two-qubit gates.
        source: where it stands.
        remark: what it leaves out, ``""`` for nothing.
    """

    instance: str
    method: str
    value: float | None
    cx: int
    source: str
    quantity: Quantity = "error"
    remark: str = ""


_WARM = "the tensor-network warm start is not counted"
_STRUCTURE = "RY and CX from the basis state, L-BFGS"
_BEH2, _H2O = "beh2-6q-published", "h2o-8q-published"

ROWS: tuple[PublishedRow, ...] = (
    PublishedRow(_BEH2, "TensorRL, fixed", 6.8e-5, 5, TENSOR_RL, remark=_WARM),
    PublishedRow(_BEH2, "TensorRL, trainable", 6.0e-5, 22, TENSOR_RL),
    PublishedRow(_BEH2, "StructureRL", 5.9e-5, 21, TENSOR_RL),
    PublishedRow(_BEH2, "Random agent", 5.8e-5, 26, TENSOR_RL),
    PublishedRow(_BEH2, "Simulated annealing", 5.6e-5, 45, TENSOR_RL),
    PublishedRow(_BEH2, "TN-VQE", 5.4e-3, 8, TENSOR_RL),
    PublishedRow(_BEH2, "Random structures", 5.77e-5, 3, HERE, remark=f"{_STRUCTURE}, 40 CPU seconds"),
    PublishedRow(_H2O, "TensorRL, fixed", 8.9e-4, 9, TENSOR_RL, remark=_WARM),
    PublishedRow(_H2O, "CRLQAS", 1.8e-4, 105, TENSOR_RL),
    PublishedRow(_H2O, "Vanilla RL", 1.7e-4, 117, TENSOR_RL),
    PublishedRow(_H2O, "qDARTS", 3.1e-4, 68, TENSOR_RL),
    PublishedRow(_H2O, "Random structures", 1.17e-3, 3, HERE, remark=f"{_STRUCTURE}, 80 CPU seconds"),
    PublishedRow(
        _H2O, "POETS, 1000 structures of twelve starts", 1.74e-4, 6, HERE, remark=f"{_STRUCTURE}; 2 of 5 seeds"
    ),
    PublishedRow(_H2O, "Random structures", 1.75e-4, 9, HERE, remark=f"{_STRUCTURE}; 1 % of random starts find it"),
    PublishedRow("lih-4q-3.4", "Random structures", 1.29e-3, 3, HERE, remark=_STRUCTURE),
    PublishedRow("lih-4q-3.4", "Random structures", 1.1e-4, 4, HERE, remark=_STRUCTURE),
    PublishedRow("lih-4q-3.4", "Random structures", 7e-7, 5, HERE, remark=_STRUCTURE),
    PublishedRow("lih-4q-2.2", "Random structures", 0.30e-3, 3, HERE),
    PublishedRow("lih-4q-2.2", "Random structures", 25e-3, 2, HERE),
    PublishedRow("h4-6q-1.5", "Random structures", 19.8e-3, 6, HERE),
    PublishedRow("h4-6q-1.5", "Random structures", 1.58e-3, 10, HERE),
    PublishedRow("tfim-6", "Hardware-efficient ansatz, RY and CX", 6.2e-2, 5, HERE),
    PublishedRow("tfim-6", "Hardware-efficient ansatz, RY and CX", 4.9e-3, 10, HERE),
    PublishedRow("tfim-6", "Hardware-efficient ansatz, RY and CX", 3.1e-3, 15, HERE),
    PublishedRow("tfim-6", "Hardware-efficient ansatz, RY and CX", 6.4e-4, 20, HERE),
    PublishedRow("tfim-6", "Random structures", 3.95e-3, 8, HERE),
    PublishedRow("tfim-6", "Random structures", 1.25e-3, 9, HERE),
    PublishedRow("heisenberg-6", "Hardware-efficient ansatz", 7.3e-2, 5, HERE, "relative error"),
    PublishedRow("heisenberg-6", "Hardware-efficient ansatz", 5.8e-2, 10, HERE, "relative error"),
    PublishedRow("heisenberg-6", "Hardware-efficient ansatz", 2.4e-2, 15, HERE, "relative error"),
    PublishedRow("heisenberg-6", "Random structures", 1.4e-3, 12, HERE, "relative error"),
    PublishedRow("w4", "Qiskit StatePreparation", 1.0, 11, HERE, "fidelity"),
    PublishedRow("w5", "Qiskit StatePreparation", 1.0, 26, HERE, "fidelity"),
    PublishedRow("dicke-4-2", "Qiskit StatePreparation", 1.0, 11, HERE, "fidelity"),
    PublishedRow("w4", "Random structures", 1.0, 5, HERE, "fidelity"),
    PublishedRow("w5", "Random structures", 1.0, 7, HERE, "fidelity"),
    PublishedRow("dicke-4-2", "Random structures", 1.0, 5, HERE, "fidelity"),
)
"""Rows of published tables, and of the plain methods a user would otherwise try."""


def published(instance: str) -> tuple[PublishedRow, ...]:
    """Return the rows of one problem, fewest CX first; empty where there are none.

    A molecule whose UCCSD was transpiled has a row for it without an error: it is a structure, not a result.
    """
    rows = [row for row in ROWS if row.instance == instance]
    if instance in molecule_names() and (cx := molecule(instance).uccsd_cx) is not None:
        rows.append(PublishedRow(instance, "UCCSD", None, cx, HERE, remark="transpiled at level 3, all qubits coupled"))
    return tuple(sorted(rows, key=lambda row: (row.cx, row.method)))


def levels_of(instance: str) -> tuple[Level, ...]:
    """Return the rows of one problem that state an error in its unit, as reference levels."""
    return tuple(
        Level(row.method, row.value, row.cx, f"{row.source} ({row.remark})" if row.remark else row.source)
        for row in published(instance)
        if row.quantity == "error" and row.value is not None
    )
