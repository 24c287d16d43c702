"""The report of a run: one file that asks nothing of any network, and shows whatever a model wrote as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poets_core.runs.export import report_bytes
from poets_core.runs.report.chart import MOST, Series, _ticks, chart
from poets_core.runs.store import SqlStore
from tests.contracts.store_contract import taken
from tests.runs.test_view import log
from tests.worker.fake import fake_spec

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>&amp;]]>"


class Page(HTMLParser):
    """Tags, and what they would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [f"{name}={value}" for name, value in attrs if name in ("src", "href", "data", "action")]
        self.fetched += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = SqlStore(f"sqlite:///{tmp_path}/poets.db")
    yield opened
    opened.close()


def page(store: SqlStore, rounds: list[list[tuple[str, float | None]]], label: str = "") -> str:
    run = store.create(fake_spec(label=label) if label else fake_spec())
    store.append(taken(store, run), log(rounds))
    return report_bytes(store, run).decode()


def test_it_says_what_was_found(store: SqlStore) -> None:
    text = page(store, [[("AC", 1.5), ("B", None)], [("CC", 2.5), ("DD", -1.0)]])
    read = Page(text)
    assert "The best of 4 designs measured has value 2.5 unit: 1-0." in read.text
    assert "75% of the measurements are of valid designs." in read.text
    assert "has 1.5." in read.text  # the first round
    rows = re.findall(r"<tr><td>([^<]+)</td><td class=\"n\">([^<]*)</td>", text)
    assert rows == [("1-0", "2.5"), ("0-0", "1.5"), ("1-1", "-1")]
    assert read.tags.count("svg") >= 1
    assert "The best possible value is 10." in read.text


def test_it_fetches_and_runs_nothing(store: SqlStore) -> None:
    text = page(store, [[(HOSTILE, 1.0), ("B" * 5000, 2.0)]])
    read = Page(text)
    assert not {"script", "img", "link", "iframe", "object", "embed", "base", "form"} & set(read.tags)
    assert read.fetched == []
    assert "url(" not in text
    assert HOSTILE in read.text
    assert "default-src 'none'" in text
    assert "B" * 401 not in text


def test_the_same_run_gives_the_same_bytes(store: SqlStore) -> None:
    run = store.create(fake_spec())
    store.append(taken(store, run), log([[("AC", 1.5)]]))
    assert report_bytes(store, run) == report_bytes(store, run)


def test_a_run_without_anything_valid_has_a_report(store: SqlStore) -> None:
    assert "Nothing valid was found in 1 measurements." in Page(page(store, [[("A", None)]])).text


@given(
    st.floats(-1e12, 1e12, allow_subnormal=False),
    st.floats(-1e12, 1e12, allow_subnormal=False),
)
def test_ticks_hold_what_is_drawn(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    ticks = _ticks(low, high)
    slack = 1e-6 * max(abs(low), abs(high), high - low)
    assert 2 <= len(ticks) <= 9
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert all(x < y for x, y in pairwise(ticks))


def test_places_by_hand() -> None:
    """The corners of the axes are the first and the last tick."""
    drawn = chart([Series("a", [(0.0, 0.0), (10.0, 5.0)], "#000")], "x", "y", "two points")
    assert re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn) == [("78.0", "274.0"), ("704.0", "14.0")]
    many = chart([Series("a", [(float(i), 0.0) for i in range(10 * MOST)], "#000")], "x", "y", "many")
    assert many.count("<circle") <= MOST + 1
    assert chart([Series("a", [], "#000")], "x", "y", "none") == ""


def test_names_of_axes_are_escaped() -> None:
    drawn = chart([Series(HOSTILE, [(0.0, 1.0)], "#000")], HOSTILE, HOSTILE, HOSTILE)
    assert "<script" not in drawn
    assert "<img" not in drawn
