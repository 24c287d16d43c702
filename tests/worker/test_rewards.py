"""A worker learns from rewards: cut off anywhere, killed, paused, stopped, and the log is that of an untouched run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold, summary
from poets_core.types import BEFORE
from poets_core.worker.worker import FAILED, FINISHED, work
from tests.waiting import until
from tests.worker.rewards import PROMPTS, lines, prompts, small_run, spec_of
from tests.worker.steps import free, science
from tests.worker.test_interruptions import Interrupted

APPENDS = 6
"""Of the small run: begun twice, the untrained model, two rounds, finished."""


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """The folder of the files of a run that nobody touched, and its log."""
    folder = tmp_path_factory.mktemp("rewards")
    store = SqlStore(f"sqlite:///{folder}/store/poets.db")
    run = small_run(store, folder)
    assert work(store, run) == FINISHED, store.status(run).reason
    return folder, science(store.read(run))


def test_a_run_says_what_was_learnt(untouched: tuple[Path, list[Any]], store: SqlStore) -> None:
    folder, _ = untouched
    there = SqlStore(f"sqlite:///{folder}/store/poets.db")
    run = there.runs(kind="rewards")[0]
    view = fold(there.read(run.id))
    assert (run.method, run.calls, run.budget) == ("poets", 2, 2)
    assert view.rewards is not None
    assert view.rewards.task["train"] == view.rewards.task["held_out"] == 3
    assert 0 <= view.rewards.untrained["held_out_reward"] <= 1
    assert view.rewards.untrained["kl"] == pytest.approx(0.0, abs=1e-6)
    assert [r.round for r in view.rounds] == [0, 1]
    named = ("train_reward", "held_out_reward", "gap", "kl", "entropy", "equal_groups", "divergence", "unknown", "ess")
    assert all(name in r.metrics for name in named for r in view.rounds)
    assert all(r.metrics["equal_groups"] < 1 for r in view.rounds)  # there was something to learn in each round
    assert abs(view.rounds[1].metrics["kl"]) > 1e-3  # an estimate, of either sign; 0 where nothing has moved
    assert set(view.rewards.untrained["held_out_judged"]) <= {"odd", "even"}
    assert len(view.rewards.prompts) == 2
    assert all(p.held_out for p in view.rewards.prompts)
    assert {a.branch for a in view.rewards.untrained_answers} == {-1}
    assert sorted((a.shown, a.branch) for a in view.rewards.answers) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert sorted(p.name for p in (there.folder(run.id) / "adapters").iterdir()) == ["branch-0", "branch-1"]
    told = summary(view, there.status(run.id))
    assert told["rounds"] == 2
    assert told["answers"] == 12
    lines = there.read(run.id)
    assert all(fold(lines[k:], fold(lines[:k])) == view for k in range(len(lines) + 1))
    there.close()


@pytest.mark.parametrize("place", range(APPENDS))
def test_cut_off_before_an_append_and_resumed(untouched: tuple[Path, list[Any]], store: SqlStore, place: int) -> None:
    """One of them loses its checkpoints too, and plays its rounds again."""
    folder, wanted = untouched
    run = store.create(spec_of(prompts(folder)))
    cut = Interrupted(store.url)
    cut.left = place
    with pytest.raises(SystemExit):
        work(cut, run)
    free(cut, run)
    cut.close()
    if place == APPENDS - 1:
        for path in (store.folder(run) / "checkpoints").glob("*"):
            path.write_bytes(path.read_bytes()[:-3])
    assert work(store, run) == FINISHED
    assert science(store.read(run)) == wanted


def test_killed_and_resumed(untouched: tuple[Path, list[Any]], store: SqlStore) -> None:
    folder, wanted = untouched
    run = store.create(spec_of(prompts(folder)))
    command = [sys.executable, "-m", "poets_core", "worker", "--run", run, "--store", store.url]
    child = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    # Anywhere after it has begun: what it does next is another matter each time.
    until(lambda: len(store.read(run)) >= 4, lambda: f"it never began: {store.status(run)}")
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert work(store, run) == FINISHED
    assert science(store.read(run)) == wanted


def test_stopped_before_it_begins_and_resumed(untouched: tuple[Path, list[Any]], store: SqlStore) -> None:
    folder, wanted = untouched
    run = store.create(spec_of(prompts(folder)))
    store.send(run, "stop")
    assert work(store, run) == FINISHED
    assert store.status(run).reason == "stopped"
    store.send(run, "resume")
    assert work(store, run) == FINISHED
    kept = [e for e in store.read(run) if not (e.kind == "finished" and e.event.reason == "stopped")]
    assert science(kept) == wanted


def test_stopped_in_a_fit_leaves_the_branches_of_the_last_round(
    untouched: tuple[Path, list[Any]], store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command comes while the second round learns; the adapters are those of the first."""
    folder, wanted = untouched
    run = store.create(spec_of(prompts(folder)))
    from poets_core.fit.trainer import Trainer

    real, steps = Trainer.step, []

    def step(self: Trainer, *rest: Any) -> Any:
        found = real(self, *rest)
        steps.append(1)
        if len(steps) == 3:
            store.send(run, "stop")
        return found

    monkeypatch.setattr(Trainer, "step", step)
    assert work(store, run) == FINISHED
    monkeypatch.undo()
    view = fold(store.read(run))
    assert (view.finished, len(view.rounds)) == ("stopped", 1)
    adapter = store.folder(run) / "adapters" / "branch-0" / "adapter_model.safetensors"
    after_one = adapter.read_bytes()
    one = store.create(spec_of(prompts(folder), rounds=1))
    assert work(store, one) == FINISHED
    assert (store.folder(one) / "adapters" / "branch-0" / "adapter_model.safetensors").read_bytes() == after_one
    store.send(run, "resume")
    assert work(store, run) == FINISHED
    kept = [e for e in store.read(run) if not (e.kind == "finished" and e.event.reason == "stopped")]
    assert science(kept) == wanted


