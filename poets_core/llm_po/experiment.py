"""An adaptive experiment: which pair to judge next, what the answers say so far, and when they suffice.

The state is the recorded comparisons; everything random is keyed by the seed and the number of pairs handed out
(`asked`), so an experiment resumes from its log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.errors import InvalidComparisons
from poets_core.keyed import rng_for
from poets_core.llm_po.balance import DUEL_RULES, next_best
from poets_core.llm_po.cluster_state import ClusterState
from poets_core.llm_po.comparison import Comparison, Pair, Verdict
from poets_core.llm_po.dependence import Dependence
from poets_core.llm_po.evidence import (
    NONE,
    OPEN,
    Duels,
    add_up,
    confidence_set,
    counted,
    decide,
    new_duels,
    place,
    tied,
    won,
)
from poets_core.llm_po.structured import StructuredRule
from poets_core.llm_po.top import TOP, decide_top, may_be_in_top, top_pair, top_threshold


class Experiment:
    """Names the best of K policies, or the best k of them, with error at most delta.

    Nothing is assumed of how they compare; with `space="bradley-terry"` the exact rule of that model may end
    the experiment sooner: both rules then run at delta / 2, and data that contradict the model silence its rule.
    """

    def __init__(
        self,
        policies: Sequence[str],
        delta: float,
        *,
        space: Literal["unstructured", "bradley-terry"] = "unstructured",
        features: Float64[np.ndarray, "K d"] | None = None,
        assume_condorcet: bool = False,
        budget: int | None = None,
        tie_zone: float = 0.0,
        duel_rule: str = "balance",
        seed: int = 0,
        dependence: Dependence | None = None,
        top: int = 1,
    ) -> None:
        """Start without comparisons.

        Args:
            policies: their names, two or more.
            delta: largest probability of a wrong verdict.
            space: whether win probabilities follow a linear Bradley-Terry model.
            features: of the policies in this model; None for a free score each.
            assume_condorcet: whether a policy is known to beat every other; if not, that is verified.
            budget: comparisons after which the verdict is "undecided"; None for no end.
            tie_zone: policies whose win probability is within 1/2 +- tie_zone count as equally good: a winner may be
                as good as another, but none is better by more than that.
            duel_rule: which pair comes next, one of `balance.DUEL_RULES`.
            seed: key of all randomness.
            dependence: of the rows of a log, each of which is recorded with its number. Where rows depend on each
                other, evidence is counted cluster by cluster, and a Bradley-Terry model is left out.
            top: what is decided: 1, which policy is the best; more, a set of so many of which each is beaten by fewer
                than so many others (`top`). Then nothing may be assumed.

        Raises:
            InvalidComparisons: fewer than two policies, a name twice, delta outside (0, 1), a budget below 1, a
                tie zone outside [0, 1/2), an unknown rule, features without a model or unfit for it, a top that
                there is not.
        """
        _check(policies, delta, budget, tie_zone, duel_rule, space, features)
        if not 1 <= top < len(policies) or (top > 1 and (space != "unstructured" or assume_condorcet)):
            raise InvalidComparisons(
                f"Expected the top 1 to {len(policies) - 1} of {len(policies)} policies, and beyond 1 nothing assumed "
                f"of them, got top {top}, space {space!r} and assume_condorcet {assume_condorcet}."
            )
        self.top = top
        self.features = features
        self.structured = StructuredRule(len(policies), features) if space == "bradley-terry" else None
        self.policies, self.delta, self.budget, self.seed = tuple(policies), delta, budget, seed
        self.assume_condorcet, self.tie_zone, self.duel_rule = assume_condorcet, tie_zone, duel_rule
        self._at = {name: i for i, name in enumerate(self.policies)}
        dependent = dependence is not None and dependence.dependent
        if dependent:  # the model takes every answer as a new one, so that its rule would decide too soon
            self.structured = None
        # With rows that share nothing everything is as it is without a log.
        self.clusters = ClusterState(dependence, 0.5 - tie_zone) if dependence is not None and dependent else None
        self.duels: Duels = new_duels(len(self.policies), 0.5 - tie_zone, dependent)
        self.comparisons: list[Comparison] = []
        self.asked = 0

    # -- ask -------------------------------------------------------------

    def next_pair(self) -> Pair:
        """Return the pair to judge next; the order of presentation is drawn anew for every pair."""
        return self.next_pairs(1)[0]

    def next_pairs(
        self, n: int, waiting: Sequence[Pair] = (), left: Int64[np.ndarray, "K K"] | None = None
    ) -> list[Pair]:
        """Return n pairs to judge, before any of their answers is known; fewer where no pair is left.

        Pairs that wait for their answers count, while the next one is chosen, as answered by a draw from what
        is known of them: so a batch spreads over what it may bring.

        Args:
            n: how many.
            waiting: pairs handed out before and not answered yet.
            left: symmetric; how many more comparisons of each pair there are. A pair without any gives way to the next
                best one. None: as many as are asked.
        """
        left = None if left is None else left.copy()
        open_pairs = [(self._at[p.first], self._at[p.second]) for p in waiting]
        # Until an answer comes the next pair would be the same again and again: answers are pretended, and taken back
        # below. Each is keyed by its pair's number, so that a resumed experiment pretends alike.
        # A row of a cluster brings nothing before its cluster is complete, so there is nothing to pretend.
        alone = self.clusters is None
        pretended = [self._pretend(i, j, p.index) for p, (i, j) in zip(waiting, open_pairs, strict=True) if alone]
        out: list[Pair] = []
        for _ in range(n):
            if left is not None and not left.any():
                break
            i, j = self._select(open_pairs, left)
            open_pairs.append((i, j))
            if left is not None:
                left[i, j] -= 1
                left[j, i] -= 1
            # Judges may prefer what they see first: with a random order that is noise, not evidence.
            flip = rng_for(self.seed, "order", self.asked).random() < 0.5
            first, second = (j, i) if flip else (i, j)
            out.append(Pair(self.asked, self.policies[first], self.policies[second]))
            if len(out) < n:
                pretended.append(self._pretend(i, j, self.asked))
            self.asked += 1
        for i, j in pretended:
            won(self.duels, i, j, -1)
        return out

    def _pretend(self, i: int, j: int, index: int) -> tuple[int, int]:
        rng, wins = rng_for(self.seed, "waiting", index), self.duels.wins
        if rng.random() > rng.beta(wins[i, j] + 1.0, wins[j, i] + 1.0):
            i, j = j, i
        won(self.duels, i, j, 1)
        return i, j

    def _select(
        self, waiting: Sequence[tuple[int, int]], left: Int64[np.ndarray, "K K"] | None = None
    ) -> tuple[int, int]:
        if self.top > 1 and self.duel_rule == "balance":
            k, rng = len(self.policies), rng_for(self.seed, "pair", self.asked)
            any_pair = np.ones((k, k), dtype=np.int64) - np.eye(k, dtype=np.int64) if left is None else left
            return top_pair(self.duels, any_pair, self.delta, self.top, top_threshold(k, self.delta), rng)
        i, j = self._wanted(waiting)
        if left is None or left[i, j] > 0:
            return i, j
        return next_best(self.duels, left, self.delta, self.assume_condorcet)

    def _wanted(self, waiting: Sequence[tuple[int, int]]) -> tuple[int, int]:
        if self.structured is not None and self.duel_rule == "balance" and not self.structured.doubted:
            return self.structured.select(waiting)
        # Whose turn it is, for a rule that takes turns: the number of pairs handed out, which the log knows.
        memory = np.full(1, float(self.asked))
        rng = rng_for(self.seed, "pair", self.asked)
        return DUEL_RULES[self.duel_rule](self.duels, memory, self.delta, self.assume_condorcet, rng)

    # -- tell ------------------------------------------------------------

    def record(self, comparison: Comparison) -> None:
        """Take in an answer, in whatever order answers come.

        Raises:
            InvalidComparisons: a policy that is not of this experiment, or a row that is not of its log.
        """
        for name in (comparison.first, comparison.second):
            if name not in self._at:
                raise InvalidComparisons(f"Expected one of the policies {list(self.policies)}, got {name!r}.")
        self._count(comparison, 1)
        self._model(comparison)
        self.comparisons.append(comparison)
        # Of a log that is replayed without its open pairs: the numbers that were used must not come again.
        self.asked = max(self.asked, len(self.comparisons))

    def withdraw(self, comparison: Comparison) -> None:
        """Take back an answer that was recorded.

        Raises:
            InvalidComparisons: it was not.
        """
        if comparison not in self.comparisons:
            raise InvalidComparisons(f"Expected a comparison that was recorded, got {comparison}.")
        if self.clusters is not None:
            raise InvalidComparisons(
                f"Expected answers of a judge to be taken back, got row {comparison.row} of a log."
            )
        # The latest of equal ones: the model's predictions before it then stay as they were.
        at = len(self.comparisons) - 1 - self.comparisons[::-1].index(comparison)
        del self.comparisons[at]
        self._count(comparison, -1)
        if self.structured is not None:  # its predictions were made in order: replay the rest
            self.structured = StructuredRule(len(self.policies), self.features)
            for kept in self.comparisons:
                self._model(kept)

    def _model(self, comparison: Comparison) -> None:
        if self.structured is not None:
            i, j = self._at[comparison.first], self._at[comparison.second]
            if comparison.outcome == "second":
                i, j = j, i
            self.structured.record(i, j, tie=comparison.outcome == "tie")

    def _count(self, comparison: Comparison, times: int) -> None:
        i, j = self._at[comparison.first], self._at[comparison.second]
        if self.clusters is not None and not self.clusters.plain(comparison.first, comparison.second):
            self._count_in_cluster(self.clusters, comparison, i, j)
        elif comparison.outcome == "tie":
            tied(self.duels, i, j, times)
        elif comparison.outcome == "first":
            won(self.duels, i, j, times)
        else:
            won(self.duels, j, i, times)

    def _count_in_cluster(self, clusters: ClusterState, comparison: Comparison, i: int, j: int) -> None:
        found = clusters.record(comparison)  # before anything is counted: it refuses a row that is not of the log
        if comparison.outcome == "tie":
            tied(self.duels, i, j, 1)
        else:
            counted(self.duels, *((i, j) if comparison.outcome == "first" else (j, i)), 1)
        if found is None:
            return
        place(self.duels, i, j, found[0], found[2])
        place(self.duels, j, i, found[1], found[3])
        add_up(self.duels, i)
        add_up(self.duels, j)

    # -- what is known -----------------------------------------------------

    def verdict(self) -> Verdict | None:
        """Return how the experiment has ended; None while more comparisons are needed."""
        # With a model two stopping rules share the error, for either may end the experiment.
        delta = self.delta if self.structured is None else self.delta / 2.0
        n, left = len(self.comparisons), self._names(self._possible())
        if self.top > 1:
            kind, inside = decide_top(self.duels, self.delta, self.top)
            if kind != OPEN:
                word: Literal["top", "none"] = "top" if kind == TOP else "none"
                return Verdict(word, None, self.delta, n, self._names(inside))
            return Verdict("undecided", None, None, n, left) if self.budget is not None and n >= self.budget else None
        if self.structured is not None and (best := self.structured.winner(delta)) is not None:
            return Verdict("winner", self.policies[best], self.delta, n, (self.policies[best],), "bradley-terry")
        kind, at = decide(self.duels, delta, self.assume_condorcet)
        if kind == NONE:
            return Verdict("none", None, self.delta, n, ())
        if kind != OPEN:
            return Verdict("winner", self.policies[at], self.delta, n, (self.policies[at],))
        if self.budget is not None and n >= self.budget:
            return Verdict("undecided", None, None, n, left)
        return None

    def _names(self, places: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.policies[i] for i in places)

    def confidence_set(self) -> set[str]:
        """Return the policies that may be the Condorcet winner, or of the top k, with error delta at every moment."""
        return set(self._names(self._possible()))

    def _possible(self) -> Sequence[int]:
        if self.top > 1:
            return may_be_in_top(self.duels, self.delta, self.top)
        return confidence_set(self.duels, self.delta)

    def evidence(self) -> Float64[np.ndarray, " K"]:
        """Return S_j, log evidence that each policy is not the winner, nats; its threshold is log(1 / delta)."""
        return self.duels.score.copy()

    @property
    def wins(self) -> Int64[np.ndarray, "K K"]:
        """How often the row was preferred to the column."""
        return self.duels.wins

    def allocation(self) -> Float64[np.ndarray, "K K"]:
        """Return the share of comparisons that each pair has had, symmetric: each pair's share in both places."""
        return np.asarray(self.duels.judged / max(1, len(self.comparisons)))


