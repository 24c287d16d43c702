"""`poets verify` and the report of a run that learns from rewards."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load, save

from poets_core.runs.export import archive_bytes
from poets_core.runs.report.report import report_html
from poets_core.runs.reward_events import Answered, RewardsBegun, SampledAnswer, ShownPrompt
from poets_core.runs.store import SqlStore
from poets_core.runs.views.rewards import RewardsView, begun
from poets_core.runs.views.run import RunView
from poets_core.worker.worker import FINISHED, work
from tests.runs.test_report import HOSTILE, Page
from tests.worker.forged import Members, event, log, places, rechained, reported, summed, verified
from tests.worker.rewards import small_run


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """The archive of a finished run."""
    folder = tmp_path_factory.mktemp("rewards")
    store = SqlStore(f"sqlite:///{folder}/store/poets.db")
    run = small_run(store, folder)
    assert work(store, run) == FINISHED, store.status(run).reason
    with zipfile.ZipFile(io.BytesIO(archive_bytes(store, run))) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_an_archive_that_nobody_changed_is_verified(members: Members, tmp_path: Path) -> None:
    code, said = verified(members, tmp_path)
    assert (code, places(said)) == (0, set())
    states = {check["name"]: (check["state"], check["said"]) for check in said["checks"]}
    assert states["log"] == ("ok", "2 of 2 rounds learnt")
    assert states["measured again"][0] == "not done"


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        *folders, name = path.split(".")
        for folder in folders:
            body = body[int(folder)] if isinstance(body, list) else body[folder]
        body[name] = value

    return change


@pytest.mark.parametrize(
    ("kind", "nth", "path", "value", "field"),
    [
        ("updated", 0, "metrics.held_out_reward", 1.5, "metrics.held_out_reward"),
        ("updated", 1, "round", 1, "round"),
        ("answers", 0, "answers.0.reward", -0.5, "answers.0.reward"),
        ("answers", 0, "answers.0.branch", 1, "answers.0.branch"),
        ("answers", 1, "answers.0.branch", 7, "answers.0.branch"),
        ("answers", 1, "answers.0.shown", 9, "answers.0.shown"),
        ("answers", 1, "round", 1, "round"),
    ],
)
def test_what_cannot_have_been_is_found_though_everything_else_was_repaired(
    members: Members, tmp_path: Path, kind: str, nth: int, path: str, value: Any, field: str
) -> None:
    forged = summed(reported(rechained(event(kind, _set(path, value), nth)(members))))
    code, said = verified(forged, tmp_path)
    assert code == 1
    assert ("log", "events.jsonl", field) in {(check, file, f) for check, file, _, f in places(said)}


def test_a_round_that_was_taken_out_or_added_is_found(members: Members, tmp_path: Path) -> None:
    def without(events: list[dict[str, Any]]) -> None:
        del events[next(i for i, e in enumerate(events) if e["kind"] == "updated" and e["body"]["round"] == 0)]
        for number, one in enumerate(events, 1):
            one["seq"] = number

    code, said = verified(summed(reported(rechained(log(without)(members)))), tmp_path)
    assert code == 1
    assert any(place[0] == "log" and place[3] == "round" for place in places(said))


def test_one_changed_letter_figure_or_tensor_is_named(members: Members, tmp_path: Path) -> None:
    forged = event("answers", _set("answers.0.text", "another"), -1)(members)
    _, said = verified(forged, tmp_path)
    assert {"chain", "checksums", "report"} <= {place[0] for place in places(said)}
    name = next(n for n in members if n.startswith("adapters/") and n.endswith(".safetensors"))
    tensors = load(members[name])
    changed = sorted(tensors)[0]
    tensors[changed] = tensors[changed] + 1
    _, said = verified(members | {name: save(tensors)}, tmp_path)
    assert ("tensors", name, f"tensor {changed}", "values") in places(said)


def test_its_report_says_what_was_learnt(members: Members) -> None:
    text = Page(members["report.html"].decode()).text
    assert "Learning from rewards" in text
    assert "2 rounds were learnt" in text
    assert "held-out prompts were right after round 2" in text
    assert not [words for words in ("Experiment", "Nothing valid", "Best designs") if words in text]


def test_what_a_model_wrote_is_text_in_the_report() -> None:
    lesson: RewardsView = begun(
        RewardsBegun({"name": HOSTILE, "held_out": 1}, {}, (ShownPrompt("1", HOSTILE, "", "", True),))
    )
    answers = (SampledAnswer(0, 0, HOSTILE, None), SampledAnswer(0, 1, "\x00\ud7ff" + "B" * 5000, 1.0))
    view = RunView(rewards=lesson.add(Answered(0, answers)))
    spec = '{"kind": "rewards", "seed": 0, "task": {"name": "t"}, "rewards": {"method": "poets"}}'
    text = report_html(view, "r", spec, {}, {}).decode()
    read = Page(text)
    assert not {"script", "img"} & set(read.tags)
    assert read.fetched == []
    assert read.text.count(HOSTILE) >= 3
    assert "B" * 401 not in text
