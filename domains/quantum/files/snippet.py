"""A circuit as a few lines of Python for Qiskit: generated text, which nothing here ever runs."""

from __future__ import annotations

import ast

from domains.quantum.files.facts import Circuit, Source, gates_of, lines_of
from poets_core.errors import InvalidDesign


def snippet(source: Source, circuit: Circuit) -> str:
    """Return Python that builds the circuit and its Hamiltonian or target, and prints its energy or minus its fidelity.

    Names stand in the docstring alone, escaped; what is code holds words of the language and numbers. The text is
    parsed again, and its calls are compared with the circuit.

    Raises:
        InvalidDesign: the text does not read as the circuit.
    """
    said = "\n".join(lines_of(source, circuit, terms=False, elsewhere="below"))
    gates = gates_of(source, circuit)
    calls = [
        f"circuit.{gate}({', '.join(map(repr, qubits if angle is None else (float(angle), *qubits)))})"
        for gate, qubits, angle in gates
    ]
    text = "\n".join(
        [
            f'"""A circuit found by POETS.\n\n{_quoted(said)}\n"""\n',
            "from qiskit import QuantumCircuit",
            "from qiskit.quantum_info import Operator, SparsePauliOp, Statevector\n",
            f"circuit = QuantumCircuit({source.energy.language.qubits})",
            *calls,
            *_judged(source),
        ]
    )
    if _read(text) != gates:
        raise InvalidDesign(f"Expected a snippet that reads as circuit {circuit.record.id[:40]!r}, got another.")
    return text


def _judged(source: Source) -> list[str]:
    """Return the lines that print the energy, or minus the fidelity."""
    if not source.target:
        return [
            "\nhamiltonian = SparsePauliOp.from_list(",
            "    [",
            *(f'        ("{label}", {coefficient!r}),' for label, coefficient in source.terms),
            "    ]",
            ")",
            "\nprint(float(Statevector(circuit).expectation_value(hamiltonian).real))\n",
        ]
    unitary = source.energy.observable.idle > 0
    made = "Operator(circuit).data.T.ravel()" if unitary else "Statevector(circuit).data"
    share = "abs(overlap / 2**circuit.num_qubits) ** 2" if unitary else "abs(overlap) ** 2"
    return [
        "\ntarget = [",
        *(f"    complex({real!r}, {imaginary!r})," for real, imaginary in source.target),
        "]",
        f"overlap = sum(t.conjugate() * a for t, a in zip(target, {made}))",
        f"print(-float({share}))\n",
    ]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _read(text: str) -> list[tuple[str, tuple[int, ...], float | None]]:
    """Return the gates that a snippet's calls name, by its syntax tree."""
    gates: list[tuple[str, tuple[int, ...], float | None]] = []
    for line in ast.parse(text).body:
        match line:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="circuit"), attr=gate), args=args)):
                values = [ast.literal_eval(a) for a in args]
                turns = isinstance(values[0], float)
                gates.append((gate, tuple(values[turns:]), values[0] if turns else None))
    return gates
