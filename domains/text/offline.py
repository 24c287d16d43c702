"""Answers that have rewards already: a JSONL file of (prompt, answer, reward), to learn from without any rollout."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from domains.text.lines import MOST_PROMPT, MOST_TEXT, Line, prompt_key, read_lines, unread
from poets_core.errors import InvalidInput
from poets_core.intake import shown
from poets_core.verifiable import PromptItem

MOST_REWARD = 1e6
"""Size of a reward, at most: squares of it are numbers still."""
FIELDS = ("prompt", "answer", "reward", "level")


@dataclass(frozen=True)
class Rewarded:
    """Answers with rewards, in the order of the file.

    Attributes:
        prompts: different prompts, in the order of their first line.
        prompt: i8 (N,), index into `prompts` of each answer.
        answers: N texts.
        rewards: f8 (N,), finite.
        report: what was read, for people: ``{"lines": [...], "facts": {...}}``.
    """

    prompts: tuple[PromptItem, ...]
    prompt: Int64[np.ndarray, " n"]
    answers: tuple[str, ...]
    rewards: Float64[np.ndarray, " n"]
    report: dict[str, Any] = field(default_factory=dict)


def rewarded(file: str) -> Rewarded:
    """Read the answers of a file.

    Args:
        file: path of a JSONL file, plain or gzipped; each line has a ``prompt``, an ``answer`` (may be empty, as a
            model's may), a ``reward`` (a finite number), and perhaps a ``level``. Prompts that differ in white space
            or composition of characters only are one; their answers are a group. A line that comes again counts again.

    Raises:
        InvalidInput: the file cannot be read; with the number of the line.
    """
    path = Path(file)
    index: dict[str, int] = {}
    prompts: list[PromptItem] = []
    rows: list[tuple[int, str, float]] = []
    others: Counter[str] = Counter()
    for line in read_lines(path):
        prompt = line.text("prompt", MOST_PROMPT)
        level = line.text("level", 100, needed=False, numbers=True, empty=True)
        answer = line.text("answer", MOST_TEXT, numbers=True, empty=True)
        key = prompt_key(prompt)
        at = index.setdefault(key, len(prompts))
        if at == len(prompts):
            prompts.append(PromptItem(f"line {line.number}", prompt, "", level))
        elif prompts[at].level != level:
            raise line.wrong(
                f"Expected one level to each prompt, {shown(prompts[at].level)} as in {prompts[at].id}",
                f"{shown(level)} to the same prompt",
                "Write the same level.",
            )
        rows.append((at, answer, _reward(line)))
        others.update(name for name in line.fields if name not in FIELDS)
    if not rows:
        raise InvalidInput(
            f"Expected answers with rewards in {path.name[:80]}, got none. Write one JSON object a line: "
            '{"prompt": "...", "answer": "...", "reward": 0.5}.',
            field="task.params.file",
        )
    groups, answers, values = zip(*rows, strict=True)
    of, rewards = np.array(groups, dtype=np.int64), np.array(values, dtype=np.float64)
    return Rewarded(tuple(prompts), of, answers, rewards, _report(path, of, rewards, answers, others))


def _reward(line: Line) -> float:
    if "reward" not in line.fields:
        raise line.wrong("Expected the field 'reward'", f"only {shown(', '.join(line.fields), 80)}", "Add it.")
    value = line.fields["reward"]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise line.wrong("Expected a number as 'reward'", shown(value), "Write it without quotes: 0.5, or 1 and 0.")
    if not math.isfinite(value) or abs(value) > MOST_REWARD:
        raise line.wrong(
            f"Expected a reward between -{MOST_REWARD:,.0f} and {MOST_REWARD:,.0f}", shown(value), "Correct it."
        )
    return float(value)


def _report(
    path: Path, of: Int64[np.ndarray, " n"], rewards: Float64[np.ndarray, " n"], answers: tuple[str, ...], others: Any
) -> dict[str, Any]:
    """Count groups; one of equal rewards has nothing to compare, and teaches nothing once it is centred."""
    sizes = np.bincount(of)
    # Extremes of each group, without a loop over pairs.
    low, high = np.full(len(sizes), np.inf), np.full(len(sizes), -np.inf)
    np.minimum.at(low, of, rewards)
    np.maximum.at(high, of, rewards)
    facts = {
        "answers": len(of),
        "prompts": len(sizes),
        "alone": int((sizes == 1).sum()),
        "all_equal": int(((low == high) & (sizes > 1)).sum()),
        "empty": sum(not answer.strip() for answer in answers),
        "lowest": float(rewards.min()),
        "highest": float(rewards.max()),
    }
    lines = [
        f"{facts['answers']:,} answers to {facts['prompts']:,} prompts of {path.name}, rewards "
        f"{facts['lowest']:g} to {facts['highest']:g}",
        f"{facts['alone']:,} prompts with one answer and {facts['all_equal']:,} with equal rewards have nothing to "
        "compare",
    ]
    lines += [f"{facts['empty']:,} answers are empty"] * bool(facts["empty"])
    lines += unread(others)
    return {"lines": lines, "facts": facts}
