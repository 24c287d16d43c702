"""A protein's campaign played through files alone gives the candidates of the run that answers itself."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import Any

import pytest

from poets_core.errors import InvalidTable
from poets_core.intake import TableBounds
from poets_core.intake.sheet import read_sheet
from poets_core.runs.laboratory.bench import Bench
from poets_core.runs.laboratory.hand_out import as_csv
from poets_core.runs.laboratory.results import read_results
from poets_core.runs.launch import ROOT
from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import RunSpec, SearchSpec
from poets_core.spec.presets import default_spec
from poets_core.worker.worker import FINISHED, work

pytestmark = pytest.mark.slow
TABLE = ROOT / "examples" / "variants.csv"
PARENT, SITES = "MKTAYIAKQATSISFVKSHF", "A10,T11,S12"
ROUNDS, BATCH = 3, 12


@pytest.fixture(scope="module")
def truth() -> dict[str, str]:
    return {row["variant"]: row["activity"] for row in csv.DictReader(TABLE.open())}


@pytest.fixture
def first_round(tmp_path: Path, truth: dict[str, str]) -> Path:
    rows = sorted(truth.items())
    random.Random(1).shuffle(rows)
    path = tmp_path / "first.csv"
    path.write_text("variant,activity\n" + "".join(f"{v},{x}\n" for v, x in rows[:48]))
    return path


def campaign(first: Path, **params: Any) -> RunSpec:
    given = {"parent": PARENT, "sites": SITES, "data": str(first)}
    settings = {
        "search": {"branches": 3, "steps": 10, "pool": 8, "edit_share": 0.0, "allow_repeats": False},
        "budget": {"rounds": ROUNDS, "batch": BATCH},
        "backbone": {"steps": 40},
    }
    return default_spec("protein/campaign", params=given | params, settings=settings, backbone="library")


def designs(store: SqlStore, run: str) -> list[tuple[str, str, float | None]]:
    return [(c.id, c.design, c.value) for c in fold(store.read(run)).candidates.values()]


def texts(view: Any) -> Any:
    from domains.protein.naming import named

    return lambda design: named(design, facts=view.info.facts, details={}).texts


def test_shuffled_failed_and_corrected_rows_change_nothing(
    store: SqlStore, first_round: Path, truth: dict[str, str], tmp_path: Path
) -> None:
    by_itself = store.create(campaign(first_round, oracle="table", answers=str(TABLE)))
    assert work(store, by_itself) == FINISHED
    run = store.create(campaign(first_round))
    assert work(store, run) == FINISHED
    rng = random.Random(2)
    while not store.status(run).reason:
        spec = store.spec(run)
        assert isinstance(spec, SearchSpec)
        bench = Bench.of(run, spec, store.read(run), texts)
        batch = bench.campaign.open
        assert batch is not None
        head, *rows = list(csv.reader(io.StringIO(as_csv(bench.hand_out(batch.round)).decode())))
        value, sequence = head.index("activity (units of the table)"), head.index("sequence")
        rng.shuffle(rows)
        for row in rows:
            row[value] = truth.get(row[sequence][9:12], "not measured")
        wrong, failed = [*rows[0]], [*rows[1]]
        wrong[value], failed[value] = "99", "failed"
        for part in ([wrong, failed, *rows[2:7]], [*rows[7:], rows[0], rows[1]]):
            path = tmp_path / "results.csv"
            with path.open("w") as file:
                csv.writer(file).writerows([head, *part])
            bench = Bench.of(run, spec, store.read(run), texts)
            for order in read_results(read_sheet(path, TableBounds(), InvalidTable), bench.known()).orders:
                store.send(run, "results", order.body())
            assert work(store, run) == FINISHED
    assert store.status(run).reason == "batches"
    assert designs(store, run) == designs(store, by_itself)
    assert len(designs(store, run)) == 48 + ROUNDS * BATCH
