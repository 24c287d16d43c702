"""Rival duel rules of the LLM-PO benchmark, all under the same stopping rule.

Each is what its source describes, where comparisons are made until a verdict is certain (its own stopping or regret
accounting is not used).
"""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from poets_core.llm_po.balance import DuelRule, evidence_balancing, pair_at, round_robin, two_least
from poets_core.llm_po.compiled import compiled
from poets_core.llm_po.evidence import Duels, kl_at
from poets_core.types import F8

EPSILON = 0.1
"""Share of random pairs in the epsilon-greedy rule."""
ALPHA = 0.51
"""Width of RUCB's and of Double Thompson sampling's confidence bounds, as published."""
PRIOR = 2.0
"""Wins either way that plug-in Track-and-Stop adds to a duel; 0, 1/2 and 2 were tried (docs/decisions/llm-po.md)."""


@compiled
def least_judged(duels: Duels) -> tuple[int, int, int, int]:
    """The pair with the fewest comparisons, how many it had, and how many there were in all."""
    k, total, fewest, at, beside = len(duels.score), 0, 1 << 62, 0, 1
    for i in range(k):
        for j in range(i + 1, k):
            total += duels.judged[i, j]
            if duels.judged[i, j] < fewest:
                fewest, at, beside = duels.judged[i, j], i, j
    return at, beside, fewest, total


