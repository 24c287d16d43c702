"""Who gets in: requests to a running app under foreign names, from foreign pages, and inside foreign frames."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.hostile_case import Result
from benchmarks.hostile_server import AppServer
from benchmarks.memory import peak_bytes
from benchmarks.outgoing import Outgoing

HOSTS = (
    "evil.test",
    "evil.test:8501",
    "127.0.0.1.evil.test",
    "127.0.0.1@evil.test",
    "evil.test#127.0.0.1",
    "localhost.evil.test",
    "localhost,evil.test",
    "localhost evil.test",
    "[::2]",
    "127.0.0.2",
    "0.0.0.0",
    "2130706433",
    "a" * 300,
    "",
)
ORIGINS = ("http://evil.test", "null", "file://", "http://localhost:1", "http://[", "http://127.0.0.1")
FRAMES = {
    "an image of another page": {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "no-cors",
        "Sec-Fetch-Dest": "image",
    },
    "a frame of another page": {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "iframe",
    },
}
REFUSED = (400, 403, 421)


def results() -> Iterator[Result]:
    """Start the app with a store of its own, and ask it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        outgoing = Outgoing(folder / "asked")
        if not outgoing.hears():
            raise RuntimeError(
                "Expected requests to other hosts to be heard, got silence: no result would mean anything."
            )
        with AppServer(folder, environment=outgoing.environment) as server:
            for host in HOSTS:
                yield _result(server, outgoing, f"a page under the name {host[:40]!r}", {"Host": host}, socket=False)
                yield _result(server, outgoing, f"a socket under the name {host[:40]!r}", {"Host": host}, socket=True)
            for origin in ORIGINS:
                yield _result(server, outgoing, f"a socket of the page {origin}", {"Origin": origin}, socket=True)
            for name, headers in FRAMES.items():
                yield _result(server, outgoing, name, headers, socket=False)


def _result(server: AppServer, outgoing: Outgoing, name: str, headers: Mapping[str, str], *, socket: bool) -> Result:
    began = time.monotonic()
    status = server.websocket(headers) if socket else server.status("/", headers)
    seconds = time.monotonic() - began
    memory = peak_bytes(server.pid) / 2**20
    outcome = "refused" if status in REFUSED else "shown" if status in (101, 200) else "crashed"
    strangers = tuple(outgoing.strangers)
    return Result("hosts", name, "refused", outcome, f"status {status}", seconds, memory, strangers)  # type: ignore[arg-type]
