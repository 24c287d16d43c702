"""How much memory this machine could still give to a worker."""

from __future__ import annotations

import os
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")


GPU = Path("/dev/nvidiactl")


def on_cpu(device: str) -> bool:
    """Return whether a run with this device computes on the processor, as far as can be said without torch."""
    return device == "cpu" or (device == "auto" and not GPU.exists())


def available_bytes() -> int:
    """Return the bytes that a new process may take: free or reclaimable, within the limit of a container.

    Where the system does not say what is free, it is all that there is.
    """
    found = [size for size in (_free(), _left_in_group()) if size is not None]
    return min(found) if found else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _free() -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines() if ":" in line)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


def _left_in_group() -> int | None:
    """What the container's limit leaves; None without one."""
    try:
        limit, used = (int((GROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        # Cached files count as used, and are given up when memory is wanted.
        counted = dict(line.split() for line in (GROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return max(0, limit - used + int(counted.get("inactive_file", 0)))
