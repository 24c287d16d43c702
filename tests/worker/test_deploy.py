"""Models of a run that learnt from rewards are taken away: each, the winner, the mean; adapters and merged."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domains import catalog
from poets_core.errors import InvalidSpec
from poets_core.runs.artifacts import read_artifact
from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import TaskSettings, TaskSpec, parse_spec
from poets_core.worker.rewards.contest import contest
from poets_core.worker.worker import FAILED, FINISHED, work
from tests.worker.rewards import prompts, small_run, spec_of


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[SqlStore, str]:
    """A store with a finished run of two branches."""
    folder = tmp_path_factory.mktemp("deploy")
    store = SqlStore(f"sqlite:///{folder}/store/poets.db")
    run = small_run(store, folder, steps=8, learning_rate=0.02)
    assert work(store, run) == FINISHED, store.status(run).reason
    return store, run


def deployed(store: SqlStore, run: str, **settings: Any) -> tuple[str, int]:
    """Deploy a run; return the task and the worker's exit code."""
    task = store.create(TaskSpec(task=TaskSettings(name="deploy", run=run, **settings)))
    return task, work(store, task)


def unpacked(store: SqlStore, task: str, folder: Path) -> dict[str, Any]:
    """Unpack what a task made; return what it says of itself."""
    (made,) = fold(store.read(task)).artifacts
    with zipfile.ZipFile(io.BytesIO(read_artifact(store, task, made.path, made.sha256))) as archive:
        archive.extractall(folder)
    about: dict[str, Any] = json.loads((folder / "deployment.json").read_text())
    assert made.max_difference == about["largest_difference_nats"]
    return about


def run_readme(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the program in the README of what was deployed, as people would; return what it printed."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(folder)
    code = code.replace("BASE = 'text'", f"BASE = {str(catalog.backbones()['text'].folder)!r}")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102  (our own text, tried as people would)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "folders"),
    [
        ({"way": "each"}, ["branch-0", "branch-1"]),
        ({"way": "mean"}, ["mean"]),
        ({"way": "mean", "merged": True}, ["mean"]),
    ],
)
def test_what_was_deployed_loads_elsewhere_and_answers(
    learnt: tuple[SqlStore, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, Any],
    folders: list[str],
) -> None:
    store, run = learnt
    task, code = deployed(store, run, **settings)
    assert code == FINISHED, store.status(task).reason
    about = unpacked(store, task, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == folders
    assert about["branches"] == [0, 1]
    assert about["largest_difference_nats"] < 1e-4
    assert run_readme(tmp_path, monkeypatch, capsys).strip()
    whole = (tmp_path / folders[0] / "model.safetensors").is_file()
    assert whole == bool(settings.get("merged"))


def test_a_winner_is_deployed_or_none_is_claimed(learnt: tuple[SqlStore, str], tmp_path: Path) -> None:
    store, run = learnt
    task, code = deployed(store, run, way="winner", merged=True, comparisons=64, delta=0.5)
    view = fold(store.read(task))
    (played,) = view.contests
    assert played.verdict.comparisons == len(played.comparisons) <= 64
    if played.verdict.policy is None:
        assert code == FAILED
        assert "deploy the mean" in store.status(task).reason
        assert view.artifacts == []
    else:
        assert code == FINISHED
        about = unpacked(store, task, tmp_path)
        assert f"branch {about['branches'][0]}" == played.verdict.policy


def test_the_one_branch_that_writes_is_deployed(store: SqlStore, tmp_path: Path) -> None:
    """Of perturbations the best one alone may write, and it need not be the first."""
    for seed in range(5):
        perturbed = {
            "method": "perturb",
            "bootstrap": "none",
            "branches": 4,
            "top": 1,
            "perturbation": 0.2,
            "rounds": 1,
        }
        spec = spec_of(prompts(tmp_path), **perturbed).model_copy(update={"seed": seed})
        run = store.create(spec)
        assert work(store, run) == FINISHED, store.status(run).reason
        if (best := fold(store.read(run)).rounds[-1].metrics["kept"]) != [0]:
            break
    assert best != [0]
    task, code = deployed(store, run, way="winner")
    assert code == FINISHED, store.status(task).reason
    assert unpacked(store, task, tmp_path)["branches"] == best


@pytest.mark.parametrize("best", [0, 2])
def test_the_branch_that_answers_better_wins(best: int) -> None:
    """Rewards are of the test's making: one branch is right 6 times of 10, the others 3 times."""
    rng = np.random.default_rng(0)

    def judged(branch: Any, item: Any, keys: Any) -> Any:
        assert len(set(keys)) == len(keys)
        return (rng.random(len(branch)) < np.where(branch == best, 0.6, 0.3)).astype(float)

    played = contest(judged, [0, 1, 2], 5, delta=0.1, budget=5000, seed=1)
    assert played.branch == best
    assert 0 < played.verdict.comparisons < 5000


def test_equal_branches_are_not_told_apart() -> None:
    played = contest(lambda b, i, k: np.ones(len(b)), [0, 1], 5, delta=0.1, budget=100, seed=1)
    assert (played.verdict.kind, played.branch, played.verdict.comparisons) == ("undecided", None, 100)
    lost = contest(lambda b, i, k: np.where(b == 0, np.nan, 0.0), [0, 1], 5, delta=0.1, budget=500, seed=1)
    assert lost.branch == 1  # an answer that nobody can judge loses against a wrong one


def test_a_run_that_has_learnt_nothing_is_not_deployed(store: SqlStore, tmp_path: Path) -> None:
    task, code = deployed(store, small_run(store, tmp_path), way="mean")
    assert code == FAILED
    assert "has learnt nothing yet" in store.status(task).reason


def test_several_models_are_not_merged_into_one_file() -> None:
    data = {"version": 2, "kind": "task", "task": {"name": "deploy", "run": "r", "way": "each", "merged": True}}
    with pytest.raises(InvalidSpec, match="winner or the mean"):
        parse_spec(data)
