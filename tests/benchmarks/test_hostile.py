"""The benchmark of hostile inputs: enough of them, of every kind, each different; and what fails it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import hostile, hostile_web
from benchmarks.hostile_case import Case, Result, measure

ONES = (hostile.files, hostile.folders, hostile.words)


def result(**changes: object) -> Result:
    good = {
        "kind": "uploads",
        "name": "n",
        "wanted": "refused",
        "outcome": "refused",
        "message": "Expected a, got b.",
        "seconds": 0.1,
        "megabytes": 90.0,
        "calls": (),
    }
    return Result(**good | changes)  # type: ignore[arg-type]


def test_there_are_enough_inputs_and_each_is_of_its_own(tmp_path: Path) -> None:
    makers = [make for ones in ONES for make in ones(tmp_path)]
    servers = 2 * len(hostile_web.HOSTS) + len(hostile_web.ORIGINS) + len(hostile_web.FRAMES)
    assert len(makers) + servers >= 2 * hostile.LEAST
    cases = [make() for make in hostile.words(tmp_path)]
    assert len({(c.kind, c.name) for c in cases}) == len(cases)
    assert set(Counter(c.kind for c in cases)) == {"specs", "text", "errors"}


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "crashed"},
        {"outcome": "hung"},
        {"outcome": "shown"},
        {"message": ""},
        {"message": "x" * 5000},
        {"seconds": 2.1},
        {"megabytes": 501.0},
        {"calls": ("192.0.2.1",)},
    ],
)
def test_each_way_to_fail_misses_a_goal(changes: dict[str, object]) -> None:
    goals, figures = hostile.told([result(), result(**changes)], quick=True)
    assert not all(goal.holds for goal in goals)
    assert len(figures["failed"]) == 1
    assert all(goal.holds for goal in hostile.told([result()], quick=True)[0])
    assert not all(goal.holds for goal in hostile.told([result()], quick=False)[0])  # too few, and kinds are missing


@pytest.mark.parametrize("name", ["4 GiB of rows, gzipped", "20 GB of text in Parquet", "2 million column names"])
def test_what_filled_the_memory_is_refused_within_the_limits(tmp_path: Path, name: str) -> None:
    path = tmp_path / "upload.csv"
    path.write_bytes(hostile.hostile_files.TABLES[name]())
    for call in ("upload", "worker_table"):
        found = measure(Case("uploads", name, f"{hostile.CALLS}:{call}", {"path": str(path)}))
        assert (found.outcome, found.calls) == ("refused", ())
        assert found.megabytes <= 500
