"""Measure as a person meets it, without a browser: the batch that is out, and the orders that are sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.measure import intake
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import MeasuredWell
from poets_core.runs.events import Event, Observed, Prepared, Updated
from poets_core.runs.laboratory_events import Measured
from poets_core.runs.sql import SqlStore
from tests.pages import written
from tests.pages.test_pages import opened, said

MEASURE = "pages/search/measure.py"


def events() -> list[Event]:
    """A run that people answer: one batch is learnt, the second is out."""
    out: list[Event] = []
    for event in written.events(2):
        if isinstance(event, Prepared) and event.info is not None:
            event = replace(event, info=replace(event.info, answered_by="people"))
        if not (isinstance(event, Observed | Updated) and event.round == 1):
            out.append(event)
    return out


def out_ids(found: list[Event]) -> list[str]:
    return [c.id for e in found if hasattr(e, "candidates") and e.round == 1 for c in e.candidates if c.design]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs for which a worker was started; none is."""
    runs: list[str] = []
    monkeypatch.setattr(intake, "launch", lambda store, run: runs.append(run))
    return runs


def written_run(store: SqlStore, *more: Event) -> str:
    run = written.write(store, [*events(), *more])
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE runs SET doing = ? WHERE id = ?", (Doing("results", (1,)).to_text(), run))
    return run


def test_a_batch_that_is_out(store: SqlStore) -> None:
    run, ids = written_run(store), out_ids(events())
    at = opened(MEASURE, run=run)
    assert "Batch 2" in said(at)
    assert f"0 of {len(ids)} designs measured" in str([p.proto for p in at.get("progress")])
    frame = at.dataframe[0].value
    assert list(frame["id"])[:1] == [f"{run[-4:]}_b2_{int(ids[0].partition('-')[2]) + 1:03d}"]
    assert set(frame["measured"]) == {""}
    # without a run in the address, those that wait are listed
    listed = opened(MEASURE)
    assert "These runs wait for results" in said(listed)


def test_what_was_measured_and_corrected_stands_there(store: SqlStore) -> None:
    ids = out_ids(events())
    first = Measured(1, (MeasuredWell(ids[0], "", "", 1.25), MeasuredWell(ids[1], "", "", None, "no growth")), 1)
    second = Measured(1, (MeasuredWell(ids[0], "", "", 2.5),), 2)
    at = opened(MEASURE, run=written_run(store, first, second))
    measured = dict(zip(at.dataframe[0].value["content"], at.dataframe[0].value["measured"], strict=True))
    assert {"2.5", "no growth"} <= set(measured.values())
    again = next(d.value for d in at.dataframe if "handed in, oldest first" in d.value.columns)
    assert list(again["handed in, oldest first"]) == ["1.25 → 2.5"]


def press(at: AppTest, label: str) -> AppTest:
    button = next(b for b in at.button if b.label == label)
    return button.click().run()


def test_orders_are_sent_and_a_worker_is_started(store: SqlStore, started: list[str]) -> None:
    run = written_run(store)
    at = press(opened(MEASURE, run=run), "Yes, go on")
    assert not at.exception
    sent: list[tuple[str, dict[str, Any]]] = [(c.command, dict(c.body)) for c in store.commands(run)]
    assert sent == [("next", {"round": 1})]
    assert started == [run]
    at = opened(MEASURE, run=run)
    at.number_input(key=f"rounds-{run}").set_value(7)
    press(at, "Change the plan")
    assert store.commands(run)[-1].command == "budget"
    assert store.commands(run)[-1].body["rounds"] == 7


def test_other_designs_in_place_of_some(store: SqlStore, started: list[str]) -> None:
    run, ids = written_run(store), out_ids(events())
    at = opened(MEASURE, run=run)
    at.multiselect(key=f"rejected-{run}").set_value(ids[:2])
    press(at, "Propose others")
    assert store.commands(run)[-1].command == "reject"
    assert store.commands(run)[-1].body["candidates"] == ids[:2]
    assert started == [run]


def test_a_run_that_a_program_answers_has_nothing_to_hand_in(store: SqlStore) -> None:
    at = opened(MEASURE, run=written.write(store, written.events(1)))
    assert "A program answers this run" in said(at)
    assert not at.button
