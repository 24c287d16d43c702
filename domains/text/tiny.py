"""The frozen tasks of the small model that ships: reasoning-gym with easy settings and prompts of a few characters.

Question, answer and scorer are the package's; only the wording of the prompt is ours, so that a CPU can afford it.
Which prompts a split may hold is decided by a hash of the prompt, so that what the model was trained on (`pretraining`)
is in no training and no held-out set, whatever the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domains.text.gym import Generator, drawn, generator_of
from domains.text.names import TINY
from domains.text.task import Task
from poets_core.errors import InvalidSpec
from poets_core.keyed import digest_of
from poets_core.verifiable import PromptItem

SHARES = {"pretraining": range(8), "train": range(8, 12), "held-out": range(12, 16)}
"""Sixteenths of the prompts that each split may hold."""
LONGEST_PROMPT, LONGEST_ANSWER = 32, 20
"""Characters; longer ones are not drawn."""


@dataclass(frozen=True)
class Easy:
    """A task of reasoning-gym with easy settings.

    Attributes:
        settings: fields of the package's configuration, as JSON.
        prompt: what the package says of an item -> a short prompt.
    """

    settings: str
    prompt: Callable[[Mapping[str, Any]], str]


def _legs(about: Mapping[str, Any]) -> str:
    return f"legs {', '.join(f'{n} {animal}' for animal, n in about['animals'].items())}="


TASKS: Mapping[str, Easy] = {
    "chain_sum": Easy('{"max_terms": 2, "max_digits": 2}', lambda a: f"{a['expression'].replace(' ', '')}="),
    "gcd": Easy('{"max_value": 200}', lambda a: f"gcd {' '.join(map(str, a['numbers']))}="),
    "count_bits": Easy('{"max_n": 2047}', lambda a: f"bits {a['number']}="),
    "spell_backward": Easy('{"min_word_len": 3, "max_word_len": 5}', lambda a: f"back {a['word'].lower()}="),
    "leg_counting": Easy('{"min_animals": 1, "max_animals": 2, "max_instances": 4}', _legs),
    "simple_equations": Easy(
        '{"max_terms": 2, "max_value": 20, "operators": ["+", "-"], "operators_weights": [0.5, 0.5]}',
        lambda a: f"solve {a['equation'].replace(' ', '')}:",
    ),
}
"""Task of reasoning-gym -> its easy settings. Frozen: the shipped model was trained on them."""


@dataclass
class _Short(Generator):
    """A generator whose prompts are the short ones."""

    def stream(self, seed: int, split: str) -> Iterator[PromptItem]:
        """Yield items with short prompts; answers in lower case where the prompt is."""
        easy = TASKS[self.name]
        for item in super().stream(seed, split):
            entry = self.entries[item.id]
            short = replace(item, prompt=easy.prompt(entry["metadata"]), answer=item.answer.lower())
            if len(short.prompt) <= LONGEST_PROMPT and len(short.answer) <= LONGEST_ANSWER:
                yield short
            else:
                del self.entries[item.id]


def split_of(task: str, prompt: str) -> str:
    """Return the only split that may hold a prompt."""
    share = digest_of("tiny", task, prompt)[0] % 16
    return next(split for split, shares in SHARES.items() if share in shares)


def tiny(task: str, train: int = 128, held_out: int = 128, seed: int = 0) -> Task:
    """Return one of the frozen tasks.

    Args:
        task: one of `TASKS`.
        train, held_out: items; seed: key of all of them.

    Raises:
        InvalidSpec: no such task, or fewer different prompts than asked for.
        MissingPackage: reasoning-gym is not installed.
    """
    generator = short_generator(task)
    keep = {split: lambda prompt, split=split: split_of(task, prompt) == split for split in ("held-out", "train")}
    items = drawn(generator, {"held-out": held_out, "train": train}, seed, keep)
    return Task(f"text/tiny/{task}", items["train"], items["held-out"], generator.score)


def pretraining(task: str, items: int, seed: int = 0) -> list[PromptItem]:
    """Return items that no training and no held-out set holds; the shipped model was trained on such."""
    keep = {"pretraining": lambda prompt: split_of(task, prompt) == "pretraining"}
    return drawn(short_generator(task), {"pretraining": items}, seed, keep)["pretraining"]


def short_generator(task: str) -> Generator:
    """Return the generator of a frozen task."""
    if task not in TASKS:
        raise InvalidSpec(
            f"Expected a task of the small model, one of {', '.join(TINY)}, got {task!r}.", field="task.params.task"
        )
    made = generator_of(task, settings=TASKS[task].settings)
    return _Short(made.name, made.configs)
