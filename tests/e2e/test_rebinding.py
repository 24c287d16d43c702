"""A page under a name of its own that resolves to 127.0.0.1, in a real browser: it reads nothing and starts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from poets_core.runs.sql import SqlStore
from tests.e2e.conftest import Server, chromium, followed
from tests.pages import written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
OPENS = """(address) => new Promise((done) => {
    const socket = new WebSocket(address, ["streamlit"]);
    socket.onopen = () => done(true);
    socket.onerror = () => done(false);
})"""
"""Whether a page can open a WebSocket."""


@pytest.fixture(scope="module")
def rebound() -> Iterator[Any]:
    """Chromium in which the name evil.test has been made to mean this machine."""
    with chromium("--host-resolver-rules=MAP evil.test 127.0.0.1") as started:
        yield started


def test_a_foreign_name_for_this_machine_reads_nothing(server: Server, store: SqlStore, rebound: Any) -> None:
    written.write(store, written.events(2), label="Secret run")
    page, _ = followed(rebound)
    answer = page.goto(f"http://evil.test:{server.port}/")
    assert answer.status == 421
    assert "Secret run" not in page.content()
    assert page.evaluate(OPENS, f"ws://evil.test:{server.port}/_stcore/stream") is False
    assert page.evaluate(f"() => fetch('http://evil.test:{server.port}/_stcore/health').then(r => r.status)") == 421
    page.goto(f"{server.url}/")
    page.get_by_text("Secret run").first.wait_for()  # under its own name it is there, and was all the time


@pytest.fixture
def stranger(server: Server) -> Iterator[str]:
    """Address of another server on this machine, whose page frames the app and loads a script of it."""
    html = f"""<iframe src="{server.url}/"></iframe><script src="{server.url}/app/static/plotly.min.js"></script>"""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as served:
        Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://evil.test:{served.server_port}/"
        served.shutdown()


def test_another_page_can_neither_frame_nor_load_the_app_nor_open_its_socket(
    server: Server, stranger: str, rebound: Any
) -> None:
    page, _ = followed(rebound)
    page.goto(stranger)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("() => typeof window.Plotly") == "undefined"
    assert page.frames[1].url.startswith("chrome-error:")
    opened = page.evaluate(OPENS, f"ws://127.0.0.1:{server.port}/_stcore/stream")
    assert opened is False
