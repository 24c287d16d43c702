"""An experiment: ask pairs, have them judged, count, until the best policy is known."""

from __future__ import annotations

import os
import sys
import time

from poets_core.errors import InvalidComparisons, InvalidSpec
from poets_core.llm_po.comparison import Verdict
from poets_core.runs.answers import read_answer
from poets_core.runs.events import Event, jsonable
from poets_core.runs.lease import Command, Lease, RunStore
from poets_core.spec import ExperimentSpec
from poets_core.worker.control import POLL_SECONDS, Control, Stopped
from poets_core.worker.experiment.ledger import Ledger, compared, comparison_of, pair_of
from poets_core.worker.experiment.sources.source import Asked, Exhausted, Source
from poets_core.worker.experiment.statistics import Contest
from poets_core.worker.science import Parts

EVERY_ONE = 20
"""Comparisons up to which each is followed by an `updated`; later it comes every twentieth of the way."""
WAITING = "wait for verdicts"


def due(last: int, now: int, person: bool) -> bool:
    """Whether an `updated` is due at `now` comparisons, the last one having come at `last`: of the counts alone."""
    return now != last if person else now >= last + max(1, last // EVERY_ONE)


class ExperimentRun:
    """One worker's work on one experiment.

    Interrupted anywhere and resumed, it appends what an uninterrupted one would have: pairs that were asked and not
    answered stay asked, answers that were taken are not taken again, and every random number is keyed.
    """

    def __init__(self, store: RunStore, lease: Lease, spec: ExperimentSpec, control: Control, parts: Parts) -> None:
        self._store, self._lease, self._spec, self._control, self._parts = store, lease, spec, control, parts
        self._experiment = spec.experiment
        self._person = spec.experiment.judge == "person"
        self._ledger = Ledger()
        self._contest = Contest(spec.experiment, spec.seed)
        self._seen = 0  # the last "judge" command dealt with
        self._doing, self._since = "", time.monotonic()

    def __call__(self) -> None:
        """Work until there is a verdict, or there can be none.

        Raises:
            Terminated: told to leave; the run can be resumed.
            InvalidComparisons, InvalidSpec: a log, a run or a model that cannot be used.
            PoetsError: and whatever problem, oracle and model raise.
        """
        events = self._store.read(self._lease.run)
        in_flight = self._lease.doing
        source = self._source()
        self._ledger = Ledger(events)
        self._seen = self._ledger.view.answered
        self._begin(source, in_flight)
        self._contest.rebuild(self._ledger.comparisons())
        for pair in self._ledger.asked.values():
            source.count(pair)
        try:
            source.prepare(self._step)
            self._people(source) if self._person else self._program(source)
        except Stopped:
            self._append(Event("finished", {"reason": "stopped"}))
        self._control.acknowledge()

    def _source(self) -> Source:
        spec, seed = self._experiment, self._spec.seed
        if spec.source == "log":
            from poets_core.worker.experiment.sources.log import LogSource

            return LogSource(spec, seed)
        if spec.source == "prompts":
            from poets_core.worker.experiment.sources.prompt import PromptSource

            return PromptSource(spec, self._parts, seed, self._store.folder(self._lease.run) / "responses")
        from poets_core.worker.experiment.sources.branch import branches_of_runs

        return branches_of_runs(self._store, self._spec, spec.policies, self._parts, self._step)

    def _begin(self, source: Source, in_flight: str) -> None:
        prepared = {"backbone": {}, **source.facts}
        prepared["experiment"] = {**prepared["experiment"], "judge": self._experiment.judge}
        began = self._ledger.prepared
        if began is not None and began != jsonable(prepared):
            raise InvalidSpec(
                f"Expected what run {self._lease.run} began with, got other facts of its policies: a run, a log or the "
                "program has changed. Start a new experiment."
            )
        asked_again = [str(p.index) for p in self._ledger.open] if in_flight.startswith("judge") else []
        claimed = {
            "worker": self._lease.worker, "pid": os.getpid(), "epoch": self._lease.epoch, "device": "cpu",
            "threads": self._spec.threads, "asked_again": asked_again,
        }  # fmt: skip
        self._append(Event("claimed", claimed), *([] if began is not None else [Event("prepared", jsonable(prepared))]))

    def _step(self, doing: str) -> None:
        self._control.check()
        if doing != self._doing:
            self._doing = doing
            self._store.progress(self._lease, doing)

    def _append(self, *events: Event) -> None:
        self._store.append(self._lease, events)
        for event in events:
            self._ledger.add(event)

    # -- a program judges --------------------------------------------------

    def _program(self, source: Source) -> None:
        while (verdict := self._contest.verdict()) is None:
            self._control.check()
            asked = [] if self._ledger.open else self._ask(source, self._experiment.open_pairs)
            if asked is None:
                return
            if not source.instant:  # what is with an expensive judge must be in the log
                self._append(*asked)
                asked = []
                self._step(f"judge {self._ledger.open[0].index}")
            for event in asked:
                self._ledger.add(event)
            self._take([*asked, *(self._judged(source, pair) for pair in self._ledger.open)])
        self._end(verdict)

    def _judged(self, source: Source, pair: Asked) -> Event:
        judged = source.judge(pair)
        return compared(pair, judged.outcome, self._experiment.judge, None, details=jsonable(judged.details))

    def _ask(self, source: Source, n: int) -> list[Event] | None:
        """Return `asked` of up to n further pairs; None when the experiment had to end because there are none."""
        asked, left = len(self._ledger.asked), self._experiment.budget - self._contest.comparisons
        waiting = [pair_of(p) for p in self._ledger.open]
        pairs = self._contest.next_pairs(min(n, max(1, left)), asked=asked, waiting=waiting)
        try:
            found = source.responses(pairs)
        except Exhausted as reason:
            verdict = Verdict("undecided", None, None, self._contest.comparisons, self._contest.left())
            self._end(verdict, str(reason))
            return None
        for pair in found:
            source.count(pair)
        return [Event("asked", {"pairs": [p.to_json() for p in found]})]

    # -- people judge ------------------------------------------------------

    def _people(self, source: Source) -> None:
        while (verdict := self._contest.verdict()) is None:
            self._refill(source)
            self._step(WAITING)
            if not self._read_answers(source):
                time.sleep(POLL_SECONDS)
        self._end(verdict)

    def _refill(self, source: Source) -> None:
        """Ask pairs in place of those that were answered."""
        if (missing := self._experiment.open_pairs - len(self._ledger.open)) > 0:
            self._append(*(self._ask(source, missing) or ()))

    def _read_answers(self, source: Source) -> bool:
        """Deal with answers left since the last one, up to a verdict; False where there were none.

        Pairs are asked between any two answers, so that the log follows from the answers' order, not from how many
        lay there when somebody looked.
        """
        new = [c for c in self._store.commands(self._lease.run, self._seen) if c.command == "judge"]
        for command in new:
            self._control.check()
            self._answer(command)
            self._seen = command.seq
            if self._contest.verdict() is not None:
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

    def _take(self, events: list[Event]) -> None:
        """Append what judges did, in one piece with an `updated` where one is due (the last comes with the verdict)."""
        for event in events:
            if event.kind != "asked":
                self._ledger.add(event)
            if event.body.get("second_opinion", True):
                continue  # counts as little as what is asked or skipped
            if event.kind == "compared":
                self._contest.record(comparison_of(self._ledger.view.pairs[event.body["index"]]))
            else:
                self._contest.rebuild(self._ledger.comparisons())
        more = []
        if self._contest.verdict() is None and due(self._ledger.updated, self._contest.comparisons, self._person):
            more.append(self._updated())
            self._ledger.add(more[0])
        self._store.append(self._lease, [*events, *more])

    def _updated(self, *, last: bool = False) -> Event:
        began, self._since = self._since, time.monotonic()
        body = {
            "round": self._contest.comparisons, "metrics": self._contest.metrics(last=last),
            "checkpoint": "", "sha256": "", "seconds": round(self._since - began, 3),
        }  # fmt: skip
        return Event("updated", body)

    def _end(self, verdict: Verdict, why: str = "") -> None:
        reason = "exhausted" if why else "budget" if verdict.kind == "undecided" else "verdict"
        self._step("sum up")
        body = {**self._contest.verdict_body(verdict), "why": why}
        self._append(self._updated(last=True), Event("verdict", body), Event("finished", {"reason": reason}))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
