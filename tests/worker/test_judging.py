"""People judge: each answer is taken once and in order, undone, skipped, seconded; interrupted anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from poets_core.runs.doing import WAITING
from poets_core.runs.event_fields import PresentedPair
from poets_core.runs.events import Finished, Recorded
from poets_core.runs.launch import resume
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import fold
from poets_core.spec import RunSpec
from poets_core.worker.experiment import run as experiment_run
from poets_core.worker.experiment.ledger import Ledger
from poets_core.worker.worker import FINISHED, work
from tests.waiting import heartbeats, until
from tests.worker.experiments import Judged, branch_experiment, prefer
from tests.worker.fake import FAKES
from tests.worker.steps import follow, free, noted, places, science, started

ORDER = ("large", "reference", "small")


def person(store: SqlStore, **fields: Any) -> RunSpec:
    return branch_experiment(store, **{"judge": "person", "delta": 0.3, "assume_condorcet": True, **fields})


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    store = Judged(f"sqlite:///{tmp_path}/store/poets.db")
    store.script = prefer(ORDER)
    return store


def play(store: SqlStore, spec: RunSpec) -> tuple[str, list[Recorded]]:
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    return run, store.read(run)


def test_a_person_judges_to_the_verdict(judged: Judged) -> None:
    run, events = play(judged, person(judged, open_pairs=3))
    view = fold(events)
    found = view.experiment
    assert view.finished == "verdict"
    assert found is not None
    assert found.verdict is not None
    assert (found.verdict.kind, found.verdict.policy) == ("winner", "large")
    answers = [e.event.answer for e in events if e.kind == "compared"]
    assert answers == list(range(1, len(answers) + 1))
    assert [e.event.round for e in events if e.kind == "updated"] == answers  # after every comparison
    assert judged.row(run).calls == len(answers)
    assert all(p.judge in ("ann", "") for p in found.pairs.values())
    assert not any("values" in p.details for p in found.pairs.values())  # no program measured anything
    asked = [e.event.pairs for e in events if e.kind == "asked"]
    assert len(asked[0]) == 3
    assert len({frozenset((p.first, p.second)) for p in asked[0]}) > 1  # open pairs are not asked again


def test_with_several_judges_each_finds_a_pair_and_so_does_a_newcomer(judged: Judged) -> None:
    right = prefer(ORDER)

    def shared(pair: PresentedPair) -> list[dict[str, Any]]:
        return [{**right(pair)[0], "judge": ("ann", "bob", "cem")[pair.index % 3]}]

    open_at_most = {}
    for judges, answer in ((1, right), (3, shared)):
        judged.script = answer
        _, events = play(judged, person(judged, open_pairs=2, delta=0.1))
        ledger, most = Ledger(), 0
        for recorded in events:
            ledger.add(recorded.event)
            most = max(most, len(ledger.open))
        open_at_most[judges] = most
    assert open_at_most == {1: 2, 3: 4}  # one for each of three, and one more
    assert Ledger().wanted(1) == 1


SCRIPTS: dict[str, Callable[[PresentedPair], list[dict[str, Any]]]] = {}


def script(function: Callable[[PresentedPair], list[dict[str, Any]]]) -> Any:
    SCRIPTS[function.__name__] = function
    return function


@script
def undoes(pair: PresentedPair) -> list[dict[str, Any]]:
    """Every third answer is wrong at first, and withdrawn."""
    (right,) = prefer(ORDER)(pair)
    if pair.index % 3:
        return [right]
    wrong = {**right, "outcome": "tie"}
    return [wrong, {"outcome": "undo", "judge": "ann", "index": 0}, right]


@script
def skips(pair: PresentedPair) -> list[dict[str, Any]]:
    (right,) = prefer(ORDER)(pair)
    return [{**right, "outcome": "skip"}] if pair.index % 4 == 1 else [right]


@script
def seconded(pair: PresentedPair) -> list[dict[str, Any]]:
    """Bob disagrees, too late; ann presses twice."""
    (right,) = prefer(ORDER)(pair)
    other = {**right, "judge": "bob", "outcome": "tie"}
    return [right, {**right, "outcome": "tie"}, other] if pair.index % 2 else [right, other]


@script
def hostile(pair: PresentedPair) -> list[dict[str, Any]]:
    (right,) = prefer(ORDER)(pair)
    return [{**right, "index": 10**9}, {"outcome": "undo", "judge": "nobody"}, right]


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_cut_off_before_every_append_and_resumed(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment_run, "POLL_SECONDS", 0.01)
    url = f"sqlite:///{tmp_path}/store/poets.db"
    whole = Judged(url)
    whole.script = SCRIPTS[name]
    spec = person(whole, open_pairs=2, delta=0.4)
    appends = noted(whole)
    _, events = play(whole, spec)
    wanted = science(events)
    assert events[-1].event == Finished("verdict")
    chosen = places(appends)
    assert len(chosen) > 5
    for place in chosen:
        run, cut = whole.create(spec), Judged(url)
        cut.script, cut.left = SCRIPTS[name], place
        with pytest.raises(SystemExit):
            work(cut, run, FAKES)
        cut.close()
        if whole.status(run).reason:
            continue  # all is in the log, only the lease was not given back
        free(whole, run)
        assert work(whole, run, FAKES) == FINISHED
        assert science(whole.read(run)) == wanted, f"cut off before append {place}"


def test_an_undo_takes_the_comparison_back(judged: Judged) -> None:
    judged.script = undoes
    _, events = play(judged, person(judged, delta=0.4))
    withdrawn = [e for e in events if e.kind == "withdrawn"]
    assert withdrawn
    assert all(not e.event.second_opinion for e in withdrawn)
    found = fold(events).experiment
    assert found is not None
    assert found.ties == 0
    assert found.metrics is not None
    assert found.metrics["ties"] == 0
    assert found.comparisons == found.metrics["comparisons"]
    rounds = [e.event.round for e in events if e.kind == "updated"]
    assert rounds[:3] == [1, 0, 1]


def test_second_opinions_do_not_count(judged: Judged, capfd: pytest.CaptureFixture[str]) -> None:
    judged.script = seconded
    spec = person(judged)
    _, events = play(judged, spec)
    found = fold(events).experiment
    assert found is not None
    second = [e for e in events if e.kind == "compared" and e.event.second_opinion]
    assert second
    assert {e.event.judge for e in second} == {"bob"}
    assert found.ties == 0
    (agreement,) = found.agreement()
    assert (agreement.judges, agreement.equal) == (("ann", "bob"), 0.0)
    assert "'ann' has judged pair 1 already" in capfd.readouterr().err
    judged.script = prefer(ORDER)
    _, alone = play(judged, spec)
    assert [e.event for e in alone if e.kind == "verdict"] == [e.event for e in events if e.kind == "verdict"]


def test_a_skipped_pair_is_replaced(judged: Judged) -> None:
    judged.script = skips
    _, events = play(judged, person(judged))
    found = fold(events).experiment
    assert found is not None
    skipped = [p for p in found.pairs.values() if p.skipped]
    assert skipped
    assert all(p.outcome is None for p in skipped)
    assert found.comparisons == len([p for p in found.pairs.values() if p.outcome])


def test_malformed_answers_are_left_out_with_a_line(judged: Judged, capfd: pytest.CaptureFixture[str]) -> None:
    def bad(pair: PresentedPair) -> list[dict[str, Any]]:
        (right,) = prefer(ORDER)(pair)
        return [{**right, "outcome": "draw"}, right]

    judged.script = bad
    spec = person(judged)
    original = SqlStore.send

    def unchecked(self: SqlStore, run: str, command: Any, body: Any = None) -> int:
        """What a damaged or foreign writer could leave: past the check that `send` makes."""
        if body and body.get("outcome") == "draw":
            body = {**body, "outcome": "tie"}
            number = original(self, run, command, body)
            with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
                connection.exec_driver_sql(
                    "UPDATE commands SET body = replace(body, 'tie', 'draw') WHERE run = ? AND seq = ?", (run, number)
                )
            return number
        return original(self, run, command, body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqlStore, "send", unchecked)
        _, events = play(judged, spec)
    found = fold(events).experiment
    assert found is not None
    assert found.ties == 0
    assert "answer 1 was left out: Expected an outcome" in capfd.readouterr().err


def test_it_waits_pauses_and_stops_and_goes_on(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store/poets.db")
    run = store.create(person(store, open_pairs=2))
    answered: set[int] = set()

    def answer(most: int) -> None:
        """Answer open pairs that were not answered yet."""
        found = fold(store.read(run)).experiment
        left = [] if found is None else [p for p in found.open if p.index not in answered]
        for pair in left[:most]:
            answered.add(pair.index)
            said = prefer(ORDER)(pair)
            store.send(run, "judge", said[0])

    worker = started(store, run)
    follow(store, run, lambda: store.status(run).doing == WAITING)
    assert store.status(run).state == "running"
    store.send(run, "pause")
    follow(store, run, lambda: store.status(run).state == "paused")
    answer(1)
    assert len(answered) == 1
    heartbeats(store, run)
    assert fold(store.read(run)).calls == 0  # an answer does not wake it
    assert store.status(run).state == "paused"
    resume(store, run)
    follow(store, run, lambda: fold(store.read(run)).calls == 1)
    store.send(run, "stop")
    assert worker.ended() == FINISHED
    assert (store.status(run).state, store.status(run).reason) == ("finished", "stopped")
    worker = started(store, run)

    def over() -> bool:
        answer(2)
        return not worker.is_alive()

    until(over, lambda: store.status(run))
    assert worker.ended() == FINISHED
    assert store.status(run).reason == "verdict"
    found = fold(store.read(run)).experiment
    assert found is not None
    assert found.verdict is not None
    assert found.verdict.policy == "large"
