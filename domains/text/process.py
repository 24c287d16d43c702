"""A process with limits that answers lines of JSON with lines of JSON: verifiers of one's own run in one.

It has a session of its own and a mark in its environment. Ending it kills the session and whatever else carries the
mark, so that nothing a verifier started stays behind.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[2]
LINE = 1 << 16
"""Bytes of one line that is answered, at most."""
ERRORS = 1000
"""Bytes that are kept of what it wrote to stderr last."""
GRACE = 1.0
"""Seconds that a program may take to end after its last line."""
MARK = "POETS_VERIFIER"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")


class Process:
    """One running program.

    Attributes:
        why: why it gave no more answers; "" while it may give some.
    """

    def __init__(
        self,
        command: Sequence[str],
        memory: int,
        folder: Path | None = None,
        more: Mapping[str, str] | None = None,
        line: int = LINE,
    ) -> None:
        """Start it.

        Args:
            command: program and arguments; no shell reads them.
            memory: bytes of address space, at most.
            folder: where it runs; that of this project unless said otherwise.
            more: variables of its environment.
            line: bytes of a line that is answered, at most.
        """
        self._mark = secrets.token_hex(16)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        limited = str(Path(__file__).with_name("limited.py"))
        self.why, self._errors, self._rest, self._line, self._over = "", b"", b"", line, False
        self._asked = False
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-S", limited, str(memory), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder or ROOT,
            env={
                **kept,
                **threads,
                "PYTHONIOENCODING": "utf-8",
                "PYTHONUNBUFFERED": "1",
                **(more or {}),
                MARK: self._mark,
            },
            start_new_session=True,
            bufsize=0,
        )
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)

    def exchange(self, lines: Sequence[str], seconds: float, *, last: bool) -> list[str]:
        """Send lines, and return those that come back: as many, or fewer and `why`.

        Args:
            lines: without line ends.
            seconds: wall time for all of them.
            last: whether its input ends with them, so that it may answer at its end.
        """
        out, until = list[str](), time.monotonic() + seconds
        data = memoryview("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
        child = self._child
        if child.stdin is None or child.stdout is None or child.stderr is None or self.why:
            return out
        # A second line for the question before would be taken for the answer to this one, and so on for ever.
        if self._asked and self._said_more():
            self.why = "more lines than answers"
            return out
        self._asked = True
        with selectors.DefaultSelector() as events:
            if not child.stdin.closed:
                events.register(child.stdin, selectors.EVENT_WRITE)
            events.register(child.stdout, selectors.EVENT_READ)
            events.register(child.stderr, selectors.EVENT_READ)
            # Behind its last line a program must end, and soon: a line more would belong to no answer.
            while not self.why and (len(out) < len(lines) or (last and not self._over)):
                left = until - time.monotonic()
                ready = events.select(max(0.0, left if len(out) < len(lines) else min(left, GRACE)))
                # By the clock too: whoever writes blank lines or to stderr without end is always ready.
                late = not ready or left <= 0
                if late and len(out) < len(lines):
                    self.why = f"no answer within {seconds:.3g} s"
                if late:
                    break
                for key, _ in ready:
                    if key.fileobj is child.stdin:
                        data = self._write(data)
                        if not data:
                            events.unregister(child.stdin)
                            if last:
                                child.stdin.close()
                    elif key.fileobj is child.stderr:
                        some = child.stderr.read(LINE) or b""
                        self._errors = (self._errors + some)[-ERRORS:]
                        if not some:
                            events.unregister(child.stderr)
                    else:
                        self._read(out, len(lines))
        return out

    def _said_more(self) -> bool:
        """Whether it wrote a line, or a part of one, behind its last answer."""
        try:
            some = os.read(self._child.stdout.fileno(), LINE)  # type: ignore[union-attr]
        except BlockingIOError:
            some = b""
        return bool((self._rest + some).strip())

    def _write(self, data: memoryview) -> memoryview:
        """Write what the pipe takes; a program that reads no more gets no more."""
        try:
            sent = os.write(self._child.stdin.fileno(), data[:LINE])  # type: ignore[union-attr]
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = len(data)
        return data[sent:]

    def _read(self, out: list[str], most: int) -> None:
        some = os.read(self._child.stdout.fileno(), LINE)  # type: ignore[union-attr]
        *lines, self._rest = (self._rest + some).split(b"\n")
        if not some and self._rest:
            lines, self._rest = [self._rest], b""
        self._over = not some
        out += [line.decode("utf-8", "replace") for line in lines if line.strip()]
        if len(self._rest) > self._line:
            self.why = f"a line of more than {self._line:,} bytes"
        elif len(out) > most:
            self.why = "more lines than answers"
        elif not some and len(out) < most:
            self.why = self._end_of()

    def _end_of(self) -> str:
        """Say how it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=1.0)
        code = self._child.poll()
        said = (self._errors + ((self._child.stderr.read(LINE) or b"") if self._child.stderr else b""))[-ERRORS:]
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        how = "closed its output" if code is None else f"ended with code {code}"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                how = f"was ended by {signal.Signals(-code).name}"
        return how + (f": {last[0][:200]}" if last else "")

    def end(self) -> None:
        """Kill it and everything that it started; more than once does no harm."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        _kill_marked(self._mark)
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.why = self.why or "ended"


def answers_alone() -> TextIO:
    """Return stdout for the answers of such a process; whatever else writes to it from here on writes to stderr.

    By file descriptors, so that compiled code is meant too.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _kill_marked(mark: str) -> None:
    """Kill what left the session: a process keeps the environment that it was started with. Without /proc: nothing."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
