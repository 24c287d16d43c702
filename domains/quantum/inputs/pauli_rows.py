"""What tables and JSON of Pauli terms share: the names of their columns and keys, and qubits written beside letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from domains.quantum.inputs.pauli_terms import IDENTITY, MAX_TERMS, Term, factors_of, make_term, sparse_term
from domains.quantum.inputs.text import IMAG_KEYS, REAL_KEYS, number_of, quoted
from poets_core.errors import InvalidTable

LABELS = (
    *("pauli_string", "pauli_strings", "paulistring", "pauli_label", "pauli_labels", "pauli", "paulis", "label"),
    *("labels", "pauli_operator", "op", "ops", "operator", "operators", "string", "pauli_term", "term", "word"),
)
"""Names of the letters' column, the likeliest first."""
COEFFICIENTS = (
    ("coeff", "coeffs", "coefficient", "coefficients", "coef", "coefs", "koeffizient", "koeffizienten"),
    ("coeff_real", "coeffs_real", "coefficient_real", "real_coeff", "real_coefficient"),
    ("value", "values", "wert"),
    ("weight", "weights"),
    (*REAL_KEYS, "real_part"),
)
"""Names of the coefficient's column; a rank is looked for where there is none of the ranks before it."""
IMAGINARY = (
    *IMAG_KEYS,
    *("coeff_imag", "coeffs_imag", "coefficient_imag", "imag_coeff", "imag_coefficient", "imag_part"),
    *("imaginary_part", "coeff_im"),
)
QUBITS = ("qubits", "qubit", "wires", "wire", "indices", "qubit_indices", "sites", "acts_on", "targets", "index")
COUNTING = ("index",)
"""Names that may as well mean the number of a row."""
_CHANGING = re.compile(
    r"offset|shift|const|repulsion|nuc|core|scal(?:e|ing)|factor|norm|identity|frozen|sign|phase|coef|energy_unit"
)
"""Names of numbers that may be part of the operator."""
_WIRES = re.compile(r"[\[(]?\s{0,9}\d{1,6}(?:[\s,;]{1,9}\d{1,6}){0,63}\s{0,9}[\])]?")


@dataclass(frozen=True)
class Found:
    """What a document says.

    Attributes:
        terms: in the order written.
        order: of qubits, as the document states it; ``""`` where it does not.
        qubits: as the document states them, 0 where it does not.
        ignored: keys that were not used.
        notes: what was read in a way that a person should know, sentences.
    """

    terms: list[Term]
    order: str = ""
    qubits: int = 0
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One term with its parts apart; `wires` is what stands under the name of its qubits, None for nothing."""

    where: str
    text: str
    label: str
    number: Any
    wires: Any = None


def plain_name(name: str) -> str:
    """Return a column's name as the lists have it: ``"Coefficient (Ha)"`` is ``"coefficient"``."""
    return re.sub(r"[\s_-]+", "_", re.sub(r"[(\[].*", "", name, count=1).strip().lower())[:80]


def coefficient_name(names: Iterable[str], where: str) -> str:
    """Return which of some plain names is the coefficient's, ``""`` for none.

    Raises:
        InvalidTable: two may be.
    """
    known = list(names)
    for rank in COEFFICIENTS:
        if found := [name for name in known if name in rank]:
            if len(found) > 1:
                raise InvalidTable(
                    f"Expected one coefficient {where}, got {' and '.join(map(quoted, found[:3]))}. Keep one of them."
                )
            return found[0]
    return ""


def unused(given: Iterable[tuple[str, Any]], where: str) -> list[str]:
    """Return the names that are not used; refuse a number that could be part of the operator.

    Raises:
        InvalidTable: names it.
    """
    names = []
    for name, value in given:
        if _CHANGING.search(plain_name(name)) and number_of(value) not in (None, 0):
            raise InvalidTable(
                f"Expected terms alone {where}, got {quoted(name)} with {quoted(value)}, which may belong to the "
                "operator or not. Put it into the terms (a constant is the term I), or take it out."
            )
        names.append(name)
    return names


def terms_of(rows: Sequence[Row], name: str = "") -> tuple[list[Term], tuple[str, ...]]:
    """Return the terms of rows, and notes.

    Args:
        rows: of the table or document.
        name: that their qubits stand under, ``""`` for none.

    Raises:
        InvalidTable: names the row.
    """
    if len(rows) > MAX_TERMS:
        raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got {len(rows):,}.")
    if not name or all(row.wires in (None, "") for row in rows):
        return [make_term(r.where, r.text, r.label, r.number) for r in rows], ()
    wires = [_wires(row, name) for row in rows]
    counts = any(wires == [[k + first] for k in range(len(rows))] for first in (0, 1))
    if name in COUNTING and counts and (len(rows) > 1 or len(rows[0].label.strip()) > 1):
        if all(len(row.label.strip()) == 1 for row in rows):
            raise InvalidTable(
                f"Expected qubits under another name than {quoted(name)}, which may as well number the terms. Name "
                "it 'qubit', or take it out."
            )
        return [make_term(r.where, r.text, r.label, r.number) for r in rows], (f"Not used: {name!r}, it counts terms.",)
    return [_placed(row, places) for row, places in zip(rows, wires, strict=True)], ()


def _wires(row: Row, name: str) -> list[Any]:
    """Return the qubits of a row: a number, a list, or numbers in a text."""
    given = row.wires
    if isinstance(given, str):
        if given.strip() and not _WIRES.fullmatch(given.strip()):
            raise InvalidTable(f"Expected qubits such as 0 1 as {name!r} in {row.where}, got {quoted(given)}.")
        return [int(k) for k in re.findall(r"\d+", given)]
    given = [] if given is None else given if isinstance(given, list | tuple) else [given]
    return [int(w) if isinstance(w, int | float) and not isinstance(w, bool) and w % 1 == 0 else w for w in given]


def _placed(row: Row, wires: list[Any]) -> Term:
    """Return the term whose letters act on some qubits."""
    letters = re.sub(r"[\s,]", "", row.label)[:100]
    if not wires and IDENTITY.fullmatch(row.label):
        return make_term(row.where, row.text, "", row.number)
    indexed = factors_of(row.label) if any(c.isdigit() for c in row.label) else None
    if indexed is not None and [q for _, q in indexed] == wires:
        return make_term(row.where, row.text, row.label, row.number)
    return sparse_term(row.where, row.text, letters, wires, row.number)
