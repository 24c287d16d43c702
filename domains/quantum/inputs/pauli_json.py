"""Terms of a Hamiltonian from JSON, and from SparsePauliOp as Python prints or builds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domains.quantum.inputs.literals import Call, read_literal
from domains.quantum.inputs.pauli_table import COEFFICIENTS, LABELS
from domains.quantum.inputs.pauli_terms import MAX_TERMS, Term, make_term
from domains.quantum.inputs.text import number_of, quoted
from poets_core.errors import InvalidTable

LISTS = ("pauli", "paulis", "terms", "pauli_terms", "hamiltonian", "operator", "observable", "data", "paulilist")
ORDERS = ("order", "qubit_order", "bit_order", "ordering", "endian", "endianness")
COUNTS = ("num_qubits", "n_qubits", "qubits", "nqubits")
QISKIT = "the last letter of a SparsePauliOp is qubit 0"
_LOCAL = re.compile(r"[IXYZixyz]+")
_SKIPPED = ("from ", "import ", "#")
_NAMED = re.compile(r"[A-Za-z_]\w{0,60}+\s{0,9}=(?!=)")


@dataclass(frozen=True)
class Found:
    """What a document says.

    Attributes:
        terms: in the order written.
        order: of qubits, as the document states it; ``""`` where it does not.
        qubits: as the document states them, 0 where it does not.
        ignored: keys that were not used.
    """

    terms: list[Term]
    order: str = ""
    qubits: int = 0
    ignored: tuple[str, ...] = ()


def read_document(value: Any) -> Found:
    """Read the terms of a JSON document in any of the shapes people write.

    Raises:
        InvalidTable: names the term.
    """
    if isinstance(value, dict):
        keys = {key.lower(): key for key in value}
        order = next((str(value[keys[k]])[:400] for k in ORDERS if k in keys), "")
        qubits = next((value[keys[k]] for k in COUNTS if k in keys and type(value[keys[k]]) is int), 0)
        labels = next((k for k in (*LABELS, *LISTS) if _is_labels(value.get(keys.get(k, "")))), "")
        numbers = next((k for k in COEFFICIENTS if isinstance(value.get(keys.get(k, "")), list)), "")
        if labels and numbers:
            terms = _parallel(value[keys[labels]], value[keys[numbers]])
            used = {labels, numbers}
        elif inner := next((k for k in LISTS if isinstance(value.get(keys.get(k, "")), list | dict)), ""):
            found = value[keys[inner]]
            terms = read_document(found).terms if isinstance(found, dict) else _listed(found)
            used = {inner}
        else:
            known = {*ORDERS, *COUNTS}
            terms = _listed([[key, number] for key, number in value.items() if key.lower() not in known])
            used = set(keys)
        used |= {k for k in (*ORDERS, *COUNTS) if k in keys}
        return Found(terms, order, qubits, tuple(keys[k] for k in keys if k not in used))
    if isinstance(value, list):
        return Found(_listed(value))
    raise InvalidTable(f"Expected a list or an object of terms, got {quoted(value)}.")


def _is_labels(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


def _parallel(labels: Sequence[str], numbers: Sequence[Any]) -> list[Term]:
    if len(labels) != len(numbers):
        raise InvalidTable(
            f"Expected one coefficient per label, got {len(labels)} labels, {len(numbers)} coefficients."
        )
    return _listed([[label, number] for label, number in zip(labels, numbers, strict=True)])


def _listed(items: Sequence[Any]) -> list[Term]:
    """Read a list with one item per term."""
    if len(items) > MAX_TERMS:
        raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got {len(items):,}.")
    return [_item(f"term {number}", item) for number, item in enumerate(items, 1)]


def _item(where: str, item: Any) -> Term:
    text = str(item)[:200]
    if isinstance(item, dict):
        keys = {key.lower(): key for key in item}
        label = next((item[keys[k]] for k in LABELS if k in keys), None)
        given = [k for k in COEFFICIENTS if k in keys]
        if given and given[0] in ("real", "re"):
            # {"label": .., "real": .., "imag": ..}: the two parts stand beside the label.
            number: Any = {k: item[keys[k]] for k in ("real", "re", "imag", "imaginary", "im") if k in keys}
        else:
            number = item[keys[given[0]]] if given else None
        if isinstance(label, str) and number is not None:
            return make_term(where, text, label, number)
    elif isinstance(item, list | tuple) and len(item) == 2:
        for label, number in (item, item[::-1]):
            if isinstance(label, str) and number_of(label) is None:
                return make_term(where, text, label, number)
    elif isinstance(item, list | tuple) and len(item) == 3 and isinstance(item[0], str):
        letters, wires, number = item
        if isinstance(wires, list):
            return _sparse(where, text, letters, wires, number)
        return make_term(where, text, letters, [wires, number])
    raise InvalidTable(f"Expected a label and a coefficient in {where}, got {quoted(text)}.")


def _sparse(where: str, text: str, letters: str, wires: Sequence[Any], number: Any) -> Term:
    """Read ("ZZ", [0, 1], 0.5): letters and the qubits they act on."""
    indices = [number_of(w) for w in wires]
    whole = [int(i.real) for i in indices if i is not None and i.imag == 0 and 0 <= i.real < 1e6 and i.real % 1 == 0]
    if len(whole) != len(letters) or len(indices) != len(whole) or not (_LOCAL.fullmatch(letters) or not letters):
        raise InvalidTable(f"Expected as many letters IXYZ as qubits in {where}, got {quoted(text)}.")
    term = make_term(where, text, "", number)
    return Term(where, text, term.coefficient, factors=tuple(zip(letters.upper(), whole, strict=True)))


def read_python(text: str) -> Found:
    """Read ``SparsePauliOp(...)``, ``.from_list(...)``, ``.from_sparse_list(...)``, or a Python list of terms.

    Lines of import before it, and ``name =``, are skipped.

    Raises:
        InvalidTable: it is none of them.
    """
    lines = text.split("\n")
    first_line = next((k for k, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(_SKIPPED)), 0)
    text = "\n".join(lines[first_line:]).strip()
    named = _NAMED.match(text)
    value = read_literal(text[named.end() if named else 0 :], "SparsePauliOp" if "Sparse" in text else "the list")
    if not isinstance(value, Call):
        return read_document(value)
    kind = value.name.split(".")[-1]
    first = value.args[0] if value.args else value.keys.get({"SparsePauliOp": "data"}.get(kind, "obj"))
    second = value.args[1] if len(value.args) > 1 else None
    count = number_of(value.keys.get("num_qubits", second))
    qubits = int(count.real) if count is not None and abs(count) < 1e6 else 0
    if kind == "from_list" and isinstance(first, list):
        return Found(_listed(first), QISKIT)
    if kind == "from_sparse_list" and isinstance(first, list):
        return Found(_listed(first), "", qubits)
    if kind == "SparsePauliOp" and isinstance(first, str | list):
        labels = [first] if isinstance(first, str) else first
        numbers = second if second is not None else value.keys.get("coeffs")
        if _is_labels(labels) and (numbers is None or isinstance(numbers, list)):
            return Found(_parallel(labels, [1.0] * len(labels) if numbers is None else numbers), QISKIT)
    wanted = "SparsePauliOp([labels], coeffs=[...]), from_list or from_sparse_list"
    raise InvalidTable(f"Expected {wanted}, got {quoted(text)}.")
