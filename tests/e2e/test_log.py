"""A comparison log of an arena: uploaded, an outcome word explained, run to the verdict, taken away and read again."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.e2e.conftest import Server, choose, followed, settled, strangers
from tests.e2e.test_journey import badge, press

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BEST, OTHERS = "gpt-large", ("llama-small", "mixtral")
EACH = 60


def arena() -> bytes:
    """A log in which one policy wins five of six, rows of two other words, and one of a policy against itself."""
    rows = [["question_id", "model_a", "model_b", "winner"]]
    for i in range(EACH):
        for k, other in enumerate(OTHERS):
            one, two = (BEST, other) if (i + k) % 2 else (other, BEST)
            won = BEST if i % 6 else other
            rows.append([f"q{i}-{k}", one, two, "model_a" if won == one else "model_b"])
    rows += [["t1", BEST, OTHERS[0], "tie (bothbad)"], ["t2", BEST, OTHERS[1], "no idea"], ["t3", BEST, BEST, "tie"]]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def test_an_arena_file_is_mapped_and_judged_to_a_verdict(server: Server, store: SqlStore, browser: Any) -> None:
    page, asked = followed(browser)
    page.goto(f"{server.url}/policies?new=log")
    form = page.locator(".st-key-policies-form")
    page.locator("input[type=file]").set_input_files({"name": "arena.csv", "mimeType": "text/csv", "buffer": arena()})
    form.get_by_text("What the columns say", exact=True).wait_for()
    start = page.get_by_role("button", name="Start the experiment")

    # a word that nobody knows stops the form until a person has said what it means
    form.get_by_text("'no idea' (1, first in row").wait_for()
    settled(page)
    assert start.is_disabled()
    choose(page, "no idea” · 1 row", "leave these rows out")
    form.get_by_text(f"{2 * EACH + 1} comparisons of 3 policies count; 1 tie, of which both were bad in 1.").wait_for()
    form.get_by_text("2 rows do not count").wait_for()
    summary = page.locator(".st-key-summary")
    summary.get_by_test_id("stMetricValue").get_by_text(f"{2 * EACH + 1}", exact=True).wait_for()
    press(page, "Start the experiment")
    page.wait_for_url("**/policies?run=*")
    run = page.url.split("run=")[1]

    # the two others never met, and need not: the verdict names the best
    badge(page, "finished")
    view = fold(store.read(run)).experiment
    assert view is not None
    assert view.verdict is not None
    assert view.verdict.policy == BEST
    page.get_by_text(f"{BEST} is the best policy with error at most 10 %").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Comparisons as CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    assert len(rows) == view.comparisons
    assert {r["first"] for r in rows} | {r["second"] for r in rows} == {BEST, *OTHERS}
    assert strangers(asked) == set()

    # and read again, without a question
    page.goto(f"{server.url}/policies?new=log")
    again = {"name": "comparisons.csv", "mimeType": "text/csv", "buffer": download.value.path().read_bytes()}
    page.locator("input[type=file]").set_input_files(again)
    form.get_by_text(f"{len(rows)} comparisons of 3 policies count").wait_for()
