"""Runs that learn from rewards at the command line: specs made, their files found and kept, mistakes told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from poets_core.cli import app, learn
from poets_core.cli.rewards import files
from poets_core.cli.specs import check, kept_in, located
from poets_core.errors import InvalidInput
from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import RewardsSpec, TaskSettings, TaskSpec, parse_spec
from poets_core.worker.worker import FINISHED, work
from tests.worker.rewards import SMALL, lines, prompts, spec_of
from tests.worker.test_rewards_check import chat_model


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[RewardsSpec]:
    """What the process with limits is asked; it finds nothing wrong."""
    asked: list[RewardsSpec] = []

    def look(spec: RewardsSpec) -> dict[str, Any]:
        asked.append(spec)
        return {"lines": ["read well"]}

    monkeypatch.setattr(learn, "check_rewards", look)
    monkeypatch.setattr("poets_core.cli.rewards.check_rewards", look)
    return asked


def test_a_spec_has_the_defaults_of_its_method(answered: list[RewardsSpec], tmp_path: Path) -> None:
    file = prompts(tmp_path)
    sets = [f"--set=task.params.file={file}", "--set=rewards.method=grpo", "--set=rewards.rounds=3"]
    found = CliRunner().invoke(app, ["spec", "text/own", *sets, "--seed", "7"])
    assert found.exit_code == 0, found.output
    made = parse_spec(found.stdout)
    assert isinstance(made, RewardsSpec)
    assert (made.rewards.branches, made.rewards.beta, made.rewards.rounds, made.seed) == (1, 0.01, 3, 7)
    assert made.task is not None
    assert made.task.params["held_out_share"] == 0.2  # filled in
    assert "read well" in found.stderr
    assert answered == [made]


def test_answers_are_learnt_from_without_a_task(answered: list[RewardsSpec], tmp_path: Path) -> None:
    made, _ = learn.spec_from("answers", [f"given.file={tmp_path / 'a.jsonl'}"])
    assert (made.task, made.given.alone) == (None, True)


@pytest.mark.parametrize(
    ("sets", "field"),
    [
        (["rewards.colour=1"], "rewards.colour"),
        (["rewards.branches=two"], "rewards.branches"),
        (["task.params.colour=1"], "task.params.colour"),
    ],
)
def test_what_is_misspelt_is_told_by_its_field(answered: list[RewardsSpec], sets: list[str], field: str) -> None:
    with pytest.raises(InvalidInput) as found:
        learn.spec_from("text/tiny", ["task.params.task=gcd", *sets])
    assert field in found.value.fields


def test_files_are_found_beside_the_spec_and_kept(
    answered: list[RewardsSpec], store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts(tmp_path)
    lines(tmp_path / "given.jsonl", [{"prompt": "a", "answer": "b", "reward": 1}])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    made = located(spec_of(Path("prompts.jsonl"), given={"file": "given.jsonl"}), tmp_path)
    assert files(made) == {str(tmp_path / "prompts.jsonl"), str(tmp_path / "given.jsonl")}
    check(made, store)
    kept = kept_in(made, store)
    assert all(Path(f).parent == store.files / "uploads" for f in files(kept))
    run = store.create(kept)
    assert store.spec(run) == kept
    # A verifier is looked for beside its file, which therefore stays where it is.
    own = {"name": "text/own", "params": {"file": str(tmp_path / "prompts.jsonl"), "function": "judges:judge"}}
    assert files(spec_of(None, task=own)) == set()


def test_a_chat_template_decides_what_is_read(store: SqlStore, tmp_path: Path) -> None:
    """The same run with a template and without: the model reads other tokens, and is deployed as one that does."""
    model = chat_model(tmp_path, "back {% for m in messages %}{{ m['content'] }}{% endfor %}:")
    runs = []
    for template in ("plain", "chat"):
        backbone = {"source": str(model), "template": template}
        runs.append(store.create(spec_of(prompts(tmp_path), backbone=backbone, rounds=1)))
        assert work(store, runs[-1]) == FINISHED, store.status(runs[-1]).reason
    plain, chat = (fold(store.read(run)).rewards for run in runs)
    assert plain is not None
    assert chat is not None
    assert plain.untrained["entropy"] != chat.untrained["entropy"]
    assert [p.prompt for p in plain.prompts] == [p.prompt for p in chat.prompts]  # people read the prompt itself
    task = store.create(TaskSpec(task=TaskSettings(name="deploy", run=runs[1], way="mean")))
    assert work(store, task) == FINISHED, store.status(task).reason


def test_the_example_is_a_run_of_this_kind() -> None:
    data = json.loads((Path(__file__).parents[2] / "examples" / "rewards_gcd.json").read_text())
    made = parse_spec(data)
    assert isinstance(made, RewardsSpec)
    assert set(SMALL) <= set(data["rewards"])
