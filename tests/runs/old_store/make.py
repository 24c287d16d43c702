"""How the store beside this file was made. Run in a checkout of release 0.1, never with later code:

    python make.py FOLDER

It holds runs of the tests' own problem: a search with contests that is finished, its export and its archive; the same
search stopped in its second round; the same cut off while a chunk was with the oracle; and an experiment on the
branches of the first that was cut off half way. `expected.json` is what the release said of them.
"""

from __future__ import annotations

import json
import platform
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))  # of the checkout

from poets_core.runs.view import fold, summary

from poets_core.runs import process
from poets_core.runs.export import export_archive
from poets_core.runs.sql import SqlStore
from poets_core.spec import RunSpec, parse_spec
from poets_core.worker.worker import work
from tests.worker.fake import FAKES, fake_spec

process.host = lambda: "of-release-0-1"  # type: ignore[attr-defined]  # nothing of a real machine
platform.platform = lambda *_, **__: "of-release-0-1"


class Cut(SqlStore):
    """Presses Stop, or is cut off, after so many appends."""

    stop_after, left = 10_000, 10_000

    def append(self, lease: Any, events: Any) -> int:
        if self.left <= 0:
            raise SystemExit(9)
        self.left, self.stop_after = self.left - 1, self.stop_after - 1
        if self.stop_after == 0:
            self.send(lease.run, "stop")
        return super().append(lease, events)


def search_spec() -> RunSpec:
    data = fake_spec(rounds=5, batch=8, noise=0.3, chunk=4).model_dump(mode="json")
    return RunSpec.model_validate(data | {"search": {"branches": 2}, "contest": {"every": 2, "comparisons": 5}})


def make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    url = f"sqlite:///{folder}/poets.db"
    store, runs = SqlStore(url), {}
    runs["finished"] = store.create(search_spec())
    assert work(store, runs["finished"], FAKES) == 0
    runs["export"] = store.create(
        RunSpec.model_validate(
            fake_spec().model_dump()
            | {"kind": "task", "task": {"name": "export", "run": runs["finished"], "format": "csv"}}
        )
    )
    assert work(store, runs["export"], FAKES) == 0
    export_archive(store, runs["finished"], folder / "archive.zip")
    runs["stopped"] = store.create(search_spec())
    stopping = Cut(url)
    stopping.stop_after = 6
    assert work(stopping, runs["stopped"], FAKES) == 0
    stopping.close()
    runs["cut off"] = store.create(search_spec())
    cut(url, runs["cut off"], 6)
    policies = [
        {"name": name, "run": runs["finished"], "branch": m}
        for name, m in (("reference", -1), ("large", 0), ("small", 1))
    ]
    more = {"source": "branches", "judge": "oracle", "policies": policies, "budget": 40, "delta": 0.2}
    problem = {"name": "fake/digits", "params": dict(search_spec().problem.params)}
    runs["experiment"] = store.create(parse_spec({"kind": "experiment", "problem": problem, "experiment": more}))
    cut(url, runs["experiment"], 24)
    expected = {}
    for name, run in runs.items():
        view = fold(store.read(run))
        expected[name] = {
            "run": run,
            "summary": summary(view, store.status(run)),
            "values": list(view.values),
            "regret": list(view.regret),
            "calls": store.row(run).calls,
            "doing": store.status(run).doing,
        }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1))
    store.close()
    database = sqlite3.connect(folder / "poets.db", isolation_level=None)
    database.execute("UPDATE runs SET pid = 1, pid_started = 'gone', expires = 0, heartbeat = 0")
    for tidy in ("PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode = DELETE", "VACUUM"):
        database.execute(tidy)
    database.close()


def cut(url: str, run: str, appends: int) -> None:
    store = Cut(url)
    store.left = appends
    try:
        work(store, run, FAKES)
    except SystemExit:
        store.close()
        return
    raise RuntimeError("Expected a run that was cut off, got one at its end: give it fewer appends.")


if __name__ == "__main__":
    make(Path(sys.argv[1]).absolute())
