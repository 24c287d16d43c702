"""A search run: ask, evaluate, tell, update, with every step in the log before the next begins."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from typing import Any

from poets_core.errors import InvalidInput, InvalidSpec
from poets_core.keyed import rng_for
from poets_core.protocols import Problem
from poets_core.runs.events import Event, info_to_json, jsonable
from poets_core.runs.lease import Lease, RunStore
from poets_core.spec import SearchSpec
from poets_core.types import Candidate, Evaluation
from poets_core.worker import checkpoint
from poets_core.worker.contests import SearchContests
from poets_core.worker.control import Control, Stopped
from poets_core.worker.restore import restore
from poets_core.worker.science import Asks, Parts, chunks
from poets_core.worker.search_log import History, candidate_to_json, observation_of, observations, read_history

SAME = 1e-3
"""Relative difference up to which measured facts count as equal: other hardware rounds otherwise."""


def _changed(began: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say which facts of a backbone are no longer what they were, ``""`` for none.

    The device may change, and facts the run did not record cannot be compared.
    """
    differ = [k for k in began if k != "device" and not _equal(began[k], now.get(k))]
    return ", ".join(f"{k} was {str(began[k])[:20]}, is {str(now.get(k))[:20]}" for k in differ)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=SAME)
    return bool(a == b)


class SearchRun:
    """One worker's work on one search run.

    Interrupted anywhere and resumed, it appends what an uninterrupted one
    would have: proposals of a cut-off round are reused, observed candidates
    are not asked again, and every random number is keyed.
    """

    def __init__(self, store: RunStore, lease: Lease, spec: SearchSpec, control: Control, parts: Parts) -> None:
        self._store, self._lease, self._spec, self._control, self._parts = store, lease, spec, control, parts
        self._folder = store.folder(lease.run)

    def __call__(self) -> None:
        """Work until the run is finished.

        Raises:
            Terminated: told to leave; the run can be resumed.
            PoetsError: and whatever problem, oracle or search raise.
        """
        problem = self._parts.load(self._spec)
        history = read_history(self._store.read(self._lease.run))
        info = info_to_json(problem.info)
        if history.prepared is not None and history.prepared["info"] != info:
            raise InvalidSpec(
                f"Expected the problem that run {self._lease.run} began with, got other facts for "
                f"{problem.info.name}: a file it reads or the program has changed. Start a new run."
            )
        search = self._parts.build(problem, self._spec, self._folder)
        if history.prepared is not None and (changed := _changed(history.prepared["backbone"], jsonable(search.facts))):
            raise InvalidSpec(
                f"Expected the backbone that run {self._lease.run} began with, got another: {changed}. "
                "Put the model back as it was, or start a new run."
            )
        self._begin(search, problem, history, {"info": info, "backbone": jsonable(search.facts)})
        restore(search, history, self._folder, self._step)
        try:
            reason = self._rounds(search, problem, history)
        except Stopped:
            reason = "stopped"
        self._store.progress(self._lease, "export adapters")
        search.export_adapters(self._folder / "adapters")
        self._store.append(self._lease, [Event("finished", {"reason": reason})])
        self._control.acknowledge()

    def _step(self, doing: str) -> None:
        self._control.check_held()
        self._store.progress(self._lease, doing)

    def _begin(self, search: Asks, problem: Problem, history: History, prepared: dict[str, object]) -> None:
        claimed = {
            "worker": self._lease.worker, "pid": os.getpid(), "epoch": self._lease.epoch,
            "device": str(search.facts.get("device", "cpu")), "threads": self._spec.threads,
            "asked_again": history.in_flight(self._lease.doing, problem.info.chunk),
        }  # fmt: skip
        events = [Event("claimed", claimed)]
        if history.prepared is None:
            events.append(Event("prepared", prepared))
        self._store.append(self._lease, events)

    def _rounds(self, search: Asks, problem: Problem, history: History) -> str:
        spent = sum(len(candidates) for candidates, _ in history.rounds)
        contests = SearchContests(self._spec, problem, search, self._parts, history.contests)
        budget = self._spec.budget
        while True:
            began = time.monotonic()
            if (contest := contests.play(budget.calls - spent - contests.calls, self._contest_step)) is not None:
                self._store.append(self._lease, [contest])
            if search.round >= budget.rounds or spent + contests.calls + budget.batch > budget.calls:
                return "budget"
            self._control.check()
            if not history.pending:
                self._store.progress(self._lease, f"ask {search.round}")
                asked = search.ask(budget.batch)
                if not asked:
                    return "exhausted"
                body = {"round": search.round, "candidates": [candidate_to_json(c) for c in asked]}
                self._store.append(self._lease, [Event("proposed", body)])
                history = History(pending=tuple(asked))
            self._round(search, problem, history, began)
            spent += len(history.pending)
            history = History()

    def _contest_step(self, doing: str) -> None:
        self._control.check()
        self._store.progress(self._lease, doing)

    def _round(self, search: Asks, problem: Problem, history: History, began: float) -> None:
        candidates, number = history.pending, search.round
        observed = dict(history.observed)
        for index, rows in chunks(len(candidates), problem.info.chunk):
            chunk = candidates[rows]
            if all(c.id in observed for c in chunk):
                continue
            self._control.check()
            self._store.progress(self._lease, f"evaluate {number} {index}")
            answer = self._ask_oracle(problem, chunk, number, index)
            events = observations(self._lease.run, chunk, answer, len(problem.info.objectives))
            self._store.append(self._lease, events)
            observed |= {o.candidate: o for o in map(observation_of, events)}
        self._control.check()
        self._store.progress(self._lease, f"update {number}")
        search.tell(candidates, [observed[c.id] for c in candidates])
        report = search.update()
        name, checksum = checkpoint.write(self._folder / "checkpoints", search.round, search.state())
        body = {
            "round": number, "metrics": jsonable(report.metrics), "checkpoint": name, "sha256": checksum,
            "seconds": round(time.monotonic() - began, 3),
        }  # fmt: skip
        self._store.append(self._lease, [Event("updated", body)])

    def _ask_oracle(self, problem: Problem, chunk: tuple[Candidate, ...], number: int, index: int) -> Evaluation | None:
        decoded = [c for c in chunk if c.design]
        if not decoded:
            return None
        rng = rng_for(self._spec.seed, "oracle", number, index)
        answer = problem.oracle.evaluate([c.design for c in decoded], [c.prompt for c in decoded], rng=rng)
        wanted = (len(decoded), len(problem.info.objectives))
        if answer.values.shape != wanted:
            raise InvalidInput(
                f"Expected values of shape {wanted} from the oracle of {problem.info.name}, got {answer.values.shape}."
            )
        return answer
