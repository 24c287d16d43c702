"""From Launch to a stopped run, through everything that can happen to it on the way; and a run that ends by itself."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest

from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.e2e.conftest import Server, fill_in, followed, strangers
from tests.waiting import heartbeats

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PLOT = ".st-key-panel-progress .poets-plot"
ROUNDS, BATCH = 100_000, 8
"""A budget of days: the journey's run ends when the test stops it, however slow or fast the machine is."""


def points(page: Any) -> int:
    """Oracle calls that the chart knows of."""
    return int(page.locator(PLOT).get_attribute("data-points") or 0)


def advance(page: Any, beyond: int, times: int = 1) -> int:
    """Wait until the chart has been drawn again with more points, `times` times over."""
    for _ in range(times):
        page.wait_for_function(
            "([css, n]) => Number(document.querySelector(css)?.dataset.points ?? 0) > n",
            arg=[PLOT, beyond],
        )
        beyond = points(page)
    return beyond


def badge(page: Any, word: str) -> None:
    """Wait until the run's state reads `word`."""
    page.locator(".st-key-heading").get_by_text(re.compile(word)).wait_for()


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def launch(page: Any, server: Server, rounds: int) -> str:
    """Fill in the form, start the run and return its id."""
    page.goto(f"{server.url}/launch?problem=protein/ehrlich&preset=quick")
    page.get_by_text("Advanced", exact=True).click()
    fill_in(page, {"Rounds": rounds, "Designs per round": BATCH, "Models": 2})
    page.locator(".st-key-summary").get_by_text(f"{rounds * BATCH:,}", exact=True).wait_for()
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/live?run=*")
    return str(page.url.split("run=")[1])


def x_range(page: Any) -> list[float]:
    return page.evaluate(
        "css => document.querySelector(css).querySelector('.js-plotly-plot')._fullLayout.xaxis.range", PLOT
    )


def zoom(page: Any) -> list[float]:
    """Drag over the middle of a chart that stands still: what is drawn anew meanwhile can swallow the drag."""
    box = page.locator(f"{PLOT} .nsewdrag").first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.1, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=8)
    page.mouse.up()
    page.wait_for_function(
        "css => !document.querySelector(css).querySelector('.js-plotly-plot')._fullLayout.xaxis.autorange", arg=PLOT
    )
    return x_range(page)


def click_a_design(page: Any) -> str:
    """Click the first measured design that is inside the axes of a chart that stands still; return its id."""
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
    assert place is not None, "no measured design inside the axes"
    page.mouse.move(place["x"] - 4, place["y"])
    page.mouse.move(place["x"], place["y"], steps=4)
    page.mouse.click(place["x"], place["y"])
    page.wait_for_function("css => document.querySelector(css)?.dataset.picked", arg=PLOT)
    return str(page.locator(PLOT).get_attribute("data-picked"))


def drawn(page: Any, calls: int) -> None:
    """Wait until the chart shows exactly so many oracle calls."""
    page.wait_for_function("([css, n]) => Number(document.querySelector(css)?.dataset.points) === n", arg=[PLOT, calls])


def test_the_journey(server: Server, store: SqlStore, browser: Any) -> None:
    page, asked = followed(browser)

    # launch
    run = launch(page, server, ROUNDS)
    page.locator(f"{PLOT}[data-mounts='1']").wait_for()

    # the chart advances in place
    n = advance(page, 0)
    pid = store.status(run).pid
    assert pid is not None
    advance(page, n, times=5)
    assert page.locator(PLOT).get_attribute("data-mounts") == "1"

    # pause: no step is made
    press(page, "Pause")
    badge(page, "paused")
    last = store.read(run)[-1].seq
    heartbeats(store, run)
    assert store.read(run)[-1].seq == last

    # zoom and selection, made while the chart stands still, survive its updates
    n = fold(store.read(run)).calls
    drawn(page, n)
    mounts = page.locator(PLOT).get_attribute("data-mounts")
    chosen = click_a_design(page)  # first: a click soon after a drag is a double click, which takes the zoom back
    zoomed = zoom(page)
    press(page, "Resume")
    advance(page, n, times=3)
    assert x_range(page) == pytest.approx(zoomed)
    assert page.locator(PLOT).get_attribute("data-picked") == chosen
    assert page.locator(PLOT).get_attribute("data-mounts") == mounts

    # a point leads to its candidate
    page.get_by_role("link", name=f"Open design {chosen}").click()
    page.wait_for_url(f"**/candidates?run={run}&id={chosen}")
    page.get_by_role("heading", name=f"Design {chosen}").wait_for()

    # its sequence goes home as FASTA, measured again
    press(page, "Prepare FASTA")
    page.get_by_text(re.compile(r"\d+ rows reloaded and re-scored, largest difference 0")).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(f"^Download protein-ehrlich_{run}_best_")).click()
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

    # kill -9: shown dead, resumed by another worker
    os.kill(pid, signal.SIGKILL)
    badge(page, "dead")
    n = fold(store.read(run)).calls
    press(page, "Resume")
    badge(page, "running")
    advance(page, n)

    # stop: all that was measured is kept and drawn
    press(page, "Stop")
    press(page, "Yes, stop it")
    badge(page, "stopped")
    view = fold(store.read(run))
    assert view.finished == "stopped"
    assert len(view.rounds) * BATCH <= view.calls <= (len(view.rounds) + 1) * BATCH  # of each whole round, every call
    assert n < view.calls < ROUNDS * BATCH
    assert store.status(run).epoch == 2
    assert store.status(run).pid != pid
    drawn(page, view.calls)
    assert strangers(asked) == set()


def test_a_run_goes_to_its_end(server: Server, store: SqlStore, browser: Any) -> None:
    page, asked = followed(browser)
    run = launch(page, server, rounds=3)
    badge(page, "finished")
    page.get_by_text("whole budget was used").wait_for()
    view = fold(store.read(run))
    assert view.finished == "budget"
    assert (len(view.rounds), view.calls) == (3, 3 * BATCH)
    assert store.spec(run).search.branches == 2
    assert store.status(run).epoch == 1
    drawn(page, view.calls)
    assert strangers(asked) == set()
