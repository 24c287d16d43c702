"""An audit as an experiment uses it: which pair, whether a person is asked, and what people prefer so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.errors import InvalidComparisons
from poets_core.keyed import rng_for
from poets_core.llm_po.audit.bets import corrected, interval, lowest
from poets_core.llm_po.audit.plan import FLOOR, PRICE, next_pair, plan, winner
from poets_core.llm_po.audit.tally import count, new_tally
from poets_core.llm_po.comparison import Outcome, Pair, Verdict

VALUE: dict[Outcome, float] = {"second": 0.0, "tie": 0.5, "first": 1.0}
"""What an outcome says of the policy shown first; twice that is the stratum of a judge's verdict."""


@dataclass(frozen=True)
class Planned:
    """What is fixed before a comparison is made, seen from the policy shown first.

    Attributes:
        predicted: what a person is expected to say where the judge says second, tie, first; in [0, 1].
        shares: probability with which a person is asked, alike; in (0, 1].
        stakes: of the bets on the first and on the second policy, in [0, 1).
    """

    predicted: tuple[float, float, float]
    shares: tuple[float, float, float]
    stakes: tuple[float, float]

    def share(self, verdict: Outcome) -> float:
        """Return the probability with which a person is asked, given the judge's verdict."""
        return self.shares[OUTCOMES_OF.index(verdict)]


OUTCOMES_OF: tuple[Outcome, ...] = ("second", "tie", "first")
"""Verdicts in the order of strata."""


@dataclass(frozen=True)
class Judgement:
    """One comparison with the judge's verdict, and the person's where one was asked.

    Attributes:
        first, second: names of the policies.
        verdict: of the judge.
        planned: before it.
        label: the person's; None where nobody was asked.
    """

    first: str
    second: str
    verdict: Outcome
    planned: Planned
    label: Outcome | None = None


