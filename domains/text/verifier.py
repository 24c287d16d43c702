"""Verifiers of one's own: a Python function or a program, each in a process with limits.

A line that is sent: ``{"prompt": ..., "response": ..., "answer": ...}``; the last is the right answer of the file, ""
where it has none. A line that comes back: ``{"reward": 0.5, "reason": "..."}``; the reason may be missing. A verifier
that crashes, hangs or says something else gives a verdict without a reward, and the reason.
"""

from __future__ import annotations

import json
import math
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domains.text.process import ROOT, Process
from domains.text.task import MOST_ANSWER, TOO_LONG, answer_in, paired
from poets_core.errors import InvalidSpec
from poets_core.intake import shown
from poets_core.verifiable import PromptItem, Verdict

START = 30.0
"""Seconds that a verifier may take to start, beside those for each answer."""
MOST_SECONDS = 3600.0
MAX_STOPPED = 5
"""Answers of one call that may cost a function its process; the rest is not judged."""
_FUNCTION = re.compile(r"[A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){0,10}:[A-Za-z_]\w{0,80}")


@dataclass(frozen=True)
class Verifier:
    """How answers are judged by what a person brought.

    Attributes:
        command: of the process.
        at_once: whether it is sent all answers and its input ends (a program), or one after the other (a function).
        seconds: for each answer, on top of `START`.
        memory: bytes.
        folder: where it runs.
        tagged: see `domains.text.task.Task`.
    """

    command: tuple[str, ...]
    at_once: bool
    seconds: float
    memory: int
    folder: Path
    tagged: bool = False

    def verify(self, items: Sequence[PromptItem], answers: Sequence[str]) -> list[Verdict]:
        """Return a verdict for each answer; see the protocol."""
        asked = [(item, answer_in(answer, self.tagged)) for item, answer in paired(items, answers)]
        short = [i for i, (_, answer) in enumerate(asked) if len(answer) <= MOST_ANSWER]
        lines = [
            json.dumps({"prompt": asked[i][0].prompt, "response": asked[i][1], "answer": asked[i][0].answer})
            for i in short
        ]
        out = [TOO_LONG] * len(asked)
        for i, found in zip(short, self._judged(lines), strict=True):
            out[i] = found
        return out

    def _judged(self, lines: list[str]) -> list[Verdict]:
        try:
            return self._at_once(lines) if self.at_once else self._one_by_one(lines)
        except OSError as error:
            return [Verdict(None, f"the verifier cannot be started: {error.strerror}")] * len(lines)

    def _at_once(self, lines: list[str]) -> list[Verdict]:
        if not lines:
            return []
        process = Process(self.command, self.memory, self.folder)
        try:
            found = process.exchange(lines, min(START + self.seconds * len(lines), MOST_SECONDS), last=True)
        finally:
            why = process.why
            process.end()
        if len(found) > len(lines):
            # Which line belongs to which answer is not known any more.
            return [Verdict(None, f"expected {len(lines):,} lines from the verifier, got more")] * len(lines)
        verdicts = [verdict(line) for line in found]
        missing = len(lines) - len(verdicts)
        if missing:
            verdicts.append(Verdict(None, f"the verifier stopped here: {why}"))
            verdicts += [Verdict(None, f"not judged: the verifier stopped before ({why})")] * (missing - 1)
        return verdicts

    def _one_by_one(self, lines: list[str]) -> list[Verdict]:
        """Ask for one verdict after the other; a process that stopped is started again for the next one."""
        verdicts: list[Verdict] = []
        process: Process | None = None
        stopped = 0
        try:
            for line in lines:
                if stopped == MAX_STOPPED:
                    verdicts.append(Verdict(None, f"not judged: the verifier stopped {stopped} times before"))
                    continue
                fresh = process is None
                process = process or Process(self.command, self.memory, self.folder)
                found = process.exchange([line], self.seconds + START * fresh, last=False)
                if found:
                    verdicts.append(verdict(found[0]))
                    continue
                verdicts.append(Verdict(None, f"the verifier stopped here: {process.why}"))
                stopped += 1
                process.end()
                process = None
        finally:
            if process is not None:
                process.end()
        return verdicts


def verdict(line: str) -> Verdict:
    """Return what a line of a verifier says; without a reward where it says something else."""
    try:
        told: Any = json.loads(line)
    except (ValueError, RecursionError):
        return Verdict(None, f"expected a line of JSON from the verifier, got {shown(line)}")
    if not isinstance(told, dict):
        return Verdict(None, f"expected a JSON object from the verifier, got {shown(line)}")
    if told.get("error"):
        return Verdict(None, f"the verifier failed: {str(told['error'])[:300]}")
    reward, reason = told.get("reward"), told.get("reason", "")
    if reward is None and "reward" in told:
        return Verdict(None, str(reason)[:300] or "the verifier could not tell")
    # An integer of hundreds of digits is a number too, and too large for a float.
    if not isinstance(reward, int | float) or isinstance(reward, bool) or not abs(reward) < math.inf:
        return Verdict(None, f"expected a number as the reward, got {shown(line)}")
    if not 0 <= reward <= 1:
        return Verdict(None, f"expected a reward from 0 to 1, got {repr(reward)[:40]}")
    return Verdict(float(reward), reason[:300] if isinstance(reason, str) else "")


def verifier_of(
    function: str, program: str, *, seconds: float, memory: int, folder: Path, tagged: bool
) -> Verifier | None:
    """Return the verifier that a person named, None where they named none.

    Args:
        function: ``"package.module:function"``, called as ``function(prompt, response, answer)``; returns the reward,
            or reward and reason. Imported from this Python environment, or from `folder`.
        program: a command, split as a shell would; no shell runs it.
        seconds: for each answer; memory: bytes.
        folder: where the items' file lies.
        tagged: see `domains.text.task.Task`.

    Raises:
        InvalidSpec: both are named, or one is malformed.
    """
    if function and program:
        raise InvalidSpec(
            "Expected a function or a program as the verifier, got both. Leave one empty.", field="task.params.program"
        )
    if function:
        if not _FUNCTION.fullmatch(function):
            raise InvalidSpec(
                f"Expected a verifier such as package.module:function, got {shown(function)}.",
                field="task.params.function",
            )
        command = (sys.executable, "-m", "domains.text.calling", str(folder), function)
        return Verifier(command, False, seconds, memory, ROOT, tagged)
    if program:
        return Verifier(_split(program), True, seconds, memory, folder, tagged)
    return None


def _split(program: str) -> tuple[str, ...]:
    try:
        words = shlex.split(program)
    except ValueError as error:
        raise InvalidSpec(
            f"Expected a command as the verifier, got {shown(program)}: {error}.", field="task.params.program"
        ) from error
    if not words:
        raise InvalidSpec("Expected a command as the verifier, got blanks.", field="task.params.program")
    return tuple(words)
