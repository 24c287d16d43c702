"""One term of somebody's Hamiltonian as it was written: a label or indexed letters, a coefficient, and its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from domains.quantum.inputs.array_text import number_at
from domains.quantum.inputs.text import number_of, quoted
from poets_core.errors import InvalidTable

MAX_TERMS = 20_000
_QUBIT = r"(?:q\(\s{0,9}\d{1,9}\s{0,9}\)|q\[\s{0,9}\d{1,9}\s{0,9}\]|q_?\d{1,9}|\[\s{0,9}\d{1,9}\s{0,9}\]|\d{1,9})"
WIRE = (
    rf"(?:\(\s{{0,9}}(?:wires?\s{{0,9}}=\s{{0,9}})?{_QUBIT}\s{{0,9}}\)|q?\[\s{{0,9}}\d{{1,9}}\s{{0,9}}\]"
    r"|_?\{\s{0,9}\d{1,9}\s{0,9}\}|_?\d{1,9})"
)
"""The qubit of a letter: Z0, Z_0, Z_{0}, Z[0], Zq[0], Z(0), Z(wires=0), Z(q(0)), Z(q[0]), Z(q_0)."""
LETTER = r"(?:(?:qml|qp|pennylane|cirq)\.)?(?:(?:Pauli)?[IXYZixyz]|Identity)"
UNITS = (
    r"(?:(?:qml|qp|pennylane)\.)?(?:I|Identity)\(\s{0,9}(?:wires\s{0,9}=\s{0,9})?"
    r"\[\s{0,9}\d{1,9}(?:\s{0,9},\s{0,9}\d{1,9}){1,63}\s{0,9}\]\s{0,9}\)"
)
"""The identity of several qubits as PennyLane prints it: I([0, 1, 4])."""
FACTOR = re.compile(rf"({LETTER})({WIRE})")
IDENTITY = re.compile(r"\s*(?:[Ii](?:dentity)?(?:\(\s{0,9}\))?)?\s*")
PHASED = re.compile(r"i(?=[IXYZ])[IXYZ]*[XYZ][IXYZ]*")
"""A phase before a label in Qiskit's Pauli, or a letter in lower case."""
_LABEL = re.compile(r"[IXYZixyz]+")
_APART = re.compile(r"[IXYZixyz](?:\s{0,9}[\s⊗^@]\s{0,9}[IXYZixyz])+")
_BETWEEN = re.compile(r"[\s*@·⋅⊗∙^.×]*")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


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

    def times(self, number: complex) -> Term:
        """Return the term with its coefficient multiplied."""
        return replace(self, coefficient=self.coefficient * number)


def factor_of(letter: str, wire: str) -> tuple[str, int]:
    """Return (letter, qubit) of the two groups that `FACTOR` matches."""
    name = letter.rpartition(".")[2]
    return "I" if name == "Identity" else name[-1].upper(), int(re.sub(r"\D", "", wire))


def factors_of(text: str) -> tuple[tuple[str, int], ...] | None:
    """Return the (letter, qubit) of ``X0 Z3``, ``X(0) @ Z(3)`` or ``PauliX(0)*PauliZ(3)``; None where it is another."""
    text = text.translate(SUBSCRIPTS)
    at, found = _BETWEEN.match(text).end(), []  # type: ignore[union-attr]
    while at < len(text):
        match = FACTOR.match(text, at)
        if match is None:
            return None
        found.append(factor_of(match[1], match[2]))
        at = _BETWEEN.match(text, match.end()).end()  # type: ignore[union-attr]
    return tuple(found)


def make_term(where: str, text: str, pauli: str, coefficient: Any) -> Term:
    """Return the term of a written Pauli string and a JSON, CSV or Python coefficient.

    Raises:
        InvalidTable: one of the two cannot be read.
    """
    number = number_at(coefficient) if isinstance(coefficient, str) else number_of(coefficient)
    if number is None:
        raise InvalidTable(f"Expected a number as coefficient in {where}, got {quoted(coefficient)}. ({quoted(text)})")
    word = pauli.strip().strip("[]").strip()
    if word[:1] in ("+", "-") and _LABEL.fullmatch(word[1:]):  # Qiskit's Pauli("-XX")
        word, number = word[1:], -number if word[0] == "-" else number
    if IDENTITY.fullmatch(word):
        return Term(where, text, number)
    if PHASED.fullmatch(word):
        raise phased(word, where)
    if _LABEL.fullmatch(word):
        return Term(where, text, number, word.upper())
    if _APART.fullmatch(word):
        return Term(where, text, number, re.sub(r"[^A-Z]", "", word.upper()))
    factors = factors_of(word)
    if factors is None:
        wrong = next((c for c in word if c.isalpha() and c.upper() not in "IXYZ"), "")
        got = f"{quoted(word)}" + (f" with the letter {wrong!r}" if wrong else "")
        raise InvalidTable(f"Expected letters I, X, Y, Z as in XXI or X0 Z3 in {where}, got {got}. ({quoted(text)})")
    return Term(where, text, number, factors=factors)


def phased(word: str, where: str) -> InvalidTable:
    """Return the error about a label such as ``iXX``."""
    return InvalidTable(
        f"Expected a label in capital letters in {where}, got {quoted(word)}: i times {word[1:]}, or "
        f"{word.upper()}. Write {word.upper()} if the second is meant; a Hamiltonian has no imaginary terms."
    )


def sparse_term(where: str, text: str, letters: str, wires: Sequence[Any], number: Any) -> Term:
    """Return the term of ("ZZ", [0, 1], 0.5): letters and the qubits they act on.

    Raises:
        InvalidTable: they are not one letter per qubit.
    """
    indices = [number_of(w) for w in wires]
    whole = [int(i.real) for i in indices if i is not None and i.imag == 0 and 0 <= i.real < 1e6 and i.real % 1 == 0]
    letters = letters.strip()
    if len(whole) != len(letters) or len(indices) != len(whole) or not (_LABEL.fullmatch(letters) or not letters):
        raise InvalidTable(f"Expected as many letters IXYZ as qubits in {where}, got {quoted(text)}.")
    term = make_term(where, text, "", number)
    return Term(where, text, term.coefficient, factors=tuple(zip(letters.upper(), whole, strict=True)))


def multiplied(where: str, factors: Sequence[Sequence[Term]]) -> list[Term]:
    """Return the product of sums, of which all but one are a single term.

    Letters on qubits are put side by side, and a label is multiplied by numbers alone.

    Raises:
        InvalidTable: two are sums, or a label stands beside other letters.
    """
    sums = [f for f in factors if len(f) != 1]
    if len(sums) > 1:
        raise InvalidTable(
            f"Expected at most one sum in the product in {where}, got {len(sums)} in brackets. Multiply them out."
        )
    single = [f[0] for f in factors if len(f) == 1]
    number, letters = 1.0 + 0j, list[tuple[str, int]]()
    for term in single:
        number *= term.coefficient
        letters += term.factors
    labels = [t.label for t in single if t.label]
    terms = sums[0] if sums else [Term(where, single[0].text if single else "", 1.0)]
    if len(labels) + any(t.label for t in terms) > 1 or ((labels or any(t.label for t in terms)) and letters):
        raise InvalidTable(
            f"Expected a product of letters with qubits, such as X0 Z3, in {where}, got labels among its factors. "
            "Write the label of the whole product."
        )
    label = labels[0] if labels else ""
    return [
        replace(t, coefficient=t.coefficient * number, label=t.label or label, factors=(*letters, *t.factors))
        for t in terms
    ]
