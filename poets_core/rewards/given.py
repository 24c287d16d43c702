"""Answers with rewards that were there before: JSON lines, read row by row; learning from them needs no verifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidTable
from poets_core.intake import check_text, read_file, read_json, shown
from poets_core.verifiable import PromptItem, Verdict

BYTES, ROWS, CHARACTERS = 64 << 20, 200_000, 20_000
"""Of a file: bytes, rows; of a prompt or an answer: characters; at most."""
FIELDS = ("prompt", "answer", "reward")


@dataclass(frozen=True)
class RewardedAnswer:
    """One row.

    Attributes:
        prompt, answer: texts.
        reward: 0 to 1; None where nobody knows it.
    """

    prompt: str
    answer: str
    reward: float | None


def read_rewarded(path: Path) -> list[RewardedAnswer]:
    """Read JSON lines with the fields prompt, answer and reward; other fields are left alone, empty lines too.

    Raises:
        InvalidTable: unreadable, too large, or a row that is none; the message names its line.
    """
    data = read_file(path, BYTES, InvalidTable)
    check_text(data, f"file {path.name[:80]}", BYTES, ROWS, InvalidTable)
    rows = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        # Whoever edits a file by hand leaves empty lines; half a line is no JSON and is refused with its number.
        if line.strip():
            where = f"line {number} of {path.name[:80]}"
            rows.append(_row(read_json(line, f"one JSON object in {where}", InvalidTable), where))
    if not rows:
        raise InvalidTable(f"Expected a row or more in {path.name[:80]}, got none. Check the file.")
    return rows


def _row(found: Any, where: str) -> RewardedAnswer:
    if not isinstance(found, dict) or any(name not in found for name in FIELDS):
        have = sorted(found) if isinstance(found, dict) else found
        raise InvalidTable(f"Expected an object with {', '.join(FIELDS)} in {where}, got {shown(have)}. Add them.")
    for name in FIELDS[:2]:
        text = found[name]
        if not isinstance(text, str) or len(text) > CHARACTERS:
            got = f"{len(text):,} characters" if isinstance(text, str) else shown(text)
            raise InvalidTable(f"Expected text of at most {CHARACTERS:,} characters as {name} in {where}, got {got}.")
    reward = found["reward"]
    # True is a number to Python, and NaN is one to its JSON; neither is a reward.
    number = isinstance(reward, int | float) and not isinstance(reward, bool)
    if reward is not None and not (number and 0.0 <= reward <= 1.0):
        raise InvalidTable(
            f"Expected a reward from 0 to 1, or null where there is none, in {where}, got {shown(reward)}. Scale it."
        )
    return RewardedAnswer(found["prompt"], found["answer"], None if reward is None else float(reward))


class GivenTask:
    """The prompts of given answers as a task: nothing is held out, and no answer beside the given ones is judged."""

    def __init__(self, name: str, rows: Sequence[RewardedAnswer]) -> None:
        """Take every prompt once, in the order of its first row."""
        prompts = list(dict.fromkeys(row.prompt for row in rows))
        self.name = name
        self.train: Sequence[PromptItem] = [PromptItem(f"given-{k}", p) for k, p in enumerate(prompts)]
        self.held_out: Sequence[PromptItem] = []
        # The same answer to the same prompt may have several rewards, of a noisy verifier: then nobody knows its.
        told: dict[tuple[str, str], set[float | None]] = {}
        for row in rows:
            told.setdefault((row.prompt, row.answer), set()).add(row.reward)
        self._told = {key: rewards.pop() for key, rewards in told.items() if len(rewards) == 1}

    def verify(self, items: Sequence[PromptItem], answers: Sequence[str]) -> list[Verdict]:
        """Return the given reward where an answer is one of the given ones."""
        found = [self._told.get((i.prompt, a)) for i, a in zip(items, answers, strict=True)]
        return [Verdict(r, "" if r is not None else "not among the given answers") for r in found]
