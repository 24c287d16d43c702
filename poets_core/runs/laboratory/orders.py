"""What people who measure send to a run: results, the wish for the next batch or for other designs, another budget.

Checked before it is sent, and again by the worker that reads it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from poets_core.errors import InvalidInput
from poets_core.intake.numbers import LARGEST
from poets_core.runs.event_fields import MeasuredWell
from poets_core.runs.lease import CommandName

MOST_WELLS = 50_000
LONGEST = 200
"""Characters of a text in an order."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Results:
    """Lines of results that were looked at and accepted.

    Attributes:
        round: of the batch they belong to, from 0.
        wells: the lines.
        file, sha256: where they came from.
    """

    round: int
    wells: tuple[MeasuredWell, ...]
    file: str = ""
    sha256: str = ""

    def body(self) -> dict[str, Any]:
        """Return the body of the command."""
        return {
            "round": self.round,
            "file": self.file,
            "sha256": self.sha256,
            "wells": [list(asdict(w).values()) for w in self.wells],
        }


@dataclass(frozen=True)
class NextBatch:
    """Go on: what a batch has no results for stays unknown.

    Attributes:
        round: of the batch that is closed, from 0.
    """

    round: int


@dataclass(frozen=True)
class NewBudget:
    """Rounds in all, and designs of each coming one."""

    rounds: int
    batch: int


@dataclass(frozen=True)
class Reject:
    """Designs of a batch that will not be measured; others are proposed in their place.

    Attributes:
        round: of the batch, from 0.
        candidates: ids of the designs.
        hold: place in a design, from 0 -> what has to stand there in the new ones (a residue, a gate).
        spread: whether the new ones are far apart from each other, whatever is expected of them.
    """

    round: int
    candidates: tuple[str, ...]
    hold: Mapping[int, str]
    spread: bool

    def body(self) -> dict[str, Any]:
        """Return the body of the command."""
        hold = {str(k): v for k, v in self.hold.items()}
        return {"round": self.round, "candidates": list(self.candidates), "hold": hold, "spread": self.spread}


Order: TypeAlias = Results | NextBatch | NewBudget | Reject


def read_order(command: CommandName, body: Mapping[str, Any]) -> Order:
    """Read the body of a command.

    Raises:
        InvalidInput: it is no such order; nothing was sent.
    """
    match command:
        case "results":
            return _results(body)
        case "next":
            return NextBatch(_whole(body, "round", 0, 10**6))
        case "budget":
            return NewBudget(_whole(body, "rounds", 1, 100_000), _whole(body, "batch", 1, 4096))
        case "reject":
            return _reject(body)
    raise InvalidInput(f"Expected results, next, budget or reject, got {command!r}.")


def _reject(body: Mapping[str, Any]) -> Reject:
    candidates, hold, spread = body.get("candidates"), body.get("hold", {}), body.get("spread", False)
    if not isinstance(candidates, list) or not 0 < len(candidates) <= MOST_WELLS:
        raise InvalidInput("Expected the ids of designs to be rejected, got none.")
    if not isinstance(hold, Mapping) or not all(str(k).isdecimal() and len(str(k)) < 7 for k in hold):
        raise InvalidInput(f"Expected places of a design and what has to stand there, got {hold!r:.80}.")
    held = {int(k): _text(v, "what has to stand at a place") for k, v in hold.items()}
    ids = tuple(_text(c, "the id of a design") for c in candidates)
    return Reject(_whole(body, "round", 0, 10**6), ids, held, bool(spread))


def _results(body: Mapping[str, Any]) -> Results:
    wells, sha256 = body.get("wells"), body.get("sha256", "")
    if not isinstance(wells, list) or not 0 < len(wells) <= MOST_WELLS:
        got = len(wells) if isinstance(wells, list) else type(wells).__name__
        raise InvalidInput(f"Expected 1 to {MOST_WELLS:,} lines of results, got {got}. Nothing was written.")
    if not isinstance(sha256, str) or (sha256 and not _SHA256.fullmatch(sha256)):
        raise InvalidInput(f"Expected the SHA-256 of a file of results, got {str(sha256)[:80]!r}.")
    file = _text(body.get("file", ""), "the name of a file")
    return Results(_whole(body, "round", 0, 10**6), tuple(map(_well, wells)), file, sha256)


def _well(line: Any) -> MeasuredWell:
    if not isinstance(line, list) or len(line) != len(MeasuredWell.__dataclass_fields__):
        raise InvalidInput(
            f"Expected a line of results as {list(MeasuredWell.__dataclass_fields__)}, got {line!r:.80}."
        )
    candidate, control, place, value, note, row = line
    texts = [_text(t, "text in a line of results") for t in (candidate, control, place, note)]
    if bool(texts[0]) == bool(texts[1]):
        raise InvalidInput(f"Expected a candidate or a control in each line of results, got {line!r:.80}.")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InvalidInput(f"Expected a number or null as the value of a line of results, got {value!r:.80}.")
    if value is not None and not math.isfinite(value):
        raise InvalidInput(f"Expected a finite value in a line of results, got {value!r}.")
    if value is not None and abs(value) > LARGEST:
        raise InvalidInput(f"Expected a value up to {LARGEST:g} in a line of results, got {value!r:.80}.")
    if isinstance(row, bool) or not isinstance(row, int):
        raise InvalidInput(f"Expected the number of a row, got {row!r:.80}.")
    return MeasuredWell(texts[0], texts[1], texts[2], None if value is None else float(value), texts[3], row)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise InvalidInput(f"Expected {what} of at most {LONGEST} characters, got {value!r:.80}.")
    return value


def _whole(body: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput(f"Expected a whole number from {least} to {most:,} as {name}, got {value!r:.80}.")
    return value
