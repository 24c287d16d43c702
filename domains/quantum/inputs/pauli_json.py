"""Terms of a Hamiltonian from JSON, and from lists and dicts as Python prints them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from domains.quantum.inputs.pauli_rows import (
    IMAGINARY,
    LABELS,
    QUBITS,
    Found,
    Row,
    coefficient_name,
    plain_name,
    terms_of,
    unused,
)
from domains.quantum.inputs.pauli_terms import MAX_TERMS, Term, make_term, sparse_term
from domains.quantum.inputs.pauli_text import read_sum
from domains.quantum.inputs.text import number_of, quoted, unread
from poets_core.errors import InvalidTable

LISTS = ("pauli", "paulis", "terms", "pauli_terms", "hamiltonian", "operator", "observable", "data", "paulilist")
ORDERS = ("order", "qubit_order", "bit_order", "ordering", "endian", "endianness")
COUNTS = ("num_qubits", "n_qubits", "qubits", "nqubits")
_NUMBER = re.compile(r"(?<![\w.\[({])\d|\d\.\d")
"""A number that is no qubit of a letter."""


def read_document(value: Any) -> Found:
    """Read the terms of a JSON document in any of the shapes people write.

    Raises:
        InvalidTable: names the term.
    """
    if isinstance(value, str):
        terms, notes = read_sum(value)
        return Found(terms, notes=notes)
    if isinstance(value, list):
        return _listed(value)
    if not isinstance(value, dict):
        raise InvalidTable(f"Expected a list or an object of terms, got {quoted(value)}.")
    if value.get("cirq_type") == "PauliSum" and isinstance(value.get("items"), list):
        return Found([_cirq(f"term {k}", item) for k, item in enumerate(value["items"][: MAX_TERMS + 1], 1)])
    keys = {plain_name(key): key for key in value}
    if len(keys) == len(value):
        return _object(value, keys)
    return _listed([[key, number] for key, number in value.items()])


def _object(value: dict[str, Any], keys: dict[str, str]) -> Found:
    """Read an object, by its keys in plain form."""
    order = next((str(value[keys[k]])[:400] for k in ORDERS if k in keys), "")
    qubits = next((value[keys[k]] for k in COUNTS if k in keys and type(value[keys[k]]) is int), 0)
    stated = {k for k in keys if k in ORDERS or (k in COUNTS and type(value[keys[k]]) is int)}
    labels = next((k for k in (*LABELS, *LISTS) if _is_labels(value.get(keys.get(k, "")))), "")
    numbers = coefficient_name((k for k in keys if isinstance(value[keys[k]], list) and k != labels), "in the object")
    inner = next((k for k in LISTS if isinstance(value.get(keys.get(k, "")), list | dict | str)), "")
    if labels and numbers:
        imag = next((k for k in IMAGINARY if isinstance(value.get(keys.get(k, "")), list)), "")
        found = _listed(_parallel(value[keys[labels]], value[keys[numbers]], value[keys[imag]] if imag else None))
        used = {labels, numbers, imag}
    elif inner and not (isinstance(value[keys[inner]], str) and coefficient_name(keys, "in the object")):
        found, used = read_document(value[keys[inner]]), {inner}
    elif {"label", "pauli", "op", "pauli_string"} & set(keys) and coefficient_name(keys, "in the object"):
        found, used = _listed([value]), set(keys)
    else:
        found = _listed([[key, number] for key, number in value.items() if plain_name(key) not in stated])
        used = set(keys)
    rest = [(keys[k], value[keys[k]]) for k in keys if k not in used | stated]
    left = unused(rest, "in the object")
    for key, given in rest:
        if isinstance(given, list):
            unread(key, given, "the terms")  # refuses qubits in another order
    if qubits and found.qubits and qubits != found.qubits:
        raise InvalidTable(f"Expected one number of qubits, got {qubits} and {found.qubits}.")
    return Found(found.terms, order or found.order, qubits or found.qubits, (*left, *found.ignored), found.notes)


def _is_labels(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


def _parallel(labels: Sequence[str], numbers: Sequence[Any], imaginary: Sequence[Any] | None = None) -> list[Any]:
    """Return [label, number] from lists of them."""
    if len(labels) != len(numbers) or (imaginary is not None and len(imaginary) != len(labels)):
        raise InvalidTable(
            f"Expected one coefficient per label, got {len(labels)} labels, {len(numbers)} coefficients"
            + (f" and {len(imaginary)} imaginary parts." if imaginary is not None else ".")
        )
    rows = zip(labels, numbers, imaginary or [0] * len(labels), strict=True)
    return [[label, whole(f"term {k}", number, imag)] for k, (label, number, imag) in enumerate(rows, 1)]


def whole(where: str, number: Any, imaginary: Any) -> Any:
    """Return a coefficient of its two parts; the first as it is where there is no second.

    Raises:
        InvalidTable: the second is no real number.
    """
    imag = number_of(imaginary)
    if imaginary in (None, "", 0):
        return number
    real = number_of(number)
    if imag is None or imag.imag or real is None:
        raise InvalidTable(f"Expected numbers as parts of a coefficient in {where}, got {quoted([number, imaginary])}.")
    return real + 1j * imag


def _listed(items: Sequence[Any]) -> Found:
    """Read a list with one item per term."""
    if len(items) > MAX_TERMS:
        raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got {len(items):,}.")
    if items and all(isinstance(item, dict) for item in items):
        return _objects(items)
    if items and _is_labels(list(items)):
        # ["0.5 ZZ", "0.25 XI"]: a term a text; labels alone would say no coefficients.
        found = [read_sum(text) for text in items]
        if all(_NUMBER.search(text) for text in items):
            return Found([t for terms, _ in found for t in terms], notes=tuple({n for _, ns in found for n in ns}))
        raise InvalidTable(f"Expected a coefficient with each label, got labels alone: {quoted(items[0])}, ...")
    return Found([_item(f"term {number}", item) for number, item in enumerate(items, 1)])


def _objects(items: Sequence[dict[str, Any]]) -> Found:
    """Read a list of objects, one per term."""
    rows, left, names = [], dict[str, None](), set[str]()
    for count, item in enumerate(items, 1):
        where, text = f"term {count}", str(item)[:200]
        keys = {plain_name(key): key for key in item}
        label = next((k for k in LABELS if k in keys), "")
        number = coefficient_name(keys, f"in {where}")
        if not label or not number or len(keys) != len(item):
            raise InvalidTable(f"Expected a label and a coefficient in {where}, got {quoted(text)}.")
        imag = next((k for k in IMAGINARY if k in keys), "")
        wires = next((k for k in QUBITS if k in keys), "")
        left |= dict.fromkeys(
            unused([(keys[k], item[keys[k]]) for k in keys if k not in (label, number, imag, wires)], f"in {where}")
        )
        names |= {wires} - {""}
        letters, places = item[keys[label]], item[keys[wires]] if wires else None
        if isinstance(letters, list):
            letters, places, wires = *_on_qubits(where, text, letters), "qubits"
            names.add(wires)
        if not isinstance(letters, str):
            raise InvalidTable(f"Expected letters IXYZ in {where}, got {quoted(text)}.")
        coefficient = whole(where, item[keys[number]], item[keys[imag]] if imag else None)
        rows.append(Row(where, text, letters, coefficient, places))
    if len(names) > 1:
        raise InvalidTable(f"Expected one name for the qubits of terms, got {' and '.join(sorted(names)[:3])}.")
    terms, notes = terms_of(rows, next(iter(names), ""))
    return Found(terms, ignored=tuple(left), notes=notes)


def _on_qubits(where: str, text: str, letters: list[Any]) -> tuple[str, list[int]]:
    """Return letters and qubits of [[["q", [0]], "Z"], ..], as pytket writes them."""
    found, places = list[str](), list[int]()
    for pair in letters:
        match pair:
            case [[str(), [int(qubit)]], str(letter)] if letter in tuple("IXYZ"):
                found.append(letter)
                places.append(qubit)
            case _:
                raise InvalidTable(f"Expected letters with their qubits in {where}, got {quoted(text)}.")
    return "".join(found), places


def _item(where: str, item: Any) -> Term:
    text = str(item)[:200]
    if isinstance(item, dict):
        return _objects([item]).terms[0]
    if isinstance(item, list | tuple) and len(item) == 2:
        for label, number in (item, item[::-1]):
            if isinstance(label, str) and number_of(label) is None:
                return make_term(where, text, label, number)
    elif isinstance(item, list | tuple) and len(item) == 3 and isinstance(item[0], str):
        letters, wires, number = item
        if isinstance(wires, list):
            return sparse_term(where, text, letters, wires, number)
        return make_term(where, text, letters, [wires, number])
    raise InvalidTable(f"Expected a label and a coefficient in {where}, got {quoted(text)}.")


def _cirq(where: str, item: Any) -> Term:
    """Read [[[qubit, Pauli], ..], coefficient] of Cirq's JSON."""
    text = str(item)[:200]
    match item:
        case [list(pairs), {"cirq_type": "complex", "real": real, "imag": imag}]:
            number: Any = [real, imag]
        case [list(pairs), number]:
            pass
        case _:
            raise InvalidTable(f"Expected letters and a coefficient in {where}, got {quoted(text)}.")
    letters, places = "", list[int]()
    for pair in pairs:
        match pair:
            case [{"cirq_type": "LineQubit", "x": int(x)}, {"cirq_type": str(kind)}] if kind[-1:] in "XYZI":
                letters, places = letters + kind[-1], [*places, x]
            case _:
                raise InvalidTable(
                    f"Expected letters on qubits LineQubit(0), LineQubit(1), ... in {where}, got {quoted(pair)}. "
                    "Number the qubits first."
                )
    return sparse_term(where, text, letters, places, number)
