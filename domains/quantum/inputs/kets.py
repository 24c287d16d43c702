"""A state as a sum of kets: ``0.6|00> + 0.8i|11>``, ``(|00> + |11>)/sqrt(2)``."""

from __future__ import annotations

import re

from domains.quantum.inputs.array_text import number_at
from domains.quantum.inputs.text import quoted
from poets_core.errors import InvalidTable

_KET = re.compile(
    r"\s{0,99}(?P<sign>[-+]?)\s{0,99}(?P<number>[^|+\-\s][^|]{0,99}?)?\s{0,9}\*?\s{0,9}\|(?P<bits>[01]{1,64})[>⟩]"
)
_OUTER = re.compile(r"\s{0,99}(?P<before>[^|]{0,60}?)\s{0,9}\*?\s{0,9}\(\s{0,9}(?=[^()|]{0,60}\|)")
_BEHIND = re.compile(r"\)\s{0,9}(?:(?P<mark>[*/])\s{0,9}(?P<number>[^|]{1,60}))?\s{0,9}$")
_LINE = re.compile(r"\|([01]{1,64})[>⟩][ \t]{0,9}[:=,;\t ][ \t]{0,9}([^|\s][^|]{0,99})")


def read_kets(text: str) -> tuple[dict[str, complex], bool]:
    """Return the number before each bit string, and whether the sum has no number at all: ``|00> + |11>``.

    Raises:
        InvalidTable: it is no such sum, or has a ket twice.
    """
    lines = [_LINE.fullmatch(line.strip()) for line in text.split("\n") if line.strip()]
    if all(lines):
        return _listed([(m[1], m[2]) for m in lines if m]), False
    inner, factor = _outer(text.strip())
    found: dict[str, complex] = {}
    at, bare = 0, factor is None
    while at < len(inner):
        match = _KET.match(inner, at)
        if match is None or (at and not match["sign"] and "\n" not in inner[at : match.end()]):
            raise InvalidTable(f"Expected a sum such as 0.6|00> + 0.8|11>, got {quoted(inner[at : at + 60])}.")
        number = 1.0 + 0j if match["number"] is None else number_at(match["number"].strip(" *"))
        bare = bare and match["number"] is None
        if number is None or match["bits"] in found:
            raise InvalidTable(f"Expected a number before each ket, each ket once, got {quoted(match[0])}.")
        # -(0.6+0j) is not -0.6-0j to a float, and either is the same state.
        found[match["bits"]] = (-number if match["sign"] == "-" else number) * (1 if factor is None else factor)
        at = match.end()
    return found, bare and len(found) > 1


def _outer(text: str) -> tuple[str, complex | None]:
    """Return the sum in brackets that stand around all of it, and the number that it is multiplied by."""
    before, behind = _OUTER.match(text), _BEHIND.search(text, max(0, len(text) - 99))
    inner = text[before.end() : behind.start()] if before and behind else ""
    if not before or not behind or not inner or not _balanced(inner):
        return text, None
    factor = 1 + 0j
    for given, mark in ((before["before"], "*"), (behind["number"], behind["mark"])):
        if given:
            number = -1 + 0j if given.strip() == "-" else number_at(given.strip(" *"))
            if number is None or (mark == "/" and (number == 0 or re.search(r"[*/]", given))):
                raise InvalidTable(f"Expected a number before or after the brackets, got {quoted(given)}.")
            factor = factor / number if mark == "/" else factor * number
    return inner, factor


def _balanced(text: str) -> bool:
    depth = 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            return False
    return depth == 0


def _listed(pairs: list[tuple[str, str]]) -> dict[str, complex]:
    found: dict[str, complex] = {}
    for bits, text in pairs:
        number = number_at(text.strip(" ,;"))
        if number is None or bits in found:
            raise InvalidTable(f"Expected a number after each ket, each ket once, got {quoted(f'|{bits}> {text}')}.")
        found[bits] = number
    return found
