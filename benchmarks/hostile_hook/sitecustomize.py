"""Imported by every Python of a measured case, its children too: writes down whom it connects to.

The folder stands on PYTHONPATH and POETS_HOSTILE_CALLS names the file; see `benchmarks.hostile_case`.
"""

from __future__ import annotations

import os
import sys

_CALLS = os.environ.get("POETS_HOSTILE_CALLS", "")


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    # The address is the last argument of connect, sendto and sendmsg, the first of every look-up of a name.
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[-1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        address = (arguments[0],)
    else:
        return
    if isinstance(address, tuple) and address:  # the address of a Unix socket is text: it leaves no machine
        descriptor = os.open(_CALLS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{address[0]}\n".encode(errors="replace"))
        os.close(descriptor)


if _CALLS:
    sys.addaudithook(_watch)
