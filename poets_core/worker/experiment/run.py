"""An experiment: ask pairs, have them judged, count, until the best policy is known."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from poets_core.errors import InvalidComparisons, InvalidInput, InvalidSpec, told
from poets_core.llm_po.comparison import Verdict
from poets_core.runs.answers import read_answer
from poets_core.runs.doing import SUMMING_UP, WAITING, Doing
from poets_core.runs.event_fields import PresentedPair, jsonable
from poets_core.runs.events import (
    Asked,
    Compared,
    Event,
    Finished,
    Prepared,
    Updated,
    VerdictReached,
    Withdrawn,
)
from poets_core.runs.extension import read_extension
from poets_core.runs.laboratory_events import Extended
from poets_core.runs.lease import Command
from poets_core.spec import ExperimentSpec
from poets_core.spec.experiment import MOST_COMPARISONS
from poets_core.worker.control import POLL_SECONDS, Stopped
from poets_core.worker.experiment.ledger import Given, Ledger, compared, pair_of
from poets_core.worker.experiment.sources.source import ResponseSource
from poets_core.worker.experiment.statistics import ExperimentStatistics
from poets_core.worker.facts import changes, require_same_problem
from poets_core.worker.session import Session

EVERY_ONE = 20
"""Comparisons up to which each is followed by an `updated`; later it comes every twentieth of the way."""


def due(last: int, now: int, person: bool) -> bool:
    """Return whether to write an `updated` event. Depends on the counts only, so that a resumed run decides alike.

    Args:
        last: comparisons at the last one.
        now: comparisons counted.
        person: whether people judge: they see every answer counted at once.
    """
    return now != last if person else now >= last + max(1, last // EVERY_ONE)


class ExperimentRun:
    """One worker's work on one experiment.

    Interrupted anywhere and resumed, it appends what an uninterrupted one would have: pairs that were asked and not
    answered stay asked, answers that were taken are not taken again, and every random number is keyed.
    """

    def __init__(self, session: Session[ExperimentSpec]) -> None:
        spec = session.spec
        self._session, self._spec, self._experiment = session, spec, spec.experiment
        self._person = spec.experiment.judge == "person"
        self._ledger = Ledger()
        self._statistics = ExperimentStatistics(spec.experiment, spec.seed)
        self._seen = 0  # the last "judge" command dealt with
        self._doing: Doing | None = None
        self._since = time.monotonic()

    def __call__(self) -> None:
        """Work until there is a verdict, or there can be none.

        Raises:
            Terminated: told to leave; the run can be resumed.
            InvalidComparisons, InvalidSpec: a log, a run or a model that cannot be used.
            PoetsError: and whatever problem, oracle and model raise.
        """
        events = self._session.events()
        # Before the ledger: a source may have to rebuild searches, and looks at commands while it does.
        source = self._source()
        self._ledger = Ledger(events)
        self._seen = self._ledger.view.answered
        self._begin(source)
        self._go_on(source)
        self._count_anew(source)
        # Sources hand out responses in order. They must know what was used before they are asked for more.
        for pair in self._ledger.asked.values():
            source.count(pair)
        try:
            source.prepare(self._step)
            self._played(source)
        except Stopped:
            self._append(Finished("stopped"))
        self._session.control.acknowledge()

    def _played(self, source: ResponseSource) -> None:
        """Ask, judge and count until there is a verdict."""
        self._people(source) if self._person else self._program(source)

    def _count_anew(self, source: ResponseSource) -> None:
        """Count what was answered so far."""
        self._statistics = ExperimentStatistics(self._experiment, self._spec.seed, source.sample)
        self._statistics.rebuild(self._ledger.comparisons())

    def _source(self) -> ResponseSource:
        spec, seed, session = self._experiment, self._spec.seed, self._session
        # Imported on use: a log needs no language model, and torch costs seconds.
        if spec.source == "log":
            from poets_core.worker.experiment.sources.log import LogSource

            return LogSource(spec, seed)
        if spec.source == "prompts":
            from poets_core.worker.experiment.sources.prompt import PromptSource

            return PromptSource(spec, session.science, seed, session.folder / "responses", session.write)
        from poets_core.worker.experiment.sources.branch import branches_of_runs

        return branches_of_runs(session, spec.policies, self._step)

    def _begin(self, source: ResponseSource) -> None:
        facts = jsonable({**source.facts, "judge": self._experiment.judge})
        prepared = Prepared(source.info, experiment=facts)
        began = self._ledger.prepared
        if began is not None:
            if source.info is not None:
                require_same_problem(self._session.run, began.info, source.info)
            if changed := changes(began.experiment or {}, facts):
                raise InvalidSpec(
                    f"Expected what run {self._session.run} began with, got other facts of its policies: a run, a log, "
                    f"a model or the program has changed ({changed}). Start a new experiment."
                )
        self._session.begin(prepared, first=began is None, asked_again=self._in_flight())
        self._ledger.add(prepared)

    def _go_on(self, source: ResponseSource) -> None:
        """Take in again what was added before, then what was sent since; each command leads to one event."""
        given = list(self._ledger.view.extended)
        for event in given:
            if event.log and not event.refused:
                self._further(source, event.log, event.sha256)
        last = max((event.command for event in given), default=0)
        for command in self._session.store.commands(self._session.run, last):
            if command.command == "extend":
                self._append(self._extended(source, command))
        self._experiment = self._experiment.model_copy(update={"budget": self._budget})

    @property
    def _budget(self) -> int:
        """Comparisons in all: of the spec, until more were given."""
        return self._ledger.view.budget or self._spec.experiment.budget

    def _extended(self, source: ResponseSource, command: Command) -> Extended:
        """Return what a command to go on leads to; what cannot be is said and changes nothing."""
        try:
            more = read_extension(command.body)
            # Before rows are taken in, since they cannot be given back.
            if more.budget and more.budget <= (made := self._ledger.view.comparisons):
                raise InvalidComparisons(
                    f"Expected more than the {made:,} comparisons that were made, got {more.budget:,}."
                )
            rows, said, sha256 = self._further(source, more.log) if more.log else (0, [], "")
            budget = min(more.budget or self._budget + rows, MOST_COMPARISONS)
        except (InvalidInput, InvalidComparisons) as error:
            return Extended(self._budget, command.seq, refused=told(error))
        return Extended(budget, command.seq, more.log, sha256, rows, tuple(said))

    def _further(self, source: ResponseSource, log: str, sha256: str = "") -> tuple[int, list[str], str]:
        from poets_core.worker.experiment.sources.log import LogSource

        if not isinstance(source, LogSource):
            raise InvalidComparisons("Expected a log with an experiment on a log, got one with another source.")
        return source.further(self._session.store.files / "uploads" / log, sha256)

    def _in_flight(self) -> list[str]:
        """Return the pairs that were with the judge when the last worker was cut off."""
        left, waiting = self._session.lease.doing, [p.index for p in self._ledger.open]
        if left is None or left.step != "judge" or left.numbers[0] not in waiting:
            return []
        # Open pairs are judged in order and written down together: those before the one in flight were judged in vain.
        return [str(index) for index in waiting[: waiting.index(left.numbers[0]) + 1]]

    def _step(self, doing: Doing) -> None:
        self._session.control.check()
        if doing != self._doing:  # people may take hours over a pair: one write says that it waits
            self._doing = doing
            self._session.store.progress(self._session.lease, doing)

    def _append(self, *events: Event) -> None:
        self._session.append(*events)
        for event in events:
            self._ledger.add(event)

    # -- a program judges --------------------------------------------------

    def _program(self, source: ResponseSource) -> None:
        while (verdict := self._statistics.verdict()) is None:
            self._session.control.check()
            asked = [] if self._ledger.open else self._ask(source, self._experiment.open_pairs)
            if asked is None:
                return
            # An expensive answer that was cut off must be seen as asked. A free one is asked and judged in one
            # transaction, which saves a write to the disk for every pair.
            if not source.instant:  # what is with an expensive judge must be in the log
                self._append(*asked)
                asked = []
            for event in asked:
                self._ledger.add(event)
            self._take([*asked, *[self._judged(source, pair) for pair in self._ledger.open]])
        self._end(verdict)

    def _judged(self, source: ResponseSource, pair: PresentedPair) -> Compared:
        # The next worker counts from this what was asked twice. Commands wait: what was paid for is written down first.
        if not source.instant:
            self._doing = Doing("judge", (pair.index,))
            self._session.store.progress(self._session.lease, self._doing)
        judged = source.judge(pair)
        return compared(pair, judged.outcome, self._experiment.judge, None, details=jsonable(judged.details))

    def _ask(self, source: ResponseSource, n: int) -> list[Asked] | None:
        """Return `asked` of up to n further pairs; None when the experiment had to end because there are none."""
        asked, left = len(self._ledger.asked), self._experiment.budget - self._statistics.comparisons
        waiting = [pair_of(p) for p in self._ledger.open]
        pairs = self._statistics.next_pairs(min(n, max(1, left)), asked=asked, waiting=waiting)
        # Not a failure: every comparison that there is has been made, and the evidence stands.
        if not pairs:
            verdict = Verdict("undecided", None, None, self._statistics.comparisons, self._statistics.left())
            self._end(verdict, self._statistics.missing())
            return None
        found = source.responses(pairs)
        for pair in found:
            source.count(pair)
        return [Asked(tuple(found))]

    # -- people judge ------------------------------------------------------

    def _people(self, source: ResponseSource) -> None:
        while (verdict := self._statistics.verdict()) is None:
            self._refill(source)
            self._step(WAITING)
            if not self._read_answers(source):
                time.sleep(POLL_SECONDS)
        self._end(verdict)

    def _refill(self, source: ResponseSource) -> None:
        """Ask pairs in place of those that were answered."""
        if (missing := self._ledger.wanted(self._experiment.open_pairs) - len(self._ledger.open)) > 0:
            self._append(*(self._ask(source, missing) or ()))

    def _read_answers(self, source: ResponseSource) -> bool:
        """Deal with answers left since the last one, up to a verdict; False where there were none.

        Pairs are asked between any two answers, so that the log follows from the answers' order, not from how many
        lay there when somebody looked.
        """
        new = [c for c in self._session.store.commands(self._session.run, self._seen) if c.command == "judge"]
        for command in new:
            self._session.control.check()
            self._answer(command)
            self._seen = command.seq
            if self._statistics.verdict() is not None:
                break
            self._refill(source)
        return bool(new)

    def _answer(self, command: Command) -> None:
        try:
            answer = read_answer(command.body)
        except InvalidComparisons as error:
            _say(f"answer {command.seq} was left out: {error}")
            return
        meant = self._ledger.meant(answer, command.seq)
        if isinstance(meant, str):
            _say(f"answer {command.seq} was left out: {meant}")
        else:
            self._take([meant])

    # -- what follows from answers -------------------------------------------

    def _take(self, events: Sequence[Asked | Given]) -> None:
        """Append what judges did, in one piece with an `updated` where one is due (the last comes with the verdict)."""
        for event in events:
            if not isinstance(event, Asked):
                self._ledger.add(event)
            match event:
                case Compared(second_opinion=False):
                    self._statistics.record(self._ledger.comparison(event.index))
                case Withdrawn(second_opinion=False):
                    # evidence cannot be taken out again, so everything is counted anew
                    self._statistics.rebuild(self._ledger.comparisons())
        more = []
        if self._statistics.verdict() is None and due(self._ledger.updated, self._statistics.comparisons, self._person):
            more.append(self._updated())
            self._ledger.add(more[0])
        self._session.append(*events, *more)

    def _updated(self, *, last: bool = False) -> Updated:
        began, self._since = self._since, time.monotonic()
        metrics = self._statistics.metrics(last=last)
        return Updated(self._statistics.comparisons, metrics, seconds=round(self._since - began, 3))

    def _end(self, verdict: Verdict, why: str = "") -> None:
        reason = "exhausted" if why else "budget" if verdict.kind == "undecided" else "verdict"
        if not why:
            verdict, why = self._statistics.withheld(verdict)
        self._step(SUMMING_UP)
        reached = VerdictReached.of(self._statistics.verdict_facts(verdict), why)
        self._append(self._updated(last=True), reached, Finished(reason))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
