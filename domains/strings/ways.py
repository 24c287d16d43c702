"""The ways to ask an oracle of one's own: a Python function, a program, a service on this machine.

Each is a connection that is opened when it is first used, serves one design at a time, and is opened anew after it
failed. A function runs in a process of its own, so that it cannot end or block the run.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from domains.strings.answer import LINE, NoAnswer
from domains.text.process import ROOT, Process
from poets_core.errors import InvalidSpec
from poets_core.intake import shown

HOSTS = {"127.0.0.1": "127.0.0.1", "::1": "::1", "localhost": "127.0.0.1"}
"""Hosts that are this machine, and the address that is used: a name is never looked up."""
_FUNCTION = re.compile(r"[A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){0,10}:[A-Za-z_]\w{0,80}")


class Way(Protocol):
    """One connection to an oracle."""

    def ask(self, line: str, seconds: float, start: float) -> str:
        """Send a line and return the one that comes back.

        Args:
            line: see `domains.strings.answer`.
            seconds: for the answer; start: besides, where something has to start first.

        Raises:
            NoAnswer: none came; the message says why. The next call begins anew.
        """
        ...

    def end(self) -> None:
        """Close it; more than once does no harm."""
        ...


@dataclass(frozen=True)
class Oracle:
    """An oracle as a person named it.

    Attributes:
        says: what is run or asked, for people.
        way: opens a connection.
    """

    says: str
    way: Callable[[], Way]


class Program:
    """A program, or a function in a process, that answers every line with a line; see `Way`."""

    def __init__(self, command: tuple[str, ...], folder: Path, memory: int) -> None:
        self._command, self._folder, self._memory = command, folder, memory
        self._process: Process | None = None

    def ask(self, line: str, seconds: float, start: float) -> str:
        """See `Way`."""
        fresh = self._process is None
        try:
            process = self._process or Process(self._command, self._memory, self._folder, line=LINE)
        except OSError as error:
            raise NoAnswer(f"it cannot be started: {error.strerror}") from error
        self._process = process
        found = process.exchange([line], seconds + start * fresh, last=False)
        if not found or process.why:
            why = process.why
            self.end()  # what it might still say would be taken for the answer to another design
            raise NoAnswer(why)
        return found[0]

    def end(self) -> None:
        """See `Way`."""
        if self._process is not None:
            self._process.end()
            self._process = None


class Service:
    """An HTTP service on this machine: one POST a design; see `Way`. No proxy is used and no redirection followed."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._host, self._port, self._path = host, port, path

    def ask(self, line: str, seconds: float, start: float) -> str:
        """See `Way`."""
        until = time.monotonic() + seconds
        connection = http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        ends: threading.Timer | None = None
        try:
            connection.connect()
            # A service that sends a byte now and then would never meet a limit on each read, in its headers neither.
            ends = threading.Timer(max(0.0, until - time.monotonic()), _cut, [connection.sock])
            ends.daemon = True
            ends.start()
            connection.request("POST", self._path, line.encode(), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            data = self._body(reply)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, TimeoutError) or time.monotonic() >= until:
                raise NoAnswer(f"no answer within {seconds:.3g} s") from error
            raise NoAnswer(f"{type(error).__name__}: {str(error)[:200]}") from error
        finally:
            if ends is not None:
                ends.cancel()
            connection.close()
        if time.monotonic() >= until:
            raise NoAnswer(f"no answer within {seconds:.3g} s")
        if reply.status != 200:
            raise NoAnswer(f"status {reply.status}: {shown(data.decode('utf-8', 'replace'), 100)}")
        return data.decode("utf-8", "replace")

    def _body(self, reply: http.client.HTTPResponse) -> bytes:
        found = b""
        while block := reply.read1(LINE):
            found += block
            if len(found) > LINE:
                raise NoAnswer(f"Expected an answer of at most {LINE:,} bytes, got more.")
        return found

    def end(self) -> None:
        """See `Way`; every design has a connection of its own."""


def _cut(line: socket.socket) -> None:
    """End whatever is waited for on a connection, from another thread."""
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def oracle_of(function: str, program: str, address: str, folder: str, memory: int) -> Oracle:
    """Return the oracle that a person named.

    Args:
        function: ``"package.module:function"``, called with a design.
        program: a command, split as a shell would; no shell runs it.
        address: ``"http://127.0.0.1:8000/measure"``.
        folder: where the function is looked for and the program runs; "" for none.
        memory: MiB that function or program may take.

    Raises:
        InvalidSpec: none or several are named, or one is malformed.
    """
    named = [(n, v) for n, v in (("function", function), ("program", program), ("address", address)) if v]
    if len(named) != 1:
        got = " and ".join(name for name, _ in named) or "none"
        raise InvalidSpec(
            f"Expected one of function, program and address as the oracle, got {got}. "
            "Name one and leave the others empty.",
            field="problem.params.function",
        )
    place = Path(folder).expanduser()
    if folder and not (place.is_absolute() and place.is_dir()):
        said = f"Expected the full path of a folder, got {shown(folder, 200)}, which is none."
        raise InvalidSpec(said, field="problem.params.folder")
    size = memory << 20
    if address:
        host, port, path = _address(address)
        return Oracle(address, lambda: Service(host, port, path))
    if function:
        if not _FUNCTION.fullmatch(function):
            said = f"Expected a function such as package.module:function, got {shown(function)}."
            raise InvalidSpec(said, field="problem.params.function")
        command = (sys.executable, "-m", "domains.strings.calling", str(place) if folder else "", function)
        return Oracle(f"function {function}{f' in {place}' if folder else ''}", lambda: Program(command, ROOT, size))
    words = _split(program)
    return Oracle(
        f"program {program}{f' in {place}' if folder else ''}", lambda: Program(words, place if folder else ROOT, size)
    )


def _split(program: str) -> tuple[str, ...]:
    try:
        words = shlex.split(program)
    except ValueError as error:
        said = f"Expected a command, got {shown(program)}: {error}."
        raise InvalidSpec(said, field="problem.params.program") from error
    if not words:
        raise InvalidSpec("Expected a command, got blanks.", field="problem.params.program")
    return tuple(words)


def _address(text: str) -> tuple[str, int, str]:
    """Return host, port and path of a service on this machine."""
    try:
        parts = urlsplit(text)
        port = 80 if parts.port is None else parts.port
    except ValueError as error:
        said = f"Expected an address such as http://127.0.0.1:8000/measure, got {shown(text)}: {error}."
        raise InvalidSpec(said, field="problem.params.address") from error
    plain = text.isascii() and text.isprintable() and " " not in text
    if (
        not plain
        or parts.scheme != "http"
        or parts.hostname not in HOSTS
        or parts.username is not None
        or parts.fragment
    ):
        said = f"Expected an address on this machine such as http://127.0.0.1:8000/measure, got {shown(text)}."
        raise InvalidSpec(f"{said} No request leaves it.", field="problem.params.address")
    return HOSTS[parts.hostname], port, f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
