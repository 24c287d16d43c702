"""OpenQASM 3 from anyone, read without harm.

The text is scanned against a whitelist first: a header, `stdgates.inc`, one
register, and calls of the language's gates. Includes of other files, gate
definitions, control flow, huge registers and deep nesting never reach a
parser. Only then does Qiskit parse it, and its gates become words.
"""

from __future__ import annotations

import math
import re

from domains.packages import needed_for
from domains.quantum.circuit import FREE, G1, G2, LEVELS, MAX_BYTES, R1, Language, Op, level_of
from domains.quantum.entries import INSTALL
from poets_core.errors import InvalidDesign

MAX_QUBITS = 24
MAX_OPERATIONS = 2000
MAX_NESTING = 8
TOLERANCE = 1e-9
_HEADER = re.compile(r"OPENQASM\s+3(\.\d)?")
_INCLUDE = re.compile(r'include\s+"stdgates\.inc"')
_REGISTER = re.compile(r"qubit\[(\d{1,9})\]\s+[A-Za-z_]\w{0,30}")
_WIRE = r"[A-Za-z_]\w{0,30}\[\d{1,9}\]"
_CALL = re.compile(
    rf"({'|'.join((*G1, *R1, *G2))})\s*(?:\(([0-9eE.+\-*/ pi()\t]{{1,200}})\))?\s*{_WIRE}(?:\s*,\s*{_WIRE})?"
)
_COMMENT = re.compile(r"//[^\n]*")


def scan(text: str) -> None:
    """Check a text against the rules for untrusted OpenQASM 3, without parsing it.

    At most 64 kB, one register of at most 24 qubits, at most 2,000 operations
    of the language's gates, `stdgates.inc` only, no definitions, parentheses at
    most 8 deep.

    Raises:
        InvalidDesign: names the statement; quotes at most 40 characters of it.
    """
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise InvalidDesign(f"Expected at most {MAX_BYTES} bytes of OpenQASM, got {len(text)} characters.")
    if "/*" in text:
        raise InvalidDesign("Expected // comments only, got a block comment. Remove it.")
    statements = [part.strip() for part in _COMMENT.sub("", text).split(";")]
    if statements.pop():
        raise InvalidDesign("Expected every statement to end with ';', got text after the last one.")
    if not statements or not _HEADER.fullmatch(statements[0]):
        raise InvalidDesign("Expected 'OPENQASM 3.0;' first. Convert the file to OpenQASM 3.")
    registers = operations = 0
    for number, statement in enumerate(statements[1:], start=2):
        shown = f"statement {number}: {statement[:40]!r}"
        if register := _REGISTER.fullmatch(statement):
            registers += 1
            if not 1 <= int(register[1]) <= MAX_QUBITS or registers > 1:
                raise InvalidDesign(f"Expected one register of 1 to {MAX_QUBITS} qubits, got {shown}.")
        elif call := _CALL.fullmatch(statement):
            operations += 1
            if operations > MAX_OPERATIONS:
                raise InvalidDesign(f"Expected at most {MAX_OPERATIONS} operations, got more.")
            if _nesting(call[2] or "") > MAX_NESTING:
                raise InvalidDesign(f"Expected parentheses at most {MAX_NESTING} deep, got more in {shown}.")
        elif not _INCLUDE.fullmatch(statement):
            raise InvalidDesign(
                f'Expected include "stdgates.inc", a register or a gate of h x s sdg t rx ry rz cx cz, got {shown}. '
                "Transpile to these gates; definitions, measurements and other includes are not read."
            )


def _nesting(expression: str) -> int:
    depth = deepest = 0
    for character in expression:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def read_circuit(text: str, language: Language) -> tuple[list[Op], list[float]]:
    """Scan, parse by Qiskit, and map gates to the language, in the file's order.

    Args:
        text: OpenQASM 3.
        language: levels must be met to 1e-9; in a language of free angles any finite angle is.

    Returns:
        Gates, and the radians of the free ones in gate order.

    Raises:
        InvalidDesign: a rule of `scan` is broken, Qiskit cannot parse the text,
            or an angle or the register does not fit. Budgets are left to `decode`.
    """
    scan(text)
    with needed_for("reading OpenQASM", INSTALL):
        import qiskit_qasm3_import  # noqa: F401  Qiskit's parser, a package of its own
        from qiskit import qasm3

    try:
        circuit = qasm3.loads(_COMMENT.sub("", text))
    except Exception as error:
        # Three packages parse and each has its own errors; whatever they raise, the text is at fault.
        # Their messages quote the input, so none is passed on.
        raise InvalidDesign("Expected OpenQASM 3 that Qiskit parses, got a syntax or type error in it.") from error
    if circuit.num_qubits != language.qubits:
        raise InvalidDesign(f"Expected {language.qubits} qubits, got {circuit.num_qubits}.")
    ops: list[Op] = []
    angles: list[float] = []
    for instruction in circuit.data:
        gate = instruction.operation.name
        qubits = tuple(int(circuit.find_bit(bit).index) for bit in instruction.qubits)
        if gate not in R1:
            ops.append(Op(gate, qubits))
            continue
        angle = float(instruction.operation.params[0])
        if not math.isfinite(angle):
            raise InvalidDesign(f"Expected finite angles, got {angle} at gate {len(ops) + 1}.")
        if language.free:
            angles.append(angle)
        level = FREE if language.free else level_of(angle)
        if level != FREE and abs(math.remainder(angle - 2 * math.pi * level / LEVELS, 2 * math.pi)) > TOLERANCE:
            raise InvalidDesign(f"Expected multiples of 2 pi / {LEVELS} as angles, got {angle} at gate {len(ops) + 1}.")
        ops.append(Op(gate, qubits, level))
    return ops, angles
