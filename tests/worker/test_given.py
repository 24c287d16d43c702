"""What was measured before the run: learnt before the first proposal, charged to nobody, marked everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from poets_core.runs.events import Observed, Proposed, Updated
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import fold
from poets_core.types import BEFORE
from poets_core.worker.worker import FINISHED, work
from tests.worker.fake import FAKES, fake_spec
from tests.worker.steps import reference, science
from tests.worker.test_interruptions import cut_off_and_resumed


def test_given_data_are_told_first_and_cost_nothing(store: SqlStore) -> None:
    run = store.create(fake_spec(rounds=3, batch=8, given=6))
    assert work(store, run, FAKES) == FINISHED
    events = [line.event for line in store.read(run)]
    first = next(e for e in events if isinstance(e, Proposed))
    assert first.round == BEFORE
    assert [c.id for c in first.candidates] == [f"g{k}" for k in range(6)]
    assert {c.source for c in first.candidates} == {"given"}
    # learnt before anything is proposed
    kinds = [type(e) for e in events if isinstance(e, Proposed | Updated)]
    assert kinds == [Proposed, Updated] * 4
    assert [e.round for e in events if isinstance(e, Updated)] == [BEFORE, 0, 1, 2]
    view = fold(store.read(run))
    assert view.calls == store.row(run).calls == len(view.values) == 24  # the whole budget is the search's own
    assert list(view.given) == [f"g{k}" for k in range(6)]
    assert [view.candidates[i].value for i in view.given] == [4.0 * k for k in range(6)]
    assert not set(view.given) & set(view.order)
    assert len(view.rounds) == len(view.round_ends) == 3
    assert view.learnt is not None
    # the best so far begins at what is known, and the best of all may be a given one
    assert min(v for v in view.best_so_far if v is not None) >= 20.0
    assert view.best is not None
    assert view.best.value == store.row(run).best == max(20.0, *(v for v in view.values if v is not None))
    assert view.candidates["g5"].round_in_words == "given data"
    assert view.candidates["g5"].details == {"row": 7}


def test_given_data_change_what_is_proposed(store: SqlStore) -> None:
    without, with_them = store.create(fake_spec(rounds=1)), store.create(fake_spec(rounds=1, given=3))
    for run in (without, with_them):
        assert work(store, run, FAKES) == FINISHED

    def proposed(run: str) -> list[str]:
        return [c.design for c in fold(store.read(run)).candidates.values() if c.round == 0]

    assert proposed(without) != proposed(with_them)


@pytest.mark.parametrize("lost_checkpoint", [False, True])
def test_cut_off_before_every_append(tmp_path: Path, lost_checkpoint: bool) -> None:
    url = f"sqlite:///{tmp_path}/store/poets.db"
    store = open_store(url)
    spec = fake_spec(rounds=2, batch=4, noise=0.3, chunk=2, given=5)
    wanted = reference(store, spec)
    for place in range(2 + 2 + 2 * (1 + 2 + 1)):
        run = store.create(spec)
        cut_off_and_resumed(store, run, place, lost_checkpoint=lost_checkpoint)
        assert science(store.read(run)) == wanted, f"cut off before append {place}"


def test_all_given_data_are_in_the_log_or_none(store: SqlStore) -> None:
    run = store.create(fake_spec(rounds=1, given=4))
    assert work(store, run, FAKES) == FINISHED
    lines = store.read(run)
    at = {line.at for line in lines if isinstance(line.event, Observed) and line.event.round == BEFORE}
    assert len(at) == 1  # one transaction


def test_a_view_is_the_same_however_it_is_folded(store: SqlStore) -> None:
    run = store.create(fake_spec(rounds=2, given=4))
    assert work(store, run, FAKES) == FINISHED
    lines = store.read(run)
    for cut in range(len(lines) + 1):
        assert fold(lines[cut:], fold(lines[:cut])) == fold(lines)
