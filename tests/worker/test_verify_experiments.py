"""`poets verify` of experiments that went on, of audits, and of both: genuine ones pass, changed ones are named."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from poets_core.cli.specs import kept_in
from poets_core.runs import going_on
from poets_core.runs.export import archive_bytes
from poets_core.runs.sql import SqlStore
from poets_core.worker.worker import FINISHED, work
from tests.worker.experiments import log_experiment
from tests.worker.fake import FAKES
from tests.worker.forged import Members, events_of, places, rechained, summed, verified, with_events
from tests.worker.test_audits import audit_of, by_text, judged_log, people
from tests.worker.test_going_on import NAMES, rows, write


def archived(store: SqlStore, run: str) -> Members:
    with zipfile.ZipFile(io.BytesIO(archive_bytes(store, run))) as file:
        return {name: file.read(name) for name in file.namelist()}


def went_on(store: SqlStore, run: str, **more: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(going_on, "launch", lambda opened, name: work(store, name, FAKES))
        going_on.go_on(store, run, **more)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """A log, then more of its rows, then further rows: undecided twice, then a winner."""
    tmp_path = tmp_path_factory.mktemp("extended")
    store = SqlStore(f"sqlite:///{tmp_path}/store/poets.db")
    log = write(tmp_path / "few.csv", rows(6, seed=1))
    run = store.create(kept_in(log_experiment(log, NAMES, budget=9, delta=0.05), store))
    assert work(store, run, FAKES) == FINISHED
    went_on(store, run, budget=18)
    more = write(tmp_path / "more.csv", rows(40, seed=2, prompts="q"))
    went_on(store, run, log=(more.name, more.read_bytes()))
    return archived(store, run)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """An audit that ended undecided, with more comparisons and then further rows."""
    tmp_path = tmp_path_factory.mktemp("audited")
    store = people(tmp_path, by_text)
    log = judged_log(tmp_path / "log.csv", 6)
    run = store.create(kept_in(audit_of(tmp_path, budget=9, delta=0.05), store))
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    went_on(store, run, budget=18)
    more = log.with_name("more.csv")
    more.write_text(judged_log(tmp_path / "other.csv", 10).read_text().replace("prompt ", "another "))
    went_on(store, run, log=(more.name, more.read_bytes()))
    return archived(store, run)


def kinds(members: Members) -> list[str]:
    return [e["body"]["kind"] for e in events_of(members) if e["kind"] == "verdict"]


def test_an_experiment_that_went_on_passes(extended: Members, tmp_path: Path) -> None:
    assert kinds(extended) == ["undecided", "undecided", "winner"]
    code, said = verified(extended, tmp_path)
    assert (code, places(said)) == (0, set())


def test_an_audit_that_went_on_passes(audited: Members, tmp_path: Path) -> None:
    assert kinds(audited)[:2] == ["undecided", "undecided"]
    assert len(kinds(audited)) == 3
    code, said = verified(audited, tmp_path)
    assert (code, places(said)) == (0, set())


Forge = Callable[[list[dict[str, Any]]], None]


def one(events: list[dict[str, Any]], kind: str, at: int = 0, **having: Any) -> dict[str, Any]:
    found = [e["body"] for e in events if e["kind"] == kind and all(e["body"][k] == v for k, v in having.items())]
    body: dict[str, Any] = found[at]
    return body


def other(word: str) -> str:
    return "second" if word == "first" else "first"


def last_verdict(events: list[dict[str, Any]]) -> None:
    one(events, "verdict", -1)["policy"] = "three"


def first_verdict(events: list[dict[str, Any]]) -> None:
    one(events, "verdict")["left"] = ["one"]


def rows_taken(events: list[dict[str, Any]]) -> None:
    one(events, "extended", -1)["rows"] += 1


def answer(events: list[dict[str, Any]]) -> None:
    body = one(events, "compared", -1)
    body["outcome"] = other(body["outcome"])


@pytest.mark.parametrize(
    ("forge", "field"),
    [(last_verdict, "policy"), (first_verdict, "left"), (rows_taken, "rows"), (answer, "outcome")],
)
def test_what_was_changed_in_an_experiment_that_went_on_is_named(
    forge: Forge, field: str, extended: Members, tmp_path: Path
) -> None:
    events = events_of(extended)
    forge(events)
    code, said = verified(summed(rechained(with_events(extended, events))), tmp_path)
    assert code == 1
    assert ("verdict", field) in {(check, name) for check, _, _, name in places(said)}


def judges_word(events: list[dict[str, Any]]) -> None:
    body = one(events, "audited", person=True)
    body["verdict"] = other(body["verdict"])


def nobody_asked(events: list[dict[str, Any]]) -> None:
    one(events, "audited", person=True)["person"] = False


def named(events: list[dict[str, Any]]) -> None:
    one(events, "verdict", -1).update(kind="winner", policy="fair", error_bound=0.05)


@pytest.mark.parametrize(("forge", "field"), [(judges_word, "verdict"), (nobody_asked, "person"), (named, "policy")])
def test_what_was_changed_in_an_audit_is_named(forge: Forge, field: str, audited: Members, tmp_path: Path) -> None:
    events = events_of(audited)
    forge(events)
    code, said = verified(summed(rechained(with_events(audited, events))), tmp_path)
    assert code == 1
    assert ("verdict", field) in {(check, name) for check, _, _, name in places(said)}
