"""The store's contract on PostgreSQL: POETS_TEST_POSTGRES gives a URL, or a server found here is started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from poets_core.errors import StoreUnavailable
from poets_core.runs.store import SqlStore, open_store
from tests.contracts.listing_contract import ListingContract
from tests.contracts.store_contract import StoreContract, gone
from tests.postgres import emptied, served

__all__ = ["gone"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served() as url:
        yield url


@pytest.fixture
def store(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStore]:
    monkeypatch.setenv("POETS_FILES", str(tmp_path))
    opened = open_store(emptied(server))
    yield opened
    opened.close()


class TestPostgres(StoreContract, ListingContract):
    def test_files_lie_where_the_environment_says(self, store: SqlStore, tmp_path: Path) -> None:
        assert store.folder("abc") == tmp_path / "runs" / "abc"


def test_no_server() -> None:
    with pytest.raises(StoreUnavailable, match="no connection"):
        open_store("postgresql://nobody:secret@127.0.0.1:1/none")