class Audit:
    """Names the policy that people prefer to every other with error at most delta, whatever the judge is worth.

    The state is the recorded judgements, in the order in which their pairs were asked; everything random is keyed.
    """

    def __init__(
        self, policies: Sequence[str], delta: float, *, floor: float = FLOOR, price: float = PRICE, seed: int = 0
    ) -> None:
        """Start without comparisons.

        Args:
            policies: their names, two or more.
            delta: largest probability that the named policy is not the one.
            floor: smallest probability of an audit, in (0, 1].
            price: of a verdict of the judge, in labels; 0 or more.
            seed: key of all randomness.

        Raises:
            InvalidComparisons: any of them out of its range.
        """
        if len(policies) < 2 or len(set(policies)) < len(policies):
            raise InvalidComparisons(f"Expected two or more policies with different names, got {list(policies)}.")
        if not 0.0 < delta < 1.0 or not 0.0 < floor <= 1.0 or price < 0.0:
            raise InvalidComparisons(
                f"Expected delta in (0, 1), floor in (0, 1] and a price of 0 or more, got {delta}, {floor} and {price}."
            )
        self.policies, self.delta, self.floor, self.price, self.seed = tuple(policies), delta, floor, price, seed
        self._at = {name: i for i, name in enumerate(self.policies)}
        self._tally = new_tally(len(self.policies))
        self.judgements: list[Judgement] = []

    def next_pair(self, asked: int, left: Int64[np.ndarray, "K K"] | None = None) -> Pair:
        """Return the pair to compare next; its order of presentation is drawn.

        Args:
            asked: pairs asked before, the number of this one.
            left: symmetric; how many more comparisons of each pair there are, of one at least. None: as many as asked.
        """
        there = np.ones((len(self.policies),) * 2, dtype=np.int64) if left is None else np.ascontiguousarray(left)
        # By the number of the pair and what was recorded alone, so that a resumed audit asks the same.
        rng = rng_for(self.seed, "audit pair", asked)
        i, j = next_pair(self._tally, there, self.delta, self.floor, self.price, rng)
        if rng_for(self.seed, "order", asked).random() < 0.5:
            i, j = j, i
        return Pair(asked, self.policies[i], self.policies[j])

    def plan(self, first: str, second: str) -> Planned:
        """Return what is fixed before a comparison of two policies is made."""
        f, shares, stakes = plan(self._tally, self._at[first], self._at[second], self.floor, self.price, 0.0)
        return Planned(_three(f), _three(shares), (float(stakes[0]), float(stakes[1])))

    def audited(self, index: int, share: float) -> bool:
        """Draw whether a person is asked about a pair: keyed by its number, with a probability of `share`."""
        return bool(rng_for(self.seed, "audit", index).random() < share)

    def record(self, judgement: Judgement) -> None:
        """Take in a judgement: in the order in which pairs were asked, none left out by what it says.

        Raises:
            InvalidComparisons: a policy that is not of this audit.
        """
        for name in (judgement.first, judgement.second):
            if name not in self._at:
                raise InvalidComparisons(f"Expected one of the policies {list(self.policies)}, got {name!r}.")
        # By the shares and stakes of its own moment: those of now know what came since, and bets must not.
        planned, label = judgement.planned, judgement.label
        count(
            self._tally,
            self._at[judgement.first],
            self._at[judgement.second],
            OUTCOMES_OF.index(judgement.verdict),
            np.array(planned.predicted),
            np.array(planned.shares),
            np.array(planned.stakes),
            label is not None,
            0.0 if label is None else VALUE[label],
        )
        self.judgements.append(judgement)

    # -- what is known -------------------------------------------------------

    def verdict(self) -> Verdict | None:
        """Return the policy that people are shown to prefer to every other; None while there is none."""
        best = winner(self._tally, self.delta)
        if best < 0:
            return None
        name = self.policies[best]
        return Verdict("winner", name, self.delta, len(self.judgements), (name,), "audit")

    def left(self) -> tuple[str, ...]:
        """Policies that may be the best: no other is shown to be preferred, with error delta at every moment.

        All of K (K - 1) duels may be wrong at once with probability delta at most.
        """
        k = len(self.policies)
        # Every duel in both directions at once, so that all that is said here holds together.
        beaten = (self._tally.log_e >= np.log(k * (k - 1) / self.delta)).any(0)
        return tuple(name for name, out in zip(self.policies, beaten, strict=True) if not out)

    @property
    def evidence(self) -> Float64[np.ndarray, "K K"]:
        """Log evidence that people prefer the row to the column, nats; log(K / delta) is enough."""
        return self._tally.log_e.copy()

    @property
    def labels(self) -> int:
        """Comparisons that a person has judged."""
        return sum(j.label is not None for j in self.judgements)

    def pairs(self) -> list[dict[str, Any]]:
        """Return what is known of each pair that was compared: intervals hold at every moment, each with error delta.

        Returns:
            first, second; judged, labels; agreed (share of labels that are the verdict, weighed by how likely they were
            asked for) with its interval; preferred (how often people prefer the first) with its interval; verdicts (the
            judge's share for the first).
        """
        # A pair is one whichever policy was shown first.
        found: dict[tuple[str, str], list[Judgement]] = {}
        for judgement in self.judgements:
            a, b = sorted((judgement.first, judgement.second), key=self._at.__getitem__)
            found.setdefault((a, b), []).append(judgement)
        return [self._pair(*names, found[names]) for names in sorted(found, key=lambda p: [self._at[n] for n in p])]

    def _pair(self, first: str, second: str, judged: Sequence[Judgement]) -> dict[str, Any]:
        preferred = [_preference(j, turned=j.first != first) for j in judged]
        agreed = [_agreement(j) for j in judged]
        said = [VALUE[j.verdict] if j.first == first else 1.0 - VALUE[j.verdict] for j in judged]
        out: dict[str, Any] = {"first": first, "second": second, "judged": len(judged)}
        out["labels"] = sum(j.label is not None for j in judged)
        out["verdicts"] = float(np.mean(said))
        for name, rows in (("preferred", preferred), ("agreed", agreed)):
            y, least, most = np.array(rows).T
            out[name] = float(np.clip(y.mean(), 0.0, 1.0))
            out[f"{name}_interval"] = list(interval(y, least, most, self.delta))
        return out


def _three(x: Float64[np.ndarray, " 3"]) -> tuple[float, float, float]:
    a, b, c = x.tolist()
    return a, b, c


def _preference(judgement: Judgement, *, turned: bool) -> tuple[float, float, float]:
    """Return y, the least and the most it could be: of the second policy where `turned`."""
    f, shares = np.array(judgement.planned.predicted), np.array(judgement.planned.shares)
    at, label = OUTCOMES_OF.index(judgement.verdict), judgement.label
    y = corrected(f[at], 0.0 if label is None else VALUE[label], label is not None, shares[at])
    least, most = lowest(f, shares), 1.0 - lowest(1.0 - f, shares)
    return (1.0 - y, 1.0 - most, 1.0 - least) if turned else (y, least, most)


def _agreement(judgement: Judgement) -> tuple[float, float, float]:
    """Return the same of "the person says what the judge says"."""
    f, shares = np.array(judgement.planned.predicted), np.array(judgement.planned.shares)
    # Where the judge says "second", agreement is that the first is not preferred; of ties nothing is predicted.
    f[0], f[1] = 1.0 - f[0], 0.5
    at, label = OUTCOMES_OF.index(judgement.verdict), judgement.label
    y = corrected(f[at], float(label == judgement.verdict), label is not None, shares[at])
    return y, lowest(f, shares), 1.0 - lowest(1.0 - f, shares)
