"""A search run: the loop of `poets_core.search.loop`, with every step in the log before the next one begins."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from poets_core.protocols import Check, Problem, Search
from poets_core.runs.doing import EXPORTING, LEARNING, Doing
from poets_core.runs.event_fields import ProposedCandidate, jsonable
from poets_core.runs.event_reader import stored_info
from poets_core.runs.events import Finished, Prepared, Proposed, Updated
from poets_core.runs.kept import ADAPTERS
from poets_core.runs.room import available_bytes, on_cpu
from poets_core.search import loop
from poets_core.spec import SearchSpec
from poets_core.types import BEFORE
from poets_core.worker import checkpoint
from poets_core.worker.backbone import OWN, Workshop
from poets_core.worker.contests import SearchContests
from poets_core.worker.control import Stopped
from poets_core.worker.facts import require_same_problem
from poets_core.worker.laboratory import Laboratory, WaitsForPeople, has_work, proposals, replacements
from poets_core.worker.restore import restore
from poets_core.worker.science import memory_of
from poets_core.worker.search_log import SearchLog, observed_events, read_search_log
from poets_core.worker.session import Session

BATCHES = "batches"
"""Why a run that people answer has ended: all its batches are measured, and more may be asked for."""


class SearchRun:
    """One worker's work on one search run.

    Interrupted anywhere and resumed, it appends what an uninterrupted one
    would have: proposals of a cut-off round are reused, observed candidates
    are not asked again, and every random number is keyed.
    """

    def __init__(self, session: Session[SearchSpec]) -> None:
        self._session, self._spec = session, session.spec
        self._round_began = time.monotonic()
        self._learning = self._people = False
        self._apart = session.spec.laboratory.apart if session.spec.laboratory else 0

    def __call__(self) -> None:
        """Work until the run is finished, or waits for people.

        Raises:
            Terminated: told to leave; the run can be resumed.
            PoetsError: and whatever problem, oracle or search raise.
        """
        while self._visit():
            # What came while the search was proposing is dealt with at once.
            self._learning = False

    def _visit(self) -> bool:
        """Do all that can be done now; return whether more came meanwhile."""
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
        self._people = problem.info.answered_by == "people"
        ending = False
        if self._people and log.prepared is not None:
            try:
                if self._only_took():
                    return False
            except Stopped:  # the models are still to be exported
                ending = True
            log = read_search_log(session.events())
        self._refuse_what_cannot_fit(problem)
        if first:
            small = self._spec.backbone.source == OWN
            session.store.progress(session.lease, Doing("library" if small else "model"))
        try:
            search, files = self._build(problem, log, session.control.listen(commands=not ending))
        except Stopped:
            # Nothing was built, so nothing is exported; what an earlier worker has exported stays.
            self._end("stopped", log.exported)
            return False
        session.begin(
            Prepared(stored_info(problem.info), jsonable(search.facts), files=files),
            first=first,
            device=str(search.facts.get("device", "cpu")),
            asked_again=log.in_flight(session.lease.doing, problem.info.chunk),
        )
        restore(search, log, session.folder, session.step_regardless, session.write)
        try:
            if ending:
                raise Stopped
            if self._people:
                self._replace(search)
            reason = self._rounds(search, problem, log)
        except WaitsForPeople as waiting:
            session.store.progress(session.lease, Doing("results", (waiting.args[0],)))
            return has_work(session.store, session.run)
        except Stopped:
            reason = "stopped"
            if self._learning:  # cut off in the middle of a fit: the branches are nobody's, and are brought back
                search = self._as_recorded(problem)
        # Without looking at commands: whoever has pressed Stop waits for exactly this.
        session.store.progress(session.lease, EXPORTING)
        # More batches can be asked for as long as people measure.
        reason = BATCHES if self._people and reason == "budget" else reason
        self._end(reason, session.place(ADAPTERS, search.export_adapters))
        return False

    def _refuse_what_cannot_fit(self, problem: Problem) -> None:
        """Before minutes are spent: a process that the system kills for its memory says nothing."""
        needed = memory_of(self._spec, problem.info.max_tokens)
        if needed is not None and on_cpu(self._spec.device):
            needed.refuse(available_bytes())

    def _only_took(self) -> bool:
        """Write down what people sent; return whether that was all there is to do.

        Without a model: most of what comes from a laboratory completes no batch.

        Raises:
            Stopped: the campaign is to end.
        """
        session = self._session
        waiting = Laboratory(session).take()
        if waiting is not None:
            session.control.check()  # a campaign that waits can be ended
            session.store.progress(session.lease, Doing("results", (waiting.round,)))
            return True
        log = read_search_log(session.events())
        if log.ended and log.rounds >= Laboratory(session).budget.rounds:
            # Nothing but values was corrected, and the models are those of the last round.
            self._end(BATCHES, log.exported)
            return True
        return False

    def _replace(self, search: Search) -> None:
        """Propose others for designs of the batch that were rejected.

        Raises:
            WaitsForPeople: there were some.
        """
        batch = Laboratory(self._session).open
        if batch is None or batch.wanted is None:
            return
        others = replacements(search, batch, self._session.events())
        self._session.append(Proposed(batch.round, tuple(map(ProposedCandidate.of, others))))
        raise WaitsForPeople(batch.round)

    def _build(self, problem: Problem, log: SearchLog, check: Check) -> tuple[Search, dict[str, str]]:
        session = self._session
        return Workshop(session.science, session.folder, session.place, check).build(
            problem, self._spec, log.prepared, session.run
        )

    def _as_recorded(self, problem: Problem) -> Search:
        """Return the search as it was after the last round in the log, as the next worker would have it."""
        session = self._session
        log = read_search_log(session.events())
        search, _ = self._build(problem, log, session.control.listen(commands=False))
        restore(search, log, session.folder, session.step_regardless, session.write)
        return search

    def _end(self, reason: str, files: Mapping[str, str]) -> None:
        # Stop is acknowledged when `finished` is in the log, so that a worker killed in between stops again.
        self._session.append(Finished(reason, dict(files)))
        self._session.control.acknowledge()

    def _rounds(self, search: Search, problem: Problem, log: SearchLog) -> str:
        """Play what is left of the budget; return why no round follows."""
        contests = SearchContests(self._session, problem, search, log)
        # Batches of people may have had other sizes: the number of rounds is what counts.
        budget = Laboratory(self._session).budget if self._people else self._spec.budget
        # The loop knows nothing of the store; it stands still between two steps, and so each is in the log in time.
        steps = loop.play(
            search,
            problem,
            budget=budget,
            seed=self._spec.seed,
            pending=log.cut_off,
            spent=None if self._people else log.spent + contests.calls,
            between=lambda left: self._between(contests, left),
            learnt=log.updated is not None,
            ask=partial(proposals, search, apart=self._apart) if self._people else None,
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
            case loop.Given():
                # In one piece: data of which a part is in the log would be learnt as if they were all.
                proposed = Proposed(BEFORE, tuple(map(ProposedCandidate.of, step.candidates)))
                session.append(proposed, *observed_events(session.run, step))
            case loop.Asking():
                session.step(Doing("ask", (step.round,)))
            case loop.Asked():
                session.append(Proposed(step.round, tuple(map(ProposedCandidate.of, step.candidates))))
            case loop.Evaluating() if self._people:
                raise WaitsForPeople(step.round)
            case loop.Evaluating():
                session.step(Doing("evaluate", (step.round, step.chunk)))
            case loop.Evaluated():
                session.append(*observed_events(session.run, step))
            case loop.Updating():
                session.step(Doing("update", (step.round,)) if step.round != BEFORE else LEARNING)
                self._learning = True
            case loop.Updated():
                # The file is whole and on the disk before the event that names it: an event never names a part.
                self._learning = False
                folder = session.folder / "checkpoints"
                name, checksum = checkpoint.write(folder, search.round, search.state(), session.write)
                seconds = round(time.monotonic() - self._round_began, 3)
                session.append(Updated(step.round, jsonable(step.report.metrics), name, checksum, seconds))
