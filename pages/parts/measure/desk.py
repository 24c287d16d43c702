"""A run as its laboratory sees it, gathered once per event for all browsers; and the files that it hands out."""

from __future__ import annotations

from collections.abc import Mapping

from pages.parts.feed import Feed
from pages.parts.run.naming import said
from poets_core.runs.laboratory.batch import Campaign
from poets_core.runs.laboratory.bench import Bench, Texts
from poets_core.runs.laboratory.hand_out import as_csv, as_xlsx, maps_as_csv
from poets_core.runs.views.fold import RunView
from poets_core.runs.views.signal import signal_of
from poets_core.spec import LaboratorySpec


def bench_of(feed: Feed) -> Bench:
    """Return the laboratory's view of a run.

    Raises:
        StoreUnavailable: it cannot be read.
    """
    feed.snapshot()

    def made(snapshot: object) -> Bench:
        view: RunView = snapshot.view  # type: ignore[attr-defined]
        lines = feed.store.read(feed.run)
        campaign = Campaign.of(line.event for line in lines if line.seq <= view.seq)
        laboratory = feed.spec.laboratory or LaboratorySpec()
        return Bench(feed.run, laboratory, feed.spec.budget, view, campaign, texts_of(view))

    found: Bench = feed.drawn("bench", made)
    return found


def weak_signal(feed: Feed) -> list[str]:
    """Say why the data of a run cannot tell variants apart, in sentences; empty where they can, or are too few."""

    def made(snapshot: object) -> list[str]:
        found = signal_of(snapshot.view)  # type: ignore[attr-defined]
        return found.lines() if found is not None and found.none else []

    said_of: list[str] = feed.drawn("signal", made)
    return said_of


def texts_of(view: RunView) -> Texts:
    """Name designs as their science does; a science that fails names none."""

    def texts(design: str) -> Mapping[str, str]:
        named = said(design, view.info)
        return {} if named is None else named.texts

    return texts


def list_csv(bench: Bench, round: int) -> bytes:
    """Return the list of a batch as CSV."""
    return as_csv(bench.hand_out(round))


def workbook(bench: Bench, round: int) -> bytes:
    """Return the list and the plate maps of a batch as xlsx."""
    return as_xlsx(bench.hand_out(round))


def maps_csv(bench: Bench, round: int) -> bytes:
    """Return the plate maps of a batch as CSV."""
    return maps_as_csv(bench.hand_out(round))
