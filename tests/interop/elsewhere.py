"""Energies of exported circuits by Cirq, pytket and PennyLane; runs in an environment that has nothing of ours.

    python elsewhere.py FOLDER

prints JSON: {file: {tool: energy, or why it could not be read}}. Everything comes out of the file, the Hamiltonian too:
its terms stand in the comments, and the last letter of a label is qubit 0.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import cirq
import numpy as np
import pennylane as qml
from cirq.contrib.qasm_import import circuit_from_qasm
from pytket.circuit import Qubit
from pytket.pauli import Pauli, QubitPauliString
from pytket.qasm import circuit_from_qasm_str
from pytket.utils import QubitPauliOperator

Terms = list[tuple[str, float]]
TERM = re.compile(r"//   (\S+) ([IXYZ]+)")


def terms_of(text: str) -> Terms:
    """Return the Hamiltonian that stands in the comments."""
    return [(m[2], float(m[1])) for line in text.splitlines() if (m := TERM.fullmatch(line))]


def letters(label: str) -> list[tuple[int, str]]:
    """Return (qubit, letter) of a label, identities left out."""
    return [(k, p) for k, p in enumerate(reversed(label)) if p != "I"]


def by_cirq(text: str, terms: Terms) -> float:
    """Return the energy by Cirq; qubit k of the register is called q_k."""
    circuit = circuit_from_qasm(text)
    qubits = [cirq.NamedQubit(f"q_{k}") for k in range(len(terms[0][0]))]
    state = cirq.Simulator(dtype=np.complex128).simulate(circuit, qubit_order=qubits).final_state_vector
    paulis = {"X": cirq.X, "Y": cirq.Y, "Z": cirq.Z}
    total = cirq.PauliSum()
    for label, c in terms:
        total += cirq.PauliString(c, {qubits[k]: paulis[p] for k, p in letters(label)})
    order = {q: k for k, q in enumerate(qubits)}
    return float(np.real(total.expectation_from_state_vector(state, order)))


def by_pytket(text: str, terms: Terms) -> float:
    """Return the energy by pytket; qubit k of the register is q[k]."""
    circuit = circuit_from_qasm_str(text)
    qubits = [Qubit("q", k) for k in range(len(terms[0][0]))]
    strings: dict[QubitPauliString, float] = {}
    for label, c in terms:
        string = QubitPauliString({qubits[k]: getattr(Pauli, p) for k, p in letters(label)})
        strings[string] = strings.get(string, 0.0) + c
    return float(np.real(QubitPauliOperator(strings).state_expectation(circuit.get_statevector(), qubits)))


def by_pennylane(read: Callable[[str], Callable[[], object]], text: str, terms: Terms) -> float:
    """Return the energy by PennyLane; qubit k of the register is wire k."""
    wires = len(terms[0][0])
    # a phase of the whole counts for nothing, and PennyLane wants a word for it
    strings = [qml.pauli.PauliWord(dict(letters(label))) for label, _ in terms]
    hamiltonian = qml.pauli.PauliSentence()
    for string, (_, c) in zip(strings, terms, strict=True):
        hamiltonian[string] += c
    read_circuit = read(text)

    @qml.qnode(qml.device("default.qubit", wires=wires))
    def energy() -> object:
        read_circuit()
        return qml.expval(hamiltonian.operation(wire_order=range(wires)))

    return float(energy())


def by_pennylane_2(text: str, terms: Terms) -> float:
    """OpenQASM 2, by the plugin that PennyLane reads it with."""
    return by_pennylane(lambda t: lambda: qml.from_qasm(t)(wires=range(len(terms[0][0]))), text, terms)


def by_pennylane_3(text: str, terms: Terms) -> float:
    """OpenQASM 3, by PennyLane's own reader."""
    return by_pennylane(lambda t: qml.from_qasm3(t), text, terms)


def energies(text: str) -> dict[str, float | str]:
    """Return what each tool says of one file."""
    terms = terms_of(text)
    if not terms:
        raise ValueError("no Hamiltonian in the comments")
    pennylane = by_pennylane_2 if text.startswith("OPENQASM 2") else by_pennylane_3
    out: dict[str, float | str] = {}
    for tool, measure in (("cirq", by_cirq), ("pytket", by_pytket), ("pennylane", pennylane)):
        try:
            out[tool] = measure(text, terms)
        except Exception as error:  # whatever a tool raises is what is to be reported
            out[tool] = f"{type(error).__name__}: {error}"[:200]
    return out


if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).glob("*.qasm"))
    print(json.dumps({path.name: energies(path.read_text()) for path in files}))
