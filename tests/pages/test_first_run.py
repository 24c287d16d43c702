"""The first run, as a newcomer starts it, with the real science: it ends with something found, and says so."""

from __future__ import annotations

import pytest

from pages.parts.launch.first import first_spec
from pages.parts.run.verdict import verdict
from poets_core.runs.launch import launch
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.waiting import until


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_first_run_finds_something_and_says_so(store: SqlStore) -> None:
    spec = first_spec()
    run = store.create(spec)
    launch(store, run)  # a worker of its own: in this process every shape is checked, which takes ten times as long
    while store.status(run).state not in ("finished", "failed", "dead"):
        seen, state = store.row(run).calls, store.status(run).state
        until(lambda seen=seen, state=state: store.row(run).calls > seen or store.status(run).state != state)
    view = fold(store.read(run))
    assert view.finished == "budget", view.failed
    first = [v for v in view.round_values[: spec.budget.batch] if v is not None]
    assert view.best is not None
    assert view.best.value >= 1.4 * max(first)
    assert "first round" in verdict(view, [])
