"""What was expected stands in the unit of the value, and nothing stands where nothing was predicted."""

from __future__ import annotations

from typing import Any

import pytest

from pages.parts.launch.price import contest_price
from pages.parts.look import LIGHT
from pages.parts.run import charts
from pages.parts.run.expected import expected_range, unit_note, unsure
from pages.parts.run.predicted import predictions
from pages.parts.run.table import candidate_rows
from pages.parts.tables import Filter, find
from poets_core.runs.events import Event, Updated
from poets_core.runs.views.fold import RunView, fold
from tests.logs import recorded
from tests.pages import written


def view(rounds: int = 3, **metrics: Any) -> RunView:
    """The written run; every slot k of a round was predicted 0.1 k, give or take 0.5 - 0.1 k, in reward s.d."""
    events: list[Event] = written.events(rounds)
    for at, event in enumerate(events):
        if isinstance(event, Updated):
            events[at] = Updated(event.round, {**event.metrics, **metrics}, "c", "", 2.0)
    return fold(recorded(events))


def test_the_chart_and_the_table_are_in_the_unit_of_the_value() -> None:
    seen = view(reward_location=0.2, reward_scale=0.5)
    panel = predictions(seen, LIGHT)
    assert panel.layout["xaxis"]["title"]["text"] == "expected quality [share]"
    assert panel.layout["yaxis"]["title"]["text"] == "measured quality [share]"
    dots = [t for t in panel.traces if "customdata" in t]
    drawn = {id: (x, y) for t in dots for id, x, y in zip(t["customdata"], t["x"], t["y"], strict=True)}
    assert drawn["1-2"] == pytest.approx((0.2 + 0.5 * 0.2, 0.1 * (1 + 2)))
    (diagonal,) = (t for t in panel.traces if t["name"] == "as expected")
    assert diagonal["x"] == diagonal["y"]
    assert "within the range that was expected" in panel.alt
    assert not [id for id in drawn if id.startswith("0-")]  # nothing was expected before the first update
    columns, rows = candidate_rows(seen, ["0-2", "1-2"], "run")
    table = [dict(zip((c.title for c in columns), row.cells, strict=True)) for row in rows]
    assert [row["expected"] for row in table] == ["–", "0.3000"]
    assert [row["expected range"] for row in table] == ["–", "0 to 0.6"]
    assert [row["round"] for row in table] == ["1", "2"]


def test_the_least_sure_come_first_by_what_is_shown() -> None:
    seen = view(reward_location=0.0, reward_scale=1.0, reward_log=True)
    found = [seen.candidates[id] for id in find(seen, Filter(show="all", sort="unsure"))]
    told = [c for c in found if c.expected is not None]
    assert found[: len(told)] == told  # of the rest nothing was expected
    assert len(found) > len(told) > 3
    widths = [unsure(c) for c in told]
    assert widths == sorted(widths, reverse=True)
    assert all(unsure(c) == pytest.approx(c.expected_high - c.expected_low) for c in told)  # type: ignore[operator]


def test_where_the_unit_is_unknown_nothing_is_shown_and_it_is_said() -> None:
    seen = view(reward_location=None)
    panel = predictions(seen, LIGHT)
    assert panel.traces == []
    assert panel.alt == unit_note(seen)
    assert "without its unit" in unit_note(seen)
    assert expected_range(seen.candidates["1-2"]) == "–"
    assert unit_note(view(reward_location=0.2)) == ""


def test_the_price_of_contests_stands_beside_the_switch() -> None:
    budget, contest = {"rounds": 12, "batch": 32}, {"every": 4, "comparisons": 64}
    assert contest_price(budget, contest) == (
        "Costs up to 128 measurements: 8 rounds (256) + 64 comparisons (128) = 384 measurements, instead of 12 rounds."
    )
    assert "leave no room" in contest_price({"rounds": 3, "batch": 32}, contest)
    assert contest_price({"rounds": 0, "batch": 32}, contest) == ""  # the field says what is wrong


def test_charts_count_rounds_from_one() -> None:
    assert [at for at, _ in charts.series(view(3), "js_token")] == [1.0, 2.0, 3.0]
