"""A store in a temporary folder, and runs in it that were written by hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from pages.parts import feed
from poets_core.hosts import Guard
from poets_core.runs.sql import SqlStore
from poets_core.runs.store import open_store

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


@pytest.fixture(autouse=True)
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server stands before a page that is tested without a browser, and so no guard does."""
    monkeypatch.setattr(Guard, "active", True)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStore]:
    """An empty store that the pages of this process read."""
    url = f"sqlite:///{tmp_path / 'poets.db'}"
    monkeypatch.setenv("POETS_STORE", url)
    monkeypatch.setattr("poets_core.runs.sql.LEASE_SECONDS", 86_400.0)  # hand-written workers send no heartbeats
    monkeypatch.setattr(feed.Feed.__init__, "__defaults__", (0.0,))  # every draw looks into the store
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    opened = open_store(url)
    yield opened
    opened.close()
    st.cache_resource.clear()


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs that a page started; no worker process is made."""
    runs: list[str] = []

    def note(store: object, run: str) -> int:
        runs.append(run)
        return os.getpid()

    monkeypatch.setattr("poets_core.runs.launch.launch", note)
    return runs
