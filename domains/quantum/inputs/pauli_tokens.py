"""The tokens of a sum of Pauli strings, and which of its lines hold the letters first and the coefficient last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from domains.quantum.inputs.pauli_terms import LETTER, UNITS, WIRE
from domains.quantum.inputs.text import REAL, UNSIGNED, number_in

_UNIT = r"(?:[jJ]|i(?![IXYZixyz\w]))"
_TOKEN = re.compile(
    rf"(?P<space>[^\S\n]+)"
    rf"|(?P<scalar>(?:(?:np|numpy)\.)?(?:float|complex)\d{{0,3}}(?=\())"
    rf"|(?P<number>\(\s{{0,9}}{REAL}\s{{0,9}}(?:[-+]\s{{0,9}}{UNSIGNED})?[jJi]\s{{0,9}}\)|\(\s{{0,9}}{REAL}\s{{0,9}}\)"
    rf"|{UNSIGNED}[-+]{UNSIGNED}{_UNIT}|{UNSIGNED}{_UNIT}?)(?![\d.])"
    rf"|(?P<units>{UNITS})"
    rf"|(?P<factor>{LETTER}{WIRE})"
    rf"|(?P<unit>(?:(?:qml|qp|pennylane|cirq)\.)?(?:Identity(?!\w)(?:\(\s{{0,9}}\))?|I\(\s{{0,9}}\))|\[\s{{0,9}}\])"
    r"|(?P<small>i(?!\w))|(?P<label>[IXYZixyz]{1,400}+(?!\w))"
    r"|(?P<times>\*(?!\*)|[/@·⋅⊗∙^×])|(?P<sign>[-+])|(?P<open>[\[(])|(?P<close>[\])])|(?P<newline>\n)"
    r"|(?P<name>[A-Za-z_][\w.]{0,60})|(?P<other>.)"
)
_LETTERS = ("factor", "unit", "units", "label", "open", "close", "times")


class Token(NamedTuple):
    """A token, and whether blanks stand before and behind it."""

    kind: str
    text: str
    at: int
    apart: bool = False
    followed: bool = False


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text without its blanks.

    A coefficient at the end of a line of letters is one token of the kind ``"last"``, its sign and ``:`` included.
    """
    found = [(m.lastgroup or "", m[0], m.start()) for m in _TOKEN.finditer(text)]
    spaces = [kind in ("space", "newline") for kind, _, _ in found] + [True]
    kept = [
        Token(kind, token, at, spaces[k - 1] if k else True, spaces[k + 1])
        for k, (kind, token, at) in enumerate(found)
        if kind not in ("space", "scalar")
    ]
    tokens: list[Token] = []
    begun = 0
    for token in [*kept, Token("newline", "", len(text))]:
        if token.kind == "newline":
            tokens[begun:] = _coefficient_last(tokens[begun:])
            begun = len(tokens) + 1
        tokens.append(token)
    return tokens[:-1]


def difference_in(tokens: Sequence[Token]) -> Token | None:
    """Return the first token of ``XX - 0.5`` that stands on a line of its own among other lines, None for none.

    It may be XX - 0.5 times the identity, or -0.5 XX in columns. Lines that a sign joins are one sum.
    """
    lines: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "newline":
            lines.append([])
        else:
            lines[-1].append(token)
    lines = [line for line in lines if line]
    depth = 0
    for k, line in enumerate(lines):
        kinds = [t.kind for t in line if t.text not in (",", ";")]
        joined = (k > 0 and lines[k - 1][-1].kind == "sign") or (k + 1 < len(lines) and lines[k + 1][0].kind == "sign")
        letters = kinds[:-2]
        if (
            not (depth or joined or len(lines) < 2)
            and kinds[-2:] == ["sign", "number"]
            and {"factor", "unit", "units", "label"} & set(letters)
            and set(letters) <= set(_LETTERS)
        ):
            return line[0]
        depth += kinds.count("open") - kinds.count("close")
    return None


def _coefficient_last(line: list[Token]) -> list[Token]:
    """Return the tokens of a line, a coefficient behind its letters as one token."""
    # IIZ 0.5, as the line of a list: the comma ends it.
    head, numbers = line[:-1] if line and line[-1].text in (",", ";") else line, list[str]()
    # XXI -0.5, XXI: 0.5, and XXI 0.5 0.0 with the imaginary part; XXI - 0.5 is a difference.
    while len(numbers) < 2 and len(head) > 1 and head[-1].kind == "number":
        signed = head[-2].kind == "sign" and head[-2].apart and not head[-2].followed
        first = head[-2] if signed else head[-1]
        if not (first.apart or head[-3 if signed else -2].text in ":="):
            break
        numbers.insert(0, (head[-2].text if signed else "") + head[-1].text)
        head = head[: -2 if signed else -1]
    mark = head[-1].text if head and numbers else ""
    letters = head[:-1] if mark in (":", "=") and mark else head
    kinds = [t.kind for t in letters]
    if not numbers or not kinds or any(k not in _LETTERS for k in kinds) or kinds[-1] == "times" or kinds[0] == "times":
        return line
    if kinds.count("open") != kinds.count("close") or not {"factor", "unit", "units", "label"} & set(kinds):
        return line
    if len(numbers) == 2 and any(number_in(n) is None or (number_in(n) or 0j).imag for n in numbers):
        return line
    at = line[len(letters)].at
    return [*letters, Token("last", "\n".join(numbers), at, True, True)]
