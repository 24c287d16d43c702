"""Runs and Launch in a browser: a number out of range, a clone, a name, the archive, a deletion, Back, a JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from domains.catalog import check_params, entry
from pages.parts.launch.settings import defaults
from poets_core.runs.events import Finished
from poets_core.runs.sql import SqlStore
from poets_core.spec import SearchSpec, parse_spec
from tests.e2e.conftest import Server, followed, strangers
from tests.e2e.test_journey import press
from tests.pages import written
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def box(page: Any, name: str) -> Any:
    return page.get_by_role("textbox", name=name, exact=True)


def enter(page: Any, name: str, text: str) -> None:
    field = box(page, name)
    field.fill(text)
    field.press("Tab")


def start(page: Any) -> Any:
    return page.get_by_role("button", name=re.compile("^Start the run"))


def choose(page: Any, run: str, act: str) -> None:
    """Choose an entry of a run's menu; one that opens while the page is drawn anew may close again."""
    entry = page.get_by_role("menuitem", name=re.compile(act))

    def opened() -> bool:
        if not entry.is_visible():
            page.locator(f".st-key-row-{run}").get_by_role("button", name=re.compile("Actions")).click()
        return bool(entry.is_visible())

    until(opened, lambda: f"no entry {act} in the menu of run {run}", pause=0.5)
    entry.click()


def test_numbers_out_of_range_switch_start_off(server: Server, store: SqlStore, browser: Any) -> None:
    page, asked = followed(browser)
    page.goto(f"{server.url}/launch?problem=protein/ehrlich&preset=quick")
    start(page).and_(page.locator(":enabled")).wait_for()
    for wrong in ("5000", "0", "12,5", "nan", ""):
        enter(page, "Designs per round", wrong)
        page.get_by_text("The run can start when this is right: Designs per round").wait_for()
        start(page).and_(page.locator(":disabled")).wait_for()
        enter(page, "Designs per round", "16")
        start(page).and_(page.locator(":enabled")).wait_for()
    # a click that follows the wrong number at once starts nothing, and no number that was right before
    box(page, "Designs per round").fill("5000")
    start(page).click(force=True)
    page.get_by_text("The run can start when this is right: Designs per round").wait_for()
    assert "/launch" in page.url
    assert store.runs() == []
    assert strangers(asked) == set()


def test_runs_are_cloned_named_put_away_and_deleted(server: Server, store: SqlStore, browser: Any) -> None:
    run = written.write(store, [*written.events(3), Finished("budget")], label="alpha")
    other = written.write(store, [*written.events(1), Finished("budget")], label="beta")
    page, _ = followed(browser)
    page.goto(server.url)
    # named
    choose(page, run, "Name and tags")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("gamma ray")
    dialog.get_by_role("textbox", name="Name").press("Tab")
    press(page, "Save")
    page.get_by_role("link", name="gamma ray").wait_for()
    assert store.spec(run).label == "gamma ray"
    # put away, looked for, taken back
    choose(page, other, "Archive")
    page.get_by_role("link", name="beta").wait_for(state="detached")
    assert store.row(other).archived
    page.get_by_text("Archived", exact=True).click()
    page.get_by_role("link", name="beta").wait_for()
    choose(page, other, "Back from the archive")
    page.get_by_text("No run is archived here").wait_for()
    page.get_by_text("Archived", exact=True).click()
    # found by a word
    page.get_by_role("searchbox", name="Search").fill("gamma")
    page.get_by_role("link", name="beta").wait_for(state="detached")
    page.get_by_role("searchbox", name="Search").fill("")
    page.get_by_role("link", name="beta").wait_for()
    # deleted, after a question
    choose(page, other, "Delete")
    page.get_by_text(re.compile(r"MB of disk are freed")).wait_for()
    press(page, "Keep it")
    page.get_by_role("dialog").wait_for(state="detached")
    assert store.row(other).label == "beta"
    choose(page, other, "Delete")
    press(page, "Delete for good")
    page.get_by_role("link", name="beta").wait_for(state="detached")
    until(lambda: [r.id for r in store.runs()] == [run])
    # cloned, changed; Back finds what was entered
    choose(page, run, "Clone and change")
    page.wait_for_url(f"**/launch?*clone={run}*")
    page.get_by_text(f"Filled in with run {run}").wait_for()
    enter(page, "Rounds", "4")
    start(page).and_(page.locator(":enabled")).click()
    page.wait_for_url("**/live?run=*")
    clone = page.url.split("run=")[1]
    assert (store.spec(clone).label, store.spec(clone).budget.rounds) == ("gamma ray", 4)
    page.go_back()
    page.get_by_text(f"Filled in with run {run}").wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('input')].some(i => i.ariaLabel === 'Rounds' && i.value === '4')"
    )


def test_what_was_entered_stays_and_a_json_fills_the_form(
    server: Server, store: SqlStore, browser: Any, tmp_path: Path
) -> None:
    page, _ = followed(browser)
    page.goto(f"{server.url}/launch?problem=protein/ehrlich&preset=quick")
    enter(page, "Rounds", "17")
    page.get_by_text("272", exact=True).wait_for()
    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.get_by_role("heading", name="Runs", exact=True).wait_for()
    page.get_by_role("link", name="Launch", exact=True).first.click()
    page.get_by_text("272", exact=True).wait_for()
    assert box(page, "Rounds").input_value() == "17"
    # a file
    name = "quantum/artificial-7q"
    spec = parse_spec({"version": 2, "problem": {"name": name, "params": check_params(name, {})}, "seed": 9, **defaults(
        entry(name), "default")})  # fmt: skip
    assert isinstance(spec, SearchSpec)
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    page.get_by_text("Load the JSON of a run").click()
    page.locator(".st-key-json-file input[type=file]").set_input_files(tmp_path / "spec.json")
    page.get_by_role("button", name="Fill the form with it").and_(page.locator(":enabled")).click()
    page.get_by_text("Filled in with spec.json").wait_for()
    page.get_by_text(f"{spec.budget.calls:,}", exact=True).wait_for()
    start(page).and_(page.locator(":enabled")).click()
    page.wait_for_url("**/live?run=*")
    assert store.spec(page.url.split("run=")[1]) == spec
