"""What a run learns from: the task of its spec, the answers that it was given, and the verifier, watched."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domains import catalog
from poets_core.errors import InvalidInput, InvalidSpec
from poets_core.intake import shown
from poets_core.protocols import Check, unheard
from poets_core.rewards.given import GivenTask, RewardedAnswer
from poets_core.spec import RewardsSpec
from poets_core.verifiable import PromptItem, Verdict, VerifiableTask
from poets_core.worker.science import resolve_backbone

FILE = "given.file"


@dataclass
class Watched:
    """A task whose verifier is watched: what it could not tell is counted, and a verifier that is gone ends the run.

    Attributes:
        task: the task itself.
        check: called before and after the verifier, which may take long.
        unknown: reasons for answers without a reward, since `forget`.
    """

    task: VerifiableTask
    check: Check = unheard
    unknown: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """Of the task."""
        return self.task.name

    @property
    def train(self) -> Sequence[PromptItem]:
        """Training items."""
        return self.task.train

    @property
    def held_out(self) -> Sequence[PromptItem]:
        """Held-out items."""
        return self.task.held_out

    def verify(self, items: Sequence[PromptItem], answers: Sequence[str]) -> list[Verdict]:
        """Return the task's verdicts.

        Raises:
            InvalidInput: the verifier could tell of no answer at all: going on would teach nothing.
        """
        self.check()
        verdicts = self.task.verify(items, answers)
        self.check()
        reasons = [v.reason for v in verdicts if v.reward is None]
        self.unknown.update(reasons)
        if reasons and len(reasons) == len(answers) and not isinstance(self.task, GivenTask):
            raise InvalidInput(
                f"Expected rewards of the verifier of {self.name}, got none for all {len(answers):,} answers: "
                f"{reasons[0] or 'it could not tell'}. Mend the verifier, then resume the run."
            )
        return verdicts

    def forget(self) -> dict[str, int]:
        """Return the most frequent reasons since the last call, three at most, and count anew."""
        found = {reason[:200]: n for reason, n in self.unknown.most_common(3)}
        self.unknown = Counter()
        return found


@dataclass(frozen=True)
class Lesson:
    """What a run learns from.

    Attributes:
        task: its prompts and verifier.
        rows: answers with rewards that are there before the first round.
        lines: what was read, in sentences.
        left_out: given answers to held-out prompts, which would give them away.
    """

    task: VerifiableTask
    rows: tuple[RewardedAnswer, ...]
    lines: tuple[str, ...]
    left_out: int = 0

    @property
    def facts(self) -> dict[str, Any]:
        """What a resumed run must meet again, and what pages say of the task."""
        task = self.task
        levels = {
            split: dict(sorted(Counter(i.level for i in items).items()))
            for split, items in (("train", task.train), ("held_out", task.held_out))
        }
        told = [[[i.id, i.prompt, i.answer, i.level] for i in items] for items in (task.train, task.held_out)]
        given = [[r.prompt, r.answer, r.reward] for r in self.rows]
        # Of all that is learnt or judged: a file that was edited in place is another task, whatever its name.
        digest = hashlib.sha256(json.dumps([told, given]).encode()).hexdigest()
        return {
            "name": task.name,
            "train": len(task.train),
            "held_out": len(task.held_out),
            "levels": levels,
            "lines": list(self.lines),
            "sha256": digest,
        }

    @property
    def given(self) -> dict[str, Any]:
        """How many answers were given, and how many of them have no reward or are left out; empty where none were."""
        unknown = sum(r.reward is None for r in self.rows)
        return {"answers": len(self.rows), "unknown": unknown, "held_out": self.left_out} if self.rows else {}


def load_lesson(spec: RewardsSpec) -> Lesson:
    """Read task and given answers.

    Raises:
        InvalidInput: a task, file or parameter that cannot be used; with the field.
        MissingPackage: a package that the task needs is not installed.
    """
    # The task first: its own errors are nearer to what a person has chosen than those of a file beside it.
    task = None if spec.task is None else catalog.load_verifiable(spec.task.name, spec.task.params)
    lines = list(getattr(task, "report", {}).get("lines", ()))
    if not spec.given.file:
        if task is None:
            raise InvalidSpec("Expected a task or a file of rewarded answers, got neither.", field="task")
        return Lesson(_learnable(task), (), tuple(lines))
    try:
        found = catalog.load_answers(spec.given.file)
    except InvalidInput as error:
        # The reader is the task's own, and names the field that a task has.
        raise InvalidInput(str(error), fields=dict.fromkeys([FILE], str(error))) from error
    lines += found.report.get("lines", ())
    texts = [found.prompts[i].prompt for i in found.prompt.tolist()]
    rewards = found.rewards.tolist()
    rows = tuple(RewardedAnswer(p, a, r) for p, a, r in zip(texts, found.answers, rewards, strict=True))
    if task is None:
        return Lesson(GivenTask(f"answers of {Path(spec.given.file).name}", rows), rows, tuple(lines))
    kept = _of_the_task(rows, task)
    if left := len(rows) - len(kept):
        lines.append(f"{left:,} answers to held-out prompts are left out: they would give them away")
    return Lesson(_learnable(task), kept, tuple(lines), left)


def _learnable(task: VerifiableTask) -> VerifiableTask:
    if not len(task.train):
        raise InvalidSpec(f"Expected one training item or more in {task.name}, got none. Ask for some.", field="task")
    return task


def _of_the_task(rows: Sequence[RewardedAnswer], task: VerifiableTask) -> tuple[RewardedAnswer, ...]:
    """Return the given answers to training prompts; those to held-out ones are left out, all others refused."""
    train, held = {i.prompt for i in task.train}, {i.prompt for i in task.held_out}
    for number, row in enumerate(rows, 1):
        if row.prompt not in train and row.prompt not in held:
            raise InvalidInput(
                f"Expected answers to prompts of {task.name}, got one to {shown(row.prompt)} (answer {number:,} of the "
                "file). Leave it out, or learn from the file alone, without a task.",
                field=FILE,
            )
    # Left out and not refused: whoever has a file of answers cannot know which prompts a task holds out.
    kept = tuple(row for row in rows if row.prompt in train)
    if not kept:
        raise InvalidInput(
            f"Expected answers to training prompts of {task.name}, got {len(rows):,} to held-out ones alone.",
            field=FILE,
        )
    return kept


def model_folder(spec: RewardsSpec) -> Path:
    """Return where the model of a run lies.

    Raises:
        InvalidSpec: it is not on this machine. Nothing is downloaded.
    """
    # A name of a hub comes back as text, and "library" too: a run of this kind has nothing to train one on.
    found = resolve_backbone(spec.backbone.source)
    if not isinstance(found, Path) or not found.exists():
        known = ", ".join(catalog.backbones())
        raise InvalidSpec(
            f"Expected a model that lies on this machine: one that ships ({known}) or a folder, got "
            f"{spec.backbone.source!r}. Nothing is downloaded; check the path.",
            field="backbone.source",
        )
    return found
