"""Which addresses a Python process and its children try to reach, told by an audit hook loaded at their start."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

HOOK = """
import os, sys
_out = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
def _heard(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        to = args[1]
        to = to[0] if isinstance(to, tuple) and to else to
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        to = args[0]
    else:
        return
    if isinstance(to, (bytes, bytearray)):
        to = to.decode("latin-1")
    os.write(_out, f"{{event}} {{to}}\\n".encode("utf-8", "replace"))
sys.addaudithook(_heard)
os.write(_out, b"listening here\\n")
"""
"""Of `sitecustomize`: a path of a local socket, a number or None is written too, and left out when it is read."""


class Outgoing:
    """A log of what processes asked for beyond this machine.

    Attributes:
        environment: variables that make a Python process write it; give them to every process that is started.
    """

    def __init__(self, folder: Path) -> None:
        """Write the hook into `folder`, which belongs to it alone."""
        self._log = folder / "asked.log"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(HOOK.format(log=str(self._log)), encoding="utf-8")
        self.environment = {"PYTHONPATH": str(folder)}

    @property
    def processes(self) -> int:
        """How many processes have loaded the hook; nought means that nothing was watched."""
        return sum(line == "listening here" for line in self._lines())

    @property
    def strangers(self) -> list[str]:
        """Every attempt to reach or to resolve something that is not this machine, as ``event host``."""
        return [line for line in self._lines() if line != "listening here" and _foreign(line.partition(" ")[2])]

    def _lines(self) -> list[str]:
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines() if self._log.exists() else []


def _foreign(host: str) -> bool:
    if host in ("", "None", "localhost") or host.startswith(("/", "\0", "@")):
        return False  # the machine itself, or a socket file
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return not (address.is_loopback or address.is_unspecified)
