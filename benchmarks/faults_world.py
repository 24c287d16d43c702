"""What faults are done to: small runs of both sciences, and workers that come to a stand where a fault is wanted.

A worker stands before a write, or inside the oracle, until it is told to go on. So a fault meets the moment that the
plan names, however busy the machine is. Every call of an oracle is told through a pipe, with the state of its keyed
random numbers, which tells calls apart: one that comes twice was asked again.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from poets_core.keyed import seed_for
from poets_core.protocols import Oracle, Problem
from poets_core.runs.artifacts import save_upload, sha256_of
from poets_core.runs.events import DETERMINISTIC, Event, without_times
from poets_core.runs.lease import Lease
from poets_core.runs.store import SqlStore
from poets_core.spec import RunSpec, parse_spec
from poets_core.spec.presets import default_spec
from poets_core.types import Evaluation
from poets_core.worker.science import REAL_SCIENCE
from poets_core.worker.worker import work

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "benchmarks.faults_world",
        "poets_core.search.registry",
        "poets_core.worker.experiment.sources.branch",
        "poets_core.worker.experiment.sources.log",
        "domains.protein.landscape",
        "domains.quantum.problem",
    ]
)
BUSY_SECONDS = 0.2
"""How long a try of a worker here waits: the clock is scaled, and a second is a long lock."""
SMALL = {
    "search": {"branches": 2, "steps": 2, "pool": 2, "prior_scale": 0.3},
    "backbone": {"steps": 4},
    "device": "cpu",
}
PATIENT_SECONDS = 300.0
"""How long anything here is waited for."""


def until(look: Callable[[], Any], what: str) -> Any:
    """Wait until there is something to see, and return it.

    Raises:
        RuntimeError: it does not come.
    """
    end = time.monotonic() + PATIENT_SECONDS
    while not (seen := look()):
        if time.monotonic() > end:
            raise RuntimeError(f"Expected {what}, got nothing within {PATIENT_SECONDS:.0f} s.")
        time.sleep(0.01)
    return seen


# -- specs ------------------------------------------------------------------


def searches(store: SqlStore, seed: int, rounds: int) -> dict[str, RunSpec]:
    """Return small searches of both sciences, one on an uploaded table and one with contests."""

    def search(problem: str, **params: Any) -> dict[str, Any]:
        budget = {"budget": {"rounds": rounds, "batch": 6}}
        made = default_spec(problem, params=params, settings={}, overrides=SMALL | budget, backbone="library")
        return made.model_dump() | {"seed": seed}

    letters = "ACDE"
    rows = [f"{a}{b}{c},{seed_for(seed, a, b, c) % 1000}" for a in letters for b in letters for c in letters]
    table = save_upload(store, "sites.csv", "\n".join(["variant,fitness", *rows]).encode())
    contest = {"contest": {"every": 2, "comparisons": 4}, "budget": {"rounds": rounds + 2, "batch": 6}}
    return {
        "protein": parse_spec(search("protein/ehrlich", length=12)),
        "table": parse_spec(search("protein/landscape", table=str(table), wild_type="AAA")),
        "quantum": parse_spec(search("quantum/artificial-7q")),
        "contest": parse_spec(search("protein/ehrlich", length=12) | contest),
    }


def experiments(store: SqlStore, run: str, seed: int) -> dict[str, RunSpec]:
    """Return an experiment between the branches of a finished search, and one that replays a log."""
    problem = store.spec(run).problem
    if problem is None:
        raise RuntimeError("Expected a search, got a run without a problem.")
    branches = [{"name": f"b{b}", "run": run, "branch": b} for b in (-1, 0, 1)]
    log = ["prompt,policy_a,policy_b,outcome"]
    log += [f"p{n},{a},{b},{'tie' if n % 5 == 0 else 'a'}" for n in range(20) for a, b in ("xy", "yz", "xz")]
    path = save_upload(store, "log.csv", "\n".join(log).encode())
    common = {"budget": 24, "delta": 1e-6}
    judged = {"source": "branches", "judge": "oracle", "policies": branches, "open_pairs": 2, **common}
    names = [{"name": n} for n in "xyz"]
    replayed = {"source": "log", "judge": "replay", "log": str(path), "policies": names, **common}
    return {
        "branches": parse_spec(
            {"kind": "experiment", "problem": problem.model_dump(), "experiment": judged, "seed": seed}
        ),
        "log": parse_spec({"kind": "experiment", "problem": {"name": ""}, "experiment": replayed, "seed": seed}),
    }


# -- a worker that comes to a stand --------------------------------------------


@dataclass(frozen=True)
class Stands:
    """Where a worker stands.

    Attributes:
        folder: of the files by which it says so and is told to go on.
        appends: before which of its appends, counted from 0.
        calls: inside which of its oracle calls, counted from 0.
    """

    folder: Path
    appends: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()

    def stand(self, name: str) -> None:
        """Worker: say that it is here, and wait."""
        (self.folder / f"{name}.here").touch()
        until((self.folder / f"{name}.go").exists, f"somebody to let the worker go on from {name}")


class StandingStore(SqlStore):
    """The store of a worker that stands before some of its appends."""

    stands: Stands
    count = 0

    def append(self, lease: Lease, events: Sequence[Event], after: int | None = None) -> int:
        """Stand where the plan says, then append; a repeated try is no further append."""
        if after is None:
            number, self.count = self.count, self.count + 1
            if number in self.stands.appends:
                self.stands.stand(f"append-{number}")
        return super().append(lease, events, after)


class _Told:
    """An oracle whose calls are told through a pipe; it is the pipe's business that nothing is lost in a kill."""

    def __init__(self, oracle: Oracle, pipe: Path, stands: Stands) -> None:
        self._oracle, self._stands, self._count = oracle, stands, 0
        self._pipe = os.open(pipe, os.O_WRONLY)

    def evaluate(self, designs: Sequence[str], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Tell, stand where the plan says, measure."""
        key = sha256_of(repr(rng.bit_generator.state).encode())[:16]
        # Shorter than a pipe's atomic write: a line is there as a whole or not at all.
        os.write(self._pipe, f"{json.dumps([key, len(designs)])}\n".encode())
        number, self._count = self._count, self._count + 1
        if number in self._stands.calls:
            self._stands.stand(f"call-{number}")
        return self._oracle.evaluate(designs, prompts, rng=rng)


def _work(url: str, files: str, run: str, pipe: Path, stands: Stands, busy: float) -> None:
    os.environ["POETS_FILES"] = files  # the server that forks was started with another environment
    log = os.open(stands.folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stderr.fileno())

    def load(spec: RunSpec) -> Problem:
        problem = REAL_SCIENCE.load(spec)
        problem.oracle = _Told(problem.oracle, pipe, stands)
        return problem

    store = StandingStore(url, busy_seconds=busy)
    store.stands = stands
    raise SystemExit(work(store, run, replace(REAL_SCIENCE, load=load)))


class Crew:
    """Starts the workers of one run, and hears its oracle.

    Attributes:
        run: its id.
        calls: designs asked in every call, by the key of the call.
        starts: workers that were started.
    """

    def __init__(self, store: SqlStore, run: str, folder: Path) -> None:
        """Hear what the oracle of a run is asked.

        Args:
            store: where it is.
            run: its id.
            folder: for files of the workers, on a disk that no fault meets.
        """
        self.store, self.run, self.starts = store, run, 0
        self._folder = folder / run
        self._folder.mkdir()
        self._pipe = self._folder / "pipe"
        os.mkfifo(self._pipe)
        self._reader = os.open(self._pipe, os.O_RDWR | os.O_NONBLOCK)
        self.calls: dict[str, list[int]] = {}

    def start(self, *, appends: Sequence[int] = (), calls: Sequence[int] = (), busy: float = BUSY_SECONDS) -> Worker:
        """Start a worker that stands there."""
        folder = self._folder / str(self.starts)
        folder.mkdir()
        self.starts += 1
        stands = Stands(folder, tuple(appends), tuple(calls))
        args = (self.store.url, str(self.store.files), self.run, self._pipe, stands, busy)
        child = CONTEXT.Process(target=_work, args=args, daemon=True)
        child.start()
        return Worker(child, stands)

    def hear(self) -> None:
        """Take in what the oracle was asked since the last time."""
        parts = []
        while True:
            try:
                parts.append(os.read(self._reader, 65_536))
            except BlockingIOError:
                break
        for line in b"".join(parts).splitlines():
            key, designs = json.loads(line)
            self.calls.setdefault(key, []).append(designs)

    def asked_again(self) -> tuple[int, int]:
        """Return how many designs, and how many calls, the oracle got more than once."""
        self.hear()
        repeated = [found[1:] for found in self.calls.values()]
        return sum(map(sum, repeated)), sum(map(len, repeated))


@dataclass
class Worker:
    """One worker of a run."""

    child: Any
    stands: Stands

    def reached(self, name: str) -> bool:
        """Wait until it stands there; False if it has ended before."""
        here = self.stands.folder / f"{name}.here"
        until(lambda: here.exists() or not self.child.is_alive(), f"a worker at {name}: {self.said()}")
        return here.exists()

    def go(self, name: str) -> None:
        """Let it go on."""
        (self.stands.folder / f"{name}.go").touch()

    def kill(self) -> None:
        """Kill it as nothing else can be killed."""
        self.child.kill()
        self.child.join()

    def ended(self) -> int:
        """Wait for its end and return its exit code."""
        self.child.join(PATIENT_SECONDS)
        if self.child.is_alive():
            self.kill()
        return int(self.child.exitcode)

    def said(self) -> str:
        """What it wrote to its log."""
        log = self.stands.folder / "worker.log"
        return log.read_text(errors="replace") if log.exists() else ""


# -- what must be equal ---------------------------------------------------------


def science(store: SqlStore, run: str) -> list[Any]:
    """Return what an interrupted and an untouched run have in common."""
    return [without_times(line) for line in store.read(run) if line.kind in DETERMINISTIC]


def told(store: SqlStore, run: str) -> Counter[str]:
    """Return how often each answer of an oracle or judge is in a log, by what it answers."""
    found: Counter[str] = Counter()
    for line in store.read(run):
        body = line.event.to_json()
        if line.kind == "observed":
            found[f"observed {str(body['key']).partition('/')[2]}"] += 1
        elif line.kind == "compared":
            found[f"compared {body['index']}"] += 1
        elif line.kind == "contest":
            found[f"contest {body['round']}"] += 1
    return found


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder."""
    return {
        p.relative_to(folder).as_posix(): sha256_of(p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()
    }
