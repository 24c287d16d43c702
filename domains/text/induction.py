"""The four tasks of instruction induction (`domains.language`) as prompts with a reward of 0 or 1."""

from __future__ import annotations

from domains.language.judge import score
from domains.language.prompts import fill, prompts
from domains.language.tasks import items
from domains.text.task import Task
from poets_core.errors import InvalidSpec
from poets_core.verifiable import PromptItem, Verdict


def induction(task: str, train: int = 128, held_out: int = 128, seed: int = 0, template: str = "") -> Task:
    """Return a task of instruction induction.

    Args:
        task: one of `domains.language.tasks.TASKS`.
        train, held_out: items, of different inputs; seed: key of all of them.
        template: what is asked, with ``{input}`` once; empty: the plain instruction of the task.

    Raises:
        InvalidSpec: no such task, fewer different inputs than asked for, or a template without its place.
    """
    if train + held_out < 1:
        raise InvalidSpec("Expected 1 item or more in all, got 0.", field="task.params.train")
    asked = template or _instruction(task)
    # The held-out items come first: they stay the same however many training items are asked for.
    made = items(task, train + held_out, seed=seed)
    by_id = {f"{task}/{item.index}": item for item in made}
    listed = [PromptItem(id, fill(asked, item.text), item.answers[0]) for id, item in by_id.items()]

    def judge(item: PromptItem, answer: str) -> Verdict:
        return Verdict(score(task, by_id[item.id], answer))

    return Task(f"text/induction/{task}", listed[held_out:], listed[:held_out], judge)


def _instruction(task: str) -> str:
    named = dict(prompts(task))
    return named.get("instruction") or named["question"]
