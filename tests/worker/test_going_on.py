"""Ended experiments go on: more budget, more rows, more answers; what is stored stays, and a cut changes nothing."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from poets_core.errors import InvalidInput
from poets_core.keyed import rng_for
from poets_core.runs.laboratory_events import Extended
from poets_core.runs.sql import SqlStore
from poets_core.runs.store import open_store
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.fold import fold
from poets_core.worker.worker import FINISHED, work
from tests.worker.experiments import Judged, branch_experiment, log_experiment, prefer
from tests.worker.fake import FAKES
from tests.worker.steps import free, noted, places, science

HEAD = ["prompt", "policy_a", "policy_b", "outcome"]
NAMES = ("one", "two", "three")


def rows(n: int, *, seed: int, prompts: str = "p", p: float = 0.85) -> list[list[str]]:
    """So many comparisons of every pair, the earlier policy preferred with probability p, each on its own prompt."""
    rng, out = rng_for(seed, "rows"), []
    for i, a in enumerate(NAMES):
        for b in NAMES[i + 1 :]:
            out += [[f"{prompts}{i}{b}{k}", a, b, "a" if rng.random() < p else "b"] for k in range(n)]
    return out


def write(path: Path, said: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEAD, *said])
    return path


def upload(store: SqlStore, path: Path) -> str:
    """Lay a file into the store's uploads, as a page does; return its name there."""
    (store.files / "uploads").mkdir(exist_ok=True)
    shutil.copy(path, store.files / "uploads" / path.name)
    return path.name


def view(store: SqlStore, run: str) -> ExperimentView:
    found = fold(store.read(run)).experiment
    assert found is not None
    return found


def ended(store: SqlStore, spec: Any) -> str:
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    return run


@pytest.fixture
def undecided(store: SqlStore, tmp_path: Path) -> str:
    """Six rows a pair, all used, and no verdict."""
    run = ended(store, log_experiment(write(tmp_path / "few.csv", rows(6, seed=1)), NAMES, budget=18, delta=0.05))
    assert (view(store, run).verdict or ended).kind == "undecided"  # type: ignore[union-attr]
    return run


def test_more_rows_bring_the_verdict_and_nothing_stored_changes(
    store: SqlStore, undecided: str, tmp_path: Path
) -> None:
    before = store.read(undecided)
    name = upload(store, write(tmp_path / "more.csv", rows(40, seed=2, prompts="q")))
    store.send(undecided, "extend", {"log": name})
    assert store.status(undecided).resumable
    assert work(store, undecided, FAKES) == FINISHED
    after, found = store.read(undecided), view(store, undecided)
    assert after[: len(before)] == before
    assert [(e.rows, e.refused, e.budget) for e in found.extended] == [(120, "", 138)]
    assert found.verdict is not None
    assert (found.verdict.kind, found.verdict.policy) == ("winner", "one")
    assert found.verdict.comparisons > 18
    assert store.row(undecided).budget == 138
    # The ranking counts the rows of both files.
    assert sum(p["comparisons"] for p in found.metrics["ranking"]["policies"]) == 2 * found.comparisons  # type: ignore[index]


def test_more_comparisons_use_what_was_left_of_the_log(store: SqlStore, tmp_path: Path) -> None:
    run = ended(store, log_experiment(write(tmp_path / "log.csv", rows(60, seed=3)), NAMES, budget=9, delta=0.05))
    assert store.status(run).reason == "budget"
    store.send(run, "extend", {"budget": 180})
    assert work(store, run, FAKES) == FINISHED
    found, whole = view(store, run), log_experiment(tmp_path / "log.csv", NAMES, budget=180, delta=0.05)
    at_once = view(store, ended(store, whole))
    assert found.verdict is not None
    assert at_once.verdict is not None
    # Going on is as if the budget had been larger from the beginning: pairs, answers and verdict are the same.
    assert list(found.pairs.values()) == list(at_once.pairs.values())
    assert found.verdict == at_once.verdict


