"""kill -9 in experiments: the finished log is that of a run nobody touched, and every answer is taken once."""

from __future__ import annotations

import time
from typing import Any

import pytest

from poets_core.keyed import rng_for
from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import RunSpec
from tests.waiting import until
from tests.worker.experiments import branch_experiment, prefer
from tests.worker.test_kill import finish, kill, reaches, science, worker

KILLS = 8
APPENDS = 6
"""Appends of a worker that will be killed: at least six events, and for all kills less than the budget."""
ORDER = ("large", "reference", "small")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def killed(store: SqlStore, run: str, number: int) -> None:
    """One worker, killed a little after it has done something."""
    before, rng = len(store.read(run)), rng_for(2, "moments", number)
    child = worker(store, run, fake=True, left=APPENDS)
    reaches(store, run, child, before + 1 + int(rng.integers(0, 6)))
    time.sleep(float(rng.random() * 0.2))
    kill(store, run, child, before)


def test_an_oracle_judges_and_the_worker_is_killed(store: SqlStore) -> None:
    spec = branch_experiment(store, budget=60, delta=0.001, open_pairs=2, seconds=0.02)
    untouched, run = store.create(spec), store.create(spec)
    finish(store, untouched, fake=True)
    for number in range(KILLS):
        killed(store, run, number)
    finish(store, run, fake=True)
    events = store.read(run)
    assert science(events) == science(store.read(untouched))
    view = fold(events)
    assert view.calls == 60
    assert view.claims > KILLS / 2
    assert view.asked_again <= 2 * KILLS


@pytest.mark.parametrize("open_pairs", [1, 3])
def test_people_judge_and_the_worker_is_killed(store: SqlStore, open_pairs: int) -> None:
    """Answers are sent while no worker lives, and while one does; the log follows from them alone."""
    spec: RunSpec = branch_experiment(store, judge="person", delta=0.2, open_pairs=open_pairs)
    run = store.create(spec)
    sent: set[int] = set()
    for number in range(40):
        wanted, child = len(store.read(run)) + 5 + number % 7, worker(store, run, fake=True)

        def look(wanted: int = wanted, child: Any = child) -> bool:
            answer(store, run, sent)
            return not child.is_alive() or len(store.read(run)) >= wanted

        until(look, lambda: f"the worker made no progress: {store.status(run)}")
        child.kill()
        child.join()
        if store.status(run).reason:
            break
        answer(store, run, sent)  # nobody works on it
    assert store.status(run).reason == "verdict", store.status(run)
    view = fold(store.read(run))
    found = view.experiment
    assert found is not None
    assert view.finished == "verdict"
    assert found.verdict is not None
    assert found.verdict.policy == "large"
    answers = [e.event.answer for e in store.read(run) if e.kind == "compared"]
    assert answers == sorted(set(answers))
    bodies = {c.seq: c.body for c in store.commands(run)}
    for pair in found.pairs.values():
        if pair.outcome is not None:
            assert [b["outcome"] for b in bodies.values() if b["index"] == pair.index] == [pair.outcome]


def answer(store: SqlStore, run: str, sent: set[int]) -> None:
    """Answer every open pair once."""
    found = fold(store.read(run)).experiment
    for pair in [] if found is None else found.open:
        if pair.index not in sent:
            sent.add(pair.index)
            said = prefer(ORDER)(pair)
            store.send(run, "judge", said[0])
