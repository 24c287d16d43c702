"""The chain of events in a store: written with every append, whatever an older program wrote before or between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from poets_core.runs.chain import event_text, line_of, next_link, parts_of, spec_link
from poets_core.runs.database import transaction
from poets_core.runs.event_reader import read_line
from poets_core.runs.events import Failed, StateChanged
from poets_core.runs.schema import EVENTS, RUNS
from poets_core.runs.store import SqlStore
from poets_core.runs.verify.log import chain
from tests.contracts.store_contract import taken
from tests.worker.fake import fake_spec


def test_links_by_hand() -> None:
    first = hashlib.sha256(b'poets run\n{"a":1}').hexdigest()
    assert spec_link('{"a":1}') == first
    text = '{"seq": 1, "at": 2.5, "kind": "state", "body": {"state":"paused"}'
    assert event_text(1, 2.5, "state", '{"state":"paused"}') == text
    second = hashlib.sha256(f"{first}\n{text}".encode()).hexdigest()
    assert next_link(first, [text]) == second
    assert next_link(first, [text, text]) == hashlib.sha256(f"{first}\n{text}\n{text}".encode()).hexdigest()


@pytest.mark.parametrize("message", ['", "link": "', '"}', '", "link": "00"}', "x" * 100, "\\"])
def test_a_line_is_taken_apart_whatever_it_quotes(message: str) -> None:
    text = event_text(1, 0.5, "failed", json.dumps({"error": "E", "message": message}))
    for link in ("", "0" * 64):
        line = line_of(text, link)
        assert parts_of(line) == (text, link)
        assert read_line(line).event == Failed("E", message)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = SqlStore(f"sqlite:///{tmp_path}/poets.db")
    yield opened
    opened.close()


@pytest.fixture
def run(store: SqlStore) -> str:
    run = store.create(fake_spec())
    lease = taken(store, run)
    store.append(lease, [StateChanged("paused"), StateChanged("running")])
    store.append(lease, [Failed("E", 'a "quoted" text')])
    return run


def test_every_event_is_linked_and_the_first_to_the_spec(store: SqlStore, run: str) -> None:
    spec, lines = store.written(run)
    assert chain(lines, spec, {}, "").state == "ok"
    assert chain(lines, spec, {}, "").said.startswith("3 links of 3 events")
    (wrong,) = chain(lines, spec + " ", {}, "").findings
    assert wrong.row == "line 1"
    assert [read_line(line) for line in lines] == store.read(run)


def test_a_name_is_no_part_of_it(store: SqlStore, run: str) -> None:
    before = store.written(run)
    store.rename(run, "another")
    assert store.written(run) == before


@pytest.mark.parametrize("bare", [(3,), (2, 3), (1, 2, 3)])
def test_what_an_older_program_wrote_is_covered_by_the_next_link(
    store: SqlStore, run: str, bare: tuple[int, ...]
) -> None:
    with transaction(store.engine, writes=True) as connection:
        connection.execute(update(EVENTS).where(EVENTS.c.seq.in_(bare)).values(link=""))
        connection.execute(update(RUNS).values(held=False))
    store.append(taken(store, run), [StateChanged("stopped")])
    spec, lines = store.written(run)
    assert [bool(parts_of(line)[1]) for line in lines] == [seq not in bare for seq in (1, 2, 3, 4)]
    assert chain(lines, spec, {}, "").state == "ok"
    for seq, line in enumerate(lines):
        changed = [*lines[:seq], line.replace('"kind"', '"kinds"'), *lines[seq + 1 :]]
        assert chain(changed, spec, {}, "").state == "wrong"


def test_what_has_no_link_at_the_end_is_wrong_where_others_have(store: SqlStore, run: str) -> None:
    spec, lines = store.written(run)
    bare = line_of(parts_of(lines[-1])[0], "")
    assert chain([*lines[:-1], bare], spec, {}, "").state == "wrong"
    assert chain([line_of(parts_of(line)[0], "") for line in lines], spec, {}, "").state == "not done"
