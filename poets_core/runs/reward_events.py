"""Events of a run that learns from verifiable rewards; see `poets_core.runs.events`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from poets_core.runs.event_fields import EventKind, JsonObject
from poets_core.runs.event_kind import Kind


@dataclass(frozen=True, slots=True)
class ShownPrompt:
    """A prompt whose answers are kept to look at.

    Attributes:
        id: of the item.
        prompt: its text, without a chat template.
        answer: a right answer, empty where there is none to tell.
        level: its difficulty, empty where the task knows none.
        held_out: whether nothing is learnt from it.
    """

    id: str
    prompt: str
    answer: str
    level: str
    held_out: bool


@dataclass(frozen=True, slots=True)
class SampledAnswer:
    """One answer that is kept to look at.

    Attributes:
        shown: number of the prompt in `rewards`.
        branch: that wrote it, -1 for the untrained model.
        text: of it, cut after `cut` characters.
        reward: 0 to 1; null where the verifier could not tell.
        reason: why it could not, or why the answer is wrong.
        cut: whether the text was longer than is kept.
    """

    shown: int
    branch: int
    text: str
    reward: float | None
    reason: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class RewardsBegun(Kind):
    """What a run learns from verifiable rewards has to learn; once, right after `prepared`.

    Attributes:
        task: name, number of training and held-out items, items by level, and what was read of them.
        given: answers with rewards that were there before the first round: how many, and how many without a reward.
        samples: prompts whose answers are kept.
    """

    tag: ClassVar[EventKind] = "rewards"
    task: JsonObject
    given: JsonObject = field(default_factory=dict)
    samples: tuple[ShownPrompt, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered(Kind):
    """Answers to the prompts that are shown, after a round was learnt.

    Attributes:
        round: that was learnt; -1 before the first one, by the untrained model.
        answers: one of each branch to each prompt.
    """

    tag: ClassVar[EventKind] = "answers"
    round: int
    answers: tuple[SampledAnswer, ...]
