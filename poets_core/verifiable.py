"""Tasks whose answers a program verifies: many prompts, and a reward for each answer.

The language model learns on the training items; the held-out ones only say what it has learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class PromptItem:
    """One prompt of a task.

    Attributes:
        id: unlike every other of the task, training and held-out items alike.
        prompt: what the model is asked, without a chat template.
        answer: a right answer as text, for the verifier and for people; "" where there is none to tell.
        level: difficulty, for shares of what was solved by difficulty; "" where the task knows none.
    """

    id: str
    prompt: str
    answer: str = ""
    level: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the verifier says of one answer.

    Attributes:
        reward: 0 (wrong) to 1 (right), graded in between; None where the verifier could not tell.
        reason: why it could not, or why the answer is wrong where that is known; "" otherwise.
    """

    reward: float | None
    reason: str = ""


class VerifiableTask(Protocol):
    """Prompts and the program that judges their answers.

    Attributes:
        name: of the task, as the catalog knows it.
        train, held_out: items; no prompt is in both.
    """

    # Read alone: a task may be frozen, and nobody may change its items under a run.
    @property
    def name(self) -> str: ...

    @property
    def train(self) -> Sequence[PromptItem]: ...

    @property
    def held_out(self) -> Sequence[PromptItem]: ...

    def verify(self, items: Sequence[PromptItem], answers: Sequence[str]) -> list[Verdict]:
        """Return a verdict for each answer, n of n; a verifier that fails says so in its verdicts and never raises."""
        ...