def test_a_file_that_has_changed_is_refused(store: SqlStore, tmp_path: Path) -> None:
    file = prompts(tmp_path)
    run = store.create(spec_of(file))
    cut = Interrupted(store.url)
    cut.left = 3
    with pytest.raises(SystemExit):
        work(cut, run)
    free(cut, run)
    cut.close()
    lines(file, [{"prompt": p, "answer": a + 1} for p, a in PROMPTS])
    assert work(store, run) == FAILED
    assert "Expected the task that run" in store.status(run).reason


def test_a_verifier_that_dies_ends_the_run_and_says_why(store: SqlStore, tmp_path: Path) -> None:
    (tmp_path / "judges.py").write_text("def judge(prompt, response, answer):\n    raise KeyError('gone')\n")
    task = {
        "name": "text/own",
        "params": {"file": str(prompts(tmp_path)), "function": "judges:judge", "held_out_share": 0.5},
    }
    run = store.create(spec_of(None, task=task))
    assert work(store, run) == FAILED
    assert "KeyError" in store.status(run).reason
    (tmp_path / "judges.py").write_text("def judge(prompt, response, answer):\n    return response == answer\n")
    assert work(store, run) == FINISHED


@pytest.mark.parametrize("beside", [True, False])
def test_given_answers_are_learnt_alone(store: SqlStore, tmp_path: Path, beside: bool) -> None:
    """Beside a task the held-out prompts are judged; without one nothing is."""
    rows = [{"prompt": p, "answer": str(a + k), "reward": 1.0 - k} for p, a in PROMPTS for k in (0, 1)]
    given = {"file": str(lines(tmp_path / "answers.jsonl", rows)), "alone": True}
    run = store.create(spec_of(prompts(tmp_path) if beside else None, given=given))
    assert work(store, run) == FINISHED, store.status(run).reason
    view = fold(store.read(run))
    assert view.rewards is not None
    assert view.rewards.given == {"answers": 6 if beside else 12, "unknown": 0, "held_out": 6 if beside else 0}
    assert [r.metrics["replayed"] for r in view.rounds] == [6 if beside else 12] * 2
    assert (view.rounds[-1].metrics["held_out_reward"] is not None) == beside
    assert view.rounds[-1].metrics["kl"] is not None
    assert BEFORE == -1
