"""Tasks of one's own: a JSONL file of prompts with right answers, or with a verifier.

What is read, what is refused, and every bound: docs/reference/text-tasks.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domains.text.lines import MOST_PROMPT, MOST_TEXT, Line, prompt_key, read_lines, unread
from domains.text.match import equal, number
from domains.text.task import MOST_ITEMS, Task
from domains.text.verifier import Verifier, verifier_of
from poets_core.errors import InvalidInput, InvalidSpec
from poets_core.intake import shown
from poets_core.keyed import digest_of
from poets_core.verifiable import PromptItem, Verdict

FIELDS = ("prompt", "answer", "level")
LONGEST_LEVEL = 100


@dataclass(frozen=True)
class OwnTask(Task):
    """A task of a file; see `domains.text.task.Task`.

    Attributes:
        verifier: judges answers instead of `judge`, where a person named one.
    """

    verifier: Verifier | None = None

    def verify(self, items: Any, answers: Any) -> list[Verdict]:
        """Return a verdict for each answer; see the protocol."""
        return super().verify(items, answers) if self.verifier is None else self.verifier.verify(items, answers)


@dataclass
class _Read:
    """What was read so far: prompts by what tells them apart, and what was left out."""

    items: list[PromptItem] = field(default_factory=list)
    lines: dict[str, tuple[int, Line]] = field(default_factory=dict)
    equal: int = 0
    others: Counter[str] = field(default_factory=Counter)


def own(
    file: str,
    function: str = "",
    program: str = "",
    match: str = "auto",
    held_out_share: float = 0.2,
    seed: int = 0,
    answer_in: str = "response",
    seconds: float = 5.0,
    memory: int = 2048,
) -> OwnTask:
    """Return the task of a file.

    Args:
        file: path of a JSONL file, plain or gzipped.
        function, program: the verifier, at most one of them; see `domains.text.verifier.verifier_of`.
        match: how answers are compared without one; see `domains.text.match.equal`.
        held_out_share: of the items, rounded; at least one where it is above 0.
        seed: decides which items are held out.
        answer_in: see `domains.text.reasoning.reasoning_gym`.
        seconds: that a verifier has for each answer; memory: MiB that it has.

    Raises:
        InvalidInput: the file cannot be read; with the number of the line.
        InvalidSpec: the verifier is malformed, or named twice.
    """
    path, tagged = Path(file), answer_in == "tags"
    verifier = verifier_of(
        function, program, seconds=seconds, memory=memory << 20, folder=path.resolve().parent, tagged=tagged
    )
    read = _read(path, needs_answer=verifier is None, match=match)
    held = round(held_out_share * len(read.items))
    held = max(held, 1) if held_out_share > 0 else 0
    if held >= len(read.items):
        raise InvalidSpec(
            f"Expected training items beside the held-out ones, got {len(read.items):,} item(s) in all and a held-out "
            f"share of {held_out_share:g}. Bring more, or hold fewer out.",
            field="task.params.held_out_share",
        )
    # By a hash of the prompt: an item stays on its side when others are added or the file is sorted.
    order = sorted(read.items, key=lambda item: digest_of(seed, "held-out", prompt_key(item.prompt)))
    out = {item.id for item in order[:held]}
    return OwnTask(
        f"text/own/{path.name}",
        [item for item in read.items if item.id not in out],
        [item for item in read.items if item.id in out],
        lambda item, answer: Verdict(float(equal(answer, item.answer, match))),
        tagged=tagged,
        report=_report(read, path, held, match, verifier),
        verifier=verifier,
    )


def _read(path: Path, *, needs_answer: bool, match: str) -> _Read:
    read = _Read()
    for line in read_lines(path):
        prompt = line.text("prompt", MOST_PROMPT)
        answer = line.text("answer", MOST_TEXT, needed=needs_answer, numbers=True, empty=not needs_answer)
        level = line.text("level", LONGEST_LEVEL, needed=False, numbers=True, empty=True)
        if needs_answer and match == "number" and number(answer) is None:
            raise line.wrong("Expected a number as 'answer'", shown(answer), "Correct it, or compare as text.")
        read.others.update(name for name in line.fields if name not in FIELDS)
        key = prompt_key(prompt)
        if key in read.lines:
            at, first = read.lines[key]
            _same(read.items[at], first, line, answer, level)
            read.equal += 1
            continue
        read.lines[key] = len(read.items), line
        read.items.append(PromptItem(f"line {line.number}", prompt, answer, level))
        if len(read.items) > MOST_ITEMS:
            raise InvalidInput(f"Expected at most {MOST_ITEMS:,} different prompts in {path.name[:80]}, got more.")
    if not read.items:
        raise InvalidInput(
            f"Expected prompts in {path.name[:80]}, got none. Write one JSON object a line: "
            '{"prompt": "...", "answer": "..."}.',
            field="task.params.file",
        )
    return read


def _same(item: PromptItem, first: Line, line: Line, answer: str, level: str) -> None:
    """Refuse a prompt that comes again and says something else."""
    for name, one, other in (("answer", item.answer, answer), ("level", item.level, level)):
        if one != other:
            raise line.wrong(
                f"Expected one {name} to each prompt, {shown(one)} as in line {first.number:,}",
                f"{shown(other)} to the same prompt",
                "Keep one of the two lines.",
            )


def _report(read: _Read, path: Path, held: int, match: str, verifier: Verifier | None) -> dict[str, Any]:
    """Say what was read, what was dropped and how answers are judged."""
    n = len(read.items)
    numbers = sum(number(item.answer) is not None for item in read.items) if match != "text" else 0
    judged = (
        f"answers are judged by {' '.join(verifier.command[-1:] if not verifier.at_once else verifier.command)}"
        if verifier
        else f"answers are compared as numbers for {numbers:,} prompts, as text for {n - numbers:,}: NFKC, lower case, "
        "one blank for any white space, no full stop at the end"
    )
    lines = [f"{n:,} prompts of {path.name}: {n - held:,} to learn from, {held:,} held out", judged]
    lines += [f"{read.equal:,} lines said the same again and were left out"] * bool(read.equal)
    lines += unread(read.others)
    facts = {"prompts": n, "held_out": held, "equal": read.equal, "numbers": numbers}
    return {"lines": lines, "facts": facts}
