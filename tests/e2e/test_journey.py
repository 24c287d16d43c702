"""From Launch to a finished run, through everything that can happen to it on the way."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any

import pytest

from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.e2e.conftest import LIMIT, Server, strangers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PLOT = ".st-key-panel-progress .poets-plot"
ROUNDS, BATCH = 130, 8


def points(page: Any) -> int:
    """Oracle calls that the chart knows of."""
    return int(page.locator(PLOT).get_attribute("data-points") or 0)


def advance(page: Any, beyond: int, times: int = 1) -> int:
    """Wait until the chart has been drawn again with more points, `times` times over."""
    for _ in range(times):
        page.wait_for_function(
            "([css, n]) => Number(document.querySelector(css)?.dataset.points ?? 0) > n",
            arg=[PLOT, beyond],
            timeout=LIMIT,
        )
        beyond = points(page)
    return beyond


def badge(page: Any, word: str, timeout: float = LIMIT) -> None:
    """Wait until the run's state reads `word`."""
    page.locator(".st-key-heading").get_by_text(re.compile(word)).wait_for(timeout=timeout)


def x_range(page: Any) -> list[float]:
    return page.evaluate(
        "css => document.querySelector(css).querySelector('.js-plotly-plot')._fullLayout.xaxis.range", PLOT
    )


def zoom(page: Any) -> list[float]:
    """Drag over the middle of the chart."""
    box = page.locator(f"{PLOT} .nsewdrag").first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.1, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=8)
    page.mouse.up()
    return x_range(page)


def click_a_design(page: Any) -> str:
    """Click the first measured design that is inside the axes; return its id."""
    place = page.evaluate(
        """css => {
            const plot = document.querySelector(css).querySelector('.js-plotly-plot');
            const { xaxis, yaxis } = plot._fullLayout, trace = plot.data[0], at = plot.getBoundingClientRect();
            for (let i = 0; i < trace.x.length; i++) {
                const px = xaxis.l2p(trace.x[i]), py = yaxis.l2p(trace.y[i]);
                if (px > 5 && px < xaxis._length - 5 && py > 5 && py < yaxis._length - 5)
                    return { x: at.x + xaxis._offset + px, y: at.y + yaxis._offset + py };
            }
        }""",
        PLOT,
    )
    page.mouse.move(place["x"] - 4, place["y"])
    page.mouse.move(place["x"], place["y"], steps=4)
    page.mouse.click(place["x"], place["y"])
    page.wait_for_function("css => document.querySelector(css)?.dataset.picked", arg=PLOT, timeout=LIMIT)
    return str(page.locator(PLOT).get_attribute("data-picked"))


def test_the_journey(server: Server, store: SqlStore, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page.set_default_timeout(LIMIT)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))

    # launch
    page.goto(f"{server.url}/launch?problem=protein/ehrlich&preset=quick")
    for name, value in (("Rounds", ROUNDS), ("Designs per round", BATCH), ("Branches", 2)):
        field = page.get_by_role("spinbutton", name=name, exact=True)
        field.fill(str(value))
        field.press("Tab")
    page.locator(".st-key-summary").get_by_text(f"{ROUNDS * BATCH:,}", exact=True).wait_for()
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/live?run=*")
    run = page.url.split("run=")[1]
    page.locator(f"{PLOT}[data-mounts='1']").wait_for()

    # the chart advances in place, and a zoom survives it
    page.wait_for_function("css => Number(document.querySelector(css)?.dataset.points) > 0", arg=PLOT, timeout=120_000)
    pid = store.status(run).pid
    assert pid is not None
    n = advance(page, points(page), times=2)
    zoomed = zoom(page)
    n = advance(page, n, times=3)
    assert x_range(page) == pytest.approx(zoomed)
    assert page.locator(PLOT).get_attribute("data-mounts") == "1"

    # a point leads to its candidate
    chosen = click_a_design(page)
    advance(page, n)
    assert page.locator(PLOT).get_attribute("data-picked") == chosen  # selections survive updates too
    assert x_range(page) == pytest.approx(zoomed)
    page.get_by_role("link", name=f"Open {chosen}").click()
    page.wait_for_url(f"**/candidates?run={run}&id={chosen}")
    page.get_by_role("heading", name=f"Design {chosen}").wait_for()

    # its sequence goes home as FASTA, measured again
    page.get_by_role("button", name="Prepare FASTA").click()
    page.get_by_text(re.compile(r"\d+ rows reloaded and re-scored, largest difference 0")).wait_for(timeout=120_000)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download candidates.fasta").click()
    fasta = download.value.path().read_text()
    assert fasta.startswith(">")
    designs = {c.design for c in fold(store.read(run)).candidates.values()}
    assert {line for line in fasta.splitlines() if line and line[0] != ">"} <= designs

    # reload, then a new server: the same worker goes on
    page.goto(f"{server.url}/live?run={run}")
    n = advance(page, 0)
    page.reload()
    n = advance(page, n)
    server.stop()
    server.start()
    page.goto(f"{server.url}/live?run={run}")
    advance(page, n)
    assert page.get_by_text("Page not found").count() == 0
    assert store.status(run).pid == pid
    assert store.status(run).epoch == 1

    # pause: no step is made
    page.get_by_role("button", name="Pause", exact=True).click()
    badge(page, "paused")
    last = store.read(run)[-1].seq
    page.wait_for_timeout(3000)
    assert store.read(run)[-1].seq == last
    n = points(page)
    page.get_by_role("button", name="Resume", exact=True).click()
    advance(page, n)

    # kill -9: shown dead, resumed by another worker, finished
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    badge(page, "dead", timeout=10_000)
    assert time.monotonic() - killed <= 5
    page.get_by_role("button", name="Resume", exact=True).click()
    badge(page, "running", timeout=120_000)
    badge(page, "finished", timeout=400_000)
    view = fold(store.read(run))
    assert view.finished == "budget"
    assert view.calls == ROUNDS * BATCH
    assert store.status(run).epoch == 2
    assert store.status(run).pid != pid
    page.wait_for_function(
        "([css, n]) => Number(document.querySelector(css).dataset.points) === n", arg=[PLOT, view.calls], timeout=LIMIT
    )
    assert strangers(asked) == set()
