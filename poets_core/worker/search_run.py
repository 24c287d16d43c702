"""A search run: the loop of `poets_core.search.loop`, with every step in the log before the next one begins."""

from __future__ import annotations

import time

from poets_core.errors import InvalidSpec
from poets_core.protocols import Problem, Search
from poets_core.runs.doing import EXPORTING, Doing
from poets_core.runs.event_fields import ProposedCandidate, jsonable
from poets_core.runs.event_reader import stored_info
from poets_core.runs.events import Finished, Prepared, Proposed, Updated
from poets_core.search import loop
from poets_core.spec import SearchSpec
from poets_core.worker import checkpoint
from poets_core.worker.contests import SearchContests
from poets_core.worker.control import Stopped
from poets_core.worker.facts import changes, require_same_problem
from poets_core.worker.restore import restore
from poets_core.worker.search_log import SearchLog, observed_events, read_search_log
from poets_core.worker.session import Session


class SearchRun:
    """One worker's work on one search run.

    Interrupted anywhere and resumed, it appends what an uninterrupted one
    would have: proposals of a cut-off round are reused, observed candidates
    are not asked again, and every random number is keyed.
    """

    def __init__(self, session: Session[SearchSpec]) -> None:
        self._session, self._spec = session, session.spec
        self._round_began = time.monotonic()

    def __call__(self) -> None:
        """Work until the run is finished.

        Raises:
            Terminated: told to leave; the run can be resumed.
            PoetsError: and whatever problem, oracle or search raise.
        """
        session = self._session
        log = read_search_log(session.events())
        # Said of a search that begins alone: later, the row still says what was with the oracle when the last worker
        # was cut off, as long as `begin` has not written that down.
        first = log.prepared is None
        if first:
            session.store.progress(session.lease, Doing("problem"))
        problem = session.science.load(self._spec)
        # The problem is compared before the search is built: building takes minutes, and a wrong table may break it.
        if log.prepared is not None:
            require_same_problem(session.run, log.prepared.info, problem.info)
        if first:
            small = self._spec.backbone.source == "library"
            session.store.progress(session.lease, Doing("library" if small else "model"))
        search = session.science.build(problem, self._spec, session.folder)
        prepared = Prepared(stored_info(problem.info), jsonable(search.facts))
        began = {} if log.prepared is None else log.prepared.backbone
        if changed := changes(began, prepared.backbone, but=["device"]):
            raise InvalidSpec(
                f"Expected the backbone that run {session.run} began with, got another: {changed}. "
                "Put the model back as it was, or start a new run."
            )
        session.begin(
            prepared,
            first=first,
            device=str(search.facts.get("device", "cpu")),
            asked_again=log.in_flight(session.lease.doing, problem.info.chunk),
        )
        restore(search, log, session.folder, session.step_regardless)
        try:
            reason = self._rounds(search, problem, log)
        except Stopped:
            reason = "stopped"
        # Without looking at commands: whoever has pressed Stop waits for exactly this.
        session.store.progress(session.lease, EXPORTING)
        search.export_adapters(session.folder / "adapters")
        # Stop is acknowledged when `finished` is in the log, so that a worker killed in between stops again.
        session.append(Finished(reason))
        session.control.acknowledge()

    def _rounds(self, search: Search, problem: Problem, log: SearchLog) -> str:
        """Play what is left of the budget; return why no round follows."""
        contests = SearchContests(self._session, problem, search, log)
        # The loop knows nothing of the store; it stands still between two steps, and so each is in the log in time.
        steps = loop.play(
            search,
            problem,
            budget=self._spec.budget,
            seed=self._spec.seed,
            pending=log.cut_off,
            spent=sum(len(candidates) for candidates, _ in log.rounds) + contests.calls,
            between=lambda left: self._between(contests, left),
        )
        for step in steps:
            if isinstance(step, loop.Ended):
                return step.reason
            self._write(search, step)
        raise RuntimeError("Expected the loop to say why it ends, got nothing.")

    def _between(self, contests: SearchContests, left: int) -> int:
        """Play the contest that is due before a round, if one is; return the oracle calls it took."""
        self._round_began = time.monotonic()
        return contests.play(left)

    def _write(self, search: Search, step: loop.Step) -> None:
        """Put a step into the log. What is about to begin is noted first: the next worker asks for it again."""
        session = self._session
        match step:
            case loop.Asking():
                session.step(Doing("ask", (step.round,)))
            case loop.Asked():
                session.append(Proposed(step.round, tuple(map(ProposedCandidate.of, step.candidates))))
            case loop.Evaluating():
                session.step(Doing("evaluate", (step.round, step.chunk)))
            case loop.Evaluated():
                session.append(*observed_events(session.run, step))
            case loop.Updating():
                session.step(Doing("update", (step.round,)))
            case loop.Updated():
                # The file is whole and on the disk before the event that names it: an event never names a part.
                name, checksum = checkpoint.write(session.folder / "checkpoints", search.round, search.state())
                seconds = round(time.monotonic() - self._round_began, 3)
                session.append(Updated(step.round, jsonable(step.report.metrics), name, checksum, seconds))
