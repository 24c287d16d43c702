"""One term of somebody's Hamiltonian as it was written: a label or indexed letters, a coefficient, and its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from domains.quantum.inputs.text import number_of, quoted
from poets_core.errors import InvalidTable

MAX_TERMS = 20_000
WIRE = r"(?:\(\s{0,9}(?:q\(\s{0,9}\d{1,9}\s{0,9}\)|q_?\d{1,9}|\d{1,9})\s{0,9}\)|\[\d{1,9}\]|_?\d{1,9})"
"""The qubit of a letter: Z0, Z_0, Z[0], Z(0), Z(q(0)), Z(q_0)."""
FACTOR = re.compile(rf"(?:Pauli)?([IXYZixyz])({WIRE})")
IDENTITY = re.compile(r"\s*(?:[Ii](?:dentity)?(?:\(\s{0,9}\))?)?\s*")
_LABEL = re.compile(r"[IXYZixyz]+")
_BETWEEN = re.compile(r"[\s*@·⊗∙^.]*")


@dataclass(frozen=True)
class Term:
    """One term as it was written.

    Attributes:
        where: it stood, for messages: ``"term 3"`` or ``"line 3"``.
        text: what was written, for messages.
        coefficient: as written.
        label: letters IXYZ, one per qubit, in the order written; ``""`` where `factors` are given.
        factors: (letter, qubit), one per qubit named; empty for the identity.
    """

    where: str
    text: str
    coefficient: complex
    label: str = ""
    factors: tuple[tuple[str, int], ...] = ()


def factors_of(text: str) -> tuple[tuple[str, int], ...] | None:
    """Return the (letter, qubit) of ``X0 Z3``, ``X(0) @ Z(3)`` or ``PauliX(0)*PauliZ(3)``; None where it is another."""
    at, found = _BETWEEN.match(text).end(), []  # type: ignore[union-attr]
    while at < len(text):
        match = FACTOR.match(text, at)
        if match is None:
            return None
        found.append((match[1].upper(), int(re.sub(r"\D", "", match[2]))))
        at = _BETWEEN.match(text, match.end()).end()  # type: ignore[union-attr]
    return tuple(found)


def make_term(where: str, text: str, pauli: str, coefficient: Any) -> Term:
    """Return the term of a written Pauli string and a JSON, CSV or Python coefficient.

    Raises:
        InvalidTable: one of the two cannot be read.
    """
    number = number_of(coefficient)
    if number is None:
        raise InvalidTable(f"Expected a number as coefficient in {where}, got {quoted(coefficient)}. ({quoted(text)})")
    word = pauli.strip().strip("[]").strip()
    if IDENTITY.fullmatch(word):
        return Term(where, text, number)
    if _LABEL.fullmatch(word):
        return Term(where, text, number, word.upper())
    factors = factors_of(word)
    if factors is None:
        wrong = next((c for c in word if c.isalpha() and c.upper() not in "IXYZ"), "")
        got = f"{quoted(word)}" + (f" with the letter {wrong!r}" if wrong else "")
        raise InvalidTable(f"Expected letters I, X, Y, Z as in XXI or X0 Z3 in {where}, got {got}. ({quoted(text)})")
    return Term(where, text, number, factors=factors)
