"""Rankings, going on and taking back at the command line."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from poets_core.cli import main
from poets_core.runs import going_on
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.ranking import read_ranking
from poets_core.worker.worker import FINISHED, work
from tests.worker.experiments import Judged, branch_experiment, prefer
from tests.worker.fake import FAKES
from tests.worker.test_going_on import NAMES, rows, undecided, upload, view, write

__all__ = ["undecided"]  # a fixture


def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command line in this process; returns exit code, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["poets_core", *words])
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        main()
    out = capsys.readouterr()
    return int(left.value.code or 0), out.out, out.err


def test_a_run_is_ranked_written_and_read_again(
    store: SqlStore, undecided: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--store", store.url)
    code, out, _ = call(monkeypatch, capsys, "ranking", undecided, *at)
    assert code == 0
    assert all(name in out for name in NAMES)
    assert "Ranked by duels" in out
    file = tmp_path / "ranking.json"
    assert call(monkeypatch, capsys, "ranking", undecided, "--out", str(file), *at)[0] == 0
    printed = read_ranking(call(monkeypatch, capsys, "ranking", str(file), "--json")[1].encode())
    assert printed == read_ranking(file.read_bytes())
    table = tmp_path / "ranking.csv"
    assert call(monkeypatch, capsys, "ranking", str(file), "--by", "mean", "--out", str(table))[0] == 0
    with table.open() as lines:
        assert {r["policy"] for r in csv.DictReader(lines)} == set(NAMES)


def test_a_log_is_ranked_without_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write(tmp_path / "log.csv", rows(80, seed=5))
    code, out, err = call(monkeypatch, capsys, "ranking", str(log), "--delta", "0.05", "--json")
    assert code == 0
    found = read_ranking(out.encode())
    assert found.delta == 0.05
    assert [p.name for p in found.order("duels")] == list(NAMES)
    assert [p.ranks["duels"] for p in found.order("duels")] == [(1, 1), (2, 2), (3, 3)]
    assert "240 comparisons of 3 policies count" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--by", "luck"), "Expected --by duels, mean, bradley-terry, got 'luck'"),
        (("--out", "x.pdf"), "ends in .csv or .json"),
    ],
)
def test_what_no_ranking_can_be_is_exit_2(
    store: SqlStore,
    undecided: str,
    words: tuple[str, ...],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = call(monkeypatch, capsys, "ranking", undecided, "--store", store.url, *words)
    assert code == 2
    assert says in err


def test_a_damaged_file_of_a_ranking_is_not_taken_for_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ranking.json"
    file.write_text(json.dumps({"format": "poets ranking 1", "policies": []}))
    code, _, err = call(monkeypatch, capsys, "ranking", str(file))
    assert code == 2
    assert "Expected a ranking as this program writes it" in err


def test_extend_goes_on_to_the_verdict(
    store: SqlStore, undecided: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(going_on, "launch", lambda opened, run: work(store, run, FAKES))
    more = write(tmp_path / "more.csv", rows(40, seed=2, prompts="q"))
    assert call(monkeypatch, capsys, "extend", undecided, "--log", str(more), "--store", store.url)[0] == 0
    verdict = view(store, undecided).verdict
    assert verdict is not None
    assert verdict.policy == "one"
    code, _, err = call(monkeypatch, capsys, "extend", undecided, "--budget", "9999", "--store", store.url)
    assert code == 2
    assert "a verdict, which is final" in err


def test_rows_that_add_nothing_are_exit_2_with_the_reason(
    store: SqlStore, undecided: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(going_on, "launch", lambda opened, run: work(store, run, FAKES))
    same = tmp_path / "few.csv"
    upload(store, same)
    code, _, err = call(monkeypatch, capsys, "extend", undecided, "--log", str(same), "--store", store.url)
    assert code == 2
    assert "counted already" in err


def test_undo_is_for_judges_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Judged(f"sqlite:///{tmp_path}/store/poets.db")
    store.script = prefer(("large", "reference", "small"))
    run = store.create(branch_experiment(store, judge="person", delta=0.01, budget=3))
    assert work(store, run, FAKES) == FINISHED
    words = ("undo", run, "--judge", "ann", "--store", store.url)
    code, _, err = call(monkeypatch, capsys, *words)
    assert code == 2
    assert "which has ended (budget)" in err
    # Given more it waits again, and then the last answer can be taken back.
    store.send(run, "extend", {"budget": 4})
    store.script = lambda _: []
    code, _, err = call(monkeypatch, capsys, "undo", run, "--judge", "bob", "--store", store.url)
    assert "got 'bob': ann" in err
    assert call(monkeypatch, capsys, *words)[0] == 0
    store.script = prefer(("large", "reference", "small"))
    last = max(p.index for p in view(store, run).pairs.values() if p.outcome is not None)
    for index in (last, *view(store, run).waiting):  # the pair is open again, and is judged anew
        store.send(run, "judge", {"index": index, "outcome": "tie", "judge": "ann"})
    assert work(store, run, FAKES) == FINISHED
    kinds = [e.kind for e in store.read(run)]
    assert kinds.count("withdrawn") == 1
    assert view(store, run).comparisons == 4
