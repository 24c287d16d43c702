"""Text of others on every page: seen as it is, never as Markdown, HTML, a link or an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from pages.parts.text import JOINER, in_figure, plain, visible
from poets_core.runs.sql import SqlStore
from tests.pages import hostile_store
from tests.pages.conftest import ROOT
from tests.pages.hostile_store import ESCAPED, HOSTILE, LONG, MARK
from tests.toy import domains_in

AS_IT_IS = {
    "text", "code", "json", "arrow_data_frame", "data_frame", "imgs", "bidi_component", "text_input", "text_area",
    "selectbox", "multiselect", "page_info_changed", "page_not_found", "page_config_changed",
}  # fmt: skip
"""Elements that show text without reading Markdown; of widgets it holds for values and options, see `MARKDOWN`."""
MARKDOWN = {"label", "help"}
"""Fields of such elements that are read as Markdown all the same."""


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    read = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(plain(text))
    assert [t.type for t in read] == ["paragraph_open", "inline", "paragraph_close"]
    inline = read[1].children or []
    assert {t.type for t in inline} <= {"text", "text_special"}
    seen = "".join(t.content for t in inline)
    assert seen.replace(JOINER, "") == visible(" ".join(text.split("\n\n"))).strip()
    for made in (r"https?://", r"www\.", ":material/", ":smile:", ":red[", "a@x"):
        assert made.replace("\\", "").replace("?", "") not in seen


def test_hidden_characters_are_named_and_long_texts_cut() -> None:
    assert visible("a\u202eb\x00c\ud800\u200b") == "a[U+202E]b[U+0000]c[U+D800][U+200B]"
    assert visible("a\nb\tc ä ℝ 蛋 👩\u200d🔬") == "a\nb\tc ä ℝ 蛋 👩\u200d🔬"
    visible("".join(map(chr, range(0x110000)))).encode()  # whatever it is, a browser can be told
    assert len(plain("x" * 5_000_000)) == 501
    assert plain("# a\n# b\u2028c") == "\\# a # b c"
    assert plain("1. a") == "1\\. a"


def test_a_figure_shows_tags_and_templates_as_they_are() -> None:
    assert in_figure("<a href='x'>%{y}</a> & b") == "&lt;a href='x'>%&#123;y}&lt;/a> &amp; b"


@pytest.fixture
def hostile(store: SqlStore, tmp_path: Path) -> Iterator[hostile_store.Runs]:
    """Runs and a science with hostile text in every field."""
    hostile_store.write_science(tmp_path / "domains")
    with domains_in(tmp_path / "domains"):
        yield hostile_store.write(store)


def test_no_page_reads_the_text_of_others_as_markup_or_says_where_the_program_lies(
    store: SqlStore, hostile: hostile_store.Runs, tmp_path: Path
) -> None:
    asked = hostile.addresses()
    seen: Counter[str] = Counter()
    places = {str(tmp_path), hostile_store.PATH}
    for page, address in asked:
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240).run()
        for name, value in address.items():
            at.query_params[name] = value
        at = at.switch_page(page).run()
        assert not at.exception, (page, address, at.exception)
        for kind, field, text in texts(at):
            read = kind not in AS_IT_IS or field in MARKDOWN
            assert not read or MARK not in text, f"{page} {address}: {kind}.{field} takes Markdown, got {text[:200]!r}"
            assert not read or len(text) < 6000, f"{page} {address}: {kind}.{field} has {len(text)} characters"
            assert not any(p in text for p in places), f"{page} {address}: {kind}.{field} says {text[:200]!r}"
            seen[page] += ESCAPED in text or MARK in text
    few = {page: seen[page] for page, _ in asked if seen[page] < 8}
    assert few == {}, "the hostile text is on every page"
    assert LONG[:400] in "".join(t for _, _, t in texts(opened(hostile)))


def opened(hostile: hostile_store.Runs) -> AppTest:
    """The page of the run that failed with a very long message."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240).run()
    at.query_params["run"] = hostile.failed
    return at.switch_page("pages/search/live.py").run()


def texts(at: AppTest) -> Iterator[tuple[str, str, str]]:
    """Kind, field and text of every text that a page sends to the browser."""
    for root in (at.main, at.sidebar, at._tree):
        for node in walk(root):
            proto = getattr(node, "proto", None)
            if isinstance(proto, Message):
                kind = getattr(node, "type", "") or proto.DESCRIPTOR.name
                for field, text in strings(proto):
                    yield str(kind), field, text


def walk(node: Any) -> Iterator[Any]:
    """A node of the page and all below it."""
    yield node
    for child in getattr(node, "children", {}).values():
        yield from walk(child)


def strings(message: Message, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a message, with the name of its field."""
    for described, value in message.ListFields():
        values = value if described.is_repeated else [value]
        for one in values:
            if isinstance(one, str):
                yield described.name, one
            elif isinstance(one, Message):
                yield from strings(one)
