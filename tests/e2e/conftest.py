"""A real server and a real browser. Nothing here sleeps for luck: every wait is for something on the page."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest

from poets_core.runs.sql import SqlStore
from poets_core.runs.store import open_store
from poets_core.serve import app_file, prepare_static
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
# The same places, in the same order, as scripts/install_chromium.sh.
CHROMIUM = Path(os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LIMIT = 180_000
"""Milliseconds any single wait may take: only what never comes takes so long."""


STILL = """(() => {
  const animate = Element.prototype.animate;
  Element.prototype.animate = function (frames, options) {
    return animate.call(this, frames, { ...(typeof options === "object" ? options : {}), duration: 0, delay: 0 });
  };
  document.addEventListener("DOMContentLoaded", () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { transition: none !important; animation: none !important; }");
    document.adoptedStyleSheets.push(sheet);
  });
})();"""
"""Runs in every page before its own scripts. While an expander unfolds, a button moves from under the pointer between
its being pressed and let go, and the click is nobody's: no person is so quick, a test on a busy machine is."""


class Server:
    """The app on a free port of this machine, with its own store."""

    def __init__(self, folder: Path) -> None:
        self.store_url = f"sqlite:///{folder / 'poets.db'}"
        self._log = folder / "server.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        environment = os.environ | {"POETS_STORE": self.store_url, "OMP_NUM_THREADS": "1"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        until(self._answers, lambda: f"Expected a server at {self.url}, got: {self._log.read_text()[-2000:]}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=10):
                return True
        except (URLError, ConnectionError, TimeoutError):
            return False

    def stop(self) -> None:
        """End it as a service manager would."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A running app with its store in `folder`; ended even where it does not come up."""
    prepare_static(app_file().parent / "static")
    made = Server(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running app."""
    with serving(tmp_path) as made:
        yield made


@pytest.fixture
def store(server: Server) -> Iterator[SqlStore]:
    """The store of that app."""
    opened = open_store(server.store_url)
    yield opened
    for row in opened.runs(kind=None):  # workers outlive the server on purpose: a failed test must not leave one
        if row.status.pid is not None and row.status.active and row.status.pid != os.getpid():
            os.kill(row.status.pid, signal.SIGKILL)
    opened.close()


@contextmanager
def chromium(*more: str) -> Iterator[Any]:
    """Chromium, without a sandbox (containers) and without its own errands; the test is skipped where there is none.

    Args:
        more: further switches.
    """
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip(f"no Chromium at {CHROMIUM}; install one, or name it in the environment variable CHROMIUM")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*QUIET, *more])
        try:
            yield started
        finally:
            started.close()


@pytest.fixture(scope="module")
def _chromium() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def browser(_chromium: Any) -> Iterator[Any]:
    """Chromium, one for the tests of a file; every page is a stranger to all others, and closed after its test."""
    yield _chromium
    for context in _chromium.contexts:
        context.close()


def followed(browser: Any, **settings: Any) -> tuple[Any, list[str]]:
    """A new page, and the address of everything that it ever asks for, over HTTP or a WebSocket.

    Args:
        browser: see `chromium`.
        settings: of the page, as Playwright names them; 1280 x 900 pixels unless they say otherwise.
    """
    page = browser.new_page(**({"viewport": {"width": 1280, "height": 900}} | settings))
    page.set_default_timeout(LIMIT)
    page.add_init_script(STILL)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    return page, asked


def fill_in(page: Any, values: Mapping[str, object]) -> None:
    """Write into text fields, by their labels, and leave each, which is when a field tells the page."""
    for name, value in values.items():
        field = page.get_by_role("textbox", name=name, exact=True)
        field.fill(str(value))
        field.press("Tab")


def settled(page: Any) -> None:
    """Wait until what was entered last has been worked off, and the page is drawn."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def choose(page: Any, label: str, option: str) -> None:
    """Choose an option of a list, by its label, and wait until the choice stands.

    A list that is open while the page is drawn anew closes again, with nothing chosen: then it is opened once more.
    """
    from playwright.sync_api import TimeoutError as NotSeen  # here, since without Playwright these tests are skipped

    box = page.get_by_role("combobox", name=re.compile(rf"\b{re.escape(label)}$"))
    entry = page.get_by_role("option", name=option, exact=True)

    def chosen() -> bool:
        settled(page)
        if box.input_value() == option:
            return True
        if not entry.is_visible():
            box.click()
        with suppress(NotSeen):
            entry.click(timeout=5_000)
        return False

    until(chosen, lambda: f"{label}: expected {option!r}, got {box.input_value()!r}", pause=0.1)


def strangers(urls: list[str]) -> set[str]:
    """Hosts among requested addresses that are not this machine."""
    hosts = {urlsplit(u).hostname for u in urls if urlsplit(u).scheme in ("http", "https", "ws", "wss")}
    return {str(h) for h in hosts} - {"127.0.0.1", "localhost"}
