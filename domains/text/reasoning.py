"""A task of reasoning-gym, as the catalog loads it."""

from __future__ import annotations

from domains.text.gym import drawn, generator_of
from domains.text.gym_away import Away
from domains.text.names import AWAY
from domains.text.task import Task


def reasoning_gym(
    task: str,
    train: int = 128,
    held_out: int = 128,
    seed: int = 0,
    levels: str = "",
    settings: str = "",
    answer_in: str = "response",
) -> Task:
    """Return a task of reasoning-gym.

    Args:
        task: name of the package.
        train, held_out: items.
        seed: key of all of them.
        levels: of the package's curriculum, such as ``"0"`` or ``"0-3"``; items take them in turn. Empty: none.
        settings: JSON object of the task's own configuration, such as ``{"max_terms": 3}``.
        answer_in: ``"response"``: all of a response is the answer; ``"tags"``: what stands in its last pair of
            ``<answer>`` and ``</answer>``.

    Raises:
        InvalidSpec: no such task, level or setting, or more items than there are or than can be made in time.
        MissingPackage: reasoning-gym is not installed.
    """
    generator = generator_of(task, levels, settings)
    wanted = {"held-out": held_out, "train": train}
    judge = generator.score
    if task in AWAY:
        away = Away(task, levels, settings, wanted, seed)
        items, judge = away.items, away.score
    else:
        items = drawn(generator, wanted, seed)
    counts = f"{train:,} training and {held_out:,} held-out items of {task}, seed {seed}"
    return Task(
        f"text/reasoning-gym/{task}",
        items["train"],
        items["held-out"],
        judge,
        tagged=answer_in == "tags",
        report={"lines": [counts], "facts": {"task": task, "train": train, "held_out": held_out}},
    )
