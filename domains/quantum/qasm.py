"""OpenQASM 3 from anyone, read without harm.

The text is scanned against a whitelist first: a header, `stdgates.inc`, one
register, and calls of the language's gates. Includes of other files, gate
definitions, control flow, huge registers and deep nesting never reach a
parser. Only then does Qiskit parse it, and its gates become words.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable

from domains.packages import needed_for
from domains.quantum.circuit import FREE, G1, G2, LEVELS, MAX_BYTES, R1, Language, Op, level_of
from domains.quantum.entries import INSTALL
from poets_core.errors import InvalidDesign
from poets_core.intake import shown

MAX_QUBITS = 24
MAX_OPERATIONS = 500
MAX_NESTING = 8
MAX_STATEMENT = 500
"""Characters: every pattern below looks at so many at most, and at each of them a few times."""
TOLERANCE = 1e-9
_HEADER = re.compile(r"OPENQASM\s+3(\.\d)?")
_INCLUDE = re.compile(r'include\s+"stdgates\.inc"')
_REGISTER = re.compile(r"qubit\[(\d{1,9})\]\s+([A-Za-z_]\w{0,30})")
_WIRE = r"([A-Za-z_]\w{0,30})\[(\d{1,9})\]"
# Possessive (`*+`): white space that was read is never given back, to be read again as other white space.
_CALL = re.compile(
    rf"({'|'.join((*G1, *R1, *G2))})\b\s*+(?:\(([0-9eE.+\-*/ pi()\t]{{1,200}})\))?\s*+{_WIRE}(?:\s*+,\s*+{_WIRE})?"
)
_COMMENT = re.compile(r"//[^\n]*")
_SIGNS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
"""What an angle may be made of; no powers, since 9**9**9 never ends."""


def scan(text: str) -> int:
    """Check a text against the rules for untrusted OpenQASM 3, without a parser for it.

    At most 64 kB, one register of at most 24 qubits, at most 500 operations
    of the language's gates on its wires, `stdgates.inc` only, no definitions,
    finite angles, parentheses at most 8 deep. Takes time in proportion to the text.

    Returns:
        qubits of the register.

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
    if not statements or len(statements[0]) > MAX_STATEMENT or not _HEADER.fullmatch(statements[0]):
        raise InvalidDesign("Expected 'OPENQASM 3.0;' first. Convert the file to OpenQASM 3.")
    registers: list[tuple[str, int]] = []
    operations = 0
    for number, statement in enumerate(statements[1:], start=2):
        where = f"statement {number}: {shown(statement)}"
        if len(statement) > MAX_STATEMENT:
            raise InvalidDesign(f"Expected statements of at most {MAX_STATEMENT} characters, got {where}.")
        if register := _REGISTER.fullmatch(statement):
            registers.append((register[2], int(register[1])))
            if not 1 <= registers[0][1] <= MAX_QUBITS or len(registers) > 1:
                raise InvalidDesign(f"Expected one register of 1 to {MAX_QUBITS} qubits, got {where}.")
        elif call := _CALL.fullmatch(statement):
            operations += 1
            if operations > MAX_OPERATIONS:
                raise InvalidDesign(f"Expected at most {MAX_OPERATIONS} operations, got more.")
            _check_call(call, registers, where)
        elif not _INCLUDE.fullmatch(statement):
            raise InvalidDesign(
                f'Expected include "stdgates.inc", a register or a gate of h x s sdg t rx ry rz cx cz, got {where}. '
                "Transpile to these gates; definitions, measurements and other includes are not read."
            )
    if not operations:
        raise InvalidDesign("Expected a register and gates on it, got none.")
    return registers[0][1]


def _check_call(call: re.Match[str], registers: list[tuple[str, int]], where: str) -> None:
    """Check wires and angle of a gate."""
    gate, angle, *wires = call.groups()
    used = [(wires[i], int(wires[i + 1])) for i in (0, 2) if wires[i] is not None]
    if not registers or any(name != registers[0][0] or at >= registers[0][1] for name, at in used):
        raise InvalidDesign(f"Expected wires of a register that was declared before, got {where}.")
    if len(used) != 1 + (gate in G2) or len(set(used)) < len(used) or (angle is not None) != (gate in R1):
        raise InvalidDesign(f"Expected a gate on its own number of different wires, an angle if it turns, got {where}.")
    if angle is not None:
        if _nesting(angle) > MAX_NESTING:
            raise InvalidDesign(f"Expected parentheses at most {MAX_NESTING} deep, got more in {where}.")
        if not _finite(angle):
            raise InvalidDesign(f"Expected finite angles of numbers, pi and + - * /, got {where}.")


def _finite(angle: str) -> bool:
    """Whether an angle of at most 200 characters can be computed."""
    try:
        return math.isfinite(_value(ast.parse(angle.strip(), mode="eval").body))
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return False


def _value(node: ast.expr) -> float:
    """Return the value of an expression of numbers, pi and signs.

    Raises:
        ValueError: anything else is in it.
    """
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id="pi"):
            return math.pi
        case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=inner):
            return _value(inner) * (-1 if isinstance(sign, ast.USub) else 1)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)](_value(left), _value(right))
    raise ValueError("neither a number, pi nor a sign")


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
    size = scan(text)
    if size != language.qubits:
        raise InvalidDesign(f"Expected {language.qubits} qubits, got {size}.")
    with needed_for("reading OpenQASM", INSTALL):
        import qiskit_qasm3_import  # noqa: F401  Qiskit's parser, a package of its own
        from qiskit import qasm3

    try:
        circuit = qasm3.loads(_COMMENT.sub("", text))
    except Exception as error:
        # Three packages parse and each has its own errors; whatever they raise, the text is at fault.
        # Their messages quote the input, so none is passed on.
        raise InvalidDesign("Expected OpenQASM 3 that Qiskit parses, got a syntax or type error in it.") from error
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