@compiled
def random_pair(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """Any pair, uniformly."""
    k = len(duels.score)
    return pair_at(int(rng.integers(0, k * (k - 1) // 2)), k)


@compiled
def share(duels: Duels, i: int, j: int) -> float:
    """Share of its comparisons that i won of j, 1/2 without any."""
    n = duels.wins[i, j] + duels.wins[j, i]
    return float(duels.wins[i, j]) / n if n > 0 else 0.5


@compiled
def beaten(p: F8) -> F8:
    """Less the number of others that each policy beats, for `two_least`."""
    k = len(p)
    out = np.zeros(k)
    for i in range(k):
        for j in range(k):
            out[i] -= i != j and p[i, j] > 0.5
    return out


@compiled
def shares(duels: Duels) -> F8:
    """`share` of every pair."""
    k = len(duels.score)
    out = np.full((k, k), 0.5)
    for i in range(k):
        for j in range(k):
            if i != j:
                out[i, j] = share(duels, i, j)
    return out


@compiled
def posterior_draw(duels: Duels, rng: np.random.Generator) -> F8:
    """Win probabilities drawn from the Beta posteriors (uniform priors)."""
    k = len(duels.score)
    out = np.full((k, k), 0.5)
    for i in range(k):
        for j in range(i + 1, k):
            out[i, j] = rng.beta(duels.wins[i, j] + 1.0, duels.wins[j, i] + 1.0)
            out[j, i] = 1.0 - out[i, j]
    return out


@compiled
def epsilon_greedy(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """The two policies that beat the most others so far; one time in ten any pair."""
    if rng.random() < EPSILON:
        return random_pair(duels, memory, delta, assume, rng)
    return two_least(beaten(shares(duels)), rng)


@compiled
def thompson(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """The two policies that beat the most others in a draw from the posterior."""
    return two_least(beaten(posterior_draw(duels, rng)), rng)


@compiled
def bound_of(duels: Duels, i: int, j: int, total: int, sign: float) -> float:
    """Upper (sign 1) or lower (-1) confidence bound of i's win probability against j."""
    n = duels.wins[i, j] + duels.wins[j, i]
    if n == 0:
        return 1.0 if sign > 0 else 0.0
    return float(duels.wins[i, j] / n + sign * sqrt(ALPHA * log(max(total, 2)) / n))


@compiled
def rucb(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """Relative upper confidence bound (Zoghi et al. 2014).

    The champion is a policy that could beat all others, its opponent whoever could beat it most clearly.
    """
    k, total = len(duels.score), int(duels.judged.sum() // 2) + 1
    could = np.zeros(k)
    for i in range(k):
        worst = 1.0
        for j in range(k):
            if i != j:
                worst = min(worst, bound_of(duels, i, j, total, 1.0))
        could[i] = 0.0 if worst >= 0.5 else 1.0
    champion, _ = two_least(could, rng)
    against = np.full(k, np.inf)
    for j in range(k):
        if j != champion:
            against[j] = -bound_of(duels, j, champion, total, 1.0)
    return champion, two_least(against, rng)[0]


@compiled
def elimination(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """Every pair of policies that are not excluded yet in turn (in the manner of SAVAGE, Urvoy et al. 2013)."""
    k, threshold = len(duels.score), log((1.0 if assume else 2.0) / delta)
    left = 0
    for i in range(k):
        left += duels.score[i] < threshold
    if left < 2:
        return evidence_balancing(duels, memory, delta, assume, rng) if assume else _duels_of_the_last(duels, rng)
    pairs = k * (k - 1) // 2
    turn = int(memory[0])
    while True:
        i, j = pair_at(turn % pairs, k)
        turn += 1
        if duels.score[i] < threshold and duels.score[j] < threshold:
            memory[0] = turn
            return i, j


@compiled
def _duels_of_the_last(duels: Duels, rng: np.random.Generator) -> tuple[int, int]:
    """The policy that is left, or the least excluded one, and the opponent that it is shown to beat least."""
    leader, _ = two_least(duels.score, rng)
    return leader, two_least(duels.shown[leader], rng)[0]


@compiled
def double_thompson(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """Double Thompson sampling (Wu and Liu 2016).

    First the policy that beats the most others in one draw, among those whose upper bounds do; then, in a
    second draw, whoever beats it most clearly, among those that may.
    """
    k, total = len(duels.score), int(duels.judged.sum() // 2) + 1
    most, upper = 0, np.zeros(k)
    for i in range(k):
        for j in range(k):
            upper[i] += i != j and bound_of(duels, i, j, total, 1.0) > 0.5
        most = max(most, int(upper[i]))
    beats = beaten(posterior_draw(duels, rng))
    for i in range(k):
        if upper[i] < most:
            beats[i] = np.inf
    first, _ = two_least(beats, rng)
    against = np.full(k, np.inf)
    for j in range(k):
        if j == first:
            continue
        q = rng.beta(duels.wins[j, first] + 1.0, duels.wins[first, j] + 1.0)
        against[j] = -q + (0.0 if bound_of(duels, j, first, total, -1.0) <= 0.5 else 2.0)
    return first, two_least(against, rng)[0]


@compiled
def knockout(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """A ladder of duels, each until one of the two is shown to be better; the champion then meets who is left.

    Memory: the champion so far, the place of the next challenger, and from place 2 on their random order.
    """
    k, threshold = len(duels.score), log(len(duels.score) / delta)
    if memory[1] == 0.0:
        for i in range(k):  # a random order, built in place
            at = int(rng.random() * (i + 1))
            memory[2 + i] = memory[2 + at]
            memory[2 + at] = i
        memory[0], memory[1] = memory[2], 1.0
    champion, place = int(memory[0]), int(memory[1])
    while place < k:
        challenger = int(memory[2 + place])
        if duels.against[champion, challenger] >= threshold:
            champion = challenger
        elif duels.against[challenger, champion] < threshold:
            break
        place += 1
    memory[0], memory[1] = champion, place
    if place < k:
        return champion, int(memory[2 + place])
    return champion, two_least(duels.shown[champion] if not assume else _others(duels.score, champion), rng)[0]


@compiled
def _others(values: F8, but: int) -> F8:
    """The values, one of them infinite."""
    out = values.copy()
    out[but] = np.inf
    return out


@compiled
def drawn_in(duels: Duels, i: int, j: int) -> float:
    """Share of its comparisons that i won of j, drawn towards 1/2 by `PRIOR` wins either way."""
    return float((duels.wins[i, j] + PRIOR) / (duels.wins[i, j] + duels.wins[j, i] + 2.0 * PRIOR))


@compiled
def plug_in(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """Track-and-Stop (Garivier and Kaufmann 2016): follow the optimal proportions of the shares so far.

    Memory: the sum of the proportions so far, (K, K).
    """
    k = len(duels.score)
    i, j, fewest, total = least_judged(duels)
    if fewest < sqrt(total) - k * (k - 1) / 4 or fewest == 0:
        return i, j
    p, w = np.full((k, k), 0.5), np.zeros((k, k))
    for a in range(k):
        for b in range(k):
            if a != b:
                p[a, b] = drawn_in(duels, a, b)
    best, _ = two_least(beaten(p), rng)
    for b in range(k):
        top, toughest = 0.0, best
        for a in range(k):
            if p[a, b] > 0.5 and kl_at(p[a, b], 0.5) > top:
                top, toughest = kl_at(p[a, b], 0.5), a
        if b != best:
            w[min(toughest, b), max(toughest, b)] += 1.0 / max(top, 1e-3)
    w /= w.sum()
    lag, at, beside = np.inf, 0, 1
    for a in range(k):
        for b in range(a + 1, k):
            memory[a * k + b] += w[a, b]
            gap = duels.judged[a, b] - memory[a * k + b]
            if gap < lag:
                lag, at, beside = gap, a, b
    return at, beside


RIVALS: dict[str, DuelRule] = {
    "round-robin": round_robin,
    "random pair": random_pair,
    "epsilon-greedy": epsilon_greedy,
    "Thompson sampling": thompson,
    "RUCB": rucb,
    "elimination (SAVAGE)": elimination,
    "Double Thompson sampling": double_thompson,
    "knockout": knockout,
    "plug-in Track-and-Stop": plug_in,
}
