"""Variants as a person meets it, without a browser: views of a science, of all designs or of some."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domains.entry import View
from poets_core.runs.events import Event, Prepared
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.pages import written
from tests.pages.test_pages import opened, said

VARIANTS = "pages/analyse/variants.py"
PARENT = "ACDE"


def events() -> list[Event]:
    """A run of a protein problem with four sites of a longer parent."""
    facts = {
        "wild_type": PARENT,
        "parent": "M" + PARENT + "K",
        "sites": ["2", "3", "4", "5"],
        "site_index": [1, 2, 3, 4],
    }
    out: list[Event] = []
    for event in written.events(2):
        if isinstance(event, Prepared) and event.info is not None:
            event = replace(event, info=replace(event.info, name="protein/campaign", domain="protein", facts=facts))
        out.append(event)
    return out


def test_a_run_of_proteins_has_its_views(store: SqlStore) -> None:
    at = opened(VARIANTS, run=written.write(store, events()))
    text = said(at)
    for heading in ("Measured, by residue and site", "Logo of the best", "The best against the parent", "Properties"):
        assert heading in text, heading
    assert at.get("file_uploader")


def test_some_designs_alone(store: SqlStore) -> None:
    run = written.write(store, events())
    at = opened(VARIANTS, run=run)
    box = at.multiselect(key=f"chosen-{run}")
    best = max(c.value for c in fold(store.read(run)).candidates.values() if c.value is not None)
    assert box.options[0].endswith(f"· {best:.4g}")
    assert "Logo of the best 1" not in said(at).splitlines()
    at = box.set_value(box.options[:1]).run()
    assert not at.exception
    assert "Logo of the best 1" in said(at).splitlines()


def test_a_science_without_views_says_so(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domains.catalog.views_of", lambda name: None)
    at = opened(VARIANTS, run=written.write(store, events()))
    assert "has no views of its own" in said(at)


def test_a_science_that_fails_is_told_and_the_page_stands(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from domains.protein.views import shown

    def broken(*designs: object, **more: object) -> list[View]:
        raise RuntimeError("smoke")

    monkeypatch.setattr(shown, "views", broken)
    at = opened(VARIANTS, run=written.write(store, events()))
    assert "The views failed: smoke" in said(at)
