"""A PostgreSQL server for tests: the one that POETS_TEST_POSTGRES names, else one that is started here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine

from benchmarks.faults_postgres import Server, programs
from poets_core.runs.database import parse_url
from poets_core.runs.schema import METADATA

URL = "POETS_TEST_POSTGRES"


@contextmanager
def started() -> Iterator[Server]:
    """A server of one's own, which may be stopped; the test is skipped where none can be started."""
    folder = programs()
    if folder is None:
        pytest.skip("no PostgreSQL server is installed, or none that this account can run")
    try:
        server = Server(folder)
    except RuntimeError as error:
        pytest.skip(f"PostgreSQL cannot be started here: {error}")
    try:
        yield server
    finally:
        server.close()


@contextmanager
def served() -> Iterator[str]:
    """The URL of a server with a database that may be emptied."""
    if given := os.environ.get(URL):
        yield given
        return
    with started() as server:
        yield server.url


def emptied(url: str) -> str:
    """Take every table of a store out of a database, and return its URL."""
    engine = create_engine(parse_url(url))
    METADATA.drop_all(engine)
    engine.dispose()
    return url
