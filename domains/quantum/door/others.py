"""What is pasted in the place of a circuit and is none that is read: Python, drawings, other languages; with advice."""

from __future__ import annotations

import re

from domains.quantum.circuit import GATES
from poets_core.errors import InvalidDesign
from poets_core.intake import shown

WRITE = (
    "Write the circuit as OpenQASM, e.g. with qiskit.qasm3.dumps(circuit), cirq.qasm(circuit) or "
    "pytket.qasm.circuit_to_qasm_str(circuit)."
)
_PYTHON = re.compile(r"(?:from|import)[ \t]+\w|[A-Za-z_]\w{0,60}[ \t]*=[^=]|@\w|def[ \t]+\w|for[ \t]+\w+[ \t]+in\b")
_DRAWN = re.compile("[\u2500-\u257f\u25a0-\u25ff]|-{3,}")
"""Lines and boxes; three dashes are a wire of plain characters."""
_OTHERS = {"DECLARE": "Quil", "DEFGATE": "Quil", "PRAGMA": "Quil", "RESET": "Quil", "version": "cQASM"}


def refuse_others(text: str) -> None:
    """Name what is no OpenQASM at all, by its beginning.

    Raises:
        InvalidDesign: it is none; quotes at most 30 characters.
    """
    start = text.lstrip("\ufeff \t\r\n")[:80]
    other = ""
    if not start:
        other = "an empty text"
    elif start[0] in "{[":
        other = "JSON"
    elif start.startswith("QISKIT"):
        other = "QPY, which can run code when it is loaded"
    elif re.match(r"(?:from|import)\s+\w", start):
        other = "Python"
    elif ";" not in text:
        other = _kind(text) or f"a text without ';', {shown(start, 30)}"
    if other:
        raise InvalidDesign(f"Expected OpenQASM 2 or 3, got {other}. {WRITE}")


def refuse_other_words(text: str) -> None:
    """Name what is neither words of the grammar nor calls of gates, by the first line of its kind.

    Raises:
        InvalidDesign: it is neither; quotes at most 40 characters.
    """
    other = _kind(text)
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if not other and first.lower() in {*GATES, "cnot"} and first not in GATES and "(" not in first:
        other = f"the gate {first!r} of another language"
    if other:
        raise InvalidDesign(
            f"Expected gates as words such as 'ry 2 a*' and 'cx 0 1', as lines such as 'qc.cx(0, 1)' alone, or "
            f"OpenQASM, got {other}. {WRITE}"
        )


def _kind(text: str) -> str:
    """Return what a text is, in words, with its first telling line; ``""`` where it may be words of the grammar."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if drawn := _DRAWN.search(line[:2000]):
            return f"a drawing (line {number} holds {drawn[0][:3]!r})"
        if _PYTHON.match(line):
            return f"Python (line {number}: {shown(line, 40)})"
        if (word := line.partition(" ")[0]) in _OTHERS:
            return f"{_OTHERS[word]} (line {number}: {shown(line, 40)})"
    return ""
