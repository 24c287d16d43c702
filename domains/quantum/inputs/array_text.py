"""Arrays as programs print and people type them: blanks between numbers, folded rows, tensor(..), 1/sqrt(2).

Blanks leave open whether ``0.6 -0.8j`` is one number or two: numpy pads complex numbers so, people write two real
numbers so. The shape decides; where both readings have one that fits, the text is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from domains.quantum.inputs.literals import body_of, read_literal
from domains.quantum.inputs.text import number_in, number_of, quoted
from poets_core.errors import InvalidTable

MOST_CELLS = 20_000
"""Numbers and marks of an array; a state of 12 qubits has 4,096 numbers."""
WORDS = {"i": 1j, "j": 1j, "I": 1j}
WRAPPERS = ("array", "asarray", "matrix", "tensor", "Tensor", "Array", "Statevector", "Operator", "list", "tuple")
_EXPRESSION = re.compile(r"[\w.+\-*/^()√ '\"]{1,120}")
_IMAGINARY = re.compile(r"[ijIJ](?![A-Za-z(])")
_OPENED = re.compile(r"[A-Za-z_][\w.]{0,40}[ \n]{0,9}\(")
_CLOSED = re.compile(
    r"(?:\s{0,99},\s{0,99}(?:[a-z_]{1,30}\s{0,9}=\s{0,9}(?:\([\d, ]{0,60}\)|'[^'\n]{0,40}'|<[^<>\n]{0,60}>|[\w.]{1,40})"
    r"|\([\d, ]{0,60}\)))"
    r"{0,8}\s{0,99},?\s{0,99}\)"
)
"""``, dims=(2, 2), dtype=complex64)`` behind an array."""
Fits = Callable[[Any], bool]


def number_at(text: str) -> complex | None:
    """Return the number that a cell is, also ``-i``, ``1/sqrt(2)`` or ``np.complex128(0.5+0j)``; None where it is none.

    A sum of two real numbers, or of three, is none: between them a comma is missing, as likely as not.
    """
    text = text.strip().strip("'\"")
    if (found := number_in(text)) is not None:
        return found
    if not _EXPRESSION.fullmatch(text) or (signs := _sums(text)) > 1 or (signs and not _IMAGINARY.search(text)):
        return None
    try:
        return number_of(read_literal(text, "a number", words=WORDS))
    except InvalidTable:
        return None


def _sums(text: str) -> int:
    """Return how many signs stand between two terms, outside of brackets."""
    depth = count = 0
    for at, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        before = text[:at].rstrip()[-1:]
        power = before in "eE" and text[:at].rstrip()[-2:-1].isdigit()
        if c in "+-" and depth == 0 and before and before not in "*/^(+-" and not power:
            count += 1
    return count


def joined(chunks: Sequence[str], *, padded: bool) -> list[str]:
    """Return the cells of words that blanks separate.

    ``0.6 + 0.8i`` and ``1 / 2`` are one cell.

    Args:
        chunks: without blanks outside of brackets.
        padded: whether ``0.6  -0.8j`` is one cell as well, as numpy prints complex numbers.
    """
    cells: list[str] = []
    glue = False
    for chunk in chunks:
        bare = chunk in ("+", "-", "*", "/") and bool(cells)
        if bare or glue or (padded and cells and _is_part(cells[-1], chunk)):
            cells[-1] += chunk
        else:
            cells.append(chunk)
        glue = bare or (len(chunk) > 1 and chunk[-1] in "+-*/") or (len(cells) == 1 and chunk in ("+", "-"))
    return cells


def _is_part(cell: str, chunk: str) -> bool:
    """Whether a word is the imaginary part of the real number before it."""
    if chunk[0] not in "+-" or chunk[-1] not in "ijJ":
        return False
    number = number_in(cell)
    return number is not None and number.imag == 0 and cell[-1] not in "ijJ)"


def is_padded(rows: Sequence[Sequence[str]]) -> bool:
    """Whether every number of all rows has an imaginary part, somewhere one behind blanks: numpy prints so."""
    behind = False
    for row in rows:
        cells = joined(row, padded=True)
        if not all(cell[-1] in "ijJ)" and len(cell) > 2 for cell in cells):
            return False
        behind = behind or len(cells) < len(joined(row, padded=False))
    return behind


def read_printed(text: str, what: str, fits: Fits) -> Any:
    """Return the nested lists of complex numbers of an array in square brackets.

    Args:
        text: commas or blanks between cells, ``;`` between the rows of MATLAB; names such as ``tensor(``, a factor
            before it or behind it, and ``name =`` are read.
        what: it is, for messages.
        fits: whether nested lists have a shape that can be meant.

    Raises:
        InvalidTable: it is none, was cut short, or has two readings that fit.
    """
    text, factor = _inner(body_of(text).strip(), what)
    tree = _tree(text, what)
    rows = list(_leaves(tree))
    readings = [_resolved(tree, padded=False, what=what)]
    if is_padded(rows):
        readings.append(_resolved(tree, padded=True, what=what))
    good = [reading for reading in readings if fits(reading)]
    if len(good) == 2 and good[0] != good[1]:
        # Nobody writes a plus before a number that stands alone.
        if not any(chunk[0] == "+" and len(chunk) > 1 for row in rows for chunk in row):
            raise two_readings(what, next(c for row in rows for c in joined(row, padded=True) if c not in row))
        good = good[1:]
    return _numbers(good[0] if good else readings[-1], factor, what)


def two_readings(what: str, cell: str) -> InvalidTable:
    """Return the error where blanks may or may not separate."""
    return InvalidTable(
        f"Expected {what} with commas between the numbers, got blanks: {quoted(cell)} can be one complex number or two "
        "numbers. Put commas between them."
    )


def _inner(text: str, what: str) -> tuple[str, complex]:
    """Return the array in square brackets, and the number before or behind it that it is multiplied by."""
    if "Qobj data" in text[:2000]:
        if re.search(r"type\s{0,9}=\s{0,9}'?bra", text[:2000]):
            raise InvalidTable(f"Expected a ket or an operator as {what}, got a bra. Print its conjugate transpose.")
        text = text.split("Qobj data", 1)[1].lstrip(" =\n")
    begin, end = text.find("["), text.rfind("]")
    if begin < 0 or end < begin:
        raise InvalidTable(f"Expected {what} in square brackets, got {quoted(text)}.")
    head, tail, factor = text[:begin].strip(), text[end + 1 :], 1 + 0j
    before = re.match(r"([^*\n]{1,60})\*\s{0,9}(?=[A-Za-z]|$)", head)
    if before and (number := number_at(before[1])) is not None:
        head, factor = head[before.end() :], number
    while head or tail.lstrip()[:1] in (")", ","):
        opened, closed = _OPENED.match(head), _CLOSED.match(tail)
        if not opened or not closed or opened[0][:-1].strip().split(".")[-1] not in WRAPPERS:
            raise InvalidTable(
                f"Expected {what} alone, such as [[0, 1], [1, 0]], got "
                f"{quoted(text[:begin] + '[..]' + text[end + 1 :])}."
                " Print its numbers and paste those."
            )
        head, tail = head[opened.end() :].strip(), tail[closed.end() :]
    tail = tail.strip().rstrip(";").strip()
    if tail:
        behind = number_at(tail[1:]) if tail[0] in "*/" and not _sums(tail[1:]) else None
        if behind is None or (tail[0] == "/" and (behind == 0 or re.search(r"[*/]", tail[1:]))):
            raise InvalidTable(f"Expected nothing after {what}, got {quoted(tail)}.")
        factor = factor * behind if tail[0] == "*" else factor / behind
    return text[begin : end + 1], factor


def _tree(text: str, what: str) -> list[Any]:
    """Return nested lists of words, ``","`` and ``";"``."""
    stack: list[list[Any]] = [[]]
    for count, token in enumerate(_words(text, what)):
        if count >= MOST_CELLS:
            raise InvalidTable(f"Expected {what} of at most {MOST_CELLS:,} numbers and marks, got more.")
        if token == "[":
            if len(stack) > 4:
                raise InvalidTable(f"Expected {what} at most 4 brackets deep, got more.")
            stack.append([])
        elif token == "]":
            if len(stack) < 2:
                raise InvalidTable(f"Expected {what} with a '[' for every ']', got one more ']'.")
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    if len(stack) != 1 or len(stack[0]) != 1:
        raise InvalidTable(f"Expected one array as {what}, got {quoted(text)}. Is a bracket missing?")
    found = stack[0][0]
    return found if isinstance(found, list) else [found]


def _words(text: str, what: str) -> list[str]:
    """Return brackets, commas, semicolons, and what stands between them and blanks; round brackets hold together."""
    found: list[str] = []
    word, depth = "", 0
    for part in re.findall(r"[\[\],;]|\(|\)|\s+|[^\[\],;()\s]+", text):
        depth += (part == "(") - (part == ")")
        if depth > 0 or part in "()" or part.strip() not in ("", "[", "]", ",", ";"):
            word += " " if not part.strip() else part
            if len(word) > 200:
                raise InvalidTable(f"Expected numbers in {what}, got {quoted(word)}.")
            continue
        found += [word] * bool(word)
        word = ""
        found += [part] * bool(part.strip())
    return [*found, *([word] * bool(word))]


def _leaves(tree: list[Any]) -> list[list[str]]:
    """Return the rows of words that blanks alone separate."""
    if any(isinstance(item, list) for item in tree):
        return [row for item in tree if isinstance(item, list) for row in _leaves(item)]
    parts: list[list[str]] = [[]]
    for item in tree:
        if item in (",", ";"):
            parts.append([])
        else:
            parts[-1].append(item)
    return [part for part in parts if part]


def _resolved(tree: list[Any], *, padded: bool, what: str) -> list[Any]:
    """Return nested lists of cells."""
    if any(isinstance(item, list) for item in tree):
        wrong = next((i for i in tree if not isinstance(i, list) and i not in (",", ";")), None)
        if wrong is not None:
            raise InvalidTable(f"Expected rows in brackets in {what}, got {quoted(wrong)} between them.")
        return [_resolved(i, padded=padded, what=what) for i in tree if isinstance(i, list)]
    if ";" in tree:
        rows: list[list[Any]] = [[]]
        for item in tree:
            if item == ";":
                rows.append([])
            else:
                rows[-1].append(item)
        return [_resolved(row, padded=padded, what=what) for row in rows if row]
    if "," not in tree:
        return joined(tree, padded=padded)
    cells = []
    for part in _leaves(tree):
        cell = joined(part, padded=True)
        if len(cell) != 1:
            raise InvalidTable(f"Expected commas between all numbers of a row of {what}, got {quoted(' '.join(part))}.")
        cells += cell
    return cells


def _numbers(value: Any, factor: complex, what: str) -> Any:
    if isinstance(value, list):
        return [_numbers(item, factor, what) for item in value]
    if value in ("...", "…"):
        raise InvalidTable(
            f"Expected every number of {what}, got it cut short by '...'. Print all of it: "
            "np.set_printoptions(threshold=100_000)."
        )
    number = number_at(value)
    if number is None:
        raise InvalidTable(f"Expected a number such as 0.5 or 0.5+0.5j in {what}, got {quoted(value)}.")
    return number * factor if factor != 1 else number


def decimal_commas(rows: Sequence[Sequence[str]], what: str) -> list[list[str]] | None:
    """Return cells with decimal points where they have decimal commas; None where no cell has.

    Args:
        rows: cells that semicolons or tabs separate.
        what: they are, for messages.

    Raises:
        InvalidTable: another cell has a point, which may then set thousands apart.
    """
    if not any("," in cell for row in rows for cell in row):
        return None
    found = []
    for row in rows:
        found.append([re.sub(r"(?<=\d),(?=\d)", ".", cell) for cell in row])
        for cell, point in zip(row, found[-1], strict=True):
            if "." in cell and number_at(cell) is not None:
                raise InvalidTable(
                    f"Expected one decimal mark in {what}, got {quoted(cell)} beside decimal commas: its point may be "
                    "a decimal mark or set thousands apart. Write all numbers alike."
                )
            if "," in point or ("," in cell and number_at(point) is None):
                return None
    return found


def split_cells(line: str, mark: str) -> list[str]:
    """Return the stripped cells of a line, without quotes around them."""
    return [cell.strip().strip("\"'").strip() for cell in line.split(mark)]


def mark_of(lines: Sequence[str]) -> str:
    """Return the semicolon or tab that stands in every line, ``""`` where neither does."""
    return next((mark for mark in ";\t" if lines and all(mark in line for line in lines)), "")
