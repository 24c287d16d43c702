"""An oracle of one's own: asked with a time limit, again where it failed, several designs at once.

It runs only where whoever started POETS has said so (`ALLOWED`): a spec can come from anybody.
"""

from __future__ import annotations

import os
import queue
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from domains.strings.answer import Answer, NoAnswer, question, read_answer
from domains.strings.ways import Oracle, Way
from poets_core.errors import InvalidInput
from poets_core.intake import printable
from poets_core.types import Design, Evaluation

ALLOWED = "POETS_RUN_ORACLES"
"""Variable of the environment that has to be ``yes``."""
IN_A_ROW = 5
"""Designs without an answer after which an oracle is taken to be down."""


@dataclass(frozen=True)
class Patience:
    """How long an answer may take.

    Attributes:
        seconds: for each answer; start: besides, for the first one of a function or program.
    """

    seconds: float
    start: float


@dataclass(frozen=True)
class Asking:
    """How an oracle is asked.

    Attributes:
        seconds, start: see `Patience`.
        retries: how often a design is asked again after a failure.
        parallel: designs that are with it at once, each with a process or connection of its own.
    """

    seconds: float = 60.0
    start: float = 60.0
    retries: int = 1
    parallel: int = 1


class OwnOracle:
    """See `poets_core.protocols.Oracle`; it has one objective."""

    def __init__(self, oracle: Oracle, asking: Asking) -> None:
        """Take an oracle; nothing is started or asked before the first design."""
        self.says, self._asking = oracle.says, asking
        self._failed = 0
        ways = [oracle.way() for _ in range(asking.parallel)]
        self._free: queue.LifoQueue[Way] = queue.LifoQueue()  # the last one used is warm
        for way in ways:
            self._free.put(way)
        # Also at the end of the program, so that no process stays behind.
        self.close: Callable[[], object] = weakref.finalize(self, _end, ways)

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Measure n designs, all with seeds drawn from `rng` in their order.

        A design of which no answer came is invalid, and the reason says what came instead.

        Raises:
            InvalidInput: oracles of one's own are not allowed here, or `IN_A_ROW` designs one after the other got no
                answer: then the oracle is down, and no more of the budget is spent on it.
        """
        answers = self.answers(designs, rng)
        for answer in answers:
            self._failed = self._failed + 1 if answer.failed else 0
            if self._failed == IN_A_ROW:
                self._failed = 0  # whoever asks again has mended it
                raise InvalidInput(
                    f"Expected answers of the oracle ({self.says}), got none to {IN_A_ROW} designs one after the "
                    f"other; to the last: {answer.reason} Mend it, then resume the run."
                )
        values = np.array([np.nan if a.value is None else a.value for a in answers]).reshape(-1, 1)
        details: tuple[Mapping[str, Any], ...] = tuple(a.details for a in answers)
        std = np.array([a.std for a in answers]).reshape(-1, 1)
        return Evaluation(values, std, ~np.isnan(values[:, 0]), tuple(a.reason for a in answers), details)

    def answers(
        self, designs: Sequence[Design], rng: np.random.Generator, most: Patience | None = None
    ) -> list[Answer]:
        """Ask for every design, and return what came, in their order.

        Args:
            designs: n.
            rng: for the seeds.
            most: where that is less than the oracle has; None for all that it has.

        Raises:
            InvalidInput: oracles of one's own are not allowed here.
        """
        if os.environ.get(ALLOWED) != "yes":
            raise InvalidInput(
                f"Expected {ALLOWED}=yes in the environment before an oracle of one's own runs ({self.says}), got "
                f"{os.environ.get(ALLOWED, '')!r}. A spec can come from anybody: read what it names, set the variable "
                "where POETS is started, and start it again."
            )
        seeds = rng.integers(0, 1 << 53, len(designs)).tolist()
        most = most or Patience(self._asking.seconds, self._asking.start)
        limit = Patience(min(most.seconds, self._asking.seconds), min(most.start, self._asking.start))
        with ThreadPoolExecutor(self._asking.parallel) as pool:
            return list(pool.map(lambda design, seed: self._one(design, seed, limit), designs, seeds))

    def _one(self, design: Design, seed: int, limit: Patience) -> Answer:
        way, why = self._free.get(), ""
        try:
            for _ in range(1 + self._asking.retries):
                try:
                    return read_answer(way.ask(question(design, seed), limit.seconds, limit.start))
                except NoAnswer as error:
                    why = printable(str(error))
        finally:
            self._free.put(way)
        times = f" ({1 + self._asking.retries} times)" if self._asking.retries else ""
        return Answer(None, reason=f"the oracle gave no answer{times}: {why}", failed=True)


def _end(ways: Sequence[Way]) -> None:
    for way in ways:
        way.end()
