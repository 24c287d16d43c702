"""Terms of a Hamiltonian from Python: what Qiskit, OpenFermion, PennyLane and pytket print, and calls that build it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from domains.quantum.inputs.literals import Call, Entries, Operation, read_literal
from domains.quantum.inputs.pauli_json import read_document
from domains.quantum.inputs.pauli_rows import Found
from domains.quantum.inputs.pauli_terms import MAX_TERMS, Term, factors_of, make_term, multiplied
from domains.quantum.inputs.text import number_of, quoted
from poets_core.errors import InvalidTable

QISKIT = "the last letter of a SparsePauliOp is qubit 0"
CALLS = re.compile(
    r"(?:SparsePauliOp|PauliSumOp|PauliOp|PauliList|QubitOperator|Hamiltonian|LinearCombination|LinearDict"
    r"|qml\.dot)(?:\.\w{1,40})?\s{0,9}\("
)
"""Calls whose text is Python and no sum of letters."""
_LETTER = re.compile(r"(?:Pauli)?([IXYZ])q?|(Identity)")
_INDEXED = re.compile(r"([IXYZ])_?(\d{1,6})")
_ADVICE = "Print the operator, print(H), and paste what comes."


def read_python(text: str) -> Found:
    """Read ``SparsePauliOp(...)`` and its like, sums and multiples of them, or a list or dict of terms.

    Imports, comments and ``name =`` before it are skipped.

    Raises:
        InvalidTable: it is none of them.
    """
    try:
        value = read_literal(text, "the Python text", algebra=True)
    except InvalidTable as error:
        raise error if "cut short" in str(error) else InvalidTable(f"{error} {_ADVICE}") from error
    reader = _Reader()
    if isinstance(value, Call | Operation | Entries) or _is_pair(value):
        terms = reader.terms(value)
        return Found(terms, QISKIT if reader.qiskit else "", reader.qubits, notes=tuple(reader.notes))
    return read_document(_plain(value))


def _is_pair(value: Any) -> bool:
    """Whether a value is (coefficients, operators), as ``H.terms()`` gives them."""
    lists = isinstance(value, list) and len(value) == 2 and all(isinstance(v, list) for v in value)
    return lists and bool(value[1]) and all(isinstance(v, Call | Operation) for v in value[1])


def _plain(value: Any) -> Any:
    """Return a value with Pauli("XX") and PauliList([..]) as the texts in them."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Call) and value.name.split(".")[-1] in ("Pauli", "PauliList") and len(value.args) == 1:
        return _plain(value.args[0])
    return value


