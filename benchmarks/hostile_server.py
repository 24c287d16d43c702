"""The app on a free port with a store of its own, and requests to it whose every header is the caller's."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from poets_core.serve import app_file, prepare_static

ROOT = Path(__file__).resolve().parents[1]
STREAMLIT = ("-m", "streamlit", "run", "app.py", "--server.port")
POETS = ("-m", "poets_core", "app", "--port")
PATIENCE = 180.0
"""Seconds that a start may take on a busy machine."""
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "streamlit",
}


class AppServer:
    """A server of the app; use it as a context.

    Attributes:
        port: of 127.0.0.1.
        store_url: of its store.
        log: what it printed.
        pid: of its process.
    """

    def __init__(
        self, folder: Path, *, words: Sequence[str] = STREAMLIT, environment: Mapping[str, str] | None = None
    ) -> None:
        """Prepare a server.

        Args:
            folder: for its store and its log.
            words: of the command that starts it, up to the port.
            environment: further variables.
        """
        self.store_url = f"sqlite:///{folder / 'poets.db'}"
        self.log = folder / "server.log"
        self._words, self._environment = words, dict(environment or {})
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.own = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the server; 0 before it was started."""
        return 0 if self._process is None else self._process.pid

    def __enter__(self) -> AppServer:
        """Start it, and wait until it answers."""
        prepare_static(app_file().parent / "static")
        environment = os.environ | {"POETS_STORE": self.store_url, "OMP_NUM_THREADS": "1"} | self._environment
        with self.log.open("ab") as log:
            command = [sys.executable, *self._words, str(self.port)]
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while self.status("/_stcore/health") != 200:
            if time.monotonic() > end or self._process.poll() is not None:
                self.__exit__()
                raise RuntimeError(f"Expected a server at {self.own}, got: {self.log.read_text()[-2000:]}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", version: str = "1.1"
    ) -> tuple[int, str]:
        """Send one request as it is written here.

        Args:
            path: of the request.
            headers: all headers; ``Host`` is the server's own unless it is among them, "" leaves it out.
            method, version: of HTTP.

        Returns:
            status and the head of the answer; (0, "") where the connection was closed or refused.
        """
        given = {"Host": self.own, **(headers or {})}
        lines = [f"{method} {path} HTTP/{version}", *(f"{n}: {v}" for n, v in given.items() if v), "", ""]
        text = b""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall("\r\n".join(lines).encode("latin-1"))
            while b"\r\n\r\n" not in text and (part := connection.recv(4096)):
                text += part
        head = text.partition(b"\r\n\r\n")[0].decode("latin-1")
        words = head.split()
        return (int(words[1]), head) if len(words) > 1 and words[1].isdigit() else (0, head)

    def status(self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> int:
        """Return the status of an answer; 101 for a WebSocket that was accepted."""
        return self.ask(path, headers, method=method)[0]

    def websocket(self, headers: Mapping[str, str]) -> int:
        """Return the status of the answer to a WebSocket's handshake with these headers: 101 if it is let in."""
        return self.status("/_stcore/stream", {**HANDSHAKE, **headers})
