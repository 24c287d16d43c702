"""The values that an experiment's events fold into (`poets_core.runs.views.experiment_fold`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from poets_core.runs.events import VerdictReached
from poets_core.runs.laboratory_events import Extended

Point = tuple[int, Sequence[float | None], Sequence[float | None]]
"""Comparisons, evidence of every policy, shown of every policy (as in the metrics of an `updated`)."""
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class PairView:
    """Two responses, and what judges said.

    Attributes:
        index: number of the pair.
        first, second: policies; the first is what a judge sees as A.
        item: number of the prompt.
        prompt: as shown to the judge.
        responses: of the first and of the second.
        values: what the judging program measured of each, None where a person judges.
        outcome: ``"first"``, ``"second"``, ``"tie"``, None while open, withdrawn or skipped.
        judge: whose answer counts, ``""`` for nobody's.
        opinions: outcome by judge, the counted answer and second opinions.
        skipped: whether it will not be judged.
        details: what the judging program adds.
        verdict: of the judge that is audited, None where there is no audit.
    """

    index: int
    first: str
    second: str
    item: int
    prompt: str
    responses: tuple[str, str]
    values: tuple[Any, ...] | None = None
    outcome: str | None = None
    judge: str = ""
    opinions: Mapping[str, str] = field(default_factory=dict)
    skipped: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    verdict: str | None = None


@dataclass(frozen=True)
class Agreement:
    """How two judges agree on the pairs that both judged.

    Attributes:
        judges: their names.
        pairs: judged by both.
        equal: share of them on which they said the same.
        kappa: Cohen's kappa (equal beyond chance); None where chance alone would make them agree always.
    """

    judges: tuple[str, str]
    pairs: int
    equal: float
    kappa: float | None


@dataclass(frozen=True)
class ExperimentView:
    """Everything a page draws about an experiment.

    Attributes:
        facts: what `prepared` says: policies, judge, warnings.
        pairs: by index, in the order asked.
        waiting: indices of pairs that are open, in order.
        comparisons: counted: judged pairs, ties included, second opinions not.
        ties: of them.
        answered: number of the last "judge" command that was dealt with by an event; 0 for none.
        metrics: of the last `updated`, with its ``round`` and ``seconds``; None before the first.
        verdict: what was found, None before it.
        extended: what it was given after it had ended, in order; refused ones too.
        points, stride, updates: history as kept: every `stride`-th of `updates`.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    pairs: Mapping[int, PairView] = field(default_factory=dict)
    waiting: Sequence[int] = field(default_factory=list)
    comparisons: int = 0
    ties: int = 0
    answered: int = 0
    metrics: Mapping[str, Any] | None = None
    verdict: VerdictReached | None = None
    extended: Sequence[Extended] = ()
    points: Sequence[Point] = field(default_factory=list)
    stride: int = 1
    updates: int = 0

    @property
    def open(self) -> list[PairView]:
        """Pairs that nobody has judged or skipped yet, in order."""
        return [self.pairs[i] for i in self.waiting]

    @property
    def budget(self) -> int | None:
        """Comparisons in all that it was given after it had ended; None where nothing was added."""
        return next((e.budget for e in reversed(self.extended) if not e.refused), None)

    @property
    def policies(self) -> list[str]:
        """Names of the policies; empty before `prepared`."""
        return [p["name"] for p in self.facts.get("policies", ())]

    @property
    def warnings(self) -> list[str]:
        """What is doubtful about responses or judge, in sentences."""
        return list(self.facts.get("warnings", ()))

    @property
    def history(self) -> list[Point]:
        """Evidence over comparisons, at most `MOST_POINTS` points, the last update always among them."""
        last = [] if self.metrics is None else [_point(self.metrics)]
        kept = list(self.points)
        return kept if last and kept and kept[-1] == last[0] else kept + last

    @property
    def unanswered(self) -> int:
        """Pairs to which the judging model gave no readable answer."""
        return sum(p.details.get("how") == "no answer" for p in self.pairs.values())

    @property
    def judges(self) -> dict[str, int]:
        """Answers by judge, second opinions too."""
        return dict(Counter(j for p in self.pairs.values() for j in p.opinions))

    def agreement(self) -> list[Agreement]:
        """How every two judges agree, where they judged pairs in common; those with most pairs first."""
        both: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for pair in self.pairs.values():
            for a, b in combinations(sorted(pair.opinions), 2):
                both.setdefault((a, b), []).append((pair.opinions[a], pair.opinions[b]))
        found = [_agreement(judges, said) for judges, said in both.items()]
        return sorted(found, key=lambda a: (-a.pairs, a.judges))


def _agreement(judges: tuple[str, str], said: list[tuple[str, str]]) -> Agreement:
    n = len(said)
    equal = sum(a == b for a, b in said) / n
    one, other = Counter(a for a, _ in said), Counter(b for _, b in said)
    chance = sum(one[word] * other[word] for word in one) / n**2
    return Agreement(judges, n, equal, None if chance == 1.0 else (equal - chance) / (1.0 - chance))


def _point(metrics: Mapping[str, Any]) -> Point:
    return metrics["comparisons"], metrics["evidence"], metrics["shown"]


def thinned(points: list[Point], stride: int, updates: int, metrics: Mapping[str, Any]) -> tuple[list[Point], int, int]:
    """Add an update to a history, keeping every `stride`-th so that fewer than `MOST_POINTS` are kept.

    Returns:
        points, stride and number of updates; which are kept depends on nothing but that number.
    """
    if updates % stride == 0:
        points = [*points, _point(metrics)]
    if len(points) >= MOST_POINTS:
        points, stride = points[::2], 2 * stride
    return points, stride, updates + 1


_SHOWN = (
    "policies",
    "wins",
    "evidence",
    "evidence_threshold",
    "shown",
    "shown_threshold",
    "left",
    "allocation",
)


def experiment_summary(view: ExperimentView) -> dict[str, Any]:
    """Return an experiment in a dozen numbers, as JSON data (`show --json`)."""
    metrics = view.metrics or {}
    return {
        "source": view.facts.get("source"),
        "judge": view.facts.get("judge"),
        "comparisons": view.comparisons,
        "ties": view.ties,
        **{name: metrics.get(name) for name in _SHOWN},
        **({} if "audit" not in metrics else {"labels": metrics["labels"], "audit": metrics["audit"]}),
        **({} if not view.unanswered else {"unanswered": view.unanswered}),
        "open": len(view.waiting),
        "verdict": None if view.verdict is None else view.verdict.to_json(),
        "judges": view.judges,
        "warnings": view.warnings,
        # Of a log: what the error bound assumes of its rows, and what is known of their order.
        **{name: view.facts[name] for name in ("dependence", "order") if name in view.facts},
    }
