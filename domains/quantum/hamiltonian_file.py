"""Somebody's own Hamiltonian, from an upload or pasted text.

What Qiskit, OpenFermion, PennyLane and Cirq print is read, and CSV and JSON. Nothing in the text is run. Which end of
a label is qubit 0 cannot be seen from a label, so it is always asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from domains.quantum.hamiltonian import MAX_QUBITS, PauliSum
from domains.quantum.inputs.pauli_route import WHAT, found_in
from domains.quantum.inputs.pauli_rows import Found
from domains.quantum.inputs.pauli_terms import Term
from domains.quantum.inputs.text import cleaned, quoted
from poets_core.errors import InvalidTable

Order = Literal["qiskit", "first"]
ORDERS: dict[str, str] = {
    "qiskit": "last letter is qubit 0 (Qiskit)",
    "first": "first letter is qubit 0 (Cirq, PennyLane, OpenFermion)",
}
"""The two orders of letters in a label, in words."""
IMAGINARY = 1e-10
"""Largest imaginary part that counts as rounding, as a share of the largest coefficient."""
NEGLIGIBLE = 1e-14
"""Coefficients below this are dropped."""
_LAST = re.compile(
    r"(?:last|right\w*)[^.;,]{0,40}qubit[ _]?0|qubit[ _]?0 (?:is|stands|on)[^.;,]{0,20}(?:last|right)"
    r"|little[- _]?endian|\A\s*(?:little|lsb)\s*\Z"
)
_FIRST = re.compile(
    r"(?:first|left\w*)[^.;,]{0,40}qubit[ _]?0|qubit[ _]?0 (?:is|stands|on)[^.;,]{0,20}(?:first|left)"
    r"|big[- _]?endian|\A\s*(?:big|msb)\s*\Z"
)
_TOOLS = (("qiskit", "qiskit"), ("cirq", "first"), ("pennylane", "first"), ("openfermion", "first"))


@dataclass(frozen=True)
class HamiltonianRead:
    """A Hamiltonian as it was understood.

    Attributes:
        hamiltonian: labels in Qiskit's order, each once.
        form: what the text was read as, in words.
        order: of the letters in its labels, in words.
        notes: what was done and a person should know, sentences.
    """

    hamiltonian: PauliSum
    form: str
    order: str
    notes: tuple[str, ...]

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return self.hamiltonian.qubits

    @property
    def identity(self) -> float:
        """Coefficient of the identity, 0 where there is none."""
        return sum(c for label, c in self.hamiltonian.terms if not label.strip("I"))

    @property
    def weight(self) -> float:
        """Sum of the absolute coefficients, the identity's among them."""
        return sum(abs(c) for _, c in self.hamiltonian.terms)

    @property
    def real(self) -> bool:
        """Whether the matrix is real: every label has an even number of Y."""
        return all(label.count("Y") % 2 == 0 for label, _ in self.hamiltonian.terms)

    def spelled(self, most: int = 5) -> tuple[str, ...]:
        """Return the first terms with their qubits: ``0.2 Z on qubit 0``."""
        return tuple(spell(label, c) for label, c in self.hamiltonian.terms[:most])

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return (name, value) as a page shows them."""
        kind = "real: circuits of ry and cx suffice" if self.real else "complex: circuits need rz or rx too"
        return (
            ("Read as", self.form),
            ("Order", self.order),
            ("Qubits", str(self.qubits)),
            ("Terms", f"{len(self.hamiltonian.terms):,}"),
            ("Identity", f"{self.identity:.10g}"),
            ("Sum of |coefficients|", f"{self.weight:.10g}"),
            ("Matrix", kind),
            ("First terms", "; ".join(self.spelled())),
        )


def spell(label: str, coefficient: float) -> str:
    """Return a term of a Qiskit label in words: ``0.2 X on qubit 1, Z on qubit 0``."""
    n = len(label)
    letters = [f"{letter} on qubit {n - 1 - k}" for k, letter in enumerate(label) if letter != "I"]
    return f"{coefficient:.10g} " + (", ".join(letters) or "identity")


def read_hamiltonian(text: str, *, order: str, qubits: int = 0) -> HamiltonianRead:
    """Read a Hamiltonian.

    Args:
        text: JSON, CSV or TSV, a term a line, a sum, OpenFermion, PennyLane or Cirq text, or a SparsePauliOp.
        order: ``"qiskit"`` (last letter of a label is qubit 0) or ``"first"`` (first letter is).
        qubits: of the Hamiltonian; 0 takes them from the text.

    Raises:
        InvalidTable: names the term or line, and what to change.
    """
    if order not in ORDERS:
        raise InvalidTable(f"Expected order 'qiskit' or 'first', got {quoted(order)}.", field="order")
    if not 0 <= qubits <= MAX_QUBITS:
        raise InvalidTable(f"Expected at most {MAX_QUBITS} qubits, got {qubits}.", field="qubits")
    form, found = found_in(cleaned(text, WHAT))
    notes = list(found.notes)
    n, indexed = _width(found, qubits)
    if indexed:
        notes.append("The text names the qubit of every letter, so the order of letters does not matter.")
        if all(q for t in found.terms for _, q in t.factors):
            notes.append("No letter acts on qubit 0. Qubits count from 0; if yours count from 1, take 1 from each.")
    else:
        notes += _agreed(found.order, order)
    if found.ignored:
        notes.append(f"Not used: {', '.join(quoted(k) for k in found.ignored[:8])}.")
    terms = _summed(found.terms, n, order, notes)
    words = "every letter names its qubit" if indexed else ORDERS[order]
    return HamiltonianRead(PauliSum(terms), form, words, tuple(notes))


def _width(found: Found, asked: int) -> tuple[int, bool]:
    """Return the number of qubits, and whether letters name their qubits.

    Raises:
        InvalidTable: terms disagree, there are none, or there are too many qubits.
    """
    labels = [t for t in found.terms if t.label]
    factors = [t for t in found.terms if t.factors]
    if not labels and not factors:
        raise InvalidTable(f"Expected at least one term with a letter X, Y or Z in {WHAT}, got none.")
    if labels and factors:
        raise InvalidTable(
            f"Expected labels such as XXI or letters with qubits such as X0 throughout, got "
            f"{quoted(labels[0].text)} in {labels[0].where} and {quoted(factors[0].text)} in {factors[0].where}."
        )
    if factors:
        top = max(factors, key=lambda t: max(q for _, q in t.factors))
        needed = max(q for _, q in top.factors) + 1
        if needed > (asked or MAX_QUBITS):
            most = (asked or MAX_QUBITS) - 1
            raise InvalidTable(
                f"Expected qubits 0 to {most}, got {needed - 1} in {top.where}: {quoted(top.text)}. Count from 0."
            )
        if found.qubits and not needed <= found.qubits <= MAX_QUBITS:
            wanted = f"{needed} to {MAX_QUBITS}"
            raise InvalidTable(
                f"Expected {wanted} qubits, for {top.where} is {quoted(top.text)}, got the number {found.qubits} in "
                f"{WHAT}. Qubits count from 0."
            )
        return asked or found.qubits or needed, True
    n = len(labels[0].label)
    other = next((t for t in labels if len(t.label) != n), None)
    if other:
        raise InvalidTable(
            f"Expected labels of {n} letters as in {labels[0].where}, got {len(other.label)} letters in {other.where}: "
            f"{quoted(other.text)}."
        )
    if n > MAX_QUBITS or (asked and n != asked):
        wanted = f"{asked}" if asked else f"at most {MAX_QUBITS}"
        raise InvalidTable(f"Expected {wanted} qubits, got labels of {n} letters in {labels[0].where}.")
    if found.qubits and found.qubits != n:
        raise InvalidTable(
            f"Expected labels of {found.qubits} letters, for {WHAT} says {found.qubits} qubits, got {n} letters in "
            f"{labels[0].where}: {quoted(labels[0].text)}."
        )
    return n, False


def stated_order(text: str) -> str:
    """Return the order that somebody's statement means, ``""`` where it means none or both."""
    words = text.lower()
    last, first = bool(_LAST.search(words)), bool(_FIRST.search(words))
    if last != first:
        return "qiskit" if last else "first"
    if last and first:
        return ""
    named = {order for tool, order in _TOOLS if tool in words}
    return named.pop() if len(named) == 1 else ""


