"""A laboratory at the command line: a batch out, results back after a report, the next one, another plan."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from poets_core.cli import laboratory
from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import parse_spec
from poets_core.worker.worker import work
from tests.worker.fake import FAKES, fake_spec
from tests.worker.test_cli import call


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch, store: SqlStore) -> None:
    """The worker is this process, with a science of tests."""

    def launch(opened: SqlStore, run: str) -> int:
        work(opened, run, FAKES)
        return 0

    monkeypatch.setattr(laboratory, "launch", launch)
    monkeypatch.setattr(laboratory, "resume", launch)
    monkeypatch.setattr(laboratory.catalog, "naming_of", lambda problem: None)
    monkeypatch.setenv("POETS_STORE", store.url)


@pytest.fixture
def run(store: SqlStore) -> str:
    data = fake_spec(rounds=2, batch=5, people=True).model_dump(mode="json")
    return store.create(parse_spec(data | {"laboratory": {"parent_wells": 0, "plate": "24"}}))


def measured(path: Path, out: Path, keep: slice = slice(None), **change: str) -> None:
    """Fill in the list that was written; `change` is a design and what stands in its place."""
    head, *rows = csv.reader(path.open())
    design, value = head.index("design"), head.index("sum")
    with out.open("w") as file:
        table = csv.writer(file)
        table.writerow(head)
        for row in reversed(rows[keep]):
            row[value] = change.get(row[0], str(sum(map(int, row[design]))))
            table.writerow(row)


def test_from_the_first_batch_to_the_last(
    store: SqlStore, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def said(*words: str) -> tuple[int, str, str]:
        return call(monkeypatch, capsys, *words)

    out, back = tmp_path / "batch.csv", tmp_path / "back.csv"
    code, _, told = said("propose", run, "--out", str(out), "--maps", str(tmp_path / "maps.csv"))
    assert (code, "batch 1" in told) == (0, True)
    assert (tmp_path / "maps.csv").read_text().startswith("plate 1")
    first = list(csv.DictReader(out.open()))
    measured(out, back, slice(0, 2))
    code, printed, told = said("results", run, str(back), "--yes", "--json")
    assert code == 0
    answer = json.loads(printed)
    assert answer["counts"] == {"new": 2}
    assert answer["state"] == "waiting"
    assert "still have no result" in told
    # the same file once more says nothing new, and nothing is written
    code, _, told = said("results", run, str(back), "--yes")
    assert code == 2
    assert "none that are new" in told
    # without a yes nothing is written either
    measured(out, back)
    monkeypatch.setattr(laboratory.typer, "confirm", lambda *words, **more: False)
    code, _, told = said("results", run, str(back))
    assert code == 1
    assert len([c for c in store.commands(run) if c.command == "results"]) == 1
    code, printed, _ = said("results", run, str(back), "--yes", "--json")
    assert json.loads(printed)["counts"] == {"new": len(first) - 2, "unchanged": 2}
    code, _, told = said("propose", run, "--out", str(out))
    assert (code, "batch 2" in told) == (0, True)
    code, _, told = said("budget", run, "3", "--batch", "4")
    assert (code, store.row(run).budget) == (0, 14), told
    code, _, told = said("next", run)
    assert (code, "batch 2 is closed" in told) == (0, True), told
    code, _, told = said("propose", run, "--out", str(tmp_path / "third.xlsx"))
    assert (code, "batch 3" in told) == (0, True), told
    assert sum(c.round == 2 for c in fold(store.read(run)).candidates.values()) == 4


def test_what_is_wrong_is_said_and_nothing_is_written(
    store: SqlStore, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out = tmp_path / "batch.csv"
    assert call(monkeypatch, capsys, "propose", run, "--out", str(out))[0] == 0
    other = tmp_path / "other.csv"
    other.write_text("a,b\nx,1\n")
    program = store.create(fake_spec())
    work(store, program, FAKES)
    for words, says in (
        (("results", run, str(other), "--yes"), "ids of the wells"),
        (("results", run, str(tmp_path / "nowhere.csv"), "--yes"), "nowhere.csv"),
        (("results", run, str(out), "--decimal", "dot"), "auto, point or comma"),
        (("propose", program), "which a program answers"),
        (("resume", run), "waits for results of its laboratory"),
        (("budget", run, "0"), "whole number"),
    ):
        code, _, told = call(monkeypatch, capsys, *words)
        assert code == 2, told
        assert says in told
    assert store.commands(run) == []


def test_a_run_that_was_stopped_says_what_to_do(
    store: SqlStore, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out, back = tmp_path / "batch.csv", tmp_path / "back.csv"
    assert call(monkeypatch, capsys, "propose", run, "--out", str(out))[0] == 0
    measured(out, back)
    store.send(run, "stop")
    code, _, told = call(monkeypatch, capsys, "results", run, str(back), "--yes")
    assert (code, f"it was stopped; go on with `poets resume {run}`" in told) == (0, True), told


def test_another_unit_is_not_written_unasked(
    store: SqlStore, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out, back = tmp_path / "batch.csv", tmp_path / "back.csv"
    call(monkeypatch, capsys, "propose", run, "--out", str(out))
    measured(out, back)
    read = laboratory.read_results

    def doubted(*words: Any, **more: Any) -> Any:
        return replace(read(*words, **more), unit_in_doubt="kU/mg")

    monkeypatch.setattr(laboratory, "read_results", doubted)
    code, _, told = call(monkeypatch, capsys, "results", run, str(back), "--yes")
    assert (code, "--same-unit" in told) == (2, True)
    assert store.commands(run) == []
    code, _, _ = call(monkeypatch, capsys, "results", run, str(back), "--yes", "--same-unit", "--json")
    assert code == 0
    assert store.commands(run)[-1].command == "results"
