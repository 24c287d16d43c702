"""Answers to look at: a few prompts, answered by every branch with the same random numbers after each round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poets_core.keyed import digest_of
from poets_core.rewards.answers import write
from poets_core.rewards.learner import Learner
from poets_core.types import I8
from poets_core.verifiable import PromptItem, Verdict, VerifiableTask


@dataclass(frozen=True)
class ShownAnswer:
    """One answer: number of its prompt among those shown, who wrote it (-1: the reference), text, verdict."""

    shown: int
    branch: int
    text: str
    verdict: Verdict


def shown_items(task: VerifiableTask, count: int, *, seed: int) -> list[PromptItem]:
    """Return the prompts that are shown: held-out ones, or training prompts where none is, in a keyed order."""
    items = task.held_out if len(task.held_out) else task.train
    # By a digest of its id: a prompt stays among those shown when others are added.
    return sorted(items, key=lambda item: digest_of(seed, "shown", item.id))[:count]


def answers_of(learner: Learner, items: list[PromptItem], branches: I8) -> list[ShownAnswer]:
    """Let branches answer prompts, one answer each.

    Args:
        learner: of the run; nothing of it is changed.
        items: of its task.
        branches: who writes; -1 is the reference.
    """
    if not items:
        return []
    task = learner.task
    place = {item.id: k for k, item in enumerate((*task.train, *task.held_out))}
    shown = np.repeat(np.arange(len(items)), len(branches))
    writer = np.tile(branches, len(items))
    # One key a prompt, not an answer: branches that are still the same write the same, and differences are theirs.
    keys = [("shown", items[k].id) for k in shown.tolist()]
    at = np.array([place[items[k].id] for k in shown.tolist()], dtype=np.int64)
    written = write(learner.ensemble, at, writer, keys, seed=learner.seed, tokens=learner.settings.max_tokens)
    verdicts = task.verify([items[k] for k in shown.tolist()], written.text)
    rows = zip(shown.tolist(), writer.tolist(), written.text, verdicts, strict=True)
    return [ShownAnswer(k, b, text, verdict) for k, b, text, verdict in rows]
