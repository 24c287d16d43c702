"""A run that people answer: it proposes and leaves, results bring it on, corrections count, nothing is told twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from poets_core.runs.event_fields import MeasuredWell
from poets_core.runs.events import Finished, Observed, Proposed
from poets_core.runs.laboratory.batch import Campaign
from poets_core.runs.laboratory.orders import Reject, Results
from poets_core.runs.laboratory_events import Measured, Rejected
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import fold
from poets_core.spec import RunSpec, parse_spec
from poets_core.worker.worker import FINISHED, NOT_MINE, work
from tests.worker.fake import FAKES, fake_spec
from tests.worker.steps import free, science
from tests.worker.test_interruptions import Interrupted


def spec(rounds: int = 3, batch: int = 6, **laboratory: Any) -> RunSpec:
    data = fake_spec(rounds=rounds, batch=batch, people=True, given=3).model_dump(mode="json")
    return parse_spec(data | {"laboratory": {"parent_wells": 0} | laboratory})


def value_of(design: str) -> float | None:
    """What the laboratory measures; a nine spoils the well."""
    return None if "9" in design else float(sum(map(int, design)))


def started(store: SqlStore, made: RunSpec) -> str:
    run = store.create(made)
    assert work(store, run, FAKES) == FINISHED
    return run


def out(store: SqlStore, run: str) -> tuple[int, dict[str, str]]:
    """The batch that the laboratory has: its round, and design by id."""
    view, campaign = fold(store.read(run)), Campaign.of(line.event for line in store.read(run))
    batch = campaign.open
    assert batch is not None
    return batch.round, {id: view.candidates[id].design for id in batch.candidates}


def lines(designs: dict[str, str], measure: Callable[[str], float | None] = value_of) -> list[MeasuredWell]:
    return [
        MeasuredWell(id, "", "", measure(d), "" if measure(d) is not None else "failed") for id, d in designs.items()
    ]


def send(store: SqlStore, run: str, round: int, wells: Sequence[MeasuredWell]) -> None:
    store.send(run, "results", Results(round, tuple(wells), "results.csv").body())


def deterministic(store: SqlStore, run: str) -> list[Any]:
    return [line for line in science(store.read(run)) if line[0] != "measured"]


def campaign(store: SqlStore, run: str) -> None:
    """Measure every batch, rows shuffled, in two parts, the first value wrong at first."""
    while store.status(run).state == "waiting":
        round, designs = out(store, run)
        found = lines(designs)
        random.Random(round).shuffle(found)
        wrong = MeasuredWell(found[0].candidate, "", "", 77.0)
        send(store, run, round, [wrong, *found[1:3]])
        assert work(store, run, FAKES) == FINISHED
        assert out(store, run)[0] == round  # three of six are no batch
        send(store, run, round, [found[0], *found[3:]])
        assert work(store, run, FAKES) == FINISHED


def test_a_campaign_by_hand_is_the_run_by_itself(store: SqlStore) -> None:
    """Same seed, same data: what is proposed does not depend on who answers, in which order, in how many parts."""
    run = started(store, spec())
    status = store.status(run)
    assert (status.state, status.active) == ("waiting", False)
    assert status.doing is not None
    assert status.doing.to_text() == "wait for results 0"
    campaign(store, run)
    by_hand = fold(store.read(run))
    # a nine is invalid to the program and a failed well to the laboratory; both are looked up alike here
    assert by_hand.finished == "batches"
    assert by_hand.calls == store.row(run).calls == 18
    proposed = [c.design for c in by_hand.candidates.values()]
    by_itself = fold(store.read(started(store, parse_spec(no_people(spec().model_dump(mode="json"))))))
    if not any("9" in d for d in proposed):
        assert proposed == [c.design for c in by_itself.candidates.values()]
    for id, c in by_hand.candidates.items():
        if c.design and "9" not in c.design:
            assert c.value == sum(map(int, c.design)), id
            assert not c.missing
        elif c.design:
            assert c.missing
            assert c.value is None


def no_people(data: dict[str, Any]) -> dict[str, Any]:
    data["problem"]["params"]["people"] = False
    return data | {"laboratory": None}


def test_the_log_names_the_order_and_says_each_thing_once(store: SqlStore) -> None:
    run = started(store, spec(rounds=1))
    campaign(store, run)
    events = [line.event for line in store.read(run)]
    measured = [e for e in events if isinstance(e, Measured)]
    assert [e.command for e in measured] == [1, 2]
    observed = [e for e in events if isinstance(e, Observed) and e.round == 0]
    assert len(observed) == len({e.candidate for e in observed}) == 6
    assert not any(
        e.corrects for e in observed
    )  # a value that was mended before the batch was complete is no correction
    assert work(store, run, FAKES) == NOT_MINE  # nothing came: it is left as it is
    assert [line.event for line in store.read(run)] == events
    assert store.status(run).state == "finished"


def test_a_correction_supersedes_and_both_stay_readable(store: SqlStore) -> None:
    run = started(store, spec(rounds=2))
    round, designs = out(store, run)
    send(store, run, round, lines(designs))
    assert work(store, run, FAKES) == FINISHED
    id = next(i for i, d in designs.items() if value_of(d) is not None)
    before = fold(store.read(run)).candidates[id].value
    assert store.row(run).best == max(v for v in [8.0, *map(value_of, designs.values())] if v is not None)
    send(store, run, 0, [MeasuredWell(id, "", "", 0.25)])
    assert work(store, run, FAKES) == FINISHED
    view = fold(store.read(run))
    assert (view.candidates[id].value, view.candidates[id].was) == (0.25, (before,))
    assert store.row(run).calls == 6
    others = [v for i, d in designs.items() if i != id and (v := value_of(d)) is not None]
    assert store.row(run).best == max([8.0, *others]) == view.best.value  # type: ignore[union-attr]
    # the search learns from what stands now
    round, designs = out(store, run)
    send(store, run, round, lines(designs))
    assert work(store, run, FAKES) == FINISHED
    assert fold(store.read(run)).finished == "batches"


@pytest.mark.parametrize("lost_checkpoint", [False, True])
def test_cut_off_before_every_append(tmp_path: Path, lost_checkpoint: bool) -> None:
    """Kill -9 anywhere, also between results and what follows from them: the log is that of an untouched campaign."""
    url = f"sqlite:///{tmp_path}/store/poets.db"
    store = open_store(url)
    untouched = started(store, spec(rounds=2))
    play(store, untouched, lambda run: work(store, run, FAKES))
    wanted = science(store.read(untouched))
    assert isinstance(store.read(untouched)[-1].event, Finished)
    for place in range(40):
        run = store.create(spec(rounds=2))
        cut = Interrupted(url)
        cut.left, reached = place, []

        def once(run: str, cut: SqlStore = cut, reached: list[int] = reached, place: int = place) -> None:
            try:
                assert work(cut, run, FAKES) == FINISHED
            except SystemExit:
                cut.left = 10**6  # type: ignore[attr-defined]
                reached.append(place)
                free(store, run)
                if lost_checkpoint:
                    for path in (store.folder(run) / "checkpoints").glob("*"):
                        path.write_bytes(path.read_bytes()[:-3])
                assert work(store, run, FAKES) in (FINISHED, NOT_MINE)

        once(run)
        play(store, run, once)
        cut.close()
        assert science(store.read(run)) == wanted, f"cut off before append {place}"
        if not reached:
            break
    assert place > 12


def play(store: SqlStore, run: str, step: Callable[[str], object]) -> None:
    """Two batches, each in two parts, and a correction of the first batch while the second is out."""
    for number in range(2):
        round, designs = out(store, run)
        assert round == number
        found = lines(designs)
        send(store, run, round, found[:3])
        step(run)
        if number:
            send(store, run, 0, [MeasuredWell("0-1", "", "", 3.5)])
            step(run)
        send(store, run, round, found[3:])
        step(run)


def test_the_next_batch_on_demand(store: SqlStore) -> None:
    run = started(store, spec(rounds=2, advance="demand"))
    round, designs = out(store, run)
    send(store, run, round, lines(designs))
    assert work(store, run, FAKES) == FINISHED
    assert out(store, run)[0] == 0  # complete, and nobody has asked for the next
    store.send(run, "next", {"round": 0})
    assert work(store, run, FAKES) == FINISHED
    assert out(store, run)[0] == 1


def test_a_stop_is_not_undone_by_results_that_lie_ready(store: SqlStore) -> None:
    run = started(store, spec(rounds=3))
    send(store, run, 0, lines(out(store, run)[1]))
    store.send(run, "stop")
    assert work(store, run, FAKES) == FINISHED
    status = store.status(run)
    assert (status.state, status.reason, status.resumable) == ("finished", "stopped", True)
    assert [e.round for line in store.read(run) if isinstance(e := line.event, Proposed)] == [-1, 0]
    store.send(run, "resume")
    assert work(store, run, FAKES) == FINISHED
    assert out(store, run)[0] == 1


def test_going_on_without_the_rest(store: SqlStore) -> None:
    run = started(store, spec(rounds=2))
    round, designs = out(store, run)
    send(store, run, round, lines(designs)[:2])
    store.send(run, "next", {"round": 0})
    assert work(store, run, FAKES) == FINISHED
    view = fold(store.read(run))
    assert out(store, run)[0] == 1
    rest = [view.candidates[i] for i in list(designs)[2:]]
    assert all(c.missing and c.reason == "not measured" and c.value is None for c in rest)
    # what came late is told after all
    late = next(c for c in rest if value_of(c.design) is not None)
    send(store, run, 0, [MeasuredWell(late.id, "", "", value_of(late.design))])
    assert work(store, run, FAKES) == FINISHED
    again = fold(store.read(run)).candidates[late.id]
    assert (again.value, again.missing) == (value_of(late.design), False)


def test_the_budget_changes_while_a_run_waits(store: SqlStore) -> None:
    run = started(store, spec(rounds=1))
    store.send(run, "budget", {"rounds": 3, "batch": 4})
    assert work(store, run, FAKES) == FINISHED
    assert store.row(run).budget == 6 + 2 * 4
    sizes = []
    while store.status(run).state == "waiting":
        round, designs = out(store, run)
        sizes.append(sum(c.round == round for c in fold(store.read(run)).candidates.values()))
        send(store, run, round, lines(designs))
        assert work(store, run, FAKES) == FINISHED
    assert sizes == [6, 4, 4]
    # a campaign that has ended goes on where more is asked for
    store.send(run, "budget", {"rounds": 4, "batch": 5})
    assert work(store, run, FAKES) == FINISHED
    assert out(store, run)[0] == 3
    assert len([line for line in store.read(run) if isinstance(line.event, Proposed)]) == 5


def test_replicates_are_averaged_and_their_spread_is_the_error(store: SqlStore) -> None:
    run = started(store, spec(rounds=1, replicates=3))
    round, designs = out(store, run)
    id = next(iter(designs))
    three = [MeasuredWell(id, "", f"1:A0{k}", v) for k, v in enumerate((1.0, 2.0, 6.0), 1)]
    send(store, run, round, [*three, *lines({k: v for k, v in designs.items() if k != id})])
    assert work(store, run, FAKES) == FINISHED
    c = fold(store.read(run)).candidates[id]
    assert c.value == 3.0
    assert c.std == pytest.approx((7.0 / 3) ** 0.5)
    assert c.details == {"wells": 3}


def test_orders_that_fit_nothing_are_left_out(store: SqlStore, capfd: pytest.CaptureFixture[str]) -> None:
    run = started(store, spec(rounds=1))
    send(store, run, 7, [MeasuredWell("0-0", "", "", 1.0)])
    send(store, run, 0, [MeasuredWell("5-5", "", "", 1.0)])
    assert work(store, run, FAKES) == FINISHED
    assert "left out" in capfd.readouterr().err
    assert not [line for line in store.read(run) if isinstance(line.event, Measured)]
    assert out(store, run)[0] == 0


def test_rejected_designs_are_replaced_with_parts_held(store: SqlStore) -> None:
    run = started(store, spec(rounds=1, batch=8))
    round, designs = out(store, run)
    ids = list(designs)
    # one is measured already, and cannot be rejected any more
    send(store, run, round, [MeasuredWell(ids[0], "", "", 1.0)])
    assert work(store, run, FAKES) == FINISHED
    store.send(run, "reject", Reject(0, (ids[0], ids[1], ids[2]), {0: "4"}, False).body())
    assert work(store, run, FAKES) == FINISHED
    events = [line.event for line in store.read(run)]
    (rejected,) = [e for e in events if isinstance(e, Rejected)]
    assert rejected.candidates == (ids[1], ids[2])
    _, now = out(store, run)
    assert set(now) & set(ids) == {ids[0], *ids[3:]}
    new = {i: d for i, d in now.items() if i not in designs}
    proposed = len([c for e in events if isinstance(e, Proposed) and e.round == 0 for c in e.candidates])
    assert list(new) == [f"0-{k}" for k in range(8, proposed)]
    assert 0 < len(new) <= 2
    assert all(d[0] == "4" for d in new.values())
    assert not set(new.values()) & set(designs.values())
    send(store, run, round, lines(now))
    assert work(store, run, FAKES) == FINISHED
    view = fold(store.read(run))
    assert view.finished == "batches"
    assert view.candidates[ids[1]].value is None
    assert view.calls == len(now) + sum(c.design == "" for c in view.candidates.values())


def test_designs_that_nothing_can_replace_stay(store: SqlStore) -> None:
    run = started(store, spec(rounds=2, batch=6))
    _, designs = out(store, run)
    first, *rest = designs
    store.send(run, "reject", Reject(0, (first,), {0: "Z"}, False).body())
    assert work(store, run, FAKES) == FINISHED
    assert list(out(store, run)[1]) == rest
    store.send(run, "reject", Reject(0, tuple(rest), {0: "Z"}, False).body())
    assert work(store, run, FAKES) == FINISHED
    # What was rejected first does not come back with them.
    assert list(out(store, run)[1]) == rest
    assert Campaign.of(line.event for line in store.read(run)).batches[0].rejected == [first]
    send(store, run, 0, lines(out(store, run)[1]))
    assert work(store, run, FAKES) == FINISHED
    assert out(store, run)[0] == 1


def test_a_rejection_is_resumed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store/poets.db"
    store = open_store(url)

    def campaign(run: str, step: Callable[[str], object]) -> None:
        step(run)
        store.send(run, "reject", Reject(0, ("0-0", "0-1", "0-2"), {}, True).body())
        step(run)
        send(store, run, 0, lines(out(store, run)[1]))
        step(run)

    untouched = store.create(spec(rounds=1, batch=5))
    campaign(untouched, lambda run: work(store, run, FAKES))
    wanted = science(store.read(untouched))
    assert isinstance(store.read(untouched)[-1].event, Finished)
    for place in range(30):
        run, cut, reached = store.create(spec(rounds=1, batch=5)), Interrupted(url), []
        cut.left = place

        def once(run: str, cut: Any = cut, reached: list[int] = reached, place: int = place) -> None:
            try:
                assert work(cut, run, FAKES) == FINISHED
            except SystemExit:
                cut.left = 10**6
                reached.append(place)
                free(store, run)
                assert work(store, run, FAKES) in (FINISHED, NOT_MINE)

        campaign(run, once)
        cut.close()
        assert science(store.read(run)) == wanted, f"cut off before append {place}"
        if not reached:
            break
    assert place > 8


def test_designs_of_a_batch_are_kept_apart(store: SqlStore) -> None:
    def distances(designs: dict[str, str]) -> list[int]:
        found = list(designs.values())
        return [sum(a != b for a, b in zip(x, y, strict=True)) for i, x in enumerate(found) for y in found[:i]]

    near, far = (out(store, started(store, spec(rounds=1, batch=12, apart=k)))[1] for k in (0, 4))
    assert min(distances(near)) < 4 == min(distances(far))
    assert len(far) > 4
    first = next(iter(near.values()))
    assert next(iter(far.values())) == first  # the first one makes room for nobody
    assert [id.partition("-")[0] for id in far] == ["0"] * len(far)


def test_a_campaign_that_waits_can_be_ended_and_resumed(store: SqlStore) -> None:
    run = started(store, spec(rounds=2))
    round, designs = out(store, run)
    send(store, run, round, lines(designs))
    assert work(store, run, FAKES) == FINISHED
    store.send(run, "stop")
    assert work(store, run, FAKES) == FINISHED
    status = store.status(run)
    assert (status.state, status.reason, status.pending) == ("finished", "stopped", "")
    ended = store.read(run)[-1].event
    assert isinstance(ended, Finished)
    assert ended.files  # the models of the first batch
    store.send(run, "resume")
    assert work(store, run, FAKES) == FINISHED
    assert store.status(run).awaits_results
    assert out(store, run)[0] == 1
    send(store, run, 1, lines(out(store, run)[1]))
    assert work(store, run, FAKES) == FINISHED
    assert store.status(run).reason == "batches"
