"""The statistics of an audit: what people prefer, how far they and the judge agree, and how many labels that took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from poets_core.llm_po.audit.audit import VALUE, Audit, Judgement
from poets_core.llm_po.comparison import Verdict
from poets_core.runs.event_fields import VerdictFacts, jsonable
from poets_core.spec import ExperimentSettings


class AuditStatistics:
    """An `Audit` that can be told where it stands; a function of its judgements alone."""

    def __init__(self, spec: ExperimentSettings, seed: int, judgements: Sequence[Judgement] = ()) -> None:
        """Count these, in the order in which their pairs were asked."""
        self._spec = spec
        self.audit = Audit([p.name for p in spec.policies], spec.delta, floor=spec.audit_floor, seed=seed)
        for judgement in judgements:
            self.audit.record(judgement)

    @property
    def comparisons(self) -> int:
        """Counted so far: verdicts of the judge, with the person's where one was asked."""
        return len(self.audit.judgements)

    def take_in(self, judgements: Sequence[Judgement]) -> None:
        """Count all of these; those before are counted already where they are the same, else all anew."""
        known = self.audit.judgements
        # An answer that was taken back changes what came before: evidence cannot be taken out again.
        if list(judgements[: len(known)]) != known:
            self.__init__(self._spec, self.audit.seed)  # type: ignore[misc]
            known = []
        for judgement in judgements[len(known) :]:
            self.audit.record(judgement)

    def verdict(self) -> Verdict | None:
        """What has been found; None while more comparisons are needed."""
        found = self.audit.verdict()
        return self.undecided() if found is None and self.comparisons >= self._spec.budget else found

    def undecided(self) -> Verdict:
        """What is said where nothing more is judged and nothing was found."""
        return Verdict("undecided", None, None, self.comparisons, self.audit.left(), "audit")

    def metrics(self) -> dict[str, Any]:
        """The numbers of an `updated` event: those of every experiment about people's preference, and the audit's."""
        audit, k = self.audit, len(self.audit.policies)
        # A policy is best by its weakest duel, and ruled out by the duel that speaks most against it.
        evidence, pairs = audit.evidence, audit.pairs()
        np.fill_diagonal(evidence, np.inf)
        shown = evidence.min(1)
        np.fill_diagonal(evidence, -np.inf)
        judged = np.zeros((k, k))
        for row in pairs:
            i, j = (audit.policies.index(row[name]) for name in ("first", "second"))
            judged[i, j] = judged[j, i] = row["judged"]
        out = {
            "policies": list(audit.policies),
            "comparisons": self.comparisons,
            "ties": sum(j.verdict == "tie" for j in audit.judgements),
            "wins": self._wins(),
            # Of all duels in both directions one may be wrong: each has an equal share of the error (`Audit.left`).
            "evidence": (evidence.max(0) - np.log(k * (k - 1))).tolist(),
            "evidence_threshold": float(np.log(1.0 / audit.delta)),
            "shown": shown.tolist(),
            "shown_threshold": float(np.log(k / audit.delta)),
            "left": list(audit.left()),
            "allocation": (judged / max(1, self.comparisons)).tolist(),
            # Of the closed forms for experiments none holds for an audit.
            "optimal": None,
            "expected": None,
            "round_robin": None,
            "model": None,
            "labels": audit.labels,
            "audit": pairs,
        }
        found: dict[str, Any] = jsonable(out)
        return found

    def _wins(self) -> list[list[int]]:
        """How often a person preferred the row to the column, (K, K)."""
        at = {name: i for i, name in enumerate(self.audit.policies)}
        wins = [[0] * len(at) for _ in at]
        for j in self.audit.judgements:
            # Unweighted: for the eye alone, never for the evidence.
            if j.label is not None and VALUE[j.label] != 0.5:
                won, lost = (j.first, j.second) if j.label == "first" else (j.second, j.first)
                wins[at[won]][at[lost]] += 1
        return wins

    def verdict_facts(self, verdict: Verdict) -> VerdictFacts:
        """Return a verdict with all that recomputes it: every judgement, as it was planned and made."""
        judged = [
            (j.first, j.second, j.verdict, j.label, j.planned.predicted, j.planned.shares, j.planned.stakes)
            for j in self.audit.judgements
        ]
        facts = {
            "policies": self.audit.policies,
            "delta": self.audit.delta,
            "floor": self.audit.floor,
            "labels": self.audit.labels,
            "judge": self._spec.judge_model or self._spec.judge,
            "judgements": judged,
        }
        bound = jsonable(verdict.error_bound)
        left = tuple(verdict.left)
        return VerdictFacts(
            verdict.kind, verdict.policy, bound, verdict.comparisons, left, verdict.rule, jsonable(facts)
        )
