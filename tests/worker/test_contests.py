"""Contests among the branches of a search: paid out of its budget, whole or not there, played again alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from poets_core.runs.doing import Doing
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import fold, summary
from poets_core.spec import RunSpec, parse_spec
from poets_core.worker.worker import FINISHED, work
from tests.worker.experiments import Judged
from tests.worker.fake import FAKES, fake_spec
from tests.worker.steps import free, reference, science


def search(rounds: int = 6, batch: int = 8, **contest: Any) -> RunSpec:
    data = fake_spec(rounds=rounds, batch=batch, noise=0.3, chunk=4).model_dump(mode="json")
    return parse_spec(data | {"search": {"branches": 2}, "contest": contest})


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
    assert view.calls == len(view.order) + charged == store.row(run).calls
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


def test_a_search_without_contests_says_what_it_said(store: SqlStore) -> None:
    run = store.create(fake_spec(rounds=3, batch=4))
    assert work(store, run, FAKES) == FINISHED
    view = fold(store.read(run))
    assert (len(view.rounds), view.contests, view.calls) == (3, [], 12)
    assert "deploy" not in summary(view, store.status(run))


def test_cut_off_before_every_append_and_resumed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store/poets.db"
    store, spec = open_store(url), search(rounds=4, batch=6, every=1, comparisons=5, delta=0.3)
    wanted = reference(store, spec)
    assert [k for k, _ in wanted].count("contest") >= 2
    for place in range(100):
        run, cut = store.create(spec), Judged(url)
        cut.left, cut.script = place, lambda pair: []
        with pytest.raises(SystemExit):
            work(cut, run, FAKES)
        cut.close()
        if store.status(run).reason:
            break
        free(store, run)
        assert work(store, run, FAKES) == FINISHED
        assert science(store.read(run)) == wanted, f"cut off before append {place}"
    assert place > 10


def test_a_stopped_contest_is_played_again(store: SqlStore) -> None:
    spec = search(rounds=3, batch=6, every=1, comparisons=5)
    wanted, run = reference(store, spec), store.create(spec)

    class Presses(SqlStore):
        """Stop is pressed in the middle of the first contest."""

        def progress(self, lease: Any, doing: Doing | None = None) -> None:
            super().progress(lease, doing)
            if doing == Doing("contest", (0, 2)):
                self.send(lease.run, "stop")

    assert work(Presses(store.url), run, FAKES) == FINISHED
    assert store.status(run).reason == "stopped"
    assert fold(store.read(run)).contests == []
    assert work(store, run, FAKES) == FINISHED
    found = science(store.read(run))
    assert [e for e in found if e != ("finished", {"reason": "stopped"})] == wanted
