"""How an ended experiment goes on: more comparisons, or more rows for its log. Checked before it is sent and when read.

Evidence holds at every moment, so that looking and then going on costs nothing; what is stored stays as it is. Only a
verdict is final: its error was spent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, update

from poets_core.errors import InvalidInput
from poets_core.runs.schema import RUNS
from poets_core.spec.experiment import MOST_COMPARISONS

EXTENDED = "extended"
"""Reason in the row of an ended run that was given more and has not gone on yet."""
OPEN_ENDED = ("budget", "exhausted", EXTENDED)
"""Reasons of an end that more comparisons may change."""
_UPLOAD = re.compile(r"[A-Za-z0-9_-]{1,80}(\.[A-Za-z0-9]{1,8}){0,2}")


@dataclass(frozen=True)
class Extension:
    """More for an ended experiment.

    Attributes:
        budget: comparisons in all; 0: as it is, and with a log one more for each further row.
        log: name of a file in the store's uploads; "" for none.
    """

    budget: int
    log: str


def read_extension(body: Mapping[str, Any]) -> Extension:
    """Read the body of an "extend" command.

    Raises:
        InvalidInput: it is none; nothing was sent.
    """
    budget, log = body.get("budget", 0), body.get("log", "")
    if not isinstance(budget, int) or isinstance(budget, bool) or not 0 <= budget <= MOST_COMPARISONS:
        raise InvalidInput(
            f"Expected comparisons in all, 1 to {MOST_COMPARISONS:,}, got {str(budget)[:40]!r}.", field="budget"
        )
    if not isinstance(log, str) or (log and not _UPLOAD.fullmatch(log)):
        raise InvalidInput(f"Expected the name of an uploaded file, got {str(log)[:80]!r}.", field="log")
    if not budget and not log:
        raise InvalidInput("Expected more comparisons or a log with further rows, got neither.", field="budget")
    return Extension(budget, log)


def why_not(kind: str, phase: str, reason: str) -> str:
    """Return why a run cannot be given more, "" where it can.

    Args:
        kind: of its spec; phase, reason: of its row.
    """
    if kind != "experiment":
        return f"a run of kind {kind!r}. Searches get more rounds on the page Measure, or are started again"
    if phase != "finished" or reason == "stopped":
        return "one that has not ended: go on with Resume, and add to it when it has ended"
    if reason == "verdict":
        return (
            "one with a verdict, which is final, also where it is withheld: its error is spent, and more comparisons "
            "cannot make it smaller. Start a new experiment with a smaller error"
        )
    return "" if reason in OPEN_ENDED else f"one that ended with {reason!r}"


def reopen(connection: Connection, row: RowMapping) -> None:
    """Let an ended experiment be claimed again, in the transaction that leaves the command.

    Raises:
        InvalidInput: it cannot go on.
    """
    if why := why_not(row["kind"], row["phase"], row["reason"]):
        raise InvalidInput(f"Expected an experiment that ended undecided, got {why}.")
    connection.execute(update(RUNS).where(RUNS.c.id == row["id"]).values(reason=EXTENDED))
