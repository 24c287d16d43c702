"""Where a store is: folders with odd names, URLs that are wrong, and passwords that no message holds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from secrets import token_hex

import pytest

from poets_core.errors import MOST, InvalidInput, InvalidSpec, PoetsError, StoreUnavailable, told, unquoted
from poets_core.runs.database import parse_url
from poets_core.runs.launch import launch
from poets_core.runs.store import default_store_url, open_store
from tests.contracts.store_contract import taken
from tests.waiting import until
from tests.worker.fake import fake_spec

ODD = ["a?b", "100%", "50%20", "x#y", "two words", "größe 蛋", "a?b=c&d", "%s", "it's", "semi;colon", "[x]", "file:x"]


@pytest.mark.parametrize("name", ODD)
def test_a_store_in_a_folder_with_an_odd_name_stays_there(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("POETS_STORE", raising=False)
    for url in (None, f"sqlite:///{folder}/other.db", "sqlite:///relative.db"):
        store = open_store(url)
        run = store.create(fake_spec())
        assert store.folder(run).is_relative_to(folder)
        again = open_store(store.url)  # as a worker's process opens it
        assert again.files == store.files
        assert again.row(run).id == run
        again.close()
        store.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]
    assert (folder / "store" / "poets.db").is_file()
    assert default_store_url().endswith("/store/poets.db")


def test_a_worker_finds_a_store_in_a_folder_with_an_odd_name(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/a?b %41#c/poets.db")
    run = store.create(fake_spec())
    launch(store, run)
    until(lambda: store.status(run).state in ("failed", "finished"))
    assert "epoch 1" in (store.folder(run) / "worker.log").read_text()
    store.close()


@pytest.mark.parametrize(
    "form",
    [
        "postgres://u:{}@127.0.0.1:1/none",
        "postgresql://u:{}@127.0.0.1:1/none",
        "postgresql://u:{}/x@127.0.0.1:1/none",
        "postgresql://u:12/{}@127.0.0.1/none",
        "postgresql://u:{}@x@127.0.0.1:port/none",
        "postgresql:u:{}@127.0.0.1/none",
        "postgresql://u:{}",
        "postgresql://127.0.0.1:1/none?user=u&password={}",
        "postgresql://u:{}%32@127.0.0.1:1/none",
        "postgresql://u:{}@[127.0.0.1:9/none",
        "mysql://u:{}@127.0.0.1/none",
        "u:{}@127.0.0.1",
        "//u:{}@127.0.0.1",
        "https://u:{}@127.0.0.1/none",
    ],
)
def test_no_message_holds_the_password_of_a_store(form: str, tmp_path: Path) -> None:
    secret = f"hunter{token_hex(6)}"  # its own each time: one that was in a readable URL is masked ever after
    url = form.format(secret)
    with pytest.raises(StoreUnavailable) as error:
        open_store(url)
    assert secret not in str(error.value)
    run = subprocess.run(
        [sys.executable, "-m", "poets_core", "runs", "--store", url],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert run.stderr.startswith("error: Expected")
    assert "hunter" not in run.stdout + run.stderr


def test_what_is_told_is_short_and_holds_no_credentials() -> None:
    secret = token_hex(6)
    parse_url(f"postgresql://u:{secret}%40t@h/d")
    for text in (
        f"{secret}@t",
        f"{secret}%40t",
        "hf_abcdefghijklmnopqrstuvwxyz",
        "a password=x1y2z3",
        "http://a:x1y2z3@h/",
    ):
        for kind in (PoetsError, InvalidInput, StoreUnavailable, InvalidSpec):
            shown = str(kind(f"Expected this, got {text!r}."))
            assert not any(s in shown for s in (secret, "abcdefghijklmnop", "x1y2z3")), shown
    wrong = InvalidSpec("x" * 5_000_000, field="a")
    assert len(str(wrong)) == len(wrong.fields["a"]) == MOST
    assert told("\ud800\0 fine").encode() == "?\ufffd fine".encode()
    assert told("see http://localhost:8501/live?run=1") == "see http://localhost:8501/live?run=1"
    assert "root" not in unquoted("Expected 'root', got 'root:0', \"root\". Do 'root'.")
    assert "root" not in unquoted("Expected a table, got ParserError: expected 1 field, saw root:0. Save it again.")


def test_ids_do_not_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(f"sqlite:///{tmp_path}/poets.db")
    drawn = iter(["aa", "aa", "aa", "bb", "cc", "cc", "dd", "ee"])
    monkeypatch.setattr("poets_core.runs.rows.secrets.token_hex", lambda _: next(drawn))
    first = store.create(fake_spec())
    second = store.create(fake_spec())
    assert first != second
    assert len(set(store.create_group([fake_spec(), fake_spec()]))) == 2
    assert taken(store, first)
    store.close()


def test_ids_are_many(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/poets.db")
    ids = [run for _ in range(20) for run in store.create_group([fake_spec()] * 100)]
    assert len(set(ids)) == 2000
    store.close()
