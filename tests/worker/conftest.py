"""A fresh store for every test of the worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from poets_core.runs.store import SqlStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    return open_store(f"sqlite:///{tmp_path}/store/poets.db")
