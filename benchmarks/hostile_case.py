"""One hostile input: what is done with it in a process of its own, and what that costs.

A case names a function by ``module:function``. It is called in a fresh interpreter and returns what a person would be
shown, or raises a `PoetsError`: the refusal. Imports are done before the clock starts. Whatever measures otherwise (a
browser, a server) makes its `Result` itself.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.memory import peak_bytes
from poets_core.errors import PoetsError

ROOT = Path(__file__).resolve().parents[1]
HOOK = Path(__file__).resolve().parent / "hostile_hook"
SECONDS, MEGABYTES, CHARACTERS = 2.0, 500.0, 700
"""What a refusal may cost, and how long its message may be."""
PATIENCE = 60.0
"""Seconds after which a case counts as hung."""
TRIES = 3
"""A case over its time is measured again: other programs may have had the processor."""
LOCAL = ("127.", "::1", "localhost", "0.0.0.0")

Wanted = Literal["refused", "shown", "either"]
Outcome = Literal["refused", "shown", "crashed", "hung"]


@dataclass(frozen=True)
class Case:
    """One hostile input.

    Attributes:
        kind: uploads, models, text, hosts, errors, specs, archives or circuits.
        name: of the input, for people; different within a kind.
        call: ``"module:function"``, see above.
        arguments: JSON, its keywords.
        wanted: whether it has to be refused, or shown as the text that it is; either: whichever, but unharmed.
    """

    kind: str
    name: str
    call: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    wanted: Wanted = "refused"


@dataclass(frozen=True)
class Result:
    """What became of a case.

    Attributes:
        kind, name, wanted: of the case.
        outcome: crashed is any end that is not a sentence; hung is none within `PATIENCE`.
        message: what was said or shown.
        seconds: processor time of the call and of the processes that it started, which says the same on a busy machine;
            of a server, the wall time until it answered. megabytes: largest resident memory of one of them.
        calls: other hosts that were connected to or looked up.
        wall: seconds until the answer; more than the limit where other programs had the processor.
    """

    kind: str
    name: str
    wanted: Wanted
    outcome: Outcome
    message: str
    seconds: float
    megabytes: float
    calls: tuple[str, ...] = ()
    wall: float = 0.0

    @property
    def within(self) -> bool:
        """Whether time and memory are within the limits."""
        return self.seconds <= SECONDS and self.megabytes <= MEGABYTES

    @property
    def holds(self) -> bool:
        """Whether the input did no harm."""
        ended = self.outcome in (("refused", "shown") if self.wanted == "either" else (self.wanted,))
        said = bool(self.message) and len(self.message) <= CHARACTERS
        return ended and self.within and not self.calls and (said or self.outcome != "refused")


def measure(case: Case) -> Result:
    """Do a case, again where only its time is wrong; the quickest try counts."""
    best = _once(case)
    for _ in range(TRIES - 1):
        if best.seconds <= SECONDS or best.outcome in ("crashed", "hung"):
            break
        again = _once(case)
        best = min(best, again, key=lambda r: r.seconds)
    return best


def _once(case: Case) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        calls = Path(folder) / "calls"
        paths = [str(HOOK), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "POETS_HOSTILE_CALLS": str(calls)}
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        work = json.dumps({"call": case.call, "arguments": dict(case.arguments)})
        began = time.monotonic()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.hostile_case"],
                input=work,
                capture_output=True,
                text=True,
                errors="replace",
                cwd=ROOT,
                env=environment,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return Result(case.kind, case.name, case.wanted, "hung", "", time.monotonic() - began, 0.0)
        called = calls.read_text(errors="replace").split() if calls.exists() else []
    others = tuple(sorted({c for c in called if not c.startswith(LOCAL)}))
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last = f"exit code {done.returncode}: {done.stderr[-300:]}"
        return Result(case.kind, case.name, case.wanted, "crashed", last, time.monotonic() - began, 0.0, others)
    return Result(
        case.kind,
        case.name,
        case.wanted,
        told["outcome"],
        told["message"],
        told["seconds"],
        told["megabytes"],
        others,
        told["wall"],
    )


def _peak() -> float:
    """Largest resident memory of this process or one that it waited for, MB."""
    return max(peak_bytes() / 2**20, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)


def _spent() -> float:
    """Processor time of this process and of those that it waited for, seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def _child() -> None:
    """Do what stands on stdin, and print what became of it as the last line."""
    work = json.load(sys.stdin)
    module, _, name = work["call"].partition(":")
    function = getattr(importlib.import_module(module), name)
    began, spent = time.monotonic(), _spent()
    try:
        outcome, message = "shown", str(function(**work["arguments"]))
    except PoetsError as error:
        outcome, message = "refused", str(error)
    except Exception as error:  # whatever else is raised is what this looks for
        outcome, message = "crashed", f"{type(error).__name__}: {error}"[:300]
    seconds, wall = _spent() - spent, time.monotonic() - began
    told = {"outcome": outcome, "message": message, "seconds": seconds, "wall": wall, "megabytes": _peak()}
    print(json.dumps(told))


if __name__ == "__main__":
    _child()
