"""Every page in a real browser, over a store with hostile text in every field: it is seen, and it is only text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from poets_core.runs.sql import SqlStore
from tests.e2e.conftest import LIMIT, Server, strangers
from tests.pages import hostile_store
from tests.toy import domains_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
# Elements that only hostile text can have made: links, images, frames and scripts of the marked host, anchors within
# a chart, icons and emphasis around the mark.
MADE = """() => {
    const own = (e) => e.closest("code, pre, textarea, input") === null;
    const named = [...document.querySelectorAll("a, img, image, iframe, script, link, object, embed, form, base")]
        .filter((e) => ["href", "src", "data", "action"].some((n) => /evil\\.test/.test(e.getAttribute(n) ?? "")))
        .filter((e) => e.origin !== location.origin);
    const mailed = [...document.querySelectorAll("a[href^='mailto:']")];
    const drawn = [...document.querySelectorAll("svg a")];
    const marked = [...document.querySelectorAll("em, del, h4, h5, h6, b, .katex, [data-testid=stMarkdownColoredText]")]
        .filter(own).filter((e) => /evil\\.test/.test(e.textContent));
    return [...named, ...mailed, ...drawn, ...marked].map((e) => e.outerHTML.slice(0, 300));
}"""


@pytest.fixture(autouse=True)
def science(tmp_path: Path) -> Iterator[None]:
    """The server that starts after this knows a science whose every word is hostile."""
    hostile_store.write_science(tmp_path / "domains")
    with domains_in(tmp_path / "domains"):
        yield


def test_hostile_text_is_text_on_every_page(server: Server, store: SqlStore, browser: Any) -> None:
    runs = hostile_store.write(store)
    evil = {"run": hostile_store.HOSTILE[2]}
    asked: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    page.set_default_timeout(LIMIT)
    page.on("request", lambda request: asked.append(request.url))
    seen = ""
    for path, address in (
        ("", {}),
        ("launch", {"problem": "evil/evil"}),
        ("live", evil),
        ("live", {"run": runs.search}),
        ("live", {"run": runs.failed}),
        ("candidates", {"run": runs.search, "id": hostile_store.HOSTILE[0]}),
        ("candidates", {"run": runs.search, "id": "0-3"}),
        ("policies", {}),
        ("policies", {"run": runs.experiment}),
        ("judge", {"run": runs.judged, "judge": hostile_store.told(0, 40)}),
        ("compare", {"runs": f"{runs.search},{runs.failed}"}),
    ):
        page.goto(f"{server.url}/{path}?{urlencode(address)}")
        page.get_by_role("heading", level=1).first.wait_for()
        page.wait_for_load_state("networkidle")
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        text = page.locator("[data-testid=stApp]").inner_text().replace("\u2060", "")
        assert hostile_store.MARK in text, (path, address)
        assert page.evaluate(MADE) == [], (path, address)
        seen += text
    for whole in hostile_store.HOSTILE[:7]:
        assert whole in seen, whole
    assert "[U+202E]" in seen
    assert "\u202e" not in seen
    assert strangers(asked) == set()
