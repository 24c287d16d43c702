"""Does a run survive what machines do? Kills, takeovers, locks, full and read-only disks, restarts, damaged files.

    python -m benchmarks.faults --json --minutes 10
    python -m benchmarks.faults --quick

Every run is played once untouched and again under faults. Goals: no answer of an oracle is lost or told twice; a run
under outages ends by itself, and one that was killed after Resume, with the log of the untouched one; calls that were
asked again are counted exactly.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.faults_done import ADAPTER_DAMAGE, DAMAGE, Disk, locked, truncated
from benchmarks.faults_postgres import Server, programs
from benchmarks.faults_world import Crew, Worker, contents, experiments, science, searches, told, until
from benchmarks.report import Goal, finish
from poets_core.keyed import rng_for
from poets_core.runs.database import BUSY_SECONDS
from poets_core.runs.events import Claimed
from poets_core.runs.store import SqlStore, open_store
from poets_core.spec import RunSpec, SearchSpec
from poets_core.worker.repair import repair
from poets_core.worker.worker import FINISHED, NOT_MINE

LEAST = 100
"""Faults that a whole measurement has at least."""
LONG_LOCK = 30.0
"""Seconds of the one lock on an unscaled clock."""
SECONDS = 1.0
"""How long other outages last: several tries of a worker here."""
WAITS = "waiting for the store"


@dataclass
class Tally:
    """What came of all faults."""

    faults: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    twice: int = 0
    alone: list[bool] = field(default_factory=list)
    resumed: list[bool] = field(default_factory=list)
    again_seen: int = 0
    again_told: int = 0
    miscounted: int = 0
    wrong: list[str] = field(default_factory=list)


class Trial:
    """One store, the untouched runs in it, and runs under faults beside them."""

    def __init__(self, store: SqlStore, folder: Path, disk: Disk | None, tally: Tally, seed: int, rounds: int) -> None:
        self.store, self.disk, self.tally, self.seed = store, disk, tally, seed
        self._folder = folder
        self.specs: dict[str, RunSpec] = dict(searches(store, seed, rounds))
        self._untouched: dict[str, str] = {}

    def untouched(self, name: str) -> str:
        """Return the run of that name that nothing happened to, played when it is first asked for."""
        if name in ("branches", "log") and name not in self.specs:
            self.specs |= experiments(self.store, self.untouched("protein"), self.seed)
        if name not in self._untouched:
            run = self.store.create(self.specs[name])
            worker = Crew(self.store, run, self._folder).start()
            if worker.ended() != FINISHED:
                raise RuntimeError(f"Expected the untouched run {name} to finish, got: {worker.said()[-500:]}")
            self._untouched[name] = run
        return self._untouched[name]

    def crew(self, name: str) -> Crew:
        """Create another run of that name, for faults."""
        self.untouched(name)
        return Crew(self.store, self.store.create(self.specs[name]), self._folder)

    def judge(self, name: str, crew: Crew, worker: Worker, *, by_itself: bool) -> None:
        """Compare a run whose last worker has ended with the untouched one."""
        code, tally, untouched = worker.ended(), self.tally, self.untouched(name)
        wanted, found = told(self.store, untouched), told(self.store, crew.run)
        tally.lost += sum((wanted - found).values())
        tally.twice += sum(n - 1 for n in found.values() if n > 1)
        adapters = [contents(self.store.folder(run) / "adapters") for run in (untouched, crew.run)]
        logs = [science(self.store, run) for run in (untouched, crew.run)]
        # A worker that was killed between its last word and the release of its lease leaves a run that has ended, which
        # nobody can take: that is no fault.
        ended = code == FINISHED or (code == NOT_MINE and self.store.status(crew.run).state == "finished")
        equal = ended and logs[0] == logs[1] and adapters[0] == adapters[1]
        (tally.alone if by_itself else tally.resumed).append(equal)
        events = [line.event for line in self.store.read(crew.run)]
        told_again = sum(len(e.asked_again) for e in events if isinstance(e, Claimed))
        designs, calls = crew.asked_again()
        seen = designs if isinstance(self.specs[name], SearchSpec) else calls
        tally.again_seen, tally.again_told = tally.again_seen + seen, tally.again_told + told_again
        tally.miscounted += abs(seen - told_again)
        if not equal or seen != told_again:
            tally.wrong.append(
                f"{name} {crew.run}: exit {code}, {seen} again, {told_again} told; {worker.said()[-300:]}"
            )

    # -- kills ------------------------------------------------------------------

    def kills(self, name: str, times: int, damage: Iterator[tuple[str, Callable[[Path], object]]] | None) -> None:
        """Kill workers of one run, at a write or inside the oracle; damage its files in between."""
        crew, rng = self.crew(name), rng_for(self.seed, "faults", name)
        for number in range(times):
            # A log's judge is free, so that its experiment has no oracle to be killed in.
            inside = number % 3 == 2 and name != "log"
            at = int(rng.integers(0, 2)) if inside else int(rng.integers(0, 4))
            worker = crew.start(calls=[at]) if inside else crew.start(appends=[at])
            if not worker.reached(f"{'call' if inside else 'append'}-{at}"):
                break
            worker.kill()
            self.tally.faults["kill in the oracle" if inside else "kill at a write"] += 1
            if damage is not None:
                what, do = next(damage)
                with suppress(FileNotFoundError, NotADirectoryError, IndexError):  # not every file is there yet
                    do(self.store.folder(crew.run))
                    self.tally.faults[what] += 1
        self.judge(name, crew, crew.start(), by_itself=False)

    def takeover(self, name: str, at: int) -> None:
        """Stop a worker, let another one take the run, wake the first one up."""
        crew = self.crew(name)
        first = crew.start(appends=[at])
        if not first.reached(f"append-{at}"):
            raise RuntimeError(f"Expected a worker to stop, got its end: {first.said()[-500:]}")
        os.kill(first.child.pid, signal.SIGSTOP)
        with self.store.engine.begin() as connection:  # time passes
            connection.exec_driver_sql(f"UPDATE runs SET expires = 0 WHERE id = '{crew.run}'")
        second = crew.start(appends=[1])
        there = second.reached("append-1")
        os.kill(first.child.pid, signal.SIGCONT)
        first.go(f"append-{at}")
        if first.ended() != NOT_MINE:
            self.tally.wrong.append(f"{name} {crew.run}: shut out, exit {first.child.exitcode}")
            self.tally.resumed.append(False)
        self.tally.faults["stop and takeover"] += 1
        if there:
            second.go("append-1")
        self.judge(name, crew, second, by_itself=False)

    # -- outages ------------------------------------------------------------------

    def outages(
        self, name: str, kinds: Mapping[str, Callable[[Crew], AbstractContextManager[None]]], times: int
    ) -> None:
        """Let the store go away again and again under one worker, which has to go on by itself."""
        crew, at = self.crew(name), [1 + 2 * n for n in range(times)]
        worker, kind = crew.start(appends=at), itertools.cycle(kinds.items())
        for number in at:
            if not worker.reached(f"append-{number}"):
                break
            what, outage = next(kind)
            before = worker.said().count(WAITS)
            with outage(crew):
                worker.go(f"append-{number}")
                self._until_it_waits(worker, before, number)
            # An outage that the worker did not meet, because it wrote nothing meanwhile, is no fault.
            self.tally.faults[what] += worker.said().count(WAITS) > before
        self.judge(name, crew, worker, by_itself=True)

    def _until_it_waits(self, worker: Worker, before: int, number: int) -> None:
        later = worker.stands.folder / f"append-{number + 2}.here"
        until(
            lambda: worker.said().count(WAITS) > before or later.exists() or not worker.child.is_alive(),
            f"a worker that waits: {worker.said()[-500:]}",
        )
        time.sleep(SECONDS)

    def long_lock(self, name: str) -> None:
        """Lock the store for as long as people have seen, on the clock as it is."""
        crew = self.crew(name)
        worker = crew.start(appends=[2], busy=BUSY_SECONDS)
        worker.reached("append-2")
        with locked(self.store):
            worker.go("append-2")
            time.sleep(LONG_LOCK)
            shown = self.store.status(crew.run).state
        if shown != "blocked":
            self.tally.wrong.append(f"{name}: shown as {shown} during a lock")
            self.tally.alone.append(False)
        self.tally.faults[f"lock of {LONG_LOCK:.0f} s"] += 1
        self.judge(name, crew, worker, by_itself=True)

    # -- files of runs that lie still ------------------------------------------------

    def adapters(self, name: str) -> None:
        """Damage the adapters of a finished run; its archive needs them."""
        run = self.untouched(name)
        folder, wanted = self.store.folder(run), contents(self.store.folder(run) / "adapters")
        for what, do in ADAPTER_DAMAGE.items():
            do(folder)
            self.tally.faults[what] += 1
            self.tally.resumed.append(bool(repair(self.store, run)) and contents(folder / "adapters") == wanted)

    def upload(self, name: str) -> None:
        """Tear and take away the table of a run that was killed: it is refused until the table is back."""
        crew = self.crew(name)
        problem = self.store.spec(crew.run).problem
        path = Path(str(problem.params["table"] if problem else ""))
        data = path.read_bytes()
        for what, do in {"upload torn": truncated, "upload missing": Path.unlink}.items():
            worker = crew.start(appends=[2])
            worker.reached("append-2")
            worker.kill()
            do(path)
            self.tally.faults[what] += 1
            refused = crew.start().ended() not in (FINISHED, NOT_MINE)
            path.write_bytes(data)
            if not refused:
                self.tally.wrong.append(f"{name} {crew.run}: went on with {what}")
                self.tally.resumed.append(False)
        with self.store.engine.begin() as connection:  # what a refusal says belongs to no untouched run
            connection.exec_driver_sql(f"DELETE FROM events WHERE run = '{crew.run}' AND kind = 'failed'")
        self.judge(name, crew, crew.start(), by_itself=False)


@contextmanager
def restarted(server: Server) -> Iterator[None]:
    """Let a database server lose its power and come back."""
    server.stop()
    try:
        yield
    finally:
        server.start()


def play(trial: Trial, *, quick: bool, long_lock: bool) -> None:
    """Do everything once to the runs of a SQLite store."""
    disk, names = (
        trial.disk,
        ("protein", "log") if quick else ("protein", "table", "quantum", "contest", "branches", "log"),
    )
    kinds: dict[str, Callable[[Crew], AbstractContextManager[None]]] = {"lock": lambda _: locked(trial.store)}
    if disk is not None and disk.small:
        kinds["full disk"] = lambda _: disk.full()
    damage = itertools.cycle(DAMAGE.items())
    for name in names:
        search = isinstance(trial.specs.get(name), SearchSpec)
        more = dict(kinds)
        if search and disk is not None and disk.small:
            more["read-only"] = lambda crew: disk.read_only(_checkpoints(trial.store, crew.run))
        trial.outages(name, more, 5 if quick else 9)
        trial.kills(name, 3 if quick else 6, damage if search else None)
        if name in ("protein", "contest", "branches"):
            trial.takeover(name, 2)
    trial.adapters("protein")
    if not quick:
        trial.upload("table")
    if long_lock:
        trial.long_lock("protein")


def _checkpoints(store: SqlStore, run: str) -> Path:
    folder = store.folder(run) / "checkpoints"
    folder.mkdir(exist_ok=True)
    return folder


def on_postgres(folder: Path, tally: Tally, seed: int, *, quick: bool) -> bool:
    """Restart a PostgreSQL server under its runs; False where none is installed."""
    where = programs()
    if where is None:
        return False
    server = Server(where)
    os.environ["POETS_FILES"] = str(folder / "files")
    try:
        store = open_store(server.url)
        (folder / "crews").mkdir()
        trial = Trial(store, folder / "crews", None, tally, seed, 4)
        for name in ("protein",) if quick else ("protein", "branches"):
            trial.outages(name, {"restart of PostgreSQL": lambda _: restarted(server)}, 3 if quick else 5)
        store.close()
    finally:
        server.close()
    return True


def measure(minutes: float, *, quick: bool) -> tuple[Tally, dict[str, Any]]:
    """Play until the minutes are over, at least once."""
    tally, began, plays, disk_small, postgres = Tally(), time.monotonic(), 0, False, False
    while True:
        with tempfile.TemporaryDirectory(prefix="poets-faults-") as name:
            folder = Path(name)
            disk = Disk(folder / "disk")
            try:
                store = open_store(f"sqlite:///{disk.folder}/poets.db")
                (folder / "crews").mkdir()
                trial = Trial(store, folder / "crews", disk, tally, plays, 4)
                play(trial, quick=quick, long_lock=not quick and plays == 0)
                store.close()
                (folder / "postgres").mkdir()
                postgres = on_postgres(folder / "postgres", tally, plays, quick=quick)
                disk_small = disk.small
            finally:
                disk.close()
        plays += 1
        took = time.monotonic() - began
        if quick or took * (plays + 1) / plays > 60 * minutes:
            break
    return tally, {"plays": plays, "seconds": took, "small_disk": disk_small, "postgres": postgres}


def main() -> None:
    """Measure, print, and end with exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="as long as another play fits into")
    parser.add_argument("--quick", action="store_true", help="one search and one experiment; no goal on the number")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    options = parser.parse_args()
    tally, facts = measure(options.minutes, quick=options.quick)
    number = sum(tally.faults.values())
    goals = [
        Goal("answers lost", tally.lost, 0, "<="),
        Goal("answers told twice", tally.twice, 0, "<="),
        Goal("under outages: ended by themselves, equal to the untouched", _share(tally.alone), 1, ">="),
        Goal("killed or damaged: equal to the untouched after Resume", _share(tally.resumed), 1, ">="),
        Goal("asked again: miscounted", tally.miscounted, 0, "<="),
        Goal("faults", number, 1 if options.quick else LEAST, ">="),
    ]
    results = {
        "faults": dict(sorted(tally.faults.items())),
        "runs_by_themselves": len(tally.alone),
        "runs_after_resume": len(tally.resumed),
        "asked_again": {"seen by the oracle": tally.again_seen, "told in the log": tally.again_told},
        "wrong": tally.wrong,
        **facts,
    }
    finish(goals, results, {"minutes": options.minutes, "quick": options.quick}, as_json=options.json)


def _share(held: list[bool]) -> float:
    return sum(held) / len(held) if held else float("nan")


if __name__ == "__main__":
    main()
