"""An audit: a log or a model judges every pair, people judge a drawn share of them, blind."""

from __future__ import annotations

import time
from collections.abc import Sequence

from poets_core.errors import InvalidSpec
from poets_core.llm_po.comparison import Verdict
from poets_core.runs.audit_events import Audited
from poets_core.runs.doing import SUMMING_UP, WAITING, Doing
from poets_core.runs.event_fields import jsonable
from poets_core.runs.events import (
    Asked,
    Compared,
    Event,
    Finished,
    Skipped,
    Updated,
    VerdictReached,
    Withdrawn,
)
from poets_core.spec import ExperimentSpec
from poets_core.worker.control import POLL_SECONDS
from poets_core.worker.experiment.audit_statistics import AuditStatistics
from poets_core.worker.experiment.ledger import compared
from poets_core.worker.experiment.run import ExperimentRun, due
from poets_core.worker.experiment.sources.source import ResponseSource
from poets_core.worker.session import Session


class AuditRun(ExperimentRun):
    """One worker's work on one audit; see `ExperimentRun`.

    A pair, the judge's verdict and whether a person is asked are written down together, so that a worker that is cut
    off in between asks the judge again and draws the same.
    """

    def __init__(self, session: Session[ExperimentSpec]) -> None:
        super().__init__(session)
        self._audit = AuditStatistics(self._experiment, self._spec.seed)

    def _played(self, source: ResponseSource) -> None:
        require_auditable(source)
        while (verdict := self._audit.verdict()) is None:
            # Pairs that nobody has to look at may bring the verdict by themselves.
            more = self._refill_audit(source)
            if (verdict := self._audit.verdict()) is not None:
                break
            # Not a failure: every row of the log is used, and nobody is waited for.
            if not more and not self._ledger.open:
                self._end_audit(self._audit.undecided(), "all comparisons there are were made")
                return
            self._step(WAITING)
            if not self._read_audit_answers(source):
                time.sleep(POLL_SECONDS)
        self._end_audit(verdict)

    def _count_anew(self, source: ResponseSource) -> None:
        # With the budget of now: an audit that goes on has another one than its spec.
        self._audit = AuditStatistics(self._experiment, self._spec.seed, self._ledger.judgements())

    # -- the judge -----------------------------------------------------------

    def _refill_audit(self, source: ResponseSource) -> bool:
        """Let the judge judge until enough pairs wait for people; return whether a pair was asked or there is room."""
        wanted, went_on = self._ledger.wanted(self._experiment.open_pairs), False
        while len(self._ledger.open) < wanted and self._audit.verdict() is None:
            # Pairs behind one that waits are not counted yet, and there is no end of them while a person is away.
            if len(self._ledger.asked) >= self._experiment.budget or not self._ask_judge(source):
                break
            went_on = True
        return went_on or len(self._ledger.open) >= wanted

    def _ask_judge(self, source: ResponseSource) -> bool:
        """Ask and judge one pair; False where there is none."""
        self._session.control.check()
        index, left = len(self._ledger.asked), None if source.sample is None else source.sample.replay.left
        if left is not None and not left.any():
            return False
        # A log chooses the row by the pair and by what was used, so that it is counted before the judge is looked up.
        (shown,) = source.responses([self._audit.audit.next_pair(index, left)])
        source.count(shown)
        # Planned before the judge is asked: neither prediction nor share may know the verdict.
        planned = self._audit.audit.plan(shown.first, shown.second)
        # A model may take seconds: pages say that it is at work, and Pause is obeyed between two pairs.
        if not source.instant:
            self._step(Doing("judge", (index,)))
        judged = source.judge(shown)
        person = self._audit.audit.audited(index, planned.share(judged.outcome))
        details = jsonable(judged.details)
        found = Audited(
            index, judged.outcome, person, planned.predicted, planned.shares, planned.stakes, details=details
        )
        # In one piece: a pair whose verdict was lost must not be judged again with another draw.
        events: list[Event] = [Asked((shown,)), found]
        if not person:
            events.append(compared(shown, judged.outcome, self._experiment.judge, None, details=details))
        self._append_counted(events)
        return True

    # -- people --------------------------------------------------------------

    def _read_audit_answers(self, source: ResponseSource) -> bool:
        """Deal with answers left since the last one; see `ExperimentRun._read_answers`."""
        new = [c for c in self._session.store.commands(self._session.run, self._seen) if c.command == "judge"]
        for command in new:
            self._session.control.check()
            self._answer(command)
            self._seen = command.seq
            # Pairs are made between any two answers: the log follows from the order of answers alone.
            if self._audit.verdict() is not None:
                break
            self._refill_audit(source)
        return bool(new)

    def _take(self, events: Sequence[Asked | Compared | Withdrawn | Skipped]) -> None:
        self._append_counted(list(events))

    def _append_counted(self, events: list[Event]) -> None:
        """Append what happened, in one piece with an `updated` where one is due."""
        for event in events:
            self._ledger.add(event)
        self._audit.take_in(self._ledger.judgements())
        # People see every answer counted at once; of a judge's verdicts a few updates are enough.
        answered = any(isinstance(e, Compared | Withdrawn | Skipped) and e.answer is not None for e in events)
        if self._audit.verdict() is None and due(self._ledger.updated, self._audit.comparisons, answered):
            update = self._updated_audit()
            self._ledger.add(update)
            events = [*events, update]
        self._session.append(*events)

    def _updated_audit(self) -> Updated:
        began, self._since = self._since, time.monotonic()
        return Updated(self._audit.comparisons, self._audit.metrics(), seconds=round(self._since - began, 3))

    def _end_audit(self, verdict: Verdict, why: str = "") -> None:
        reason = "exhausted" if why else "budget" if verdict.kind == "undecided" else "verdict"
        self._step(SUMMING_UP)
        reached = VerdictReached.of(self._audit.verdict_facts(verdict), why)
        self._append(self._updated_audit(), reached, Finished(reason))


def require_auditable(source: ResponseSource) -> None:
    """Refuse a log whose rows cannot be audited.

    Raises:
        InvalidSpec: rows that depend on each other, or a row without responses that a person could read.
    """
    if source.sample is None:
        return
    if source.sample.dependence.dependent:
        raise InvalidSpec(
            "Expected a log whose rows share no prompt, judge or conversation for an audit: each label stands for "
            f"comparisons of its own. Got one with: {source.sample.dependence.sentence()} Keep one row of each.",
            field="experiment.log",
        )
    # Found out before anybody is asked, not in the middle of an audit.
    bare = source.sample.replay.without_responses()
    if bare is not None:
        raise InvalidSpec(
            f"Expected both responses in every row for an audit, so that people can judge them, got row {bare} "
            "without. Name the columns of the responses, or add them.",
            field="experiment.log",
        )
