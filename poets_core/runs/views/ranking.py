"""The ranking that a worker has reported of an experiment, and its files: CSV and JSON, which are read again."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from poets_core.cells import guarded
from poets_core.errors import InvalidComparisons

By: TypeAlias = Literal["duels", "mean", "bradley-terry"]
BYS: tuple[By, ...] = get_args(By)
"""What policies are ranked by: how many beat a policy; its mean win probability; its Bradley-Terry score."""
LARGEST = 64 << 20
"""Bytes of a file of a ranking."""
FORMAT = "poets ranking 1"

Ends: TypeAlias = tuple[float | None, float | None, float | None]
"""Estimate, lower and upper end; None where nothing bounds it."""


@dataclass(frozen=True)
class RankedPolicy:
    """One line of a ranking.

    Attributes:
        name: of the policy.
        ranks: best and worst rank that is possible, by what; None where the scores cannot be had.
        mean: mean win probability over the other policies.
        score: Bradley-Terry score, log odds against an average policy; None where no scores fit.
        comparisons: that it took part in; of them wins, losses, ties, and both_bad: ties because neither was good.
        cost: mean of its responses, in the log's unit; None where it is not known.
    """

    name: str
    ranks: Mapping[By, tuple[int, int] | None]
    mean: Ends
    score: Ends | None
    comparisons: int
    wins: int
    losses: int
    ties: int
    both_bad: int
    cost: float | None = None


@dataclass(frozen=True)
class RankingView:
    """All policies ranked; everything in it holds together, at all moments, with error `delta` at most.

    Attributes:
        delta: see above.
        by: what decides here: Bradley-Terry scores where the experiment assumes them.
        tie_zone: a policy beats another that it beats with a probability further than this from one half.
        contradicted: whether the comparisons contradict Bradley-Terry scores.
        uncertified: pairs that were shown in one order alone, of which nothing is claimed.
        policies: in the order of the experiment.
        groups: by what: places of policies that cannot be told apart, the best group first.
        pairs: of every pair that was compared: two places, share of wins of the first, ends of its win probability.
            None before the verdict.
        according_to: the model that judged; "" where people, a rule or a log did.
    """

    delta: float
    by: By
    tie_zone: float
    contradicted: bool
    uncertified: tuple[tuple[str, str], ...]
    policies: tuple[RankedPolicy, ...]
    groups: Mapping[By, tuple[tuple[int, ...], ...] | None]
    pairs: tuple[tuple[int, int, float, float, float], ...] | None = None
    according_to: str = ""

    def offered(self) -> list[By]:
        """What policies can be ranked by."""
        return [by for by in BYS if self.groups.get(by) is not None]

    def order(self, by: By) -> list[RankedPolicy]:
        """Return the policies, the best first; equal ones by their mean win probability."""
        return sorted(self.policies, key=lambda p: (sum(p.ranks[by] or (0, 0)), -(p.mean[0] or 0.0), p.name))

    def group_of(self, by: By) -> dict[str, int]:
        """Return the number of each policy's group, from 1."""
        groups = self.groups.get(by) or ()
        return {self.policies[i].name: n for n, group in enumerate(groups, 1) for i in group}

    def top(self, by: By, k: int) -> tuple[list[str], list[str]]:
        """Return who is certainly among the best k, and who may be."""
        ranked = [(p.name, p.ranks[by]) for p in self.order(by)]
        certain = [name for name, of in ranked if of is not None and of[1] <= k]
        return certain, [name for name, of in ranked if of is not None and of[0] <= k]


def rank_text(ends: tuple[int, int] | None) -> str:
    """Write a rank interval: ``1st``, ``2nd to 5th``."""
    if ends is None:
        return "–"
    low, high = ends
    return _nth(low) if low == high else f"{_nth(low)} to {_nth(high)}"


def _nth(n: int) -> str:
    end = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{end}"


# -- reading and writing -------------------------------------------------


