"""Terms of a Hamiltonian from text: a term a line, or a sum as OpenFermion, PennyLane, Cirq and people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from domains.quantum.inputs.pauli_terms import FACTOR, MAX_TERMS, WIRE, Term
from domains.quantum.inputs.text import REAL, UNSIGNED, number_in, quoted
from poets_core.errors import InvalidTable

_SUM = re.compile(
    rf"(?P<space>[^\S\n]+)"
    rf"|(?P<complex>\(\s{{0,9}}{REAL}\s{{0,9}}(?:[-+]\s{{0,9}}{UNSIGNED})?[jJ]\s{{0,9}}\)|\(\s{{0,9}}{REAL}\s{{0,9}}\)"
    rf"|{UNSIGNED}[-+]{UNSIGNED}[jJ])"
    rf"|(?P<number>{UNSIGNED}[jJ]?)(?![\d.])"
    rf"|(?P<factor>(?:Pauli)?[IXYZixyz]{WIRE})"
    r"|(?P<one>(?:Identity|[Ii])(?:\(\s{0,9}\)|(?!\w))|\[\s{0,9}\])"
    r"|(?P<label>[IXYZixyz]+)(?!\w)"
    r"|(?P<times>[*@·⊗∙])|(?P<sign>[-+])|(?P<open>[\[(])|(?P<close>[\])])|(?P<newline>\n)|(?P<other>.)"
)
_LINE = re.compile(r"[A-Za-z\[][\w()\[\]@*\s]*")


@dataclass
class _Open:
    """A term while it is read."""

    start: int
    sign: float = 1.0
    signs: int = 0
    number: complex | None = None
    label: str = ""
    factors: list[tuple[str, int]] = field(default_factory=list)
    pauli: bool = False
    depth: int = 0
    last: str = ""

    @property
    def empty(self) -> bool:
        return self.number is None and not self.pauli and not self.depth


class _Sum:
    """Collects the terms of a sum, token by token."""

    def __init__(self, text: str) -> None:
        self.text, self.terms = text, list[Term]()
        self.term = _Open(0)
        self.joined = False
        """Whether a sign joined the term before the present one, so a bare number is a term."""
        self.lines, self.counted = 1, 0

    def line(self, at: int) -> int:
        """Return the number of the line at a place; places come in order, so each is looked at once."""
        self.lines, self.counted = self.lines + self.text.count("\n", self.counted, at), at
        return self.lines

    def wrong(self, wanted: str, at: int) -> NoReturn:
        line = self.text.count("\n", 0, at) + 1
        raise InvalidTable(
            f"Expected {wanted} in term {len(self.terms) + 1}, got {quoted(self.text[self.term.start : at + 24])} "
            f"in line {line}."
        )

    def end(self, at: int, by_sign: bool) -> None:
        """Close the present term, if there is one."""
        term = self.term
        if term.empty:
            if term.signs and not by_sign:
                self.wrong("a term after a sign", at)
            return
        if term.depth:
            self.wrong("brackets around one product each; write sums of terms without brackets", at)
        if term.last == "times":
            self.wrong("a factor after the sign of a product", at)
        if not term.pauli and not (by_sign or self.joined):
            self.wrong("letters IXYZ after a coefficient", at)
        number = term.sign * (1.0 if term.number is None else term.number)
        text = " ".join(self.text[term.start : min(at, term.start + 200)].split())
        # A sign at the end of a line belongs to the term of the next one.
        own = self.text[term.start : at].lstrip("+-\N{MINUS SIGN} \t\n")
        where = f"term {len(self.terms) + 1} (line {self.line(at - len(own))})"
        self.terms.append(Term(where, text, number, term.label, tuple(term.factors)))
        if len(self.terms) > MAX_TERMS:
            raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got more.")
        self.term, self.joined = _Open(at), by_sign

    def pauli(self, token: str, kind: str, at: int) -> None:
        """Take a label, an indexed letter, or an identity."""
        term = self.term
        if kind == "factor":
            if term.label:
                self.wrong("either labels such as XXI or letters with qubits such as X0", at)
            letter, wire = FACTOR.fullmatch(token).groups()  # type: ignore[union-attr]
            term.factors.append((letter.upper(), int(re.sub(r"\D", "", wire))))
        elif kind == "label":
            if term.pauli:
                self.wrong("one label a term, or a sign between terms", at)
            term.label = token.upper()
        term.pauli = True

    def multiply(self, token: str, at: int) -> None:
        """Take a number as factor."""
        term, value = self.term, number_in(token)
        if value is None:
            self.wrong("a number", at)
        if term.number is not None and term.last != "times":
            self.wrong("one coefficient a term, or a sign between terms", at)
        term.number = value if term.number is None else term.number * value


def read_sum(text: str) -> list[Term]:
    """Read a sum such as ``0.5*XXI + 0.2 ZZZ``, ``(0.2+0j) [X0 Z3] +``, ``0.5 * (Z(0) @ Z(1))``, or a term a line.

    A line may also hold the letters first and the coefficient last. A number joined by a sign and without letters is
    a multiple of the identity.

    Raises:
        InvalidTable: names term and line.
    """
    text = "\n".join(_coefficient_first(line) for line in _unwrapped(text).split("\n"))
    found = _Sum(text)
    for match in _SUM.finditer(text):
        kind, token, at = match.lastgroup or "", match[0], match.start()
        term = found.term
        if kind == "space":
            continue
        if kind == "newline":
            _newline(found, at)
            continue
        if term.empty and not term.signs:
            term.start = at
        if kind == "sign":
            found.end(at, by_sign=True)
            term = found.term
            if term.signs >= 2:
                found.wrong("at most two signs in a row", at)
            if not term.signs:
                term.start = at
            term.signs += 1
            term.sign *= -1.0 if token == "-" else 1.0
            found.joined = found.joined or term.signs > 0
        elif kind in ("number", "complex"):
            found.multiply(token, at)
        elif kind in ("factor", "label", "one"):
            found.pauli(token, kind, at)
        elif kind == "open":
            term.depth += 1
        elif kind == "close":
            term.depth -= 1
            if term.depth < 0:
                found.wrong("a bracket that was opened", at)
        elif kind == "times":
            if term.empty or term.last == "times":
                found.wrong("a factor before the sign of a product", at)
        else:
            found.wrong("numbers, letters IXYZ, and + or - between terms", at)
        term.last = kind
    found.end(len(text), by_sign=False)
    return found.terms


def _newline(found: _Sum, at: int) -> None:
    """End a term at the end of a line, unless it goes on: after a sign, inside brackets, after a product's sign."""
    term = found.term
    if term.depth or term.last == "times" or term.empty:
        return
    # The next line may begin with a sign; then a bare number here is the identity's coefficient.
    found.end(at, by_sign=_begins_with_sign(found.text, at))


def _begins_with_sign(text: str, at: int) -> bool:
    rest = text[at : at + 200].lstrip()
    return rest[:1] in ("+", "-") and rest[1:2] in (" ", "(")


def _coefficient_first(line: str) -> str:
    """Return ``coefficient * letters`` for a line of letters and then a coefficient, other lines as they are."""
    parts = line.rstrip(" \t,;").rsplit(None, 1)
    if len(parts) < 2 or number_in(parts[1]) is None:
        return line
    head = parts[0].rstrip(" \t:=")
    if not _LINE.fullmatch(head) or head.endswith(("*", "@")):
        return line
    return f"{'-' if parts[1].startswith('-') else ''}{parts[1].lstrip('+-')} * {head}"


def _unwrapped(text: str) -> str:
    """Return a text without the brackets around all of it, which PennyLane prints; line numbers stay."""
    inner = text.strip()
    if not (inner.startswith("(") and inner.endswith(")")):
        return text
    depth = 0
    for at, mark in enumerate(inner):
        depth += (mark == "(") - (mark == ")")
        if depth == 0 and at < len(inner) - 1:
            return text
    return text.replace("(", " ", 1)[: text.rindex(")")]
