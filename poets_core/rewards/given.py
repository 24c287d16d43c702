"""Answers with rewards that were there before: learning from them needs neither rollouts nor a verifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poets_core.verifiable import PromptItem, Verdict


@dataclass(frozen=True)
class RewardedAnswer:
    """One answer, as `domains.text.offline` reads them from a file.

    Attributes:
        prompt, answer: texts.
        reward: a finite number, the larger the better; None where nobody knows it.
    """

    prompt: str
    answer: str
    reward: float | None


class GivenTask:
    """The prompts of given answers as a task: nothing is held out, and nobody judges further answers."""

    def __init__(self, name: str, rows: Sequence[RewardedAnswer]) -> None:
        """Take every prompt once, in the order of its first row."""
        prompts = list(dict.fromkeys(row.prompt for row in rows))
        self.name = name
        self.train: Sequence[PromptItem] = [PromptItem(f"given-{k}", p) for k, p in enumerate(prompts)]
        self.held_out: Sequence[PromptItem] = []

    def verify(self, items: Sequence[PromptItem], answers: Sequence[str]) -> list[Verdict]:
        """Return verdicts without rewards."""
        return [
            Verdict(None, "nobody judges answers beside the given ones") for _, _ in zip(items, answers, strict=True)
        ]
