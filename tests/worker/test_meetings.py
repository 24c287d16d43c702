"""Where audits, judges that are models, rankings and going on meet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from poets_core.cli.specs import kept_in
from poets_core.runs import going_on
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.ranking import read_ranking
from poets_core.worker.worker import FINISHED, work
from tests.worker.experiments import log_experiment, prompt_experiment
from tests.worker.fake import FAKES
from tests.worker.forged import events_of, places, rechained, summed, verified, with_events
from tests.worker.test_audits import Server, audit_of, by_text, judged_log, people, serve
from tests.worker.test_going_on import NAMES, rows, upload, view, write
from tests.worker.test_ranking_cli import call
from tests.worker.test_verify_experiments import archived

__all__ = ["serve"]  # a fixture


@pytest.fixture
def ended(tmp_path: Path) -> tuple[SqlStore, str]:
    """An audit of 18 rows that ended undecided, all of them used."""
    store = people(tmp_path, by_text)
    judged_log(tmp_path / "log.csv", 6)
    run = store.create(kept_in(audit_of(tmp_path, budget=18, delta=0.01, audit_floor=0.5), store))
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    return store, run


def reported(store: SqlStore, run: str) -> str:
    """The report of a run without its markup."""
    return re.sub("<[^>]{0,99}>", " ", archived(store, run)["report.html"].decode())


def renamed(tmp_path: Path, n: int, **how: bool) -> Path:
    """Further rows for the audit, each on a prompt of its own."""
    path = judged_log(tmp_path / "more.csv", n, **how)
    path.write_text(path.read_text().replace("prompt ", "another "))
    return path


@pytest.mark.parametrize("how", [{"bare": True}, {"shared": True}])
def test_further_rows_that_cannot_be_audited_are_refused_and_the_audit_ends_as_it_had(
    ended: tuple[SqlStore, str], tmp_path: Path, how: dict[str, bool]
) -> None:
    store, run = ended
    before = view(store, run)
    store.send(run, "extend", {"log": upload(store, renamed(tmp_path, 6, **how))})
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    after = view(store, run)
    assert "both responses" in after.extended[0].refused or "hold several rows" in after.extended[0].refused
    assert (after.comparisons, after.verdict) == (before.comparisons, before.verdict)
    # Nothing of the refused file stays: other rows are taken in after it.
    good = judged_log(tmp_path / "good.csv", 2)
    good.write_text(good.read_text().replace("prompt ", "third "))
    store.send(run, "extend", {"log": upload(store, good)})
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    assert view(store, run).comparisons == before.comparisons + 6


def test_an_audit_goes_on_at_the_command_line_without_waiting_for_its_people(
    ended: tuple[SqlStore, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, run = ended
    followed: list[str] = []
    monkeypatch.setattr("poets_core.cli.experiments.followed", lambda *_: followed.append("followed"))
    monkeypatch.setattr(going_on, "launch", lambda opened, name: work(store, name, FAKES))
    bare = renamed(tmp_path, 6, bare=True)
    code, _, err = call(monkeypatch, capsys, "extend", run, "--log", str(bare), "--store", store.url)
    assert (code, "row 2 of more-" in err) == (2, True), err
    more = renamed(tmp_path, 6)
    code, _, err = call(monkeypatch, capsys, "extend", run, "--log", str(more), "--store", store.url)
    assert (code, "waits for judges again" in err) == (0, True), err
    assert followed == []


def test_an_answer_in_an_audit_is_taken_back_at_the_command_line(
    ended: tuple[SqlStore, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, run = ended
    words = ("undo", run, "--judge", "ann", "--store", store.url)
    code, _, err = call(monkeypatch, capsys, *words)
    assert (code, "which has ended" in err) == (2, True), err
    # Given more it waits again: the answer is taken back before anything is judged, and given anew.
    store.send(run, "extend", {"log": upload(store, renamed(tmp_path, 2))})
    assert call(monkeypatch, capsys, *words)[0] == 0
    index = max(p.index for p in view(store, run).pairs.values() if p.judge == "ann")
    store.send(run, "judge", {"index": index, "outcome": "tie", "judge": "ann"})
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    found = view(store, run)
    assert [e.kind for e in store.read(run)].count("withdrawn") == 1
    assert (found.pairs[index].outcome, found.comparisons) == ("tie", 24)
    assert found.verdict is not None
    assert found.verdict.spec["judgements"][index][3] == "tie"
    assert verified(archived(store, run), tmp_path)[0] == 0


def test_the_report_of_an_audit_counts_people_and_says_so(ended: tuple[SqlStore, str], tmp_path: Path) -> None:
    store, run = ended
    said, found = reported(store, run), view(store, run)
    labels = sum(p.judge == "ann" for p in found.pairs.values())
    assert f"after 18 verdicts of the judge and {labels} of people" in said
    assert "Answers of people alone" in said
    # Numbers of the table: wins by people, as the last update has them.
    wins = [n for i, row in enumerate(found.metrics["wins"]) for j, n in enumerate(row) if i != j]  # type: ignore[index]
    table = said.partition("Comparisons")[2].partition("Wins of")[0]
    assert [int(n) for n in re.findall(r"[0-9]+", table)] == wins
    assert sum(wins) == labels


def test_an_audit_is_not_ranked_by_what_its_judge_says(
    ended: tuple[SqlStore, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, run = ended
    code, _, err = call(monkeypatch, capsys, "ranking", run, "--store", store.url)
    assert code == 2
    assert "would say nothing of people" in err


def later(asked: str) -> str:
    """A judge who prefers what comes later in the alphabet."""
    a, b = (asked.split(f"[Response {x}]\n")[1].split("\n[End of")[0] for x in "AB")
    return "tie" if a == b else "A" if a > b else "B"


@pytest.mark.parametrize("top", [1, 2])
def test_a_ranking_by_a_model_says_so_and_its_replies_are_read_again(
    store: SqlStore,
    tmp_path: Path,
    serve: Any,
    top: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server: Server = serve(later)
    spec = prompt_experiment(judge="model", judge_model="m", judge_url=server.url, budget=40, delta=0.4, top=top)
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    assert "according to the model m" in reported(store, run)
    assert ("The best 2 are " in reported(store, run)) == (view(store, run).verdict.kind == "top")  # type: ignore[union-attr]
    code, out, _ = call(monkeypatch, capsys, "ranking", run, "--store", store.url)
    assert (code, "According to the model 'm'" in out) == (0, True)
    file = tmp_path / "ranking.json"
    assert call(monkeypatch, capsys, "ranking", run, "--out", str(file), "--store", store.url)[0] == 0
    assert read_ranking(file.read_bytes()).according_to == "m"
    members = archived(store, run)
    assert verified(members, tmp_path)[0] == 0
    events = events_of(members)
    said = next(e["body"] for e in events if e["kind"] == "compared" and e["body"]["outcome"] != "tie")
    said["outcome"] = "tie"
    _, found = verified(summed(rechained(with_events(members, events))), tmp_path)
    assert ("verdict", f"pair {said['index']}", "outcome") in {(c, row, field) for c, _, row, field in places(found)}


def test_a_budget_below_what_was_made_is_refused_with_further_rows_too(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = store.create(log_experiment(write(tmp_path / "few.csv", rows(6, seed=1)), NAMES, budget=18, delta=0.05))
    assert work(store, run, FAKES) == FINISHED
    monkeypatch.setattr(going_on, "launch", lambda opened, name: work(store, name, FAKES))
    more = write(tmp_path / "more.csv", rows(6, seed=2, prompts="q"))
    words = ("extend", run, "--log", str(more), "--budget", "10", "--store", store.url)
    code, _, err = call(monkeypatch, capsys, *words)
    assert (code, "more than the 18 comparisons" in err) == (2, True), err
    assert store.commands(run) == []
