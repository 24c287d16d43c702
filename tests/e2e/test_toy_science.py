"""One file in a folder outside the package, from Launch to an export that reloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domains.catalog import load
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.e2e.conftest import Server, fill_in, followed, strangers
from tests.toy import toy_science

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROUNDS, BATCH = 2, 8


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder is named before the server starts: it and its workers inherit the variable."""
    with toy_science(tmp_path / "domains") as made:
        (made / "poets_a_broken_one.py").write_text("SCIENCE = None\n")
        yield made


def test_a_science_of_one_file_runs_from_launch_to_export(server: Server, store: SqlStore, browser: Any) -> None:
    page, asked = followed(browser)

    # Launch offers it beside the others, names the broken file, and has a form for its parameters
    page.goto(f"{server.url}/launch")
    page.get_by_text("poets_a_broken_one.py cannot be used").wait_for()
    page.locator(".st-key-domain").get_by_text("DNA", exact=True).click()
    page.get_by_text("Maximises: promoter score").wait_for()
    page.get_by_text("Parameters of the problem").click()
    motif = page.get_by_role("textbox", name="Motif")
    motif.fill("TATA")
    motif.press("Tab")
    page.get_by_text("Advanced", exact=True).click()
    fill_in(page, {"Rounds": ROUNDS, "Designs per round": BATCH, "Models": 2})
    page.locator(".st-key-summary").get_by_text(f"{ROUNDS} rounds × {BATCH}").wait_for()
    page.get_by_role("button", name="Start the run").click()

    # Live: a worker of its own finishes it
    page.wait_for_url("**/live?run=*")
    run = page.url.split("run=")[1]
    page.locator(".st-key-heading").get_by_text(re.compile("finished")).wait_for(timeout=200_000)
    spec, view = store.spec(run), fold(store.read(run))
    assert (spec.problem.name, spec.problem.params["motif"]) == ("dna/promoter", "TATA")
    assert (view.finished, view.calls) == ("budget", ROUNDS * BATCH)
    best = view.best
    assert best is not None

    # Candidates: the best design, drawn by the science
    page.goto(f"{server.url}/candidates?run={run}&id={best.id}")
    page.get_by_role("heading", name=f"Design {best.id}").wait_for()
    page.get_by_role("img", name=f"DNA {best.design}").wait_for()

    # the export was measured again, and reloads
    page.get_by_role("button", name="Prepare CSV").click()
    page.get_by_text(re.compile(r"\d+ rows reloaded and re-scored, largest difference 0")).wait_for(timeout=120_000)
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(f"^Download dna-promoter_{run}_best_")).click()
    records = load("dna/promoter", motif="TATA").read_export(download.value.path().read_bytes(), "csv")
    measured = {c.design: c.value for c in view.candidates.values()}
    assert (best.design, best.value) in {(r.design, r.value) for r in records}
    assert all(measured[r.design] == r.value for r in records)
    assert strangers(asked) == set()
