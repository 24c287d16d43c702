"""A protein engineer's own campaign in the browser: her table, a plate, results with a correction, the next plate."""

from __future__ import annotations

import csv
import io
import random
import re
from pathlib import Path
from typing import Any

import pytest

from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.e2e.conftest import Server, fill_in, followed, settled, strangers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
PARENT = "MKTAYIAKQRQISFVKSHFSRQ"
"""Residues 12, 14 and 17 vary in the table: I12, F14 and H17... by its own numbers from 1."""
SITES = (12, 14, 18)
ROUNDS, BATCH = 2, 8


def kd(letters: str) -> float:
    """What the laboratory measures, nM: the parent is 100, hydrophobic letters bind better."""
    return 100.0 * 0.6 ** sum("AVILMFWY".index(c) % 4 if c in "AVILMFWY" else -1 for c in letters)


def own_table(path: Path) -> None:
    """Mutations as text, semicolons, a decimal comma, wild type, an empty well: as a German spreadsheet has it."""
    own = "".join(PARENT[s - 1] for s in SITES)
    rng = random.Random(4)
    rows = [("WT", kd(own)), ("EMPTY", 0.0)]
    seen = {own}
    while len(rows) < 26:
        letters = "".join(rng.choice("AVILMFWYGSTNDEK") if rng.random() < 0.6 else c for c in own)
        if letters not in seen:
            seen.add(letters)
            named = [f"{o}{s}{n}" for o, s, n in zip(own, SITES, letters, strict=True) if o != n]
            rows.append(("/".join(named), kd(letters)))
    lines = ["Mutations;Kd (nM)", *(f"{name};{value:.3f}".replace(".", ",") for name, value in rows)]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("cp1252"))


def filled_in(data: bytes, part: slice, wrong: dict[int, str]) -> bytes:
    """Fill a list in as a laboratory would: rows shuffled, one part of them, some values wrong."""
    head, *rows = list(csv.reader(io.StringIO(data.decode())))
    at, sequence = next(i for i, h in enumerate(head) if h.startswith("Kd")), head.index("sequence")
    random.Random(1).shuffle(rows)
    chosen = rows[part]
    for k, row in enumerate(chosen):
        letters = "".join(row[sequence][s - 1] for s in SITES)
        row[at] = wrong.get(k, f"{kd(letters):.6g}")
    buffer = io.StringIO()
    csv.writer(buffer).writerows([head, *chosen])
    return buffer.getvalue().encode()


def hand_in(page: Any, name: str, data: bytes) -> None:
    """Upload a file of results, read the report and accept it."""
    page.locator(".st-key-intake input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": data}
    )
    page.locator(".st-key-report").get_by_text("What this file says").wait_for()
    # The toast that follows is gone after seconds: callers wait for what stays.
    settled(page)
    page.get_by_role("button", name=re.compile("^Write ")).click()


def test_from_ones_own_table_to_the_second_plate(server: Server, store: SqlStore, browser: Any, tmp_path: Path) -> None:
    page, asked = followed(browser)
    table = tmp_path / "erste Runde.csv"
    own_table(table)

    # Launch: the parent and the table; the report says what was read and why
    page.goto(f"{server.url}/launch?problem=protein/campaign")
    parent = page.get_by_role("textbox", name="Parent sequence")
    parent.fill(f">mine\n{PARENT}")
    parent.press("Control+Enter")
    page.locator("input[type=file]").first.set_input_files(str(table))
    report = page.locator(".st-key-report")
    report.get_by_text("Direction: minimise").wait_for()
    report.get_by_text(re.compile("Values: column 'Kd")).wait_for()
    page.get_by_text("Advanced", exact=True).click()
    fill_in(page, {"Rounds": ROUNDS, "Designs per round": BATCH, "Models": 2, "Wells of the parent": 1})
    page.locator(".st-key-summary").get_by_text(f"{ROUNDS} rounds × {BATCH}").wait_for()
    page.get_by_role("button", name="Start the run").click()

    # Live says that a batch is out, and leads to Measure
    page.wait_for_url("**/live?run=*")
    run = page.url.split("run=")[1]
    page.get_by_text("waits for results").wait_for()
    page.get_by_role("link", name="Measure").last.click()
    page.get_by_role("heading", name="Batch 1").wait_for()
    page.get_by_text(f"0 of {BATCH} designs measured").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="List (CSV)").click()
    first = download.value.path().read_bytes()
    view = fold(store.read(run))
    assert len(view.given) == 25  # the parent and 24 variants; the empty well is left out
    assert view.objective.direction == "minimise"
    assert (view.objective.name, view.objective.unit) == ("Kd", "nM")
    assert first.decode().count("design") == BATCH

    # five rows, one of them wrong; then a correction with the rest, in another order
    hand_in(page, "part 1.csv", filled_in(first, slice(0, 5), {2: "9999"}))
    page.get_by_text(re.compile(r"[345] of 8 designs measured")).wait_for()
    rest = filled_in(first, slice(0, None), {})
    page.reload()
    page.get_by_role("heading", name="Batch 1").wait_for()
    page.locator(".st-key-intake input[type=file]").set_input_files(
        {"name": "all.csv", "mimeType": "text/csv", "buffer": rest}
    )
    report = page.locator(".st-key-report")
    report.get_by_text(re.compile("1 corrections? of what was handed in before")).wait_for()
    report.get_by_text("Batch 1 is complete with this file.").wait_for()
    assert "9999" in report.inner_text()
    page.get_by_role("button", name=re.compile("^Write ")).click()

    # the second plate comes by itself; the first is learnt from as it was corrected
    page.get_by_role("heading", name="Batch 2").wait_for()
    view = fold(store.read(run))
    assert [c.value for c in view.candidates.values() if c.round == 0 and c.value == 9999] == []
    assert all(c.value is not None for c in view.candidates.values() if c.round == 0)
    page.get_by_text("Values that were handed in more than once").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="List (CSV)").click()
    hand_in(page, "second.csv", filled_in(download.value.path().read_bytes(), slice(0, None), {}))
    page.get_by_text(f"All {ROUNDS} batches are measured").wait_for()
    view = fold(store.read(run))
    assert view.finished == "batches"
    best = view.best
    assert best is not None
    assert best.value == min(c.value for c in view.candidates.values() if c.value is not None)

    # Candidates: whole sequences with their mutations leave as a file that reads back
    page.goto(f"{server.url}/candidates?run={run}&id={best.id}")
    page.get_by_role("heading", name=f"Design {best.id}").wait_for()
    page.get_by_role("button", name="Prepare FASTA").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Download protein-campaign_")).click()
    text = download.value.path().read_text()
    letters = list(PARENT)
    for site, letter in zip(SITES, best.design, strict=True):
        letters[site - 1] = letter
    assert "".join(letters) in text.replace("\n", "")
    assert strangers(asked) == set()
