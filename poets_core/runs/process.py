"""Is that process still the one we started? Asked without psutil.

Where `/proc` exists (Linux) a process is its pid and its start time, so that a
pid that was given to another program counts as gone; a zombie counts as gone
too. Elsewhere the start time is unknown (``""``) and only the pid is checked:
a reused pid then looks alive until its lease has been expired for an hour.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

PROC = Path("/proc")


@cache
def host() -> str:
    """Return this machine's name; pids mean nothing on another one."""
    return socket.gethostname()


@cache
def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return ""


def started(pid: int) -> str:
    """Return when a process started: boot and clock ticks; ``""`` if that is unknown or it is gone."""
    fields = _stat(pid)
    return f"{_boot()}:{fields[19]}" if fields and fields[0] not in "ZX" else ""


def alive(pid: int | None, start: str) -> bool:
    """Return whether the process `pid` that started at `start` still runs on this machine.

    Args:
        pid: process id, None for no process.
        start: what `started` returned for it; ``""`` checks the pid only.
    """
    if pid is None or pid <= 0:
        return False
    if not (PROC / "self/stat").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    now = started(pid)
    return now != "" and (start in ("", now))


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat after the command's closing bracket: state first, start time 20th."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()
