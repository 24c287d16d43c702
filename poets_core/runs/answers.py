"""How a judge's command becomes an answer to a pair; checked before it is sent and again when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args

from poets_core.errors import InvalidComparisons

Word: TypeAlias = Literal["first", "second", "tie", "skip", "undo"]
WORDS: tuple[Word, ...] = get_args(Word)
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
    outcome: Word
    judge: str


def read_answer(body: Mapping[str, Any]) -> Answer:
    """Read the body of a "judge" command.

    Raises:
        InvalidComparisons: a word that is no outcome (never taken for a tie), no pair, or no name.
    """
    word, judge, index = body.get("outcome"), body.get("judge"), body.get("index")
    if word not in WORDS:
        raise InvalidComparisons(f"Expected an outcome, one of {', '.join(WORDS)}, got {word!r}. Nothing was judged.")
    outcome = cast(Word, word)
    if not isinstance(judge, str) or not judge.strip() or len(judge) > LONGEST_NAME:
        raise InvalidComparisons(f"Expected the judge's name, 1 to {LONGEST_NAME} characters, got {judge!r}.")
    if outcome == "undo":
        return Answer(-1, outcome, judge)
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise InvalidComparisons(f"Expected the number of a pair, got {index!r}. Nothing was judged.")
    return Answer(index, outcome, judge)
