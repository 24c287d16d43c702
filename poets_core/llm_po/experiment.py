"""An adaptive experiment: which pair next, what the answers say so far, and when they suffice.

The state is the recorded comparisons; everything random is keyed by the seed and
the number of pairs handed out, so an experiment resumes from its log.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poets_core.errors import InvalidComparisons
from poets_core.keyed import rng_for
from poets_core.llm_po.allocation import bernoulli_kl
from poets_core.llm_po.comparison import Comparison, Pair, Verdict
from poets_core.llm_po.stopping import assumed_winner, confidence_set, log_evidence, scores, verified
from poets_core.types import F8, I8


class Experiment:
    """Names the best of K policies with error at most delta, nothing assumed of how they compare."""

    def __init__(
        self,
        policies: Sequence[str],
        delta: float,
        *,
        assume_condorcet: bool = False,
        budget: int | None = None,
        seed: int = 0,
    ) -> None:
        """Start without comparisons.

        Args:
            policies: their names, two or more.
            delta: largest probability of a wrong verdict.
            assume_condorcet: whether a policy is known to beat every other; if not, that is verified.
            budget: comparisons after which the verdict is "undecided"; None for no end.
            seed: key of all randomness.

        Raises:
            InvalidComparisons: fewer than two policies, a name twice, delta outside (0, 1), a budget below 1.
        """
        if len(policies) < 2 or len(set(policies)) < len(policies):
            raise InvalidComparisons(f"Expected two or more policies with different names, got {list(policies)}.")
        if not 0.0 < delta < 1.0:
            raise InvalidComparisons(f"Expected delta between 0 and 1, got {delta}.")
        if budget is not None and budget < 1:
            raise InvalidComparisons(f"Expected a budget of one comparison or more, got {budget}.")
        self.policies, self.delta, self.budget, self.seed = tuple(policies), delta, budget, seed
        self.assume_condorcet = assume_condorcet
        self._at = {name: i for i, name in enumerate(self.policies)}
        k = len(self.policies)
        self.wins: I8 = np.zeros((k, k), dtype=np.int64)
        self.ties: I8 = np.zeros((k, k), dtype=np.int64)
        self.comparisons: list[Comparison] = []
        self._asked = 0

    # -- ask -------------------------------------------------------------

    def next_pair(self) -> Pair:
        """Return the pair to judge next; the order of presentation is drawn anew for every pair."""
        return self.next_pairs(1)[0]

    def next_pairs(self, n: int) -> list[Pair]:
        """Return n pairs to judge, before any of their answers is known.

        Evidence is balanced with the cost that remains: the challenger is the
        second most likely winner by evidence, its opponent the policy that a posterior draw makes
        the cheapest to exclude it.
        """
        out, waiting = [], np.zeros_like(self.wins)
        for _ in range(n):
            i, j = self._choose(waiting)
            waiting[i, j] += 1
            waiting[j, i] += 1
            flip = rng_for(self.seed, "order", self._asked).random() < 0.5
            first, second = (j, i) if flip else (i, j)
            out.append(Pair(self._asked, self.policies[first], self.policies[second]))
            self._asked += 1
        return out

    def _choose(self, waiting: I8) -> tuple[int, int]:
        """Two policies; `waiting` (K, K) are pairs handed out and not answered yet."""
        rng = rng_for(self.seed, "pair", self._asked)
        judged = self._judged() + waiting
        k = len(judged)
        pairs = k * (k - 1) // 2
        least = judged + np.where(np.eye(k, dtype=bool), np.iinfo(np.int64).max // 2, 0)
        if least.min() < np.sqrt(judged.sum() / 2) - pairs / 2:
            i, j = np.unravel_index(int(least.argmin()), least.shape)
            return int(i), int(j)
        s = scores(self.wins) + 1e-9 * rng.random(k)  # ties are broken at random
        order = np.argsort(s)
        leader, challenger = int(order[0]), int(order[1])
        if not self.assume_condorcet and s[challenger] >= np.log(2.0 / self.delta):
            return self._verify(leader, rng)
        return challenger, self._opponent(challenger, leader, rng)

    def _opponent(self, j: int, leader: int, rng: np.random.Generator) -> int:
        """The policy that excludes j with the fewest further comparisons, by one draw of every duel."""
        won, lost = self.wins[:, j], self.wins[j]
        q = rng.beta(won + 0.5, lost + 0.5)
        missing = np.log((len(won) - 1) / self.delta) - log_evidence(lost, won)
        beats = q > 0.5
        beats[j] = False
        if not beats.any():
            return leader
        cost = np.where(beats, np.maximum(missing, 1e-12) / np.maximum(bernoulli_kl(q, 0.5), 1e-12), np.inf)
        return int(cost.argmin())

    def _verify(self, leader: int, rng: np.random.Generator) -> tuple[int, int]:
        """Everybody else is excluded: the duel of the leader that is furthest from being shown."""
        shown = log_evidence(self.wins[:, leader], self.wins[leader])
        shown[leader] = np.inf
        return leader, int((shown + 1e-9 * rng.random(len(shown))).argmin())

    # -- tell ------------------------------------------------------------

    def record(self, comparison: Comparison) -> None:
        """Take in an answer, in whatever order answers come.

        Raises:
            InvalidComparisons: a policy that is not of this experiment.
        """
        for name in (comparison.first, comparison.second):
            if name not in self._at:
                raise InvalidComparisons(f"Expected one of the policies {list(self.policies)}, got {name!r}.")
        i, j = self._at[comparison.first], self._at[comparison.second]
        if comparison.outcome == "tie":
            self.ties[i, j] += 1
        elif comparison.outcome == "first":
            self.wins[i, j] += 1
        else:
            self.wins[j, i] += 1
        self.comparisons.append(comparison)
        self._asked = max(self._asked, len(self.comparisons))

    def _judged(self) -> I8:
        """Comparisons of each two policies, ties included, symmetric i8 (K, K)."""
        return np.asarray(self.wins + self.wins.T + self.ties + self.ties.T)

    # -- what is known -----------------------------------------------------

    def verdict(self) -> Verdict | None:
        """What has been found; None while more comparisons are needed."""
        n, left = len(self.comparisons), tuple(self.policies[i] for i in confidence_set(self.wins, self.delta))
        if self.assume_condorcet:
            found = assumed_winner(self.wins, self.delta)
            if found is not None:
                return Verdict("winner", self.policies[found], self.delta, n, left)
        elif (decided := verified(self.wins, self.delta)) is not None:
            kind, at = decided
            if kind == "none" or at is None:
                return Verdict("none", None, self.delta, n, ())
            return Verdict("winner", self.policies[at], self.delta, n, (self.policies[at],))
        if self.budget is not None and n >= self.budget:
            return Verdict("undecided", None, None, n, left)
        return None

    def confidence_set(self) -> set[str]:
        """Policies that may be the Condorcet winner, with error delta at every moment."""
        return {self.policies[i] for i in confidence_set(self.wins, self.delta)}

    def evidence(self) -> F8:
        """S_j, log evidence that each policy is not the winner, f8 (K,); its threshold is log(1 / delta)."""
        return scores(self.wins)

    def allocation(self) -> F8:
        """Share of comparisons that each pair has had, symmetric f8 (K, K), each pair's share in both places."""
        return np.asarray(self._judged() / max(1, len(self.comparisons)))
