"""A person judges a contest of three policies to the verdict, by keyboard, through a reload and an undo."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from poets_core.runs import launch
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.fold import fold
from poets_core.spec import BackboneSpec, Budget, PoetsSettings, ProblemSpec, SearchSpec, parse_spec
from tests.e2e.conftest import ROOT, Server, followed, settled, strangers
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BEST = "model 2"
READY = ".poets-keys[data-ready]:not([data-ready=''])"
OVER = "The verdict is in."


def command(store: SqlStore, *words: str) -> str:
    """Run the command line on the app's store, and return what it prints."""
    environment = os.environ | {"POETS_STORE": store.url, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "poets_core", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def searched(store: SqlStore) -> str:
    """A tiny finished search with two branches."""
    spec = SearchSpec(
        label="tiny",
        problem=ProblemSpec(name="protein/ehrlich", params={}),
        backbone=BackboneSpec(source="library", branch_from=0, width=16, steps=20),
        search=PoetsSettings(branches=2, steps=2, pool=2),
        budget=Budget(rounds=1, batch=8),
    )
    run = store.create(spec)
    command(store, "worker", "--run", run)
    assert store.status(run).state == "finished"
    return run


def contest(store: SqlStore, run: str) -> ExperimentView:
    """The experiment as its events say it."""
    view = fold(store.read(run)).experiment
    assert view is not None
    return view


def shown(page: Any, beyond: set[int] | None = None) -> int:
    """Wait until a pair can be answered, one that is not in `beyond`, and return its index."""
    page.wait_for_function(
        "([css, old]) => { const n = document.querySelector(css); return n && Number(n.dataset.ready) >= 0 "
        "&& !old.includes(Number(n.dataset.ready)); }",
        arg=[READY, sorted(beyond or ())],
    )
    return int(page.locator(READY).get_attribute("data-ready"))


def shown_or_over(page: Any, done: set[int]) -> int | None:
    """Wait as `shown` does, or until the verdict is in: then None."""
    page.wait_for_function(
        "([css, old, word]) => { const n = document.querySelector(css); "
        "return document.body.innerText.includes(word) || "
        "(n && Number(n.dataset.ready) >= 0 && !old.includes(Number(n.dataset.ready))); }",
        arg=[READY, sorted(done), OVER],
    )
    return None if page.get_by_text(OVER).count() else int(page.locator(READY).get_attribute("data-ready"))


def key_for(view: ExperimentView, index: int) -> str:
    """The key of a judge who likes one policy best, and the first of two others by name."""
    pair = view.pairs[index]
    first = pair.first == BEST or (pair.second != BEST and pair.first < pair.second)
    return ("1", "ArrowLeft")[index % 2] if first else ("2", "ArrowRight")[index % 2]


def test_a_person_judges_to_the_verdict(server: Server, store: SqlStore, browser: Any, tmp_path: Path) -> None:
    search = searched(store)
    page, asked = followed(browser)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))

    # the form: branches of the run, judged by me
    page.goto(f"{server.url}/policies?new=branches&from={search}")
    page.get_by_text("me, in the browser").click()
    # The whole form is drawn anew for it: until that has ended, a field may be there twice.
    page.locator(".st-key-summary").get_by_text("You judge in the browser").wait_for()
    settled(page)
    delta = page.get_by_role("textbox", name="Largest error (δ)")
    delta.fill("0.3")
    delta.press("Tab")
    page.get_by_text("Some policy beats every other").click()
    page.get_by_role("button", name="Start the experiment").click()
    page.wait_for_url("**/judge?run=*")
    run = page.url.split("run=")[1].split("&")[0]
    spec = store.spec(run).experiment
    assert spec is not None
    assert (spec.delta, spec.assume_condorcet, spec.judge) == (0.3, True, "person")

    # the name: keys typed into it judge nothing
    name = page.get_by_role("textbox", name="Your name")
    name.press_sequentially("1t2")
    page.get_by_role("button", name="Start judging").click()
    page.wait_for_url("**judge=1t2*")
    index = shown(page)
    assert store.commands(run) == []
    body = page.locator("[data-testid=stMain]").inner_text()
    assert "model 1" not in body
    assert "untrained" not in body

    # judged by keys; one answer is undone, one pair skipped, one tied, the page loaded again
    done: set[int] = set()
    for turn in range(200):
        view = contest(store, run)
        key = {2: "s", 3: "t"}.get(turn, key_for(view, index))
        page.keyboard.press(key)
        done.add(index)
        if turn == 1:
            index = shown(page, done)
            page.keyboard.press("u")
            page.get_by_text("Taken back: ").wait_for()
            taken = next(e for e in store.read(run) if e.kind == "withdrawn").event.index
            assert taken in done
            done.discard(taken)
        if turn == 4:
            # A page that is left before it has sent the answer takes the answer with it.
            until(lambda index=index: contest(store, run).pairs[index].outcome is not None)  # type: ignore[misc]
            page.reload()
        page.locator(READY).or_(page.get_by_text(OVER)).first.wait_for(state="attached")
        index = shown_or_over(page, done)
        if index is None:
            break
    view = contest(store, run)
    assert view.verdict is not None
    assert (view.verdict.kind, view.verdict.policy) == ("winner", BEST)
    kinds = [e.kind for e in store.read(run)]
    assert kinds.count("withdrawn") == kinds.count("skipped") == 1
    assert view.ties == 1
    sent = [c for c in store.commands(run) if c.command == "judge"]
    # every key press was dealt with, once and in order, up to the one that brought the verdict
    answers = [e.event.answer for e in store.read(run) if e.kind in ("compared", "withdrawn", "skipped")]
    assert answers == [c.seq for c in sent if c.seq <= answers[-1]]
    assert len(sent) - len(answers) <= 1

    # Policies shows what `show` prints
    told = json.loads(command(store, "show", run, "--json"))
    page.get_by_role("link", name="See the verdict").click()
    page.wait_for_url(f"**/policies?run={run}")
    n = told["comparisons"]
    page.get_by_text(f"{BEST} is the best policy with error at most 30 %, after {n} comparisons.").wait_for()
    card = page.locator("[data-testid=stMetric]").filter(has_text="Comparisons").first
    assert str(n) in card.inner_text()
    plot = page.locator(".st-key-panel-wins .poets-plot[data-renders]")
    plot.wait_for()
    assert plot.get_attribute("data-points") == str(n)
    cells = page.evaluate("() => document.querySelector('.st-key-panel-wins .js-plotly-plot').data[0].text")
    assert [[int(c or 0) for c in row] for row in cells] == told["wins"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Verdict as JSON").click()
    saved = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert saved["verdict"] == told["verdict"]
    assert saved["metrics"]["evidence"] == told["evidence"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Comparisons as CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    assert sum(r["outcome"] != "" for r in rows) == n
    assert strangers(asked) == set()
    assert problems == []


def test_two_judges_share_the_pairs(server: Server, store: SqlStore, browser: Any) -> None:
    """Two browsers, two names: no pair is shown to both at a time, each answer counts, and nobody is asked twice."""
    search = searched(store)
    policies = [{"name": f"model {k + 1}", "run": search, "branch": k} for k in range(2)]
    settings = {"source": "branches", "policies": policies, "judge": "person", "delta": 0.01, "open_pairs": 2}
    problem = {"name": "protein/ehrlich", "params": {}}
    spec = parse_spec({"kind": "experiment", "problem": problem, "experiment": settings, "seed": 0})
    run = store.create(spec)
    launch.launch(store, run)
    pages = {}
    for name in ("Ada", "Bea"):
        pages[name], _ = followed(browser, viewport={"width": 1280, "height": 800})
        pages[name].goto(f"{server.url}/judge?run={run}&judge={name}")
    done: dict[str, set[int]] = {name: set() for name in pages}
    for turn in range(5):
        at = {name: shown(page, done[name]) for name, page in pages.items()}
        assert at["Ada"] != at["Bea"], turn
        for name, page in pages.items():
            if turn == 0:
                page.get_by_text("sharing with").wait_for()
                button = page.get_by_role("button", name="A is better")
                assert button.get_attribute("aria-keyshortcuts") == "1 ArrowLeft"
            page.keyboard.press("t")  # ties: they bring no verdict, so that all pairs are there to be shared
            done[name].add(at[name])
    for name, page in pages.items():
        shown(page, done[name])
    view = contest(store, run)
    opinions = {p.index: set(p.opinions) for p in view.pairs.values() if p.opinions}
    assert all(len(judges) == 1 for judges in opinions.values())
    assert {name: sum(judges == {name} for judges in opinions.values()) for name in pages} == {"Ada": 5, "Bea": 5}
    assert view.comparisons == 10
    store.send(run, "stop")
    for page in pages.values():
        page.close()
