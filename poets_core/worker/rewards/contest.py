"""Which branch is best, by comparisons on held-out prompts with a stated error at most (LLM-PO, arXiv 2604.08779)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poets_core.keyed import rng_for
from poets_core.llm_po.comparison import Comparison, Outcome, Verdict
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.report import report
from poets_core.protocols import Check, unheard
from poets_core.types import F8, I8, branch_of, policy_name

AT_ONCE = 32
"""Comparisons that are asked before their answers are counted: answers are cheaper together."""
Judged = Callable[[I8, I8, Sequence[tuple[int | str, ...]]], F8]
"""Branches, numbers of prompts and keys of n answers -> their rewards, f8 (n,), NaN where the verifier cannot tell."""


@dataclass(frozen=True)
class Contest:
    """What was found.

    Attributes:
        verdict: of the experiment.
        comparisons: in the order in which they were counted.
        metrics: wins, ties and evidence, as `poets_core.llm_po.report.report` says them.
    """

    verdict: Verdict
    comparisons: tuple[Comparison, ...]
    metrics: Mapping[str, Any]

    @property
    def branch(self) -> int | None:
        """The winner; None where there is none."""
        return None if self.verdict.policy is None else branch_of(self.verdict.policy)


def contest(
    judged: Judged,
    branches: Sequence[int],
    prompts: int,
    *,
    delta: float,
    budget: int,
    seed: int,
    check: Check = unheard,
) -> Contest:
    """Compare branches, pair by pair, until one is known to beat all others, or the budget is spent.

    In a comparison both branches answer the same prompt, each with random numbers of its own; the larger reward wins,
    equal ones are a tie. An answer without a reward loses against one with a reward.

    Args:
        judged: lets branches answer, and the verifier judge.
        branches: two or more.
        prompts: how many held-out prompts there are.
        delta: probability that a winner is none, at most.
        budget: comparisons, ties included.
        seed: of pairs, prompts and answers.
        check: called between two batches.
    """
    experiment = Experiment([policy_name(b) for b in branches], delta, budget=budget, seed=seed)
    while (verdict := experiment.verdict()) is None:
        check()
        start = experiment.asked
        pairs = experiment.next_pairs(min(AT_ONCE, budget - len(experiment.comparisons)))
        numbers = range(start, start + len(pairs))
        # A fresh keyed prompt for every comparison: the verdict is about prompts like these, not about these few.
        item = np.array([rng_for(seed, "deploy", k).integers(prompts) for k in numbers], dtype=np.int64)
        first = np.array([branch_of(p.first) for p in pairs], dtype=np.int64)
        second = np.array([branch_of(p.second) for p in pairs], dtype=np.int64)
        keys = [("deploy", k, side) for side in (0, 1) for k in numbers]
        rewards = judged(np.concatenate([first, second]), np.concatenate([item, item]), keys)
        for pair, one, two in zip(pairs, *np.split(np.nan_to_num(rewards, nan=-1.0), 2), strict=True):
            # Equal rewards are ties and never half a win: with graded rewards a coin would hide what is known.
            outcome: Outcome = "tie" if one == two else "first" if one > two else "second"
            experiment.record(Comparison(pair.first, pair.second, outcome))
            # The verdict counts from the comparison that brought it; the rest of the batch is thrown away.
            if experiment.verdict() is not None:
                break
    return Contest(verdict, tuple(experiment.comparisons), report(experiment))
