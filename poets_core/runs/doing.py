"""What a worker does now: a value that a run's row keeps as a few words, such as ``"evaluate 3 0"``.

People read it on the pages. The next worker reads it too: it says what was with the oracle when the last one was cut
off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Step: TypeAlias = Literal[
    "problem",
    "library",
    "model",
    "ask",
    "evaluate",
    "update",
    "learn",
    "rebuild",
    "contest",
    "export",
    "load",
    "judge",
    "answer",
    "wait",
    "results",
    "sum",
    "rescore",
    "play",
    "assess",
    "deploy",
    "verify",
]

# fmt: off
_WORDS: Mapping[Step, tuple[str, int]] = {
    "problem":  ("load problem", 0),       # of a search that begins
    "library":  ("train small model", 0),  # likewise
    "model":    ("load model", 0),         # likewise
    "ask":      ("ask", 1),                # round
    "evaluate": ("evaluate", 2),           # round, chunk
    "update":   ("update", 1),             # round
    "learn":    ("learn given data", 0),   # of a search that begins
    "rebuild":  ("rebuild", 1),            # round
    "contest":  ("contest", 3),            # round, comparison, chunk
    "export":   ("export adapters", 0),
    "load":     ("load run", 0),           # whose branches are compared
    "judge":    ("judge", 1),              # pair
    "answer":   ("answer", 2),             # policy, first item
    "wait":     ("wait for verdicts", 0),
    "results":  ("wait for results", 1),   # round
    "sum":      ("sum up", 0),
    "rescore":  ("rescore", 1),            # chunk
    "play":     ("write and learn", 1),    # round, of a run that learns from rewards
    "assess":   ("assess models", 1),      # round
    "deploy":   ("compare models", 0),     # of a run that learnt from rewards
    "verify":   ("verify models", 0),      # likewise, loaded back from their files
}
# fmt: on
"""How each step is written, and how many numbers follow."""


@dataclass(frozen=True, slots=True)
class Doing:
    """One step of a worker.

    Attributes:
        step: what it does.
        numbers: of round, chunk, pair, ..., as many as the step has.
        run: of `load`: which run; empty otherwise.
    """

    step: Step
    numbers: tuple[int, ...] = ()
    run: str = ""

    def __post_init__(self) -> None:
        wanted = _WORDS[self.step][1]
        if len(self.numbers) != wanted or bool(self.run) != (self.step == "load"):
            raise ValueError(
                f"Expected {wanted} numbers for step {self.step!r}, and a run for 'load' only, "
                f"got {self.numbers} and run {self.run!r}."
            )

    @property
    def round(self) -> int | None:
        """The round it belongs to; None for steps outside rounds."""
        return (
            self.numbers[0]
            if self.step in ("ask", "evaluate", "update", "rebuild", "results", "play", "assess")
            else None
        )

    def to_text(self) -> str:
        """Return the words that a run's row keeps."""
        return " ".join([_WORDS[self.step][0], *map(str, self.numbers), *([self.run] if self.run else [])])

    @staticmethod
    def parse(text: str) -> Doing | None:
        """Read what `to_text` wrote; None for no step, and for one that another version of the program wrote."""
        for step, (words, count) in _WORDS.items():
            if text != words and not text.startswith(f"{words} "):
                continue
            rest = text.removeprefix(words).split()
            if step == "load":
                return Doing(step, run=rest[0]) if len(rest) == 1 else None
            if len(rest) == count and all(part.isdecimal() for part in rest):
                return Doing(step, tuple(map(int, rest)))
        return None


EXPORTING, WAITING, SUMMING_UP, LEARNING = Doing("export"), Doing("wait"), Doing("sum"), Doing("learn")
