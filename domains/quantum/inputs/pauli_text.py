"""Terms of a Hamiltonian from text: a term a line, or a sum as OpenFermion, PennyLane, Cirq and people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from domains.quantum.inputs.pauli_terms import (
    FACTOR,
    MAX_TERMS,
    PHASED,
    SUBSCRIPTS,
    Term,
    factor_of,
    multiplied,
    phased,
)
from domains.quantum.inputs.pauli_tokens import Token, difference_in, tokens_of
from domains.quantum.inputs.text import number_in, quoted
from poets_core.errors import InvalidTable

MAX_DEPTH = 12
MAX_FACTORS = 64
"""Of a product: five times as many as there are qubits."""
TENSOR = "⊗^@"
"""Marks of a tensor product: what stands right of them acts on other qubits."""
_END = Token("end", "", -1)
_CLOSING = {"(": ")", "[": "]"}


@dataclass
class _Product:
    """The factors of one term while they are read.

    Attributes:
        number: the product of its numbers.
        numbered: whether a number stood there.
        parts: sums and letters with qubits.
        labels: (mark before it, label) of letters without qubits.
    """

    start: int
    number: complex = 1.0
    numbered: bool = False
    parts: list[list[Term]] = field(default_factory=list)
    labels: list[tuple[str, str]] = field(default_factory=list)
    units: int = 0

    @property
    def bare(self) -> bool:
        """Whether it is a number alone."""
        return not (self.parts or self.labels or self.units)


class _Sum:
    """Reads sums by descent; positions come in order, so that the number of a line is counted once."""

    def __init__(self, text: str) -> None:
        # Two ends, so that the token after the present one can always be asked for.
        self.text, self.tokens, self.at = text, [*tokens_of(text.translate(SUBSCRIPTS)), _END, _END], 0
        self.start, self.count, self.made = 0, 0, 0
        self.lines, self.counted = 1, 0
        self.notes: dict[str, None] = {}

    def peek(self, over_lines: bool) -> Token:
        """Return the next token; over the ends of lines where those end nothing."""
        while over_lines and self.tokens[self.at].kind == "newline":
            self.at += 1
        return self.tokens[self.at]

    def where(self, at: int) -> str:
        self.lines, self.counted = self.lines + self.text.count("\n", self.counted, at), max(self.counted, at)
        return f"term {self.count} (line {self.lines})"

    def wrong(self, wanted: str) -> NoReturn:
        token = self.tokens[self.at]
        at = len(self.text) if token.kind == "end" else token.at
        line = self.text.count("\n", 0, at) + 1
        got = self.text[max(self.start, at - 200) : at + 24] or "its end"
        raise InvalidTable(f"Expected {wanted} in term {max(self.count, 1)}, got {quoted(got)} in line {line}.")

    def sum(self, depth: int) -> tuple[list[Term], bool]:
        """Read terms up to the end or a closing bracket; also whether all are numbers alone."""
        if depth > MAX_DEPTH:
            self.wrong(f"at most {MAX_DEPTH} brackets within another")
        terms: list[Term] = []
        joined = begun = False
        numbers = True
        while (token := self.peek(over_lines=True)).kind not in ("end", "close"):
            self.count += depth == 0
            if max(self.count, len(terms)) > MAX_TERMS:
                raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got more.")
            self.start, sign, signs = token.at, 1.0, 0
            while self.peek(over_lines=signs > 0).kind == "sign":
                sign *= -1.0 if self.tokens[self.at].text == "-" else 1.0
                signs, self.at = signs + 1, self.at + 1
                if signs > 2:
                    self.wrong("at most two signs in a row")
            if depth and begun and not signs:
                self.wrong("a sign between terms")
            if self.tokens[self.at].kind in ("end", "close"):
                self.wrong("a term after a sign")
            found, bare = self.product(depth)
            by_sign = self._followed_by_sign(depth)
            if bare and not (depth or signs or joined or by_sign):
                self.wrong("letters IXYZ after a coefficient")
            terms += [t.times(sign) for t in found] if sign < 0 else found
            joined, begun, numbers = by_sign, True, numbers and bare
            if (after := self.peek(over_lines=depth > 0)).kind not in ("sign", "newline", "end", "close"):
                self._no_factor(after, "")
        if depth == 0 and self.tokens[self.at].kind == "close":
            self.wrong("a bracket that was opened")
        return terms, numbers

    def _followed_by_sign(self, depth: int) -> bool:
        """Whether a sign joins the next term; at the start of a line one with a blank or a bracket behind it."""
        token = self.peek(over_lines=depth > 0)
        after = self.tokens[self.at + 1]
        if token.kind == "newline" and after.kind == "sign":
            return after.followed or self.text[after.at + 1 : after.at + 2] == "("
        return token.kind == "sign"

    def product(self, depth: int) -> tuple[list[Term], bool]:
        """Read one product; also whether it is a number alone."""
        first = self.tokens[self.at]
        where = self.where(first.at)
        product = _Product(first.at)
        mark = self._factor(product, "", depth, where)
        while mark or self._goes_on(depth):
            if len(product.parts) + len(product.labels) > MAX_FACTORS:
                self.wrong(f"at most {MAX_FACTORS} factors")
            mark = self._factor(product, mark, depth, where)
        return self._closed(product, where), product.bare

    def _goes_on(self, depth: int) -> bool:
        """Whether another factor follows without a sign of a product."""
        line_ended = self.tokens[self.at].kind == "newline"
        if line_ended and not depth:
            return False
        going = self.peek(over_lines=depth > 0).kind in (
            "number",
            "last",
            "factor",
            "unit",
            "units",
            "small",
            "label",
            "open",
        )
        if going and line_ended:
            self.wrong("a sign between terms, or all of a product on one line,")
        return going

    def _factor(self, product: _Product, mark: str, depth: int, where: str) -> str:
        """Take one factor and return the mark of a product behind it, ``""`` for none."""
        token = self.peek(over_lines=bool(mark) or depth > 0)
        while mark and token.kind == "sign":  # 2 * -0.5
            product.number *= -1.0 if token.text == "-" else 1.0
            self.at += 1
            token = self.tokens[self.at]
        if mark == "/" and token.kind != "number":
            self.wrong("a number after '/'")
        self.at += 1
        if token.kind in ("number", "last"):
            self._number(product, token, mark)
        elif token.kind == "factor":
            letter, wire = FACTOR.fullmatch(token.text).groups()  # type: ignore[union-attr]
            product.parts.append([Term(where, token.text, 1.0, factors=(factor_of(letter, wire),))])
        elif token.kind == "units":
            wires = tuple(("I", int(q)) for q in re.findall(r"\d+", token.text))
            product.parts.append([Term(where, token.text, 1.0, factors=wires)])
        elif token.kind == "unit":
            product.units += 1
        elif token.kind == "label":
            if PHASED.fullmatch(token.text):
                raise phased(token.text, where)
            product.labels.append((mark or " ", token.text.upper()))
        elif token.kind == "open":
            self._bracket(product, token, mark, depth)
        else:
            self.at -= 1
            self._no_factor(token, mark)
        behind = self.peek(over_lines=depth > 0)
        if behind.kind != "times":
            return ""
        self.at += 1
        return behind.text

    def _no_factor(self, token: Token, mark: str) -> NoReturn:
        if token.kind == "small":
            self.wrong("I for the identity (i may be that, or the imaginary unit, which a Hamiltonian does not have)")
        if token.kind == "times":
            self.wrong("a factor before the sign of a product")
        if token.kind in ("end", "newline", "close") and mark:
            self.wrong("a factor after the sign of a product")
        older, before = (self.tokens[self.at - k] if self.at >= k else _END for k in (2, 1))
        if before.text == "(" and older.kind == "label" and len(older.text) == 1 and not before.apart:
            self.wrong("the number of a qubit, 0, 1, ..., in brackets behind a letter, as in Z(0) or Z(q(0)),")
        if token.text == "," and before.kind == "number":
            self.wrong("a decimal point, and no comma,")
        self.wrong("numbers, letters IXYZ, and + or - between terms")

    def _number(self, product: _Product, token: Token, mark: str) -> None:
        """Multiply by a number, or divide."""
        self.at -= 1
        parts = [number_in(part) for part in ([token.text] if token.kind == "number" else token.text.split("\n"))]
        value = (parts[0] or 0j) + 1j * (parts[1] or 0j) if len(parts) == 2 else parts[0]
        if value is None or mark == "^":
            self.wrong("a number" if value is None else "letters on both sides of '^'; a power is not read,")
        if product.numbered and not mark:
            self.wrong("one coefficient a term, or a sign between terms")
        alone = len(product.labels) == 1 and len(product.labels[0][1]) == 1 and not product.parts
        letter = product.labels[0][1] if alone else "I"
        if letter != "I" and not mark and token.text.isdigit():
            self.wrong(f"{letter}{token.text} for {letter} on qubit {token.text}, or {token.text} * {letter},")
        if mark == "/" and value == 0:
            self.wrong("a number other than 0 after '/'")
        product.number = product.number / value if mark == "/" else product.number * value
        product.numbered = True
        self.at += 1

    def _bracket(self, product: _Product, token: Token, mark: str, depth: int) -> None:
        """Take what stands in brackets: a number, a label, or a sum."""
        begun = self.start
        terms, numbers = self.sum(depth + 1)
        close = self.peek(over_lines=True)
        if not terms or close.text != _CLOSING[token.text]:
            self.wrong(f"{_CLOSING[token.text]!r} behind a product or a sum")
        self.start, self.at = begun, self.at + 1
        if numbers or (len(terms) == 1 and not terms[0].factors):
            if product.numbered and not mark and numbers:
                self.at -= 1
                self.wrong("one coefficient a term, or a sign between terms")
            product.number *= sum(t.coefficient for t in terms)
            product.numbered = True
            product.labels += [] if numbers else [(mark or " ", terms[0].label or "I")]
        else:
            product.parts.append(terms)

    def _closed(self, product: _Product, where: str) -> list[Term]:
        """Return the terms of a whole product."""
        before = self.tokens[self.at - 1] if self.at else _END
        begun = min(self.start, product.start)
        text = " ".join(self.text[begun : min(before.at + len(before.text), begun + 200)].split())
        label = self._label(product, where, text)
        number = Term(where, text, product.number, "" if label == "I" else label)
        made = multiplied(where, [*product.parts, [number]]) if product.parts else [number]
        self.made += len(made)
        if self.made > MAX_TERMS * MAX_DEPTH or len(made) > MAX_TERMS:
            raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got more.")
        return [Term(where, text if len(made) == 1 else t.text, t.coefficient, t.label, t.factors) for t in made]

    def _label(self, product: _Product, where: str, text: str) -> str:
        """Return the one label of a product, ``"I"`` for the identity, ``""`` for none."""
        labels = product.labels
        if not labels:
            return ""
        if [w for _, w in labels] == ["I"] and product.parts:
            raise InvalidTable(
                f"Expected letters with qubits alone in {where}, got {quoted(text)}, where I is the identity or the "
                "imaginary unit. Leave it out if the first is meant; a Hamiltonian has no imaginary terms."
            )
        marks = {mark for mark, _ in labels[1:]}
        if marks == {" "} and all(len(word) == 1 for _, word in labels):
            self.notes["Letters with blanks between them, as in Z I X, were read as one label."] = None
        elif not marks <= set(TENSOR) or (marks and product.parts):
            raise InvalidTable(
                f"Expected one label in {where}, or a sign between terms, got {quoted(text)}. Write the label of all "
                "qubits, as in ZIX, or Z⊗I⊗X."
            )
        return "".join(word for _, word in labels)


def read_sum(text: str) -> tuple[list[Term], tuple[str, ...]]:
    """Read a sum such as ``0.5*XXI + 0.2 ZZZ``, ``(0.2+0j) [X0 Z3] +``, ``2 * (Z(0) @ Z(1) - X(0))``, or a term a line.

    A line may also hold the letters first and the coefficient last. A number joined by a sign and without letters is
    a multiple of the identity.

    Returns:
        The terms, and notes on how they were read.

    Raises:
        InvalidTable: names term and line.
    """
    if sum(map(bool, map(str.strip, text.split("\n")))) > MAX_TERMS:
        raise InvalidTable(f"Expected at most {MAX_TERMS:,} lines of terms, got more.")
    found = _Sum(text)
    if sum(token.kind == "sign" for token in found.tokens) > 2 * MAX_TERMS:
        raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got more signs than they have.")
    if token := difference_in(found.tokens[:-2]):
        line = text.translate(SUBSCRIPTS)[token.at :].split("\n", 1)[0]
        raise InvalidTable(
            f"Expected the coefficient before its letters, or behind them without a blank after its sign, got "
            f"{quoted(line)} in line {text.count(chr(10), 0, token.at) + 1}: it may be a coefficient in columns, or a "
            "sum with a multiple of the identity. Write -0.5 * XX for the first, and XX - 0.5 * I for the second."
        )
    terms, _ = found.sum(0)
    if len(terms) == 1 and any(t.kind == "last" and t.text[0] in "+-" for t in found.tokens):
        found.notes[f"Read as one term with its coefficient behind it, not as a difference: {terms[0].text}."] = None
    if len(terms) > MAX_TERMS:
        raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got more.")
    return terms, tuple(found.notes)
