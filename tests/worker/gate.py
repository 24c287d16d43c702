"""Holding a run open: the test, not the clock, decides how far a worker gets."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from poets_core.protocols import Oracle, Problem
from poets_core.runs.events import Event
from poets_core.runs.lease import Lease
from poets_core.runs.sql import SqlStore
from poets_core.spec import RunSpec
from poets_core.types import Evaluation
from poets_core.worker.science import Science
from tests.waiting import until
from tests.worker.fake import FAKES


class Gate:
    """Lets an oracle answer so many calls and holds the next one until the test opens it.

    It is two files in a folder, so that test and worker may be processes or threads.
    """

    def __init__(self, folder: Path, free: int = 0) -> None:
        """Put up a gate.

        Args:
            folder: of this gate alone.
            free: calls that pass while it is closed; each worker has as many.
        """
        folder.mkdir(exist_ok=True)
        self.folder, self.free = folder, free

    def science(self, science: Science = FAKES) -> Science:
        """Return how problems and searches are made, with this gate before the oracle."""

        def load(spec: RunSpec) -> Problem:
            problem = science.load(spec)
            problem.oracle = _Gated(problem.oracle, self)
            return problem

        return replace(science, load=load)

    def reach(self) -> None:
        """Worker: stand before it until it is open."""
        (self.folder / "reached").touch()
        until((self.folder / "open").exists, lambda: "nobody opened the gate")

    def reached(self) -> None:
        """Test: wait until a worker stands before it."""
        until((self.folder / "reached").exists, lambda: "nobody came to the gate")

    def open(self) -> None:
        """Test: let everybody through, for good."""
        (self.folder / "open").touch()


class _Gated:
    """An oracle behind a gate."""

    def __init__(self, oracle: Oracle, gate: Gate) -> None:
        self._oracle, self._gate, self._calls = oracle, gate, 0

    def evaluate(self, designs: Sequence[str], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        self._calls += 1
        if self._calls > self._gate.free:
            self._gate.reach()
        return self._oracle.evaluate(designs, prompts, rng=rng)


class Held(SqlStore):
    """The store of a worker that is to be killed: it comes to a stand before an append, its work done, for good.

    So a worker cannot reach the end of its run, however late the kill is.
    """

    left: float = math.inf
    """Appends that it may make."""
    before = ""
    """Kind of event that it never appends."""

    def append(self, lease: Lease, events: Sequence[Event]) -> int:
        if self.left <= 0 or any(e.tag == self.before for e in events):
            threading.Event().wait()
        self.left -= 1
        return super().append(lease, events)


def held(url: str, **limits: Any) -> SqlStore:
    """Open a store that holds its worker where `limits` say; without any, a plain one."""
    if not limits:
        return SqlStore(url)
    store = Held(url)
    for name, value in limits.items():
        setattr(store, name, value)
    return store
