"""Answers to one question, rewarded by how near their meaning is to an ideal answer that the model never sees.

The reward is the cosine between the sentence embeddings of the answer and of the ideal answer, and 0 where that is
negative. The ideal answer is in no item: `PromptItem.answer` is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float32

from domains.text.embedding import shipped
from domains.text.task import Task
from poets_core.errors import InvalidSpec
from poets_core.verifiable import PromptItem, Verdict

QUESTIONS: Mapping[str, tuple[str, str]] = {
    "refund": (
        "How do I get my money back for a parcel that arrived broken?",
        "Send us a photograph of the damage within 14 days of delivery. We refund the full price to the card you paid "
        "with, and you do not need to send the broken item back.",
    ),
    "password": (
        "What should I do when I have forgotten my password?",
        "Open the sign-in page and choose 'Forgotten password'. We send a link to your e-mail address that is valid "
        "for one hour and lets you choose a new password.",
    ),
    "data": (
        "Who can see the measurements that I upload?",
        "Only you and the members of your project can see uploaded measurements. They are encrypted on our servers, "
        "and we never share them with other users or companies.",
    ),
    "opening": (
        "When can I visit the laboratory?",
        "The laboratory is open to visitors on weekdays between nine and five. Please book a time two days ahead and "
        "bring an identity card; visits at the weekend are not possible.",
    ),
}
"""Name -> question and its ideal answer; written for this project."""


def faq(question: str = "refund", own_question: str = "", own_ideal: str = "") -> Task:
    """Return the task of one question.

    Args:
        question: one of `QUESTIONS`.
        own_question, own_ideal: a question and ideal answer of one's own in its place; both or none.

    Raises:
        InvalidSpec: no such question, or half a question of one's own.
        MissingPackage: the package with the embedding is not installed.
    """
    asked, ideal = _chosen(question, own_question.strip(), own_ideal.strip())
    name = "own" if own_question.strip() else question
    return task_of(name, asked, ideal, shipped())


def task_of(name: str, asked: str, ideal: str, embed: Callable[[str], Float32[np.ndarray, " d"]]) -> Task:
    """Return the task of a question under an embedding; its one item is for training."""
    target = embed(ideal)

    def judge(item: PromptItem, answer: str) -> Verdict:
        if not answer:
            return Verdict(0.0, "the answer is empty")
        return Verdict(float(np.clip(embed(answer) @ target, 0.0, 1.0)))

    return Task(f"text/faq/{name}", [PromptItem(f"faq/{name}", asked)], [], judge)


def _chosen(question: str, own_question: str, own_ideal: str) -> tuple[str, str]:
    if bool(own_question) != bool(own_ideal):
        missing = "own_ideal" if own_question else "own_question"
        raise InvalidSpec(
            f"Expected a question of your own with its ideal answer, got only one of them. Fill in {missing}.",
            field=f"task.params.{missing}",
        )
    if own_question:
        return own_question, own_ideal
    if question not in QUESTIONS:
        raise InvalidSpec(
            f"Expected a question, one of {', '.join(QUESTIONS)}, got {question!r}.", field="task.params.question"
        )
    return QUESTIONS[question]
