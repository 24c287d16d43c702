"""Which two policies to compare next: evidence balancing, and round-robin beside it.

Evidence balancing compares what is expected to end the experiment soonest. Every rule here is a `DuelRule`, a
compiled function of the duels so far; benchmarks/llm_po_rivals.py has nine others.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, log2

import numpy as np

from poets_core.llm_po.compiled import compiled
from poets_core.llm_po.evidence import Duels, kl_at
from poets_core.types import F8, I8

DuelRule = Callable[[Duels, F8, float, bool, np.random.Generator], tuple[int, int]]
"""duels, memory, delta, assume, rng -> two policies to compare next.

Memory is the rule's own, f8 zeros at first: K^2 + 8 numbers in a simulation; an experiment, which must resume from its
log, has one, the number of pairs handed out. Assume: whether a Condorcet winner is known to exist.
"""


@compiled
def two_least(values: F8, rng: np.random.Generator) -> tuple[int, int]:
    """Places of the smallest and of the second smallest value, equal ones in random order."""
    first, second = -1, -1
    a = b = np.inf
    for i in range(len(values)):
        v = values[i] + 1e-9 * rng.random()
        if v < a:
            first, second, a, b = i, first, v, a
        elif v < b:
            second, b = i, v
    return first, second


@compiled
def opponent(duels: Duels, j: int, leader: int, delta: float, rng: np.random.Generator) -> int:
    """Who is expected to exclude j with the fewest further comparisons.

    The price of an opponent is the evidence that is still missing over what one comparison is expected to bring,
    kl(q, 1/2) nats, if the opponent wins with probability q.
    """
    k, best, cost = len(duels.score), leader, np.inf
    # The smallest price of many draws is too hopeful: the more opponents there are, the more draws are averaged.
    # The leader's duels show at the same time whether it leads rightly, which saves comparisons later; the more
    # policies it has to beat the more, so that its price is discounted with K.
    wanted, draws, discount = log((k - 1) / delta), max(1, int(log2(k)) - 1), (2.0 / k) ** (1.0 / 3.0)
    for i in range(k):
        if i == j:
            continue
        # Drawn from the posterior, not its mean: a duel that began badly is tried again now and then.
        q = 0.0
        for _ in range(draws):
            q += rng.beta(duels.wins[i, j] + 1.0, duels.wins[j, i] + 1.0) / draws
        if q > 1.0 - duels.bound:
            price = max(wanted - duels.against[j, i], 1e-12) / max(kl_at(q, 1.0 - duels.bound), 1e-12)
            price *= discount if i == leader else 1.0
            if price < cost:
                best, cost = i, price
    return best


@compiled
def evidence_balancing(
    duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator
) -> tuple[int, int]:
    """Two policies to compare next, O(K).

    The challenger is the second most likely winner by evidence; its opponent is chosen by draws from the
    posterior of its duels, so that no duel is given up for lost.

    Args:
        duels: so far; `judged` counts pairs that are not answered yet too.
        memory: unused (other rules keep their state there).
        delta: largest probability of a wrong verdict.
        assume: whether a Condorcet winner is known to exist.
        rng: randomness of this step.

    Source: LLM-PO (arXiv 2604.08779), the optimal proportions of the unstructured space; chosen by
    benchmarks/llm_po.py on instances that are not its own (docs/decisions/llm-po.md).
    """
    # Policies inside the indifference zone are never excluded, so that excluding alone need not end: every second
    # comparison goes to the policy that is nearest to being shown as good as all others.
    if duels.bound < 0.5 and rng.random() < 0.5:
        shown, _ = two_least(-duels.low, rng)
        return shown, two_least(duels.shown[shown], rng)[0]
    leader, challenger = two_least(duels.score, rng)
    # All others are excluded and no winner may be assumed: what is missing is that the leader beats each of them.
    if not assume and duels.score[challenger] >= log(2.0 / delta):
        return leader, two_least(duels.shown[leader], rng)[0]
    return challenger, opponent(duels, challenger, leader, delta, rng)


@compiled
def next_best(duels: Duels, left: I8, delta: float, assume: bool) -> tuple[int, int]:
    """Two policies to compare where the pair that a rule wants has no comparison left.

    What is missing for the leader first, then the policy nearest to being the winner that somebody seems to beat, by
    who is expected to exclude it soonest; else the pair with the fewest comparisons. Every pair's turn comes.

    Args:
        duels: so far.
        left: i8 (K, K), symmetric: comparisons left of each pair, of one at least.
        delta: largest probability of a wrong verdict.
        assume: whether a Condorcet winner is known to exist.
    """
    k = len(duels.score)
    order = np.argsort(duels.score, kind="mergesort")
    leader = order[0]
    if not assume and duels.score[order[1]] >= log(2.0 / delta):
        at, least = -1, log(2.0 * k / delta)
        for i in range(k):
            if left[leader, i] > 0 and duels.shown[leader, i] < least:
                at, least = i, duels.shown[leader, i]
        if at >= 0:
            return leader, at
    wanted = log((k - 1) / delta)
    for place in range(1, k + 1):
        j = order[place % k]  # the leader last
        best, cost = -1, np.inf
        for i in range(k):
            if left[i, j] < 1 or i == j:
                continue
            q = (duels.wins[i, j] + 1.0) / (duels.wins[i, j] + duels.wins[j, i] + 2.0)
            if q > 1.0 - duels.bound:
                price = max(wanted - duels.against[j, i], 1e-12) / max(kl_at(q, 1.0 - duels.bound), 1e-12)
                if price < cost:
                    best, cost = i, price
        if best >= 0:
            return j, best
    first, second, fewest = -1, -1, np.inf
    for i in range(k):
        for j in range(i):
            if left[i, j] > 0 and duels.judged[i, j] < fewest:
                first, second, fewest = i, j, duels.judged[i, j]
    return first, second


@compiled
def pair_at(index: int, k: int) -> tuple[int, int]:
    """The `index`-th of the K (K - 1) / 2 pairs."""
    i = 0
    while index >= k - 1 - i:
        index -= k - 1 - i
        i += 1
    return i, i + 1 + index


@compiled
def round_robin(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """Every pair in turn; the first number of `memory` is whose turn it is."""
    k = len(duels.score)
    turn = int(memory[0])
    memory[0] = turn + 1
    return pair_at(turn % (k * (k - 1) // 2), k)


DUEL_RULES: dict[str, DuelRule] = {"balance": evidence_balancing, "round-robin": round_robin}
"""Rules that an experiment may follow, by the names that specs use."""
