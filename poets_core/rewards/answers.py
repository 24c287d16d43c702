"""How answers are drawn from branches and judged by the task's verifier; every random number is keyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.errors import InvalidInput
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.sampling import sample
from poets_core.types import F8, I8
from poets_core.verifiable import PromptItem, VerifiableTask

ROWS = 512
"""Answers that are written together, at most; more would not be faster and would hold larger caches."""


@dataclass(frozen=True)
class Written:
    """n answers.

    Attributes:
        item: number of each answer's prompt in the ensemble.
        branch: that wrote it.
        tokens: of each, the end included where it was drawn.
        text: of each.
        log_prob: under its branch, nats.
    """

    item: Int64[np.ndarray, " n"]
    branch: Int64[np.ndarray, " n"]
    tokens: list[list[int]]
    text: list[str]
    log_prob: Float64[np.ndarray, " n"]


def next_prompts(seed: int, round: int, *, items: int, prompts: int) -> I8:
    """Return the items of a round, i8 (prompts,): all items once in a keyed order, then all in another, and so on.

    Args:
        seed, round: the key.
        items: how many there are.
        prompts: how many are wanted.
    """
    # Places in one endless row of items: a round is a stretch of it, and needs no memory of the rounds before.
    place = np.arange(round * prompts, (round + 1) * prompts)
    orders = {e: rng_for(seed, "prompts", e).permutation(items) for e in np.unique(place // items).tolist()}
    return np.array([orders[p // items][p % items] for p in place.tolist()], dtype=np.int64)


def writers_of(branches: I8, n: int, seed: int, *key: int | str) -> I8:
    """Return who writes each of n answers, i8 (n,): in equal shares up to one, in a keyed order.

    Args:
        branches: that write.
        n: how many answers.
        seed, key: of the order.
    """
    rng = rng_for(seed, "writer", *key)
    # Every answer's writer is uniform over the branches, as Thompson sampling asks; shares are equal besides.
    return np.asarray(rng.permutation(branches)[rng.permutation(np.arange(n) % len(branches))])


def write(
    ensemble: BranchEnsemble, item: I8, branch: I8, keys: Sequence[tuple[int | str, ...]], *, seed: int, tokens: int
) -> Written:
    """Draw an answer for each row, at temperature 1.

    Args:
        ensemble: the branches.
        item, branch: prompt and writer of each.
        keys: of each row's random numbers; a row's text depends on nothing else.
        seed: of them.
        tokens: longest answer.
    """
    # One stream an answer: its text does not change with what is written beside it, or with how many.
    uniforms = np.stack([rng_for(seed, "answer", *key).random(tokens) for key in keys])
    found: list[list[int]] = []
    log_prob: F8 = np.zeros(len(item))
    for start in range(0, len(item), ROWS):
        at = slice(start, start + ROWS)
        drawn = sample(ensemble, branch[at], item[at], uniforms=uniforms[at])
        found += drawn.tokens
        log_prob[at] = drawn.log_prob
    text = [ensemble.backbone.text(t) for t in found]
    return Written(item, branch, found, text, log_prob)


def rewards_of(task: VerifiableTask, items: Sequence[PromptItem], answers: Sequence[str]) -> F8:
    """Return the verifier's rewards, f8 (n,), NaN where it could not tell.

    Raises:
        InvalidInput: the verifier returned another number of verdicts, or a reward outside 0 to 1.
    """
    # One call for all: a verifier may be a process of its own, which is started once.
    verdicts = task.verify(items, answers)
    if len(verdicts) != len(answers):
        raise InvalidInput(
            f"Expected {len(answers)} verdicts of the verifier of {task.name}, got {len(verdicts)}. "
            "Return one for each answer, in their order."
        )
    rewards = np.array([np.nan if v.reward is None else v.reward for v in verdicts], dtype=np.float64)
    # NaN fails the comparison too. A reward on another scale would make beta mean something else.
    wrong = [v.reward for v in verdicts if v.reward is not None and not 0.0 <= v.reward <= 1.0]
    if wrong:
        raise InvalidInput(
            f"Expected rewards from 0 to 1 of the verifier of {task.name}, got {wrong[0]!r}. Scale them, or return "
            "None where there is none."
        )
    return rewards
