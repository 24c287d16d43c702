"""From a run to its designs, by hand and by keys: the best one first, the clicked one in its place, rows that open."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domains.catalog import load
from poets_core.keyed import rng_for
from poets_core.runs import process
from poets_core.runs.event_reader import stored_info
from poets_core.runs.events import Event, Finished, Observed, Prepared, Proposed
from poets_core.runs.lease import Lease
from poets_core.runs.sql import SqlStore
from poets_core.spec import Budget, PoetsSettings, ProblemSpec, SearchSpec
from tests.e2e.conftest import Server, followed, strangers
from tests.logs import claimed
from tests.pages import written
from tests.pages.test_contrast import READABLE, contrast

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PLOT = ".st-key-panel-progress .poets-plot"
ROWS = ".rows tbody tr"
LAPTOP = {"width": 1280, "height": 800}


def begun(store: SqlStore) -> tuple[str, Lease]:
    """A run whose worker is this test, and which has not measured anything."""
    spec = SearchSpec(
        problem=ProblemSpec(name="protein/ehrlich"), search=PoetsSettings(branches=2), budget=Budget(rounds=3, batch=4)
    )
    run = store.create(spec)
    lease = store.claim(run, "w", os.getpid(), process.started(os.getpid()))
    assert lease is not None
    store.append(lease, written.events(0))
    return run, lease


def circuits(store: SqlStore) -> str:
    """A finished run of three circuits, with the values that the oracle gives them."""
    problem = load("quantum/artificial-7q")
    designs = [problem.decode(text) for text in problem.library(3, rng=rng_for(0, "test"))]
    answer = problem.oracle.evaluate(designs, [0] * 3, rng=rng_for(0, "test"))
    proposed = Proposed(0, tuple(written.candidate(0, s, design=d, text=d) for s, d in enumerate(designs)))
    body: list[Event] = [claimed(), Prepared(stored_info(problem.info), {"source": "library"}), proposed]
    for s, value in enumerate(np.asarray(answer.values)[:, 0].tolist()):
        body.append(Observed(0, f"0-{s}", f"0-{s}", (value,), (0.0,), True, "", dict(answer.details[s])))
    spec = SearchSpec(
        problem=ProblemSpec(name="quantum/artificial-7q", params={"max_ops": 20}),
        search=PoetsSettings(branches=2),
        budget=Budget(rounds=1, batch=3),
    )
    run = store.create(spec)
    lease = store.claim(run, "w", os.getpid(), process.started(os.getpid()))
    assert lease is not None
    store.append(lease, [*body, Finished("budget")])
    store.release(lease)
    return run


def points(page: Any, panel: str, n: int) -> None:
    """Wait until a chart knows of so many measurements."""
    page.wait_for_function(
        "([css, n]) => Number(document.querySelector(css)?.dataset.points) === n",
        arg=[f".st-key-panel-{panel} .poets-plot", n],
    )


def full_layout(page: Any, panel: str, what: str) -> Any:
    return page.evaluate(
        "([css, what]) => what.split('.').reduce((x, k) => x[k], document.querySelector(css)._fullLayout)",
        [f".st-key-panel-{panel} .js-plotly-plot", what],
    )


def test_a_page_that_was_open_before_the_first_round_draws_what_comes(
    server: Server, store: SqlStore, browser: Any
) -> None:
    run, lease = begun(store)
    page, _ = followed(browser, viewport=LAPTOP)
    page.goto(f"{server.url}/live?run={run}")
    page.get_by_text("For experts").click()
    page.locator(".st-key-panel-matrix .poets-plot[data-renders]").wait_for()
    first, second, third = (written.events(n) for n in (1, 2, 3))
    store.append(lease, first[2:])
    for panel in ("progress", "matrix"):
        points(page, panel, 4)
    down = full_layout(page, "matrix", "yaxis.range")
    assert down[0] > down[1]  # model 1 is on top, as in the table of its numbers
    # series come in, and neither legend nor plot moves
    top = full_layout(page, "progress", "_size.t")
    store.append(lease, second[len(first) :])
    points(page, "progress", 8)
    store.append(lease, third[len(second) :])
    points(page, "progress", 12)
    assert full_layout(page, "progress", "_size.t") == top
    assert page.locator(PLOT).get_attribute("data-mounts") == "1"
    store.release(lease)


def test_the_best_design_comes_first_and_a_click_opens_another_in_its_place(
    server: Server, store: SqlStore, browser: Any
) -> None:
    run = written.write(store, [*written.events(3, wild_type="CCDF"), Finished("budget")], label="By hand")
    page, asked = followed(browser, viewport=LAPTOP)
    page.goto(f"{server.url}/live?run={run}")
    page.locator(f"{PLOT}[data-renders]").wait_for()
    best = page.get_by_role("heading", name="Best design so far", level=2)
    box, chart = best.bounding_box(), page.locator(f"{PLOT} .plotly").first.bounding_box()
    assert 0 < box["y"] < chart["y"] + chart["height"]
    assert chart["y"] + chart["height"] <= 800  # seen on arrival, whole
    page.get_by_role("img", name=re.compile("Sequence ACDE")).wait_for()

    # a row of the ten best, by keyboard
    page.locator(f".st-key-top {ROWS} a").nth(1).focus()
    page.keyboard.press("Enter")
    second = page.get_by_role("heading", name=re.compile(r"^Design \d-\d$"))
    second.wait_for()
    moved = second.bounding_box()
    assert abs(moved["y"] - box["y"]) < 12
    page.get_by_role("button", name="Back to the best").click()
    best.wait_for()

    # a design out of the table of points, by keyboard
    summary = page.locator(f"{PLOT} summary")
    summary.focus()
    page.keyboard.press("Enter")
    button = page.locator(f"{PLOT} .poets-plot-scroll button", has_text="1-1").first
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Design 1-1").wait_for()
    page.get_by_role("link", name="Open design 1-1").click()
    page.wait_for_url(f"**/candidates?run={run}&id=1-1")
    assert strangers(asked) == set()


def test_rows_open_by_click_and_enter_and_the_table_stays_where_it_is(
    server: Server, store: SqlStore, browser: Any
) -> None:
    run = written.write(store, [*written.events(30), Finished("budget")], rounds=30)
    page, asked = followed(browser, viewport=LAPTOP)
    page.goto(f"{server.url}/candidates?run={run}")
    rows = page.locator(ROWS)
    rows.nth(5).wait_for()
    ids = rows.evaluate_all("all => all.map(row => row.dataset.id)")
    page.get_by_role("heading", name=f"Design {ids[0]}").wait_for()  # the best is open

    def place() -> list[float]:
        return page.locator(".rows").evaluate("box => [box.getBoundingClientRect().top, box.scrollTop]")

    before = place()
    rows.nth(3).click(position={"x": 120, "y": 8})
    page.get_by_role("heading", name=f"Design {ids[3]}").wait_for()
    page.wait_for_url(f"**/candidates?run={run}&id={ids[3]}")
    assert place() == before
    table, detail = page.locator(".rows").bounding_box(), page.locator(".st-key-detail").bounding_box()
    assert detail["x"] >= table["x"] + table["width"] - 1  # beside it

    # keys: down along the rows, Enter opens, and the focus stays
    rows.nth(3).locator("a").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"Design {ids[4]}").wait_for()
    focused = page.evaluate(
        "() => { let a = document.activeElement; while (a.shadowRoot) a = a.shadowRoot.activeElement;"
        " return a.dataset.id }"
    )
    assert focused == ids[4]

    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name=f"Design {ids[5]}").wait_for()
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("heading", name=f"Design {ids[4]}").wait_for()
    # the link carries the run, for another tab
    link = rows.nth(7).locator("a").get_attribute("href")
    assert f"run={run}" in link
    assert f"id={ids[7]}" in link
    assert strangers(asked) == set()


def test_several_circuits_come_as_a_zip_that_is_named_so(
    server: Server, store: SqlStore, browser: Any, tmp_path: Path
) -> None:
    run = circuits(store)
    page, _ = followed(browser, viewport=LAPTOP)
    page.goto(f"{server.url}/candidates?run={run}")
    titles = page.locator(".rows thead th")
    titles.nth(4).wait_for()
    assert {"energy", "CX", "depth"} <= set(titles.all_inner_texts())
    page.get_by_role("button", name="Prepare OpenQASM 3").click()
    page.get_by_text(re.compile("3 rows reloaded and re-scored")).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Download")).last.click()
    name = download.value.suggested_filename
    assert name == f"quantum-artificial-7q_{run}_best_3.zip"
    download.value.save_as(tmp_path / name)
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert len(archive.namelist()) == 3
        assert all(member.endswith(".qasm") and run in member for member in archive.namelist())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_captions_can_be_read_and_nothing_is_cut(server: Server, store: SqlStore, browser: Any, scheme: str) -> None:
    run = written.write(store, [*written.events(3), Finished("budget")], label="By hand")
    for width, text in ((1024, 1.0), (1280, 1.5)):
        page, _ = followed(browser, viewport={"width": width, "height": 800}, color_scheme=scheme)
        for path in (f"live?run={run}", f"candidates?run={run}"):
            page.goto(f"{server.url}/{path}")
            page.get_by_role("heading", level=2).first.wait_for()
            page.add_style_tag(content=f"html {{ font-size: {15 * text}px !important }}")
            page.locator(".rows tbody tr").first.wait_for()
            main = page.locator("[data-testid='stMain']")
            assert main.evaluate("m => m.scrollWidth - m.clientWidth") <= 1
            # An ancestor of a caption may be translucent: what is seen is mixed with the ground.
            ink, ground, opacity = page.locator("[data-testid='stCaptionContainer'] p").first.evaluate(
                """p => {
                    const style = element => getComputedStyle(element);
                    const part = value => (+value).toString(16).padStart(2, '0');
                    const hex = colour => '#' + colour.match(/\\d+/g).slice(0, 3).map(part).join('');
                    let opacity = 1;
                    for (let e = p; e; e = e.parentElement) opacity *= +style(e).opacity;
                    const ground = style(document.querySelector('.stApp')).backgroundColor;
                    return [hex(style(p).color), hex(ground), opacity];
                }"""
            )
            assert opacity == 1
            assert contrast(ink, ground) >= READABLE
        page.close()
