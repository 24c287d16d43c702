"""What all readers of pasted text share: its size, its signs, its numbers, and how messages quote it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from poets_core.errors import InvalidTable
from poets_core.intake import read_json, shown

MAX_BYTES = 256 << 10
"""Of a pasted or uploaded text, after encoding as UTF-8."""
UNSIGNED = r"(?:\d{1,64}+(?:\.\d{0,64}+)?+|\.\d{1,64}+)(?:[eEdD][-+]?\d{1,6}+)?+"
"""A number without sign, 1e-3 or 1D-3; repetitions are bounded and give nothing back, so time is linear in the text."""
REAL = rf"[-+]?{UNSIGNED}"
_NUMBER = re.compile(
    rf"\(?\s{{0,9}}(?:(?P<imag>{REAL})[jJi]|(?P<re>{REAL})(?:\s{{0,9}}(?P<im>[-+]\s{{0,9}}{UNSIGNED})[jJi])?)\s{{0,9}}\)?"
)
_POWER = str.maketrans("dD", "ee")
_SIGNS = str.maketrans({"−": "-", "–": "-", "\uff0d": "-", "\u00a0": " ", "\u2009": " ", "\ufeff": " "})
_TURNED = re.compile(r"phases?\Z|angle|transpos|conj|dagger|adjoint|inverse|scal(?:e|ing)|factor|\Anorm|\Acontrol")
"""Keys that may change the numbers they stand beside."""
_ORDERED = re.compile(r"(?:qubits?|wires?|targets?|qargs|qregs?|sites|layout|permutation|qubit_list|qubit_names)")
REAL_KEYS, IMAG_KEYS = ("real", "re"), ("imag", "imaginary", "im")


def cleaned(text: str, what: str) -> str:
    """Return a text with plain minus signs, spaces and line ends.

    Raises:
        InvalidTable: it is empty, too long, or not text.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise InvalidTable(
            f"Expected {what} of at most {MAX_BYTES >> 10} kB, got more. Keep the terms that are needed."
        )
    if "\0" in text:
        raise InvalidTable(f"Expected {what} as text, got a file of bytes. Save it as text, CSV or JSON.")
    text = text.translate(_SIGNS).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise InvalidTable(f"Expected {what}, got nothing. Paste it or choose a file.")
    return text


def is_json(text: str) -> bool:
    """Whether a text begins like a JSON document."""
    return text.startswith(("{", "["))


def json_of(text: str, what: str) -> Any:
    """Read JSON, with every key once.

    Raises:
        InvalidTable: it is none.
    """
    return read_json(text, what, InvalidTable, MAX_BYTES)


def number_in(text: str) -> complex | None:
    """Return the number that a text is, ``0.5``, ``1e-3j`` or ``(0.5-0.1j)``; None where it is no number."""
    text = text.strip()
    found = _NUMBER.fullmatch(text)
    if found is None or text.startswith("(") != text.endswith(")"):
        return None
    if found["imag"] is not None:
        return complex(0.0, real_of(found["imag"]))
    imaginary = "".join((found["im"] or "0").split())
    return complex(real_of(found["re"]), real_of(imaginary))


def real_of(digits: str) -> float:
    """Return the float of what `REAL` matches."""
    return float(digits.translate(_POWER))


def number_of(value: Any) -> complex | None:
    """Return the number that a JSON value is, None where it is none.

    Numbers, texts of numbers, ``[real, imaginary]`` and ``{"real": .., "imag": ..}`` are read.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | complex):
        try:
            return complex(value)
        except OverflowError:
            return complex(np.inf)
    if isinstance(value, str):
        return number_in(value)
    if isinstance(value, dict):
        known = {*REAL_KEYS, *IMAG_KEYS}
        if not value or not set(value) <= known:
            return None
        value = [next((value[k] for k in keys if k in value), 0.0) for keys in (REAL_KEYS, IMAG_KEYS)]
    if isinstance(value, list | tuple) and len(value) == 2:
        parts = [number_of(part) if not isinstance(part, list | tuple | dict) else None for part in value]
        if parts[0] is not None and parts[1] is not None and parts[0].imag == parts[1].imag == 0.0:
            return complex(parts[0].real, parts[1].real)
    return None


def unread(key: object, value: Any, what: str) -> str:
    """Return a note on a key that is not used.

    Raises:
        InvalidTable: it may mean other numbers or another order of qubits.
    """
    name = str(key)
    if _TURNED.search(name.lower()) and value not in (None, False, 0, "", []):
        raise InvalidTable(
            f"Expected {what} as they are meant, got {quoted(name)} with {quoted(value)} beside them, which is not "
            f"applied. Apply it to {what}, or take it out."
        )
    if _ORDERED.fullmatch(name.lower()) and isinstance(value, list | tuple) and not _counts(value):
        raise InvalidTable(
            f"Expected {what} on qubits 0, 1, ... in the order that the form states, got {quoted(value)} under "
            f"{quoted(name)}: qubits may be numbered so, or the bits stand in that order. Bring {what} into the "
            "form's order and leave the list out."
        )
    return f"Not used: {quoted(name)}."


def _counts(value: Any) -> bool:
    """Whether qubits are 0, 1, .. in this order, as numbers or as q0, q1, .."""
    return [re.sub(r"\Aq_?", "", str(v)[:12]) for v in value] == [str(k) for k in range(len(value))]


def quoted(value: object) -> str:
    """Return what somebody wrote as a message repeats it: quoted, cut, on one line."""
    return shown(" ".join(value.split()) if isinstance(value, str) else value, 60)
