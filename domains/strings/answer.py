"""What an oracle of one's own is sent for a design, and what it may answer: a line of JSON each.

    {"design": "ACGT", "seed": 4711}
    {"value": 1.5}   or   {"value": 1.5, "std": 0.1, "details": {"pH": 7}}   or   {"invalid": "does not fold"}

The seed is a number of its own for every measurement, for oracles with noise. `std` is the known deviation of the
value, 0 where nothing is said. Whatever else comes is no answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poets_core.errors import InvalidInput
from poets_core.intake import printable, read_json, shown

LINE = 1 << 16
"""Bytes of an answer, at most."""
REASON, DETAILS = 300, 20
"""Characters of a reason, and details beside a value, at most."""
KNOWN = {"value", "std", "details", "invalid", "error"}


@dataclass(frozen=True)
class Answer:
    """What an oracle said of a design.

    Attributes:
        value: in the objective's unit; None where there is none, and then `reason` says why.
        std: known deviation of the value.
        reason: why there is no value.
        details: numbers, texts and truths beside it.
        failed: whether the oracle failed, and not the design.
    """

    value: float | None
    std: float = 0.0
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False


class NoAnswer(InvalidInput):
    """An oracle crashed, hung, or said what is no answer."""


def question(design: str, seed: int) -> str:
    """Return the line that an oracle is sent."""
    return json.dumps({"design": design, "seed": seed})


def read_answer(line: str) -> Answer:
    """Read the line that came back.

    Raises:
        NoAnswer: it is none.
    """
    told = read_json(line, "a line of JSON from the oracle", NoAnswer, most=LINE)
    if not isinstance(told, dict) or not told.keys() <= KNOWN:
        raise NoAnswer(f"Expected an object with value or invalid, got {shown(line, 80)}.")
    if told.get("error"):
        raise NoAnswer(f"the oracle failed: {str(told['error'])[:REASON]}")
    if ("value" in told) == ("invalid" in told):
        raise NoAnswer(f"Expected either value or invalid, got {shown(line, 80)}.")
    if "invalid" in told:
        reason = told["invalid"]
        if not isinstance(reason, str) or not reason.strip():
            raise NoAnswer(f"Expected a reason in words as invalid, got {shown(reason)}.")
        return Answer(None, reason=printable(reason.strip()[:REASON]), details=_details(told))
    value, std = _number(told["value"], "value"), _number(told.get("std", 0.0), "std")
    if std < 0:
        raise NoAnswer(f"Expected a deviation of at least 0 as std, got {std!r}.")
    return Answer(value, std, details=_details(told))


def _number(found: object, name: str) -> float:
    # JSON's reader takes NaN and Infinity for numbers, and true is one of Python's.
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise NoAnswer(f"Expected a number as {name}, got {shown(found)}.")
    try:
        number = float(found)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise NoAnswer(f"Expected a finite number as {name}, got {shown(found)}.")
    return number


def _details(told: Mapping[str, Any]) -> Mapping[str, Any]:
    details = told.get("details", {})
    plain = isinstance(details, dict) and len(details) <= DETAILS
    if not plain or not all(v is None or isinstance(v, str | int | float | bool) for v in details.values()):
        raise NoAnswer(f"Expected at most {DETAILS} details that are numbers, texts or truths, got {shown(details)}.")
    # A number that is not finite has no JSON of its own; in the log null stands for it.
    return {
        name[:100]: v[:REASON] if isinstance(v, str) else None if isinstance(v, float) and not math.isfinite(v) else v
        for name, v in details.items()
    }
