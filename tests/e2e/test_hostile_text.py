"""Every page in a real browser, over a store with hostile text in every field: it is seen, and it is only text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from poets_core.runs.sql import SqlStore
from tests.e2e.conftest import Server, followed, settled, strangers
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

# Texts are broken by word joiners, which nobody sees.
SEEN = (
    """(whole) => document.querySelector("[data-testid=stApp]")?.innerText.replaceAll("\\u2060", "").includes(whole)"""
)


@pytest.fixture(autouse=True)
def science(tmp_path: Path) -> Iterator[None]:
    """The server that starts after this knows a science whose every word is hostile."""
    hostile_store.write_science(tmp_path / "domains")
    with domains_in(tmp_path / "domains"):
        yield


def test_hostile_text_is_text_on_every_page(server: Server, store: SqlStore, browser: Any) -> None:
    runs = hostile_store.write(store)
    evil = {"run": hostile_store.HOSTILE[2]}
    page, asked = followed(browser, viewport={"width": 1280, "height": 1400})
    text = hostile_store.HOSTILE
    # What a page is known to show, as it is written; right-to-left marks are named instead.
    for path, address, shown in (
        ("", {}, [text[k] for k in (0, 1, 2, 4)]),
        ("launch", {"problem": "evil/evil"}, [text[k] for k in (0, 1, 2, 3, 4, 6)]),
        ("live", evil, [text[2]]),
        ("live", {"run": runs.search}, [text[k] for k in (0, 1, 2, 4)]),
        ("live", {"run": runs.failed}, [text[k] for k in (0, 1, 4)]),
        ("candidates", {"run": runs.search, "id": text[0]}, [text[k] for k in (0, 1, 2)]),
        ("candidates", {"run": runs.search, "id": "0-3"}, [text[k] for k in (2, 5, 6)]),
        ("policies", {}, [text[k] for k in (1, 4)]),
        ("policies", {"run": runs.experiment}, [text[1], text[2], "[U+202E]"]),
        ("judge", {"run": runs.judged, "judge": hostile_store.told(0, 40)}, [text[0], text[4]]),
        ("compare", {"runs": f"{runs.search},{runs.failed}"}, [text[k] for k in (0, 1, 2, 4)]),
    ):
        page.goto(f"{server.url}/{path}?{urlencode(address)}")
        for whole in shown:
            page.wait_for_function(SEEN, arg=whole)
        page.wait_for_load_state("networkidle")
        settled(page)
        assert page.evaluate(MADE) == [], (path, address)
        assert "\u202e" not in page.locator("[data-testid=stApp]").inner_text()
    assert strangers(asked) == set()
