"""Pause, Stop, Resume and what Live says of a run's state, without a browser."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time

import pytest

from poets_core.runs import process
from poets_core.runs.doing import Doing
from poets_core.runs.events import Failed
from poets_core.runs.sql import SqlStore
from tests.pages import written
from tests.pages.test_pages import LIVE, opened, said


def test_a_button_that_a_locked_store_refuses_says_so_in_time_and_for_longer_than_a_redraw(store: SqlStore) -> None:
    run = written.write(store, written.events(1), release=False)
    at = opened(LIVE, run=run)
    began = time.monotonic()
    at.run()
    drawing = time.monotonic() - began
    lock = sqlite3.connect(str(store._engine.url.database), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    at.button(key="pause").click().run()
    assert time.monotonic() - began < 5 + drawing
    assert "Pause was not taken" in said(at)
    assert "lock" in said(at)
    assert str(store.files) not in said(at)
    lock.close()
    at.run()  # drawn again, as it is every two seconds
    assert "Pause was not taken" in said(at)
    at.button(key="pause").click().run()
    assert "Pause was not taken" not in said(at)
    assert [c.command for c in store.commands(run)] == ["pause"]


def test_a_running_run_offers_pause_and_says_pausing_until_it_is(store: SqlStore) -> None:
    run = written.write(store, written.events(1), release=False)
    at = opened(LIVE, run=run)
    assert "running" in said(at)
    at.button(key="pause").click().run()
    assert [c.command for c in store.commands(run)] == ["pause"]
    assert "pausing" in said(at)
    assert not [b for b in at.button if b.key == "pause"]


def test_stop_asks_first(store: SqlStore) -> None:
    run = written.write(store, written.events(1), release=False)
    at = opened(LIVE, run=run)
    assert store.commands(run) == []
    at.button(key="stop-yes").click().run()
    assert [c.command for c in store.commands(run)] == ["stop"]
    assert "stopping" in said(at)


def test_a_dead_worker_is_shown_and_resume_starts_another(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create(store.spec(written.write(store, written.events(1))))
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    from poets_core.runs import process

    lease = store.claim(run, "w", child.pid, process.started(child.pid))
    assert lease is not None
    store.append(lease, written.events(1))
    assert "running" in said(opened(LIVE, run=run))
    child.kill()
    child.wait()
    started: list[str] = []
    monkeypatch.setattr("poets_core.runs.launch.launch", lambda _, run: started.append(run) or os.getpid())
    at = opened(LIVE, run=run)
    assert "Dead." in said(at)
    at.button(key="resume").click().run()
    assert started == [run]


def test_a_failed_run_shows_message_and_remedy(store: SqlStore) -> None:
    failure = Failed("InvalidTable", "Expected a column, got none.")
    run = written.write(store, [*written.events(1), failure])
    at = opened(LIVE, run=run)
    assert "Expected a column, got none" in at.error[0].value
    assert "press Resume" in said(at)
    assert str(store.files) not in said(at).replace("\\", "")


def test_a_run_that_failed_before_it_proposed_shows_no_empty_charts(store: SqlStore) -> None:
    at = opened(LIVE, run=written.write(store, [*written.events(0), Failed("InvalidTable", "no rows")]))
    assert "no rows" in at.error[0].value
    assert not [e for e in at.main if e.type == "bidi_component"]
    begun = opened(LIVE, run=written.write(store, [*written.events(1), Failed("InvalidTable", "no rows")]))
    assert [e for e in begun.main if e.type == "bidi_component"]


def test_a_spec_that_was_refused_is_edited_not_resumed(store: SqlStore) -> None:
    refused = [written.events(1)[0], Failed("InvalidTable", "Expected a column, got none.")]
    for body, resumed in ((refused, False), ([*written.events(1), refused[-1]], True)):
        at = opened(LIVE, run=written.write(store, body))
        assert "Edit and start again" in [link.proto.label for link in at.get("page_link")]
        assert bool([b for b in at.button if b.key == "resume"]) is resumed
        assert ("press Resume" in said(at)) is resumed
    other = opened(LIVE, run=written.write(store, [refused[0], Failed("Diverged", "no finite numbers")]))
    assert "Edit and start again" not in [link.proto.label for link in other.get("page_link")]
    assert other.button(key="resume")


def test_a_run_that_starts_says_what_it_does(store: SqlStore) -> None:
    run = store.create(store.spec(written.write(store, written.events(1))))
    lease = store.claim(run, "w", os.getpid(), process.started(os.getpid()))
    assert lease is not None
    store.progress(lease, Doing("library"))
    assert "training the small model" in said(opened(LIVE, run=run))
