"""One reader per run for the whole process: each event is read and folded once, however many browsers look.

A feed asks the store for events after the last one it has, at most once in
half a second; everyone in between gets the same frozen snapshot.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import streamlit as st

from poets_core.runs.status import RunStatus
from poets_core.runs.store import RunStore, SqlStore, default_store_url, open_store
from poets_core.runs.views.fold import RunView, fold
from poets_core.spec import RunSpec

PERIOD = 0.5
"""Seconds between two looks into the store."""
CHUNK = 5000
"""Events read at once: a long run is taken in by pieces."""
SETTLE = 1000
"""After so many new events the view is taken out of the garbage collector, which
Streamlit runs in full after every tick: 100,000 candidates cost 100 ms each time.
A view has no reference cycles, so it is freed all the same when it is dropped."""


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment.

    Attributes:
        view: everything its events say.
        status: what its worker does.
        chosen: observed candidates by branch; -1 is the reference.
    """

    view: RunView
    status: RunStatus
    chosen: Mapping[int, int] = field(default_factory=dict)


class Feed:
    """Reads one run. Safe for threads; `snapshot` never returns an older state than before."""

    def __init__(self, store: RunStore, run: str, period: float = PERIOD) -> None:
        """Open a run.

        Raises:
            UnknownRun: there is none of that id.
            StoreUnavailable, InvalidSpec.
        """
        self.store, self.run = store, run
        self.spec: RunSpec = store.spec(run)
        self.polls = 0
        self._period = period
        self._lock = Lock()
        self._asked = float("-inf")
        self._unsettled = 0
        self._snapshot = Snapshot(RunView(), store.status(run))
        self._drawn: dict[Any, tuple[int, Any]] = {}

    def snapshot(self, *, fresh: bool = False) -> Snapshot:
        """Return the run as it is, at most half a second old.

        Args:
            fresh: look now, e.g. after a command was sent.

        Raises:
            StoreUnavailable: it cannot be read at the moment.
        """
        with self._lock:
            if fresh or time.monotonic() - self._asked >= self._period:
                self._read()
                self._asked = time.monotonic()
            return self._snapshot

    def drawn(self, key: Any, draw: Any) -> Any:
        """Return ``draw(snapshot)``, made once per new event: viewers with the same theme share drawings."""
        snapshot = self._snapshot
        made = self._drawn.get(key)
        if made is None or made[0] != snapshot.view.seq:
            if len(self._drawn) > 64:  # selections differ between viewers; old ones must not pile up
                self._drawn.clear()
            made = self._drawn[key] = (snapshot.view.seq, draw(snapshot))
        return made[1]

    def _read(self) -> None:
        self.polls += 1
        # The status first: a run that reads as finished then has all its events in the view.
        row, view = self.store.row(self.run), self._snapshot.view
        status = row.status
        if row.label != self.spec.label:  # it was renamed
            self.spec = self.spec.model_copy(update={"label": row.label})
        chosen, counted = dict(self._snapshot.chosen), len(view.order)
        while events := self.store.read(self.run, after=view.seq, limit=CHUNK):
            view = fold(events, view)
            if len(events) < CHUNK:
                break
        for id in view.order[counted:]:
            branch = view.candidates[id].branch
            chosen[branch] = chosen.get(branch, 0) + 1
        self._unsettled += view.seq - self._snapshot.view.seq
        self._snapshot = Snapshot(view, status, chosen)
        if self._unsettled >= SETTLE:
            gc.freeze()
            self._unsettled = 0


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(url: str) -> SqlStore:
    return open_store(url)


def the_store() -> RunStore:
    """Return the store of this process, opened once.

    Raises:
        StoreUnavailable: it cannot be opened.
    """
    return the_shelf()


def the_shelf() -> SqlStore:
    """Return the same with what people do with its runs: find, rename, tag, put away, delete.

    Raises:
        StoreUnavailable: it cannot be opened.
    """
    return _store(default_store_url())


@st.cache_resource(max_entries=32, show_spinner=False)
def _feed(url: str, run: str) -> Feed:
    return Feed(_store(url), run)


def open_feed(store: RunStore, run: str) -> Feed:
    """Return the process-wide feed of a run.

    Raises:
        UnknownRun: there is none of that id.
        StoreUnavailable, InvalidSpec.
    """
    return _feed(default_store_url(), run) if store is the_store() else Feed(store, run)