class _Reader:
    """Turns a value that was read into terms; notes what its calls say of order and qubits."""

    def __init__(self) -> None:
        self.qiskit, self.qubits, self.count, self.made = False, 0, 0, 0
        self.notes: list[str] = []

    def terms(self, value: Any) -> list[Term]:
        """Return the terms of a number, a sum, a product, a call, or a dict."""
        if isinstance(value, Operation):
            found = self._operation(value)
        elif isinstance(value, Call):
            found = self._call(value)
        elif isinstance(value, Entries):
            found = [t.times(self._number(n)) for key, n in value.items for t in self._key(key)]
        elif _is_pair(value):
            found = self._paired(value[0], value[1])
        elif (number := number_of(value)) is not None and not isinstance(value, str | list):
            found = [Term(self._where(), str(value)[:200], number)]
        else:
            raise self._wrong(value)
        self.made += len(found)
        if len(found) > MAX_TERMS or self.made > 20 * MAX_TERMS:
            raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got more.")
        return found

    def _where(self) -> str:
        self.count += 1
        return f"term {self.count}"

    def _wrong(self, value: Any) -> InvalidTable:
        return InvalidTable(
            "Expected SparsePauliOp([labels], coeffs=[...]), from_list, from_sparse_list, QubitOperator, or letters "
            f"such as Z(0) in the Python text, got {quoted(repr(value))}. {_ADVICE}"
        )

    def _number(self, value: Any) -> complex:
        number = number_of(value)
        if number is None:
            raise InvalidTable(f"Expected a number as coefficient of term {self.count + 1}, got {quoted(repr(value))}.")
        return number

    def _operation(self, value: Operation) -> list[Term]:
        if value.mark == "+":
            return [term for item in value.items for term in self.terms(item)]
        if len(value.items) == 2 and number_of(value.items[0]) is not None:
            number = self._number(value.items[0])
            return [t.times(number) for t in self.terms(value.items[1])]
        factors = [self.terms(item) for item in value.items]
        if self.qiskit:
            raise InvalidTable(
                f"Expected sums and multiples of labels, got a product: {quoted(repr(value))}. {_ADVICE}"
            )
        return multiplied(f"term {self.count}", factors)

    def _key(self, key: Any) -> list[Term]:
        """Return the product that a key of a dict is: (), ((0, "Z"), (1, "X")) or (Zq[0], Xq[1])."""
        where, text = self._where(), repr(key)[:200]
        if isinstance(key, str):
            return [make_term(where, text, key, 1)]
        parts = key if isinstance(key, list) else [key]
        pairs = [
            p
            for p in parts
            if isinstance(p, list) and len(p) == 2 and type(p[0]) is int and p[0] >= 0 and p[1] in list("IXYZ")
        ]
        if len(pairs) == len(parts):
            return [Term(where, text, 1.0, factors=tuple((letter, qubit) for qubit, letter in pairs))]
        return multiplied(where, [self._letter(part, where) for part in parts])

    def _letter(self, value: Any, where: str) -> list[Term]:
        """Return the letter on a qubit that Z(0), PauliZ(wires=0), Z(q(0)), Zq[0] or Z0 is."""
        if not isinstance(value, Call):
            raise self._wrong(value)
        name, text = value.name.split(".")[-1], repr(value)[:200]
        if (found := _INDEXED.fullmatch(name)) and not value.called and not value.args:
            return [Term(where, text, 1.0, factors=((found[1], int(found[2])),))]
        letter = _LETTER.fullmatch(name)
        wires = [*value.args, *(w for k, w in value.keys.items() if k in ("wires", "wire"))]
        if letter is None or len(wires) > 1 or set(value.keys) - {"wires", "wire", "id"}:
            raise self._wrong(value)
        if not wires and value.called and (letter[1] or "I") == "I":
            return [Term(where, text, 1.0)]
        wire = wires[0] if wires else None
        while isinstance(wire, Call | list) and len(inner := wire.args if isinstance(wire, Call) else wire) == 1:
            wire = inner[0]
        if type(wire) is not int or wire < 0:
            raise InvalidTable(f"Expected the number of a qubit, 0, 1, ..., in {where}, got {quoted(text)}.")
        return [Term(where, text, 1.0, factors=((letter[1] or "I", wire),))]

    def _paired(self, numbers: Any, operators: Any) -> list[Term]:
        """Return the sum of operators with coefficients."""
        if not isinstance(numbers, list) or not isinstance(operators, list) or len(numbers) != len(operators):
            raise InvalidTable(f"Expected a list of coefficients and one of as many operators. {_ADVICE}")
        pairs = zip(numbers, operators, strict=True)
        return [t.times(self._number(n)) for n, operator in pairs for t in self.terms(operator)]

    def _call(self, call: Call) -> list[Term]:
        *_, kind = call.name.split(".")
        args = [*call.args, *(call.keys[k] for k in ("data", "primitive", "obj", "coeffs", "coeff") if k in call.keys)]
        first, second = (*args, None, None)[:2]
        if kind in ("Hamiltonian", "LinearCombination", "dot") and isinstance(first, list) and isinstance(second, list):
            return self._paired(first, second)
        if kind == "QubitOperator":
            return self._qubit_operator(call)
        if kind in ("PauliSumOp", "PauliOp") and first is not None and len(args) <= 2:
            number = 1.0 if second is None else self._number(second)
            inner = Call("SparsePauliOp", [first]) if kind == "PauliOp" else first
            return [t.times(number) for t in self.terms(inner)]
        if kind in ("SparsePauliOp", "from_list", "from_sparse_list", "Pauli", "PauliList"):
            return self._qiskit(call, kind, _plain(first), second)
        return self._letter(call, self._where())

    def _qubit_operator(self, call: Call) -> list[Term]:
        """Return the term of OpenFermion's ``QubitOperator("X0 Z3", 0.5)``."""
        if not call.args and not call.keys:
            return []
        key, number = (*call.args, call.keys.get("coefficient", 1.0))[:2]
        if isinstance(key, str):
            where, factors = self._where(), factors_of(key)
            if factors is None:
                raise InvalidTable(f"Expected letters such as X0 Z3 in {where}, got {quoted(repr(call))}.")
            return [Term(where, repr(call)[:200], self._number(number), factors=factors)]
        return [t.times(self._number(number)) for t in self._key(key)]

    def _qiskit(self, call: Call, kind: str, first: Any, second: Any) -> list[Term]:
        """Return the terms of a SparsePauliOp."""
        sparse = kind == "from_sparse_list"
        self.qiskit = self.qiskit or not sparse
        if kind.startswith("from_"):
            count = number_of(call.keys.get("num_qubits", second))
            if count is not None and abs(count) < 1e6:
                if self.qubits not in (0, int(count.real)):
                    raise InvalidTable(f"Expected one number of qubits, got {self.qubits} and {int(count.real)}.")
                self.qubits = int(count.real)
            if not isinstance(first, list):
                raise self._wrong(call)
            return self._counted(read_document(first).terms if first else [])
        labels = [first] if isinstance(first, str) else first
        numbers = second if isinstance(second, list) or second is None else [second]
        if not isinstance(labels, list) or not labels or not all(isinstance(v, str) for v in labels):
            raise self._wrong(call)
        return self._counted(self._labelled(labels, [1.0] * len(labels) if numbers is None else numbers))

    def _labelled(self, labels: Sequence[str], numbers: Sequence[Any]) -> list[Term]:
        if len(labels) != len(numbers):
            raise InvalidTable(
                f"Expected one coefficient per label, got {len(labels)} labels, {len(numbers)} coefficients."
            )
        return read_document([[label, number] for label, number in zip(labels, numbers, strict=True)]).terms

    def _counted(self, terms: list[Term]) -> list[Term]:
        """Return terms numbered in the whole text."""
        before, self.count = self.count, self.count + len(terms)
        if not before:
            return terms
        return [Term(f"term {before + k}", t.text, t.coefficient, t.label, t.factors) for k, t in enumerate(terms, 1)]
