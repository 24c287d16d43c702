"""The other end of `child`: a process with limits that reads circuits, one after the other."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from domains.packages import needed_for
from domains.quantum.entries import INSTALL
from poets_core.errors import InvalidDesign, StoreUnavailable

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 20.0
"""Wall time for one text, the start of the process included; its processor time is 2 s, see `child`."""

MAX_KILLED = 5
"""Texts that may cost the process its life; one reader is given no more after that."""


class Reader:
    """Starts the process when it is needed, again after it was killed, and ends it with the block.

    Use as ``with Reader() as reader: reader.ask(...)``.
    """

    def __init__(self) -> None:
        """Start nothing yet.

        Raises:
            MissingPackage: a package that reads OpenQASM is not installed.
        """
        from importlib.util import find_spec

        with needed_for("reading OpenQASM", INSTALL):
            for package in ("qiskit", "qiskit_qasm3_import", "openqasm3"):
                if find_spec(package) is None:
                    raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        self._child: subprocess.Popen[bytes] | None = None
        self._killed = 0

    def __enter__(self) -> Reader:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._end()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one question, see `child.read`.

        Raises:
            InvalidDesign: the text was refused, or took too much time or memory.
            StoreUnavailable: no process can be started.
        """
        if self._killed >= MAX_KILLED:
            raise InvalidDesign(
                f"Expected circuits that can be read within 2 s and 1 GB, got {MAX_KILLED} before this one that cannot "
                "be. Take them out; the rest was not read."
            )
        if self._child is None or self._child.poll() is not None:
            self._end()
            self._child = _started()
        try:
            line = self._exchange(self._child, json.dumps(question).encode() + b"\n")
        except BrokenPipeError:
            line = b""
        try:
            told = json.loads(line)
        except ValueError as error:
            code = self._end()
            self._killed += 1
            slow = code in (-signal.SIGPROF, -signal.SIGKILL)
            got = "one that takes longer" if slow else f"an end without an answer (code {code})"
            raise InvalidDesign(
                f"Expected a circuit that can be read within 2 s and 1 GB, got {got}. Make it smaller."
            ) from error
        if "error" in told:
            raise InvalidDesign(told["error"])
        return cast("dict[str, Any]", told)

    def _exchange(self, child: subprocess.Popen[bytes], question: bytes) -> bytes:
        """Send a line and return the line that comes back, or what came until the end of it or of the time."""
        if child.stdin is None or child.stdout is None:
            return b""
        child.stdin.write(question)
        child.stdin.flush()
        until, found = time.monotonic() + SECONDS, b""
        while not found.endswith(b"\n"):
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, until - time.monotonic()))
            some = os.read(child.stdout.fileno(), 1 << 16) if ready else b""
            if not some:
                return b""
            found += some
        return found

    def _end(self) -> int:
        """Kill the process if there is one; return how it ended."""
        child, self._child = self._child, None
        if child is None:
            return 0
        try:
            code = child.wait(timeout=0.2 if child.stdin is None else 0.05)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            code = child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        return code


def _started() -> subprocess.Popen[bytes]:
    keep = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    environment |= dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
    )
    environment |= {"QISKIT_PARALLEL": "FALSE", "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "domains.quantum.door.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise StoreUnavailable(f"Expected to start a process that reads circuits, got: {error.strerror}.") from error
