"""The largest resident memory of a process."""

from __future__ import annotations

from pathlib import Path


def peak_bytes(process: int | str = "self") -> int:
    """Largest resident memory of a process so far, bytes.

    From the kernel's account of the program that runs now: `ru_maxrss` begins with the parent's, from before the
    program was loaded, and so says of a small child of a large process what the parent took.
    """
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
