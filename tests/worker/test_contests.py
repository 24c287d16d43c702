"""Contests among the branches of a search: paid out of its budget, every call an observation that it learns from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from poets_core.cli.follow import shown
from poets_core.runs.doing import Doing
from poets_core.runs.events import Observed, Proposed
from poets_core.runs.export import candidates_csv
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import RunView, fold, summary
from poets_core.spec import RunSpec, SearchSpec, parse_spec, plan_of
from poets_core.types import of_contest
from poets_core.worker.search_log import read_search_log
from poets_core.worker.worker import FINISHED, work
from tests.worker.experiments import Judged
from tests.worker.fake import FAKES, FakeSearch, fake_spec
from tests.worker.steps import fakes, free, noted, places, reference, science


def search(rounds: int = 6, batch: int = 8, chunk: int = 4, log: Path | None = None, **contest: Any) -> RunSpec:
    more = {} if log is None else {"log": str(log)}
    data = fake_spec(rounds=rounds, batch=batch, noise=0.3, chunk=chunk, **more).model_dump(mode="json")
    return parse_spec(data | {"search": {"branches": 2}, "contest": contest})


def contested(view: RunView) -> list[str]:
    return [id for id in view.order if view.candidates[id].source == "contest"]


def test_contests_are_paid_out_of_the_budget_and_name_a_branch(store: SqlStore) -> None:
    run = store.create(search(rounds=12, batch=8, every=2, comparisons=10, delta=0.2))
    assert work(store, run, FAKES) == FINISHED
    events = store.read(run)
    view = fold(events)
    assert view.finished == "budget"
    kinds = [e.kind for e in events if e.kind in ("updated", "contest")]
    assert kinds[:6] == ["updated", "updated", "contest", "updated", "updated", "contest"]
    assert [c.round for c in view.contests][:2] == [1, 3]
    charged = sum(c.calls for c in view.contests)
    assert charged == 2 * sum(len(c.comparisons) for c in view.contests) > 0
    assert view.calls == len(view.order) == store.row(run).calls
    assert 96 - 8 < view.calls <= 96
    assert len(view.rounds) < 12
    for c in view.contests:
        assert sum(map(sum, c.metrics["wins"])) + c.metrics["ties"] == len(c.comparisons) <= 10
        assert c.verdict.comparisons == len(c.comparisons)
    deploy = summary(view, store.status(run))["deploy"]
    assert deploy["round"] == view.contests[-1].round
    named = [c.verdict for c in view.contests if c.verdict.kind == "winner"]
    assert named
    assert {v.policy for v in named} == {"branch 0"}  # which writes large digits
    assert all(v.error_bound == 0.2 for v in named)
    if view.contests[-1].verdict.kind == "winner":
        assert (deploy["branch"], deploy["error_bound"]) == (0, 0.2)
    assert len({repr(c.comparisons) for c in view.contests}) > 1  # each contest draws anew


def test_every_paid_call_is_an_observation(store: SqlStore, tmp_path: Path) -> None:
    run = store.create(search(rounds=8, every=2, comparisons=6, delta=0.01, log=tmp_path / "oracle"))
    assert work(store, run, FAKES) == FINISHED
    events, view = store.read(run), fold(store.read(run))
    paid = contested(view)
    assert len(paid) == sum(c.calls for c in view.contests) == view.contested > 12
    assert view.calls == len(view.order) == len(view.values) == len(view.best_so_far) == len(view.regret)
    # proposed before the oracle is asked, and whatever the oracle has answered is there
    told: set[str] = set()
    for line in events:
        if isinstance(line.event, Proposed):
            told |= {c.id for c in line.event.candidates}
        elif isinstance(line.event, Observed):
            assert line.event.candidate in told
    assert len((tmp_path / "oracle").read_text().split()) == sum(bool(view.candidates[i].design) for i in view.order)
    seen = [view.candidates[i] for i in paid]
    assert any(c.valid and c.value is not None for c in seen)
    assert all(c.valid is False and c.reason for c in seen if not c.design)  # a call that brought nothing was paid too
    # a comparison is what its two observations say
    at = 0
    for contest in view.contests:
        for first, second, outcome in contest.comparisons:
            one, other = seen[at : at + 2]
            at += 2
            assert (f"branch {one.branch}", f"branch {other.branch}") == (first, second)
            a, b = (c.value if c.value is not None else float("-inf") for c in (one, other))
            assert outcome == ("tie" if a == b else "first" if a > b else "second")
    # in the table that leaves, and in the best of the run
    table = candidates_csv(view).decode()
    assert all(f"\n{id}," in table for id in paid)
    assert view.best is not None
    assert view.best.value == max(v for v in view.values if v is not None)
    # the mean of a round is that of its own designs
    of_round = [view.candidates[i] for i in view.order if view.candidates[i].source != "contest"]
    for r, mean in enumerate(view.round_means):
        values = [c.value for c in of_round if c.round == r and c.value is not None]
        assert mean == pytest.approx(sum(values) / len(values))
    assert view.round_ends[2] == 3 * 8 + view.contests[0].calls
    assert view.calls_in_words == (
        f"{len(view.rounds)} rounds ({8 * len(view.rounds)}) + {len(paid) // 2} comparisons ({len(paid)}) = "
        f"{view.calls} measurements"
    )


def test_the_search_is_told_what_a_contest_measured_before_it_proposes(store: SqlStore) -> None:
    spec = search(rounds=6, every=2, comparisons=4, delta=0.01)
    assert isinstance(spec, SearchSpec)
    kept = FakeSearch(spec)
    run = store.create(spec)
    assert work(store, run, fakes(lambda _: kept)) == FINISHED
    log = read_search_log(e.event for e in store.read(run))
    assert [of_contest(c) for c, _ in kept.told] == [of_contest(c) for c, _ in (*log.told, *log.since)]
    assert [of_contest(c) for c, _ in log.told][:4] == [False, False, True, False]
    assert repr(kept.told) == repr(
        [(tuple(c), tuple(o)) for c, o in (*log.told, *log.since)]
    )  # NaN is no equal of itself


def test_the_plan_is_what_the_search_does(store: SqlStore, capsys: pytest.CaptureFixture[str]) -> None:
    spec = search(
        rounds=12, batch=8, every=2, comparisons=3, delta=0.01
    )  # too few for a verdict: every contest is full
    assert isinstance(spec, SearchSpec)
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED
    view, plan = fold(store.read(run)), plan_of(spec.budget, spec.contest)
    assert (len(view.rounds), view.contested, view.calls) == (plan.rounds, plan.contest_calls, plan.calls)
    assert view.calls_in_words == str(plan)
    shown(store, run, as_json=False)
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert str(plan) in printed
    assert f'"round": {view.contests[-1].round + 1}' in printed  # people count from 1
    alone = plan_of(spec.budget, None)
    assert (alone.rounds, alone.comparisons, str(alone)) == (12, 0, "12 rounds (96) = 96 measurements")


def test_a_search_without_contests_says_what_it_said(store: SqlStore) -> None:
    run = store.create(fake_spec(rounds=3, batch=4))
    assert work(store, run, FAKES) == FINISHED
    view = fold(store.read(run))
    assert (len(view.rounds), view.contests, view.calls) == (3, [], 12)
    assert view.calls_in_words == ""
    assert "deploy" not in summary(view, store.status(run))


@pytest.mark.parametrize(("chunk", "lost_checkpoint"), [(4, False), (1, True)])
def test_cut_off_before_every_append_and_resumed(tmp_path: Path, chunk: int, lost_checkpoint: bool) -> None:
    """No call of a contest is asked twice but those in flight, and these are named."""
    url = f"sqlite:///{tmp_path}/store/poets.db"
    store, asked = open_store(url), tmp_path / "oracle"
    spec = search(rounds=5, batch=4, chunk=chunk, log=asked, every=1, comparisons=3, delta=0.3)
    appends = noted(store)
    wanted = reference(store, spec)
    assert [k for k, _ in wanted].count("contest") >= 2
    chosen = places(appends)
    assert len(chosen) > 12
    for place in chosen:
        asked.unlink(missing_ok=True)
        run, cut = store.create(spec), Judged(url)
        cut.left, cut.script = place, lambda pair: []
        with pytest.raises(SystemExit):
            work(cut, run, FAKES)
        cut.close()
        if store.status(run).reason:
            continue  # all is in the log, only the lease was not given back
        free(store, run)
        if lost_checkpoint:
            for path in (store.folder(run) / "checkpoints").glob("*"):
                path.unlink()
        assert work(store, run, FAKES) == FINISHED
        events = store.read(run)
        assert science(events) == wanted, f"cut off before append {place}"
        view = fold(events)
        again = [id for e in events if e.kind == "claimed" for id in e.event.asked_again]  # type: ignore[union-attr]
        designs = [view.candidates[id].design for id in [*view.order, *again]]
        assert sorted(asked.read_text().split()) == sorted(d for d in designs if d)
        assert view.asked_again == len(again) <= chunk


def test_a_stopped_contest_goes_on_where_it_was(store: SqlStore) -> None:
    spec = search(rounds=3, batch=6, every=1, comparisons=5)
    wanted, run = reference(store, spec), store.create(spec)

    class Presses(SqlStore):
        """Stop is pressed in the middle of the first contest."""

        def progress(self, lease: Any, doing: Doing | None = None) -> None:
            super().progress(lease, doing)
            if doing == Doing("contest", (0, 2, 0)):
                self.send(lease.run, "stop")

    assert work(Presses(store.url), run, FAKES) == FINISHED
    assert store.status(run).reason == "stopped"
    view = fold(store.read(run))
    assert (view.contests, len(contested(view))) == ([], 6)
    assert work(store, run, FAKES) == FINISHED
    found = science(store.read(run))
    assert [(k, b) for k, b in found if not (k == "finished" and b["reason"] == "stopped")] == wanted
    assert fold(store.read(run)).asked_again == 0
