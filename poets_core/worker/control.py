"""How commands, signals and the loss of the lease reach a worker."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType

from poets_core.errors import LeaseLost, StoreUnavailable
from poets_core.protocols import Check
from poets_core.runs.events import StateChanged
from poets_core.runs.lease import STEERING, Lease
from poets_core.worker.patience import PatientStore, Terminated

__all__ = ["BEAT_SECONDS", "POLL_SECONDS", "Control", "Stopped", "Terminated"]

BEAT_SECONDS = 1.0
POLL_SECONDS = 0.2
LISTEN_SECONDS = 0.5
"""How often a long step looks for commands; in between, its check costs a look at the clock."""


class Stopped(Exception):
    """Somebody pressed Stop: finish in good order."""


class Control:
    """Heartbeat thread, signal flag and command reader of one worker; use as a context.

    Only `check` raises. The loop calls it between two steps, and long steps inside (`listen`): what such a step was
    changing is thrown away, so nothing half-done is stored.
    """

    def __init__(self, store: PatientStore, lease: Lease) -> None:
        self._store, self._lease = store, lease
        self._over = threading.Event()
        self._lost = threading.Event()
        self._terminated = store.patience.terminated  # whoever waits for the store hears it too
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._after = 0
        self._paused = False

    def __enter__(self) -> Control:
        self._thread.start()
        if threading.current_thread() is threading.main_thread():
            # Python runs handlers in the main thread only, and refuses to install them from another.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._terminate)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=5)
        self._store.go_on(self._lease)

    def check(self) -> None:
        """Obey what was asked for since the last call; returns when work may go on.

        Raises:
            Stopped, Terminated.
            LeaseLost: another worker has the run.
            StoreUnavailable.
        """
        self._obey()
        # The lease is held meanwhile, so that nobody takes a paused run for a waiting one.
        while self._paused:
            time.sleep(POLL_SECONDS)
            self._obey()

    def check_held(self) -> None:
        """Like `check`, for steps that no command may interrupt.

        Raises:
            Terminated.
            LeaseLost: another worker has the run.
        """
        if self._lost.is_set():
            raise LeaseLost(
                f"Expected to keep run {self._lease.run}, got a newer lease than epoch {self._lease.epoch}."
            )
        if self._terminated.is_set():
            raise Terminated

    def listen(self, *, commands: bool = True) -> Check:
        """Return the check that long steps call: like `check`, at most every `LISTEN_SECONDS`.

        Args:
            commands: False for work that no command may interrupt (`check_held`).
        """
        look, after = (self.check if commands else self.check_held), 0.0

        def heard() -> None:
            # Timed from the end of a look, which takes as long as the store does.
            nonlocal after
            if time.monotonic() >= after:
                look()
                after = time.monotonic() + LISTEN_SECONDS

        return heard

    def acknowledge(self) -> None:
        """Mark every command read so far as obeyed.

        Raises:
            LeaseLost, StoreUnavailable.
        """
        self._store.acknowledge(self._lease, self._after)

    def _obey(self) -> None:
        self.check_held()
        sent = self._store.commands(self._lease.run, self._after)
        if not sent:
            return
        self._after = sent[-1].seq
        # Answers of people steer nothing: whoever waits for them reads them, each once and in their order.
        new = [c for c in sent if c.acknowledged is None and c.command in STEERING]
        if not new:
            return
        # The last word counts: a Resume takes back the Pause or Stop before it.
        last = new[-1].command
        # Nothing is acknowledged here: a worker that is killed before it has said `finished` must find Stop unanswered.
        if last == "stop":
            raise Stopped
        if (last == "pause") != self._paused:
            self._paused = last == "pause"
            self._store.append(self._lease, [StateChanged("paused" if self._paused else "running")])
        self.acknowledge()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            try:
                self._store.heartbeat(self._lease)
            except LeaseLost:
                self._lost.set()
                return
            # The next beat may succeed; until then the run is shown as waiting for the store.
            except StoreUnavailable as error:
                print(f"heartbeat: {error}", file=sys.stderr, flush=True)

    def _terminate(self, number: int, _: FrameType | None) -> None:
        self._terminated.set()
        # A second signal ends the process at once: somebody who asks twice does not want to wait for a step.
        signal.signal(number, signal.SIG_DFL)
