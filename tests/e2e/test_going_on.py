"""An arena file with too few rows: mapped, judged to a ranking, undecided, and gone on with to a verdict."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.runs.views.ranking import read_ranking
from tests.e2e.conftest import Server, followed, settled, strangers
from tests.e2e.test_journey import badge, press

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ORDER = ("gpt-large", "mixtral", "llama-small")


def arena(each: int, name: str, *, right: int = 6) -> dict[str, Any]:
    """So many comparisons of every pair, each on its own question; the better wins all but one in `right`."""
    rows = [["question_id", "model_a", "model_b", "winner", "tokens_a", "tokens_b"]]
    for i in range(each):
        for k, (better, worse) in enumerate([(0, 1), (0, 2), (1, 2)]):
            one, two = (better, worse) if (i + k) % 2 else (worse, better)
            won = worse if i % right == right - 1 else better
            word = "model_a" if won == one else "model_b"
            rows.append([f"{name}-{i}-{k}", ORDER[one], ORDER[two], word, str(100 + 50 * one), str(100 + 50 * two)])
    rows.append([f"{name}-tie", ORDER[0], ORDER[1], "tie (bothbad)", "100", "150"])
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": out.getvalue().encode()}


def test_an_arena_file_is_ranked_and_further_rows_bring_the_verdict(
    server: Server, store: SqlStore, browser: Any
) -> None:
    page, asked = followed(browser)
    page.goto(f"{server.url}/policies?new=log")
    page.locator("input[type=file]").set_input_files(arena(9, "first"))
    page.locator(".st-key-policies-form").get_by_text("28 comparisons of 3 policies count").wait_for()
    settled(page)
    press(page, "Start the experiment")
    page.wait_for_url("**/policies?run=*")
    run = page.url.split("run=")[1]

    # too few rows for a best policy; all are ranked all the same, each with what is possible
    badge(page, "finished")
    page.get_by_text("Undecided after 28 comparisons").wait_for()
    page.get_by_text("All intervals hold together").wait_for()
    page.locator(".st-key-panel-ranking .poets-plot[data-renders]").wait_for()
    before = store.read(run)
    with page.expect_download() as download:
        page.get_by_role("button", name="Ranking as JSON").click()
    ranked = read_ranking(download.value.path().read_bytes())
    assert sum(p.both_bad for p in ranked.policies) == 2
    assert ranked.top("duels", 1)[0] == []

    # further rows, by the mapping of the first
    page.get_by_text("Go on with this experiment").click()
    page.locator("input[type=file]").set_input_files(arena(80, "second"))
    page.get_by_text("241 comparisons of 3 policies count").wait_for()
    settled(page)
    press(page, "Add these rows and go on")
    page.get_by_text("gpt-large is the best policy with error at most 10 %").wait_for()
    badge(page, "finished")
    after = store.read(run)
    assert after[: len(before)] == before
    view = fold(after).experiment
    assert view is not None
    assert [e.rows for e in view.extended] == [241]
    assert view.comparisons > 28
    page.get_by_text("241 further rows were added.").wait_for()
    assert page.get_by_text("Go on with this experiment").count() == 0  # a verdict is final
    assert strangers(asked) == set()