def _agreed(said: str, order: str) -> list[str]:
    """Return notes about the order a file states; refuse one that is not the order asked for."""
    if not said:
        return []
    meant = stated_order(said)
    if not meant:
        return [f"The file's own words on order, {quoted(said)}, were not understood; taken: {ORDERS[order]}."]
    if meant != order:
        raise InvalidTable(
            f"Expected one order of qubits, got {ORDERS[order]!r} from the form and {ORDERS[meant]!r} from the file "
            f"({quoted(said)}). Choose the file's, or change the file.",
            field="order",
        )
    return [f"The file says so too: {ORDERS[order]}."]


def _summed(terms: Sequence[Term], n: int, order: str, notes: list[str]) -> tuple[tuple[str, float], ...]:
    """Return Qiskit labels with real coefficients, each label once; says what was summed and dropped."""
    total: dict[str, float] = {}
    repeats = 0
    tolerated = IMAGINARY * max((abs(t.coefficient) for t in terms), default=0.0)
    rounded = 0.0
    for term in terms:
        label, number = _label(term, n, order), term.coefficient
        # abs(nan) > x is false, so finiteness is asked first.
        if not (abs(number.real) < float("inf") and abs(number.imag) < float("inf")):
            raise InvalidTable(f"Expected finite coefficients, got {quoted(term.text)} in {term.where}.")
        if abs(number.imag) > tolerated:
            raise InvalidTable(
                f"Expected real coefficients, for a Hamiltonian is Hermitian, got {number.imag:g}j in {term.where}: "
                f"{quoted(term.text)}."
            )
        rounded = max(rounded, abs(number.imag))
        repeats += label in total
        total[label] = total.get(label, 0.0) + number.real
    kept = {label: c for label, c in total.items() if abs(c) >= NEGLIGIBLE}
    if rounded > NEGLIGIBLE:
        notes.append(f"Taken for rounding: imaginary parts of at most {rounded:.1g}.")
    if repeats:
        notes.append(f"Summed: {repeats:,} term{'s' * (repeats > 1)} with a label that stood before.")
    if gone := len(total) - len(kept):
        notes.append(f"Dropped: {gone:,} term{'s' * (gone > 1)} below {NEGLIGIBLE:g}.")
    if not any(label.strip("I") for label in kept):
        raise InvalidTable(f"Expected at least one term with a letter X, Y or Z in {WHAT}, got only the identity.")
    if not all(abs(c) < float("inf") for c in kept.values()):
        raise InvalidTable(f"Expected finite coefficients in {WHAT}, got a sum that is not.")
    return tuple(kept.items())


def _label(term: Term, n: int, order: str) -> str:
    """Return the Qiskit label of a term: the last letter is qubit 0."""
    if term.label:
        return term.label if order == "qiskit" else term.label[::-1]
    letters = ["I"] * n
    seen: set[int] = set()
    for letter, qubit in term.factors:
        if qubit in seen:
            raise InvalidTable(f"Expected each qubit once in {term.where}, got {qubit} twice: {quoted(term.text)}.")
        seen.add(qubit)
        letters[n - 1 - qubit] = letter
    return "".join(letters)
