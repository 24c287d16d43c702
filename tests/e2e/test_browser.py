"""What only a browser can tell: deep links, the chart component, themes, requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pages.parts.look import DARK, LIGHT
from poets_core.runs.event_fields import VerdictFacts
from poets_core.runs.events import ContestPlayed, Finished
from poets_core.runs.sql import SqlStore
from poets_core.spec import ContestSpec
from tests.e2e.conftest import Server, followed, serving, strangers
from tests.pages import written, written_experiment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PLOTS = ("progress", "regret", "predictions")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One app for all of these tests: each of them shows runs of its own."""
    with serving(tmp_path_factory.mktemp("app")) as made:
        yield made


@pytest.fixture
def finished(store: SqlStore) -> str:
    """A finished run that was written by hand."""
    return written.write(store, [*written.events(3), Finished("budget")], label="By hand")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_deep_link_is_the_first_request(server: Server, finished: str, browser: Any, scheme: str) -> None:
    page, asked = followed(browser, color_scheme=scheme)
    page.goto(f"{server.url}/live?run={finished}")
    for name in PLOTS:
        page.locator(f".st-key-panel-{name} .poets-plot[data-renders]").wait_for()
    page.get_by_role("heading", name="By hand").wait_for()
    assert page.get_by_text("Page not found").count() == 0
    assert page.url.endswith(f"/live?run={finished}")
    label = page.locator(".st-key-panel-progress .poets-plot-node").get_attribute("aria-label")
    assert "best 0.4" in label
    ink = page.evaluate("() => document.querySelector('.js-plotly-plot')._fullLayout.font.color")
    assert ink == (DARK if scheme == "dark" else LIGHT).text
    buttons = page.locator(".modebar-btn").evaluate_all("all => all.map(b => b.dataset.title ?? '')")
    assert not [b for b in buttons if "loud" in b or "hare" in b]
    for path in ("/", "/launch", f"/candidates?run={finished}&id=1-2"):
        page.goto(server.url + path)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
    assert strangers(asked) == set()
    assert any("/app/static/plotly.min.js" in u for u in asked)


def test_a_missing_chart_library_is_said_and_does_not_break_the_page(
    server: Server, finished: str, browser: Any
) -> None:
    page, _ = followed(browser)
    page.route("**/plotly.min.js", lambda route: route.fulfill(status=404))
    page.goto(f"{server.url}/live?run={finished}")
    alert = page.locator(".st-key-panel-progress .poets-plot-problem")
    alert.wait_for(state="visible")
    assert "poets_core.serve" in alert.inner_text()
    page.get_by_text("whole budget was used").wait_for()


def test_going_to_another_page_and_back_draws_again(server: Server, finished: str, browser: Any) -> None:
    page, _ = followed(browser)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{server.url}/live?run={finished}")
    for _ in range(2):
        page.locator(".st-key-panel-predictions .poets-plot[data-renders]").wait_for()
        page.get_by_role("link", name="Candidates", exact=False).last.click()
        page.get_by_role("heading", name="All candidates").wait_for()
        page.get_by_role("link", name="Back to the run").click()
    page.locator(".st-key-panel-predictions .poets-plot[data-renders]").wait_for()
    assert problems == []


def test_only_designs_can_be_picked_out_of_the_points_of_a_chart(server: Server, store: SqlStore, browser: Any) -> None:
    """The bars of a contest carry words: they are read in the table, and are no designs to open."""
    told = [(0, 1, "first")] * 3
    verdict = VerdictFacts("undecided", None, None, 3, ("branch 0",))
    contest = ContestPlayed(0, 3, (), written_experiment.metrics(("branch 0", "branch 1"), told), verdict)
    held = ContestSpec(every=1, comparisons=3)
    run = written.write(store, [*written.events(1), contest, Finished("budget")], contest=held)
    page, _ = followed(browser)
    page.goto(f"{server.url}/live?run={run}")
    for name, column in (("progress", "design"), ("contest", "in words")):
        panel = page.locator(f".st-key-panel-{name} .poets-plot[data-renders]")
        panel.get_by_text("Points as a table").click()
        panel.get_by_role("columnheader", name=column).first.wait_for()
    assert page.locator(".st-key-panel-contest .poets-plot-points button").count() == 0
    page.locator(".st-key-panel-progress .poets-plot-points button").first.click()
    page.get_by_role("button", name="Back to the best").wait_for()
    assert page.get_by_role("heading", name="Design 0-").count() == 1


def test_a_comparison_is_taken_away_as_figure_and_numbers(
    server: Server, store: SqlStore, finished: str, browser: Any, tmp_path: Path
) -> None:
    other = written.write(store, [*written.events(3), Finished("budget")], method="reference")
    page, _ = followed(browser)
    page.goto(f"{server.url}/compare?runs={finished},{other}")
    page.locator(".poets-plot[data-renders]").wait_for()
    page.locator(".poets-plot-node").hover()
    with page.expect_download() as figure:
        page.locator("[data-title='Download as SVG']").click()
    figure.value.save_as(tmp_path / "figure.svg")
    drawn = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert "By hand (n = 1, " in drawn  # and the share that reached the best possible
    assert "untrained model (n = 1, " in drawn
    with page.expect_download() as numbers:
        page.get_by_role("button", name="Numbers as CSV").click()
    numbers.value.save_as(tmp_path / "numbers.csv")
    lines = (tmp_path / "numbers.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("group,run,seed,call,best")
    assert len(lines) == 1 + 2 * 12
