"""A PostgreSQL server of one's own that can be stopped and started again, where the programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

ACCOUNT = "postgres"
"""Who runs the server where we are root, which it refuses to be."""


def programs() -> Path | None:
    """Return the folder of postgres, initdb and pg_ctl; None where they are not installed or cannot be run."""
    found = shutil.which("postgres")
    folder = Path(found).resolve().parent if found else None
    if folder is None or not all((folder / name).exists() for name in ("initdb", "pg_ctl")):
        return None
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(ACCOUNT)
        except KeyError:
            return None
    return folder


class Server:
    """A server on this machine with an empty database; `close` removes it.

    Attributes:
        url: of its database.
    """

    def __init__(self, folder: Path) -> None:
        """Make and start it.

        Args:
            folder: of the programs, as `programs` returns it.

        Raises:
            RuntimeError: a program does not do its work.
        """
        self._programs, self._account = folder, ACCOUNT if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="poets-pg-"))
        if self._account is not None:
            shutil.chown(self._folder, self._account)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"postgresql://poets@127.0.0.1:{self._port}/postgres"
        try:
            self._do("initdb", "-D", "data", "-U", "poets", "-A", "trust", "--no-sync", "-E", "UTF8")
            self.start()
        except BaseException:
            self.close()  # what was half made is nobody's
            raise

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self._port} -h 127.0.0.1 -k {self._folder}"
        self._do("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def stop(self) -> None:
        """Stop it at once, as a machine that loses power does: connections break, and it recovers when started."""
        self._do("pg_ctl", "stop", "-w", "-D", "data", "-m", "immediate")

    def close(self) -> None:
        """End it and remove its files."""
        with suppress(RuntimeError):  # it may be stopped already
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _do(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._programs / program, *words],
            user=self._account,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,  # a pipe would be held open by the server that pg_ctl starts
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"Expected {program} to do its work, got exit code {done.returncode}.")
