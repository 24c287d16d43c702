"""What every task of this science has in common: items by id, one verdict an answer, and answers found in responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from poets_core.errors import InvalidInput
from poets_core.verifiable import PromptItem, Verdict

MOST_ITEMS = 20_000
"""Training and held-out items of one task, together."""
MOST_ANSWER = 100_000
"""Characters of an answer that a verifier reads."""
TOO_LONG = Verdict(None, f"not judged: the answer has more than {MOST_ANSWER:,} characters")
OPEN, CLOSE = "<answer>", "</answer>"


@dataclass(frozen=True)
class Task:
    """A task of prompts whose answers a function judges one by one; see `poets_core.verifiable.VerifiableTask`.

    Attributes:
        name: of the task.
        train, held_out: items; no prompt is in both.
        judge: says what one answer to one item is worth; what it raises becomes a verdict without a reward.
        tagged: whether only what stands between the last ``<answer>`` and ``</answer>`` of a response is judged.
        report: what was read or made, for people: ``{"lines": [...], "facts": {...}}``.
    """

    name: str
    train: Sequence[PromptItem]
    held_out: Sequence[PromptItem]
    judge: Callable[[PromptItem, str], Verdict]
    tagged: bool = False
    report: dict[str, Any] = field(default_factory=dict)

    def verify(self, items: Sequence[PromptItem], answers: Sequence[str]) -> list[Verdict]:
        """Return a verdict for each answer, n of n; see the protocol."""
        return [self._verdict(item, answer) for item, answer in paired(items, answers)]

    def _verdict(self, item: PromptItem, response: str) -> Verdict:
        answer = answer_in(response, self.tagged)
        if len(answer) > MOST_ANSWER:
            return TOO_LONG
        try:
            return self.judge(item, answer)
        except Exception as error:  # a verifier may fail in any way; the run it serves must not
            return Verdict(None, f"the verifier failed: {type(error).__name__}: {str(error)[:200]}")


def paired(items: Sequence[PromptItem], answers: Sequence[str]) -> Iterable[tuple[PromptItem, str]]:
    """Return items and their answers side by side.

    Raises:
        InvalidInput: there are more of one than of the other, which is a mistake of the caller and of no verifier.
    """
    if len(items) != len(answers):
        raise InvalidInput(f"Expected one answer for each of {len(items):,} items, got {len(answers):,}.")
    return zip(items, answers, strict=True)


def answer_in(response: str, tagged: bool) -> str:
    """Return the answer of a response: all of it, or what stands in its last pair of tags; without blanks around it.

    Args:
        response: whatever a model wrote.
        tagged: whether the answer stands in ``<answer>`` and ``</answer>``; without a whole pair it is empty.
    """
    if not tagged:
        return response.strip()
    end = response.rfind(CLOSE)
    begin = response.rfind(OPEN, 0, end) if end >= 0 else -1
    return response[begin + len(OPEN) : end].strip() if begin >= 0 else ""
