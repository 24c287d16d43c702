"""Which addresses a Python process and its children try to reach or to resolve, told by `benchmarks.hostile_hook`."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

HOOK = Path(__file__).resolve().parent / "hostile_hook"


class Outgoing:
    """A log of what processes asked for beyond this machine.

    Attributes:
        environment: variables that make a Python process write it; give them to every process that is started.
    """

    def __init__(self, log: Path) -> None:
        """Begin a log in the file `log`, which is not there yet."""
        self._log = log
        paths = [str(HOOK), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {"PYTHONPATH": os.pathsep.join(paths), "POETS_HOSTILE_CALLS": str(log)}

    def hears(self) -> bool:
        """Return whether a process that asks for a stranger's address is heard; without that, silence says nothing."""
        before = len(self.strangers)
        code = "import socket\ntry: socket.getaddrinfo('nobody.invalid', 1)\nexcept OSError: pass"
        subprocess.run([sys.executable, "-P", "-c", code], env=os.environ | self.environment, check=True)
        heard = self.strangers[before:] == ["nobody.invalid"]
        if heard:
            self._log.write_text("".join(f"{host}\n" for host in self._hosts()[:-1]), encoding="utf-8")
        return heard

    @property
    def strangers(self) -> list[str]:
        """Every host that was reached for or looked up and is not this machine."""
        return [host for host in self._hosts() if _foreign(host)]

    def _hosts(self) -> list[str]:
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines() if self._log.exists() else []


def _foreign(host: str) -> bool:
    if host in ("", "None", "localhost", "b'localhost'"):
        return False
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return not (address.is_loopback or address.is_unspecified)