def _check(
    policies: Sequence[str],
    delta: float,
    budget: int | None,
    tie_zone: float,
    duel_rule: str,
    space: str,
    features: Float64[np.ndarray, "K d"] | None,
) -> None:
    """Refuse what no experiment can be; see `Experiment`."""
    if len(policies) < 2 or len(set(policies)) < len(policies):
        raise InvalidComparisons(f"Expected two or more policies with different names, got {list(policies)}.")
    if not 0.0 < delta < 1.0:
        raise InvalidComparisons(f"Expected delta between 0 and 1, got {delta}.")
    if budget is not None and budget < 1:
        raise InvalidComparisons(f"Expected a budget of one comparison or more, got {budget}.")
    if not 0.0 <= tie_zone < 0.5:
        raise InvalidComparisons(f"Expected a tie zone from 0 to below 1/2, got {tie_zone}.")
    if duel_rule not in DUEL_RULES:
        raise InvalidComparisons(f"Expected a duel rule, one of {list(DUEL_RULES)}, got {duel_rule!r}.")
    if space not in ("unstructured", "bradley-terry"):
        raise InvalidComparisons(f"Expected space 'unstructured' or 'bradley-terry', got {space!r}.")
    if features is not None and (space == "unstructured" or len(features) != len(policies)):
        raise InvalidComparisons(
            f"Expected features only with space 'bradley-terry', one row for each of {len(policies)} policies, "
            f"got {len(features)} rows and space {space!r}."
        )
