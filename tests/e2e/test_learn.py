"""A run that learns from rewards, in a browser: started, followed, its answers looked at, its models taken away."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.e2e.conftest import Server, choose, fill_in, followed, settled, strangers
from tests.e2e.test_journey import badge, press

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PLOT = ".st-key-panel-reward .poets-plot"
ROUNDS = 3


def test_learning_is_started_followed_and_taken_away(server: Server, store: SqlStore, browser: Any) -> None:
    page, asked = followed(browser)
    page.goto(f"{server.url}/learn?task=text/tiny")
    page.get_by_role("textbox", name="Training items", exact=True).wait_for()
    fill_in(page, {"Training items": 8, "Held-out items": 6})
    fill_in(
        page, {"Rounds": ROUNDS, "Models": 2, "Prompts per round": 3, "Answers per prompt": 3, "Longest answer": 600}
    )
    settled(page)

    # what the model cannot read is said before anything is stored
    press(page, "Start learning")
    page.get_by_text("Expected prompts that leave room for an answer of 600 tokens").wait_for()
    assert store.runs(kind=None) == []
    fill_in(page, {"Longest answer": 8})
    settled(page)
    press(page, "Start learning")
    page.wait_for_url("**/learn?run=*")
    run = page.url.split("run=")[1]

    # the panels advance in place, to the end
    page.locator(f"{PLOT}[data-mounts='1']").wait_for()
    for n in range(1, ROUNDS + 1):
        page.wait_for_function("([css, n]) => Number(document.querySelector(css)?.dataset.points) >= n", arg=[PLOT, n])
    badge(page, "finished")
    assert page.locator(PLOT).get_attribute("data-mounts") == "1"
    assert len(fold(store.read(run)).rounds) == ROUNDS
    page.get_by_text(f"held-out prompts are right after {ROUNDS} rounds").wait_for()

    # answers side by side, as the log has them
    samples = page.locator(".st-key-samples")
    for name in ("Untrained model", "Model 1", "Model 2"):
        samples.get_by_text(name, exact=True).wait_for()
    rewards = fold(store.read(run)).rewards
    assert rewards is not None
    samples.get_by_text(rewards.prompts[0].prompt, exact=True).first.wait_for()

    # figures, and the mean of the models as an adapter
    with page.expect_download() as download:
        page.get_by_role("button", name="Figures as CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert [r["round"] for r in rows] == [str(r) for r in range(ROUNDS + 1)]
    choose(page, "What answers", "The mean of all models")
    settled(page)
    press(page, "Prepare the models")
    page.get_by_text("loaded back; answers differ by").wait_for()
    with page.expect_download() as download:
        page.locator(".st-key-export-offer").get_by_role("button").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        about = json.loads(archive.read("deployment.json"))
        assert "mean/adapter_model.safetensors" in archive.namelist()
    assert about["run"] == run
    assert about["largest_difference_nats"] < 1e-3
    assert strangers(asked) == set()
