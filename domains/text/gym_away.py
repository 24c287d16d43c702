"""Tasks of reasoning-gym that are drawn and scored in a process of their own.

Two reasons. Some draw from Python sets, whose order differs from process to process unless PYTHONHASHSEED is fixed, so
equal seeds would not give equal items. Some simplify the answer with SymPy, which may take any time: a formula that
passed `unsafe.formula` can do no harm, but it can be slow.
"""

from __future__ import annotations

import json
import sys
import weakref
from collections.abc import Mapping
from typing import Any

from domains.text.gym import SECONDS
from domains.text.process import Process
from domains.text.verifier import START, verdict
from poets_core.errors import InvalidSpec
from poets_core.verifiable import PromptItem, Verdict

SCORE_SECONDS = 10.0
"""For one answer."""
MEMORY = 4 << 30
ANSWER_LINE = 256 << 20
"""Bytes of the line that holds all items, at most."""


class Away:
    """A task in a process of its own, which is started again after it was stopped; ended with this object."""

    def __init__(self, task: str, levels: str, settings: str, wanted: Mapping[str, int], seed: int) -> None:
        """Draw the items; see `domains.text.gym.drawn` for arguments and errors.

        Raises:
            InvalidSpec: as there, or the process stopped.
        """
        self._asked = json.dumps(
            {"draw": {"task": task, "levels": levels, "settings": settings, "wanted": dict(wanted), "seed": seed}}
        )
        self._running: list[Process] = []
        weakref.finalize(self, _end, self._running)
        found = self._start()
        self.items = {split: [PromptItem(*fields) for fields in of] for split, of in found["items"].items()}

    def _start(self) -> dict[str, Any]:
        _end(self._running)
        process = Process(
            [sys.executable, "-m", "domains.text.gym_child"],
            MEMORY,
            more={"PYTHONHASHSEED": "0"},
            line=ANSWER_LINE,
        )
        self._running.append(process)
        found = process.exchange([self._asked], START + SECONDS, last=False)
        told: dict[str, Any] = json.loads(found[0]) if found else {"error": f"Expected items, got {process.why}."}
        if "error" in told:
            _end(self._running)
            raise InvalidSpec(told["error"], field=told.get("field", ""))
        return told

    def score(self, item: PromptItem, answer: str) -> Verdict:
        """Return the package's score of an answer, none where it takes too long."""
        if not self._running or self._running[0].why:
            self._start()
        process = self._running[0]
        found = process.exchange([json.dumps({"id": item.id, "response": answer})], SCORE_SECONDS, last=False)
        return verdict(found[0]) if found else Verdict(None, f"the scorer stopped: {process.why}")


def _end(running: list[Process]) -> None:
    while running:
        running.pop().end()
