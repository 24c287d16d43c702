"""Who may talk to the server of the app: requests to this machine by its own names, from pages of the app alone.

A browser lets any page send requests to 127.0.0.1, and a page whose name is made to resolve to 127.0.0.1 ("DNS
rebinding") may even read the answers. Such requests carry the foreign name: in `Host`, in `Origin`, or in what the
browser says about where they come from. `Guard` reads these headers before anything else of a request and refuses
what is foreign, over HTTP and over the WebSocket alike. What it lets through is told to load nothing from elsewhere
and to stand in nobody's frame.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from poets_core.errors import InvalidInput

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SETTING = "POETS_HOSTS"
"""Environment variable: further names of this machine, separated by blanks or commas."""
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,252}[a-z0-9])?|[0-9a-f:.]{2,45}")
_PORT = re.compile(r"[0-9]{1,5}")
# Streamlit runs the code of its components out of blobs and writes styles into the page; all else is its own files.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-src 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


def allowed_hosts(setting: str | None = None) -> frozenset[str]:
    """Return the names by which this machine may be asked.

    Args:
        setting: names separated by blanks or commas; None for the environment's POETS_HOSTS.

    Returns:
        127.0.0.1, localhost, ::1 and those of the setting, in lower case.

    Raises:
        InvalidInput: one of them is no host name.
    """
    given = os.environ.get(SETTING, "") if setting is None else setting
    names = [name.strip("[]").rstrip(".").lower() for name in given.replace(",", " ").split()]
    for name in names:
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"Expected names of this machine in {SETTING}, separated by blanks, without http:// and without a "
                f"port (poets.example.org), got {name[:80]!r}. Correct it, then start the app again."
            )
    return LOCAL | frozenset(names)


def host_of(header: str) -> str | None:
    """Return the name in a Host header, in lower case and without its port; None where it is not a plain one."""
    if header.startswith("["):
        name, bracket, port = header[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return None
        port = port[1:] if port else "0"
    else:
        name, colon, port = header.partition(":")
        port = port if colon else "0"
    name = name.lower().rstrip(".")
    return name if _PORT.fullmatch(port) and _NAME.fullmatch(name) else None


class Guard:
    """ASGI middleware that answers a foreign request itself: 421 for a foreign Host, 403 for a foreign Origin.

    Attributes:
        active: whether one stands before the server of this process; without it the app shows nothing.
    """

    active = False

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None = None) -> None:
        """Stand before `app`.

        Args:
            app: what gets the requests that are let through.
            hosts: names of this machine; None for `allowed_hosts`.

        Raises:
            InvalidInput: the setting holds something that is no host name.
        """
        self._app = app
        self._hosts = allowed_hosts() if hosts is None else frozenset(hosts)
        Guard.active = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status, reason = self._verdict(scope)
        if status:
            await _refuse(scope, send, status, reason)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in HEADERS}
                kept = [(n, v) for n, v in message.get("headers", ()) if bytes(n).lower() not in own]
                message["headers"] = [*kept, *HEADERS]
            await send(message)

        await self._app(scope, receive, guarded)

    def _verdict(self, scope: Scope) -> tuple[int, str]:
        """Return status and reason of a refusal; (0, "") for a request that may pass."""
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        host = host_of(hosts[0]) if len(hosts) == 1 else None
        if host is None or host not in self._hosts:
            return 421, (
                "This app answers under 127.0.0.1 and localhost only. To reach it under another name, start it with "
                f"that name in the environment variable {SETTING}."
            )
        # A page of the app has the very origin that it asks; "null" is a sandboxed frame or a file.
        own = {f"{scheme}://{hosts[0].lower()}" for scheme in ("http", "https")}
        if any(origin.lower() not in own for origin in origins):
            return 403, "This app answers its own pages only, not those of another origin."
        # Browsers say where a request comes from, also where they send no Origin (images, scripts, frames).
        sites, modes = _values(scope, b"sec-fetch-site"), _values(scope, b"sec-fetch-mode")
        frames = [d for d in _values(scope, b"sec-fetch-dest") if d not in ("document", "empty", "")]
        foreign = any(site not in ("same-origin", "none") for site in sites)
        if foreign and (modes != ["navigate"] or frames):
            return 403, "This app answers its own pages only; another one asked for this."
        return 0, ""


def _values(scope: Scope, name: bytes) -> list[str]:
    return [bytes(v).decode("latin-1").strip() for n, v in scope["headers"] if bytes(n).lower() == name]


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    """Answer without reading anything of the request's body."""
    websocket = scope["type"] == "websocket"
    if websocket and "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})  # a server makes a 403 of it
        return
    kind, body = ("websocket.http.response" if websocket else "http.response"), f"{reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *HEADERS,
    ]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