def ranking_view(data: Mapping[str, Any], *, according_to: str = "") -> RankingView:
    """Return the ranking that `poets_core.llm_po.ranking.ranking.ranking_of` gave as JSON data.

    Args:
        data: of an `updated` event, or of a file.
        according_to: the model that judged, where the data do not say it.

    Raises:
        InvalidComparisons: it is none.
    """
    try:
        policies = tuple(_policy(p) for p in data["policies"])
        groups = {by: _groups(data["groups"][by], len(policies)) for by in BYS}
        pairs = data.get("pairs")
        return RankingView(
            _finite(data["delta"]),
            _by(data["by"]),
            _finite(data["tie_zone"]),
            bool(data["contradicted"]),
            tuple((str(a), str(b)) for a, b in data["uncertified"]),
            policies,
            groups,
            None if pairs is None else tuple((int(i), int(j), float(s), float(a), float(b)) for i, j, s, a, b in pairs),
            str(data.get("according_to", according_to)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        said = f"{type(error).__name__}: {str(error)[:80]}"
        raise InvalidComparisons(f"Expected a ranking as this program writes it, got another: {said}.") from error


def _policy(data: Mapping[str, Any]) -> RankedPolicy:
    counts = {name: int(data[name]) for name in ("comparisons", "wins", "losses", "ties", "both_bad")}
    ranks = {by: None if data["ranks"][by] is None else _rank(data["ranks"][by]) for by in BYS}
    score = None if data["score"] is None else _ends(data["score"])
    cost = None if data["cost"] is None else _finite(data["cost"])
    return RankedPolicy(str(data["name"]), ranks, _ends(data["mean"]), score, **counts, cost=cost)


def _rank(data: Sequence[Any]) -> tuple[int, int]:
    low, high = (int(v) for v in data)
    if not 1 <= low <= high:
        raise ValueError(f"a rank of {low} to {high}")
    return low, high


def _ends(data: Sequence[Any]) -> Ends:
    estimate, low, high = (None if v is None else _finite(v) for v in data)
    return estimate, low, high


def _finite(value: Any) -> float:
    if not math.isfinite(number := float(value)):
        raise ValueError(f"the number {value}")
    return number


def _by(value: Any) -> By:
    if value not in BYS:
        raise ValueError(f"ranked by {value!r}")
    by: By = value
    return by


def _groups(data: Sequence[Sequence[int]] | None, k: int) -> tuple[tuple[int, ...], ...] | None:
    if data is None:
        return None
    groups = tuple(tuple(int(i) for i in group) for group in data)
    if sorted(i for group in groups for i in group) != list(range(k)):
        raise ValueError("groups that are not those of its policies")
    return groups


def ranking_json(view: RankingView, run: str = "") -> bytes:
    """Return a ranking as a file that `read_ranking` reads."""
    data = {
        "format": FORMAT,
        "run": run,
        "according_to": view.according_to,
        "delta": view.delta,
        "by": view.by,
        "tie_zone": view.tie_zone,
        "contradicted": view.contradicted,
        "uncertified": view.uncertified,
        "policies": [{**vars(p), "ranks": dict(p.ranks)} for p in view.policies],
        "groups": dict(view.groups),
        "pairs": view.pairs,
    }
    return json.dumps(data, indent=1, ensure_ascii=False).encode()


def read_ranking(data: bytes) -> RankingView:
    """Read a ranking that `ranking_json` wrote.

    Raises:
        InvalidComparisons: too large, no JSON, or no ranking.
    """
    if len(data) > LARGEST:
        raise InvalidComparisons(f"Expected a ranking of at most {LARGEST >> 20} MiB, got {len(data) >> 20} MiB.")
    try:
        read = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidComparisons(f"Expected a ranking as JSON, got {str(error)[:80]}.") from error
    if not isinstance(read, dict) or read.get("format") != FORMAT:
        got = read.get("format") if isinstance(read, dict) else type(read).__name__
        raise InvalidComparisons(f"Expected a file of the format {FORMAT!r}, got {str(got)[:80]!r}.")
    return ranking_view(read)


COLUMNS = (
    *("policy", "group", "rank_low", "rank_high", "mean", "mean_low", "mean_high", "score", "score_low", "score_high"),
    *("comparisons", "wins", "losses", "ties", "both_bad", "cost"),
)


def ranking_csv(view: RankingView, by: By | None = None) -> bytes:
    """Return a ranking as UTF-8 CSV, the best policy first; what is not bounded is empty.

    Text cells that a spreadsheet would take for a formula get a leading apostrophe.
    """
    by = by or view.by
    out, group = io.StringIO(newline=""), view.group_of(by)
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for p in view.order(by):
        numbers = [*(p.ranks[by] or (None, None)), *p.mean, *(p.score or (None,) * 3)]
        counts = (p.comparisons, p.wins, p.losses, p.ties, p.both_bad, p.cost)
        writer.writerow([guarded(p.name), group[p.name], *("" if v is None else v for v in (*numbers, *counts))])
    return out.getvalue().encode()
