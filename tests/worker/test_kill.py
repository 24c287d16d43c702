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
from poets_core.runs.events import DETERMINISTIC, Event, without_times
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import fold
from poets_core.spec import RunSpec
from poets_core.spec.presets import default_spec
from poets_core.types import Evaluation
from poets_core.worker.science import REAL, Parts
from poets_core.worker.worker import FINISHED, work
from tests.worker.fake import FAKES, fake_spec

KILLS = 20
ROUNDS = 36
SECONDS = 240

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
    problem = REAL.load(spec)
    problem.info, problem.oracle = replace(problem.info, chunk=CHUNK), Slow(problem.oracle)
    return problem


CHUNK = 4
SLOW = Parts(slowly, REAL.build)


def work_in_child(url: str, run: str, fake: bool) -> None:
    raise SystemExit(work(open_store(url), run, FAKES if fake else SLOW))


def worker(store: SqlStore, run: str, fake: bool) -> Any:
    child = CONTEXT.Process(target=work_in_child, args=(store.url, run, fake))
    child.start()
    return child


def finish(store: SqlStore, run: str, fake: bool) -> None:
    child = worker(store, run, fake)
    child.join(SECONDS)
    assert child.exitcode == FINISHED, store.status(run)


def science(events: list[Event]) -> list[Any]:
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


def kill_and_resume(store: SqlStore, run: str, fake: bool, moments: np.random.Generator) -> Counter[str]:
    """Start a worker, kill it at a moment, twenty times over; returns what it was doing each time."""
    doing: Counter[str] = Counter()
    for number in range(KILLS):
        before = len(store.read(run))
        wanted, delay = before + int(moments.integers(0, 16)), float(moments.random() * 0.25)
        child, deadline = worker(store, run, fake), time.monotonic() + 60
        if number % 4 == 3:  # while it prepares
            time.sleep(4 * delay)
        else:
            while child.is_alive() and len(store.read(run)) <= wanted:
                assert time.monotonic() < deadline, "the worker made no progress"
                time.sleep(0.01)
            time.sleep(delay)
        if number % 4 == 1:  # while it learns, which is short
            while child.is_alive() and not (store.status(run).doing or "").startswith("update"):
                assert time.monotonic() < deadline, "the worker never learned"
        doing[(store.status(run).doing or store.status(run).state).split()[0]] += 1
        child.kill()
        child.join()
        assert child.exitcode == -9, f"the run ended before kill {number}: give it more rounds"
        assert store.status(run).state in ("dead", "waiting")  # waiting: killed before it claimed
        if number == KILLS // 2:  # and a disk that lost the checkpoint
            for path in sorted((store.folder(run) / "checkpoints").glob("*.safetensors"))[-1:]:
                path.write_bytes(path.read_bytes()[:100])
    return doing


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
    keys = [e.body["key"] for e in events if e.kind == "observed"]
    assert len(keys) == len(set(keys)) == spec.budget.calls
    in_flight = [e.body["asked_again"] for e in events if e.kind == "claimed"]
    assert all(len(again) <= CHUNK for again in in_flight)
    assert len(in_flight) > KILLS / 2  # kills did come after the claim
    assert all(doing[step] for step in ("evaluate", "update"))
    assert 0 < view.asked_again <= doing["evaluate"] * CHUNK
    for path in sorted((store.folder(untouched) / "adapters").rglob("*.safetensors")):
        twin = store.folder(killed) / path.relative_to(store.folder(untouched))
        assert twin.read_bytes() == path.read_bytes(), f"{path.name} differs"