def test_a_verdict_is_final_and_what_is_no_more_is_refused(store: SqlStore, tmp_path: Path) -> None:
    run = ended(store, log_experiment(write(tmp_path / "log.csv", rows(60, seed=3)), NAMES, budget=180, delta=0.1))
    before = store.read(run)
    with pytest.raises(InvalidInput, match="a verdict, which is final"):
        store.send(run, "extend", {"budget": 500})
    assert (store.read(run), store.commands(run), store.status(run).reason) == (before, [], "verdict")
    with pytest.raises(InvalidInput, match="got neither"):
        store.send(run, "extend", {})
    with pytest.raises(InvalidInput, match="name of an uploaded file"):
        store.send(run, "extend", {"log": "../poets.db"})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([["p", "one", "two", "who knows"]], "'who knows' in 1 row, first in row 2"),
        (rows(6, seed=9), "18 rows are left out: the prompt was counted before"),
        ([["p0two0", "one", "two", "b"]], "prompt was counted before"),  # another judgment on a prompt that is closed
        ([["x", "four", "five", "a"]], "row"),
        ([["x1", "one", "two", "a"], ["x1", "one", "two", "b"]], "hold several rows"),
    ],
)
def test_rows_that_add_nothing_fair_are_refused_and_the_run_ends_as_it_had(
    store: SqlStore, undecided: str, tmp_path: Path, said: list[list[str]], why: str
) -> None:
    before = view(store, undecided)
    store.send(undecided, "extend", {"log": upload(store, write(tmp_path / "more.csv", said))})
    assert work(store, undecided, FAKES) == FINISHED
    found = view(store, undecided)
    assert len(found.extended) == 1
    assert re.search(why, found.extended[0].refused)
    assert (found.comparisons, found.verdict, found.budget) == (before.comparisons, before.verdict, None)
    assert store.status(undecided).reason in ("budget", "exhausted")


def test_the_same_file_does_not_count_twice(store: SqlStore, undecided: str, tmp_path: Path) -> None:
    name = upload(store, write(tmp_path / "more.csv", rows(2, seed=4, prompts="q", p=0.5)))
    for _ in range(2):
        store.send(undecided, "extend", {"log": name})
        assert work(store, undecided, FAKES) == FINISHED
    one, two = view(store, undecided).extended
    assert (one.rows, one.refused) == (6, "")
    assert "counted already" in two.refused
    assert view(store, undecided).comparisons == 24


def test_going_on_can_be_cut_off_anywhere(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store/poets.db"
    store = open_store(url)
    spec = log_experiment(write(tmp_path / "few.csv", rows(4, seed=1)), NAMES, budget=12, delta=0.05)
    name = upload(store, write(tmp_path / "more.csv", rows(8, seed=2, prompts="q")))

    def begun() -> str:
        run = ended(store, spec)
        store.send(run, "extend", {"log": name})
        return run

    appends = noted(store)
    whole = begun()
    first = len(appends)
    assert work(store, whole, FAKES) == FINISHED
    wanted = science(store.read(whole))
    chosen = [p - first for p in places(appends) if p >= first]
    assert len(chosen) > 3
    for place in chosen:
        run, cut = begun(), Judged(url)
        cut.left, cut.script = place, lambda _: []
        with pytest.raises(SystemExit):
            work(cut, run, FAKES)
        cut.close()
        if store.status(run).reason not in ("", "extended"):
            continue
        free(store, run)
        assert work(store, run, FAKES) == FINISHED
        assert science(store.read(run)) == wanted, f"cut off before append {place}"


def test_people_go_on_after_the_budget_and_take_back_their_last_answer(tmp_path: Path) -> None:
    store = Judged(f"sqlite:///{tmp_path}/store/poets.db")
    store.script = prefer(("large", "reference", "small"))
    run = ended(store, branch_experiment(store, judge="person", delta=0.01, budget=3))
    assert store.status(run).reason == "budget"
    store.script = prefer(("large", "reference", "small"), "bob")  # another judge goes on
    store.send(run, "extend", {"budget": 6})
    open_now = view(store, run).waiting
    for index in open_now:  # pairs that were open when the budget was spent
        store.send(run, "judge", {"index": index, "outcome": "tie", "judge": "bob"})
    store.send(run, "judge", {"index": -1, "outcome": "undo", "judge": "ann"})
    assert work(store, run, FAKES) == FINISHED
    found, kinds = view(store, run), [e.kind for e in store.read(run)]
    assert found.comparisons == 6
    assert kinds.count("withdrawn") == 1  # an event, and the answer is still in the log
    assert kinds.count("compared") == 7
    assert set(found.judges) == {"ann", "bob"}


def test_an_extension_reads_back_as_it_was() -> None:
    from poets_core.runs.event_reader import from_json

    event = Extended(9, 2, "more.csv", "0" * 64, 5, ("one row is left out.",))
    assert from_json("extended", event.to_json()) == event
