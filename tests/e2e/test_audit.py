"""A log is audited by keyboard: what its judge said stays hidden, and the verdict is about the person's preference."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from poets_core.runs.sql import SqlStore
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.fold import fold
from tests.e2e.conftest import Server, followed, settled, strangers
from tests.e2e.test_journey import press
from tests.e2e.test_judging import shown_or_over

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BEST, OTHER = "plain words", "long words"


def judged() -> bytes:
    """A log whose judge prefers the other one in two of three rows, with both responses."""
    rows = [["prompt", "policy_a", "policy_b", "outcome", "response_a", "response_b"]]
    for i in range(300):
        one, two = (BEST, OTHER) if i % 2 else (OTHER, BEST)
        said = {BEST: f"Short and clear, number {i}.", OTHER: f"Of considerable verbosity, number {i}."}
        won = OTHER if i % 3 else BEST
        rows.append([f"Explain topic {i}.", one, two, "a" if won == one else "b", said[one], said[two]])
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def audit(store: SqlStore, run: str) -> ExperimentView:
    """The experiment as its events say it."""
    view = fold(store.read(run)).experiment
    assert view is not None
    return view


def test_a_person_audits_a_judge_by_keyboard(server: Server, store: SqlStore, browser: Any) -> None:
    page, asked = followed(browser)
    page.goto(f"{server.url}/policies?new=log")
    page.locator("input[type=file]").set_input_files({"name": "log.csv", "mimeType": "text/csv", "buffer": judged()})
    page.locator(".st-key-policies-form").get_by_text("300 comparisons of 2 policies count").wait_for()
    settled(page)
    page.get_by_text("People audit the judge").click()
    page.get_by_text("Smallest share audited").wait_for()
    page.locator(".st-key-summary").get_by_text("You judge a share of the pairs").wait_for()
    settled(page)
    press(page, "Start the experiment")
    page.wait_for_url("**/judge?run=*")
    run = page.url.split("run=")[1].split("&")[0]
    spec = store.spec(run).experiment
    assert (spec.audit, spec.judge) == (True, "replay")
    page.get_by_role("textbox", name="Your name").fill("Ada")
    press(page, "Start judging")
    page.wait_for_url("**judge=Ada*")

    done: set[int] = set()
    for _ in range(100):
        index = shown_or_over(page, done)
        if index is None:
            break
        text = page.locator("[data-testid=stMain]").inner_text()
        assert "You audit a judge" in text
        assert not [name for name in (BEST, OTHER) if name in text]
        pair = audit(store, run).pairs[index]
        assert pair.verdict is not None  # the judge has said something, and nobody is told
        page.keyboard.press("1" if pair.first == BEST else "2")
        done.add(index)

    view = audit(store, run)
    assert (view.verdict.kind, view.verdict.policy, view.verdict.rule) == ("winner", BEST, "audit")
    labels = view.metrics["labels"]
    assert 0 < labels < view.comparisons
    assert {p.index for p in view.pairs.values() if p.judge == "Ada"} <= done
    page.get_by_role("link", name="See the verdict").click()
    page.wait_for_url(f"**/policies?run={run}")
    said = f"People prefer {BEST} to every other policy with error at most 10 %, after {view.comparisons} verdicts of "
    page.get_by_text(f"{said}the judge and {labels} of people.").wait_for()
    cards = page.locator(".st-key-audit-cards")
    cards.get_by_text(f"{1 - labels / view.comparisons:.0%}", exact=True).wait_for()
    page.get_by_role("heading", name="Judge and people, pair by pair").wait_for()
    assert strangers(asked) == set()
