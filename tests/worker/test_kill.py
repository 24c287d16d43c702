"""kill -9 at twenty moments of one run: the finished log is that of a run nobody touched.

Workers are real processes with their own connections, forked from a server
that has imported torch already, so that a kill costs no ten seconds of import.
"""

from __future__ import annotations

import csv
import itertools
import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poets_core.keyed import rng_for
from poets_core.protocols import Oracle, Problem
from poets_core.runs.events import DETERMINISTIC, Recorded, without_times
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import fold
from poets_core.spec import RunSpec
from poets_core.spec.presets import default_spec
from poets_core.types import Evaluation
from poets_core.worker.science import REAL_SCIENCE
from poets_core.worker.worker import FINISHED, work
from tests.waiting import until
from tests.worker.fake import FAKES, fake_spec
from tests.worker.gate import held

KILLS = 20
ROUNDS = 36
APPENDS = 8
"""Appends of a worker that will be killed: enough for 16 events, and for all kills no more than the run has."""
SECONDS = 600

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["poets_core.search.registry", "domains.protein.landscape", "tests.worker.fake", "poets_core.worker.experiment.run"]
)


class Slow:
    """An oracle that takes its time, so that kills also meet a chunk in flight."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    def evaluate(self, designs: Sequence[str], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        time.sleep(0.05)
        return self.oracle.evaluate(designs, prompts, rng=rng)


def slowly(spec: RunSpec) -> Problem:
    problem = REAL_SCIENCE.load(spec)
    problem.info, problem.oracle = replace(problem.info, chunk=CHUNK), Slow(problem.oracle)
    return problem


CHUNK = 4
SLOW = replace(REAL_SCIENCE, load=slowly)


def work_in_child(url: str, run: str, fake: bool, limits: dict[str, Any]) -> None:
    raise SystemExit(work(held(url, **limits), run, FAKES if fake else SLOW))


def worker(store: SqlStore, run: str, fake: bool, **limits: Any) -> Any:
    """Start a worker process; with limits it comes to a stand there (`tests.worker.gate.Held`)."""
    child = CONTEXT.Process(target=work_in_child, args=(store.url, run, fake, limits), daemon=True)
    child.start()
    return child


def kill(store: SqlStore, run: str, child: Any, before: int) -> str:
    """Kill a worker that cannot have ended, and return what it was doing; `before`: events when it was started."""
    child.kill()
    child.join()
    assert child.exitcode == -9, "the worker ended before it was killed"
    assert store.status(run).state in ("dead", "waiting")  # waiting: killed before it claimed
    claimed = len(store.read(run)) > before
    return (step_of(store, run) or "begin") if claimed else "prepare"


def reaches(store: SqlStore, run: str, child: Any, events: int) -> None:
    """Wait until a worker has brought its run to so many events."""

    def look() -> bool:
        assert child.is_alive(), "the worker ended before it was killed"
        return len(store.read(run)) >= events

    until(look, lambda: f"the worker made no progress: {store.status(run)}", pause=0.01)


def finish(store: SqlStore, run: str, fake: bool) -> None:
    child = worker(store, run, fake)
    child.join(SECONDS)
    assert child.exitcode == FINISHED, store.status(run)


def science(events: list[Recorded]) -> list[Any]:
    return [without_times(e) for e in events if e.kind in DETERMINISTIC]


def four_sites(path: Path) -> Path:
    """A generated four-site table: additive effects and one interaction, a quarter of all variants measured."""
    letters = "ACDEFGHIKLMNPQRSTVWY"
    rng = rng_for(0, "table")
    effects, measured = rng.normal(size=(4, 20)), rng.random(20**4) < 0.25
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["variant", "fitness"])
        for number, v in enumerate(itertools.product(range(20), repeat=4)):
            if measured[number] or not any(v):
                total = sum(effects[site, residue] for site, residue in enumerate(v)) + 1.5 * (v[0] == v[3])
                rows.writerow(["".join(letters[i] for i in v), f"{math.exp(0.5 * total):.6f}"])
    return path


def landscape_spec(folder: Path, rounds: int) -> RunSpec:
    """A real search, small: library backbone of one layer, two branches, noiseless table."""
    return default_spec(
        "protein/landscape",
        params={"table": str(four_sites(folder / "four.csv")), "wild_type": "AAAA"},
        settings={"search": {"branches": 2, "pool": 4, "steps": 8}, "budget": {"rounds": rounds, "batch": 12}},
        backbone="library",
        overrides={"backbone": {"steps": 60}, "device": "cpu"},
    )


def step_of(store: SqlStore, run: str) -> str:
    """What the worker does; "" where that is not known."""
    doing = store.status(run).doing
    return "" if doing is None else doing.step


def kill_and_resume(store: SqlStore, run: str, fake: bool, moments: np.random.Generator) -> Counter[str]:
    """Start a worker, kill it at a moment, twenty times over; returns what it was doing each time."""
    doing: Counter[str] = Counter()
    for number in range(KILLS):
        before = len(store.read(run))
        more, delay = 1 + int(moments.integers(0, 16)), float(moments.random() * 0.25)
        if number % 4 == 1:  # while it learns, which is short: what it learns stays out of the log
            child = worker(store, run, fake, before="updated")
            reaches(store, run, child, before + 1)
            until(lambda: step_of(store, run) == "update", pause=0)
            time.sleep(delay / 5)
        elif number % 4 == 3:  # while it prepares
            child = worker(store, run, fake, left=APPENDS)
            time.sleep(4 * delay)
        else:
            child = worker(store, run, fake, left=APPENDS)
            reaches(store, run, child, before + more)
            time.sleep(delay)
        doing[kill(store, run, child, before)] += 1
        if number == KILLS // 2:  # and a disk that lost the checkpoint
            last = [e.event.checkpoint for e in store.read(run) if e.kind == "updated"][-1]
            path = store.folder(run) / "checkpoints" / last
            path.write_bytes(path.read_bytes()[:100])
    return doing


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fake", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["fake", "landscape"])
def test_killed_twenty_times(tmp_path: Path, fake: bool) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store/poets.db")
    if fake:
        spec = fake_spec(rounds=ROUNDS, batch=12, chunk=CHUNK, noise=0.5, seconds=0.03)
    else:
        spec = landscape_spec(tmp_path, ROUNDS)
    untouched, killed = store.create(spec), store.create(spec)
    began = time.monotonic()
    finish(store, untouched, fake)
    alone = time.monotonic() - began
    doing = kill_and_resume(store, killed, fake, rng_for(1, "moments", int(fake)))
    finish(store, killed, fake)
    events = store.read(killed)
    view = fold(events)
    took = f"alone {alone:.1f} s, with {KILLS} kills {time.monotonic() - began - alone:.1f} s"
    print(f"\n{took}, killed while {dict(doing)}, asked again {view.asked_again} of {view.calls}")

    assert science(events) == science(store.read(untouched))
    keys = [e.event.key for e in events if e.kind == "observed"]
    assert len(keys) == len(set(keys)) == spec.budget.calls
    in_flight = [e.event.asked_again for e in events if e.kind == "claimed"]
    assert all(len(again) <= CHUNK for again in in_flight)
    assert len(in_flight) > KILLS / 2  # kills did come after the claim
    assert all(doing[step] for step in ("evaluate", "update"))
    assert 0 < view.asked_again <= doing["evaluate"] * CHUNK
    for path in sorted((store.folder(untouched) / "adapters").rglob("*.safetensors")):
        twin = store.folder(killed) / path.relative_to(store.folder(untouched))
        assert twin.read_bytes() == path.read_bytes(), f"{path.name} differs"
