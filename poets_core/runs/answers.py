"""What a judge's command says: an answer to a pair, checked before it is sent and again when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poets_core.errors import InvalidComparisons

WORDS = ("first", "second", "tie", "skip", "undo")
LONGEST_NAME = 80


@dataclass(frozen=True)
class Answer:
    """One press of a judge's button.

    Attributes:
        index: of the pair; -1 with "undo", which withdraws this judge's last answer, whatever the pair.
        outcome: one of `WORDS`.
        judge: who.
    """

    index: int
    outcome: str
    judge: str


def read_answer(body: Mapping[str, Any]) -> Answer:
    """Read the body of a "judge" command.

    Raises:
        InvalidComparisons: a word that is no outcome (never taken for a tie), no pair, or no name.
    """
    outcome, judge, index = body.get("outcome"), body.get("judge"), body.get("index")
    if outcome not in WORDS:
        raise InvalidComparisons(
            f"Expected an outcome, one of {', '.join(WORDS)}, got {outcome!r}. Nothing was judged."
        )
    if not isinstance(judge, str) or not judge.strip() or len(judge) > LONGEST_NAME:
        raise InvalidComparisons(f"Expected the judge's name, 1 to {LONGEST_NAME} characters, got {judge!r}.")
    if outcome == "undo":
        return Answer(-1, outcome, judge)
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise InvalidComparisons(f"Expected the number of a pair, got {index!r}. Nothing was judged.")
    return Answer(index, outcome, judge)
