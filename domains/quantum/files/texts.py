"""OpenQASM 3 and 2: a file for every circuit, with what it is in its comments."""

from __future__ import annotations

from domains.quantum.files.facts import Circuit, Source, as_json, facts_of, gates_of, lines_of

MARK = "// poets: "
"""Begins the line that a program reads."""
HEADS = {
    "qasm3": 'OPENQASM 3.0;\ninclude "stdgates.inc";\n',
    # All ten gates are in qelib1.inc, so that readers of version 2 need no definitions.
    "qasm2": 'OPENQASM 2.0;\ninclude "qelib1.inc";\n',
}
REGISTERS = {"qasm3": "qubit[{0}] q;", "qasm2": "qreg q[{0}];"}


def qasm_text(source: Source, circuit: Circuit, format: str, *, terms: bool, elsewhere: str = "") -> str:
    """Return OpenQASM of one circuit; angles keep every digit.

    Args:
        source, circuit: what is written.
        format: ``"qasm3"`` or ``"qasm2"``.
        terms, elsewhere: see `facts.lines_of`.
    """
    lines = [HEADS[format] + MARK + as_json(facts_of(source, circuit))]
    lines += [f"// {line}" for line in lines_of(source, circuit, terms=terms, elsewhere=elsewhere)]
    lines.append(REGISTERS[format].format(source.energy.language.qubits))
    for gate, qubits, angle in gates_of(source, circuit):
        wires = ", ".join(f"q[{q}]" for q in qubits)
        lines.append(f"{gate} {wires};" if angle is None else f"{gate}({real(angle)}) {wires};")
    return "\n".join(lines) + "\n"


def real(angle: float) -> str:
    """Return a number that reads back equal, with the point that OpenQASM 2 wants before an exponent."""
    digits, e, exponent = repr(float(angle)).partition("e")
    return f"{digits}{'' if '.' in digits else '.0'}{e}{exponent}"
