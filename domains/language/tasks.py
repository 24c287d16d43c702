"""Four tasks of instruction induction, as generated items: an input and the answers that are right.

Sources: Honovich et al., "Instruction Induction" (arXiv 2205.10782: second letter, sum), BIG-bench (arXiv
2206.04615: object counting, word unscrambling). Items are generated here, none are copied, and they are easier, because
the models that answer them here are small: few things to count, and of a scrambled word two neighbouring letters inside
it have changed places.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domains.language.entries import TASKS as FORMS
from domains.language.words import PLURALS, THINGS, WORDS
from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for

COUNTS = ("", "a", "two", "three")
"""How many of one thing a counting item holds, as a word."""
KINDS = (2, 4)
"""Fewest and most different things of a counting item."""


@dataclass(frozen=True)
class Item:
    """One input of a task.

    Attributes:
        index: its number, 0.. within the items of a seed.
        text: what stands in for ``{input}`` in a prompt.
        answers: every right answer, lower case; numbers as digits.
    """

    index: int
    text: str
    answers: tuple[str, ...]


def items(task: str, n: int, *, seed: int) -> list[Item]:
    """Draw n items with different inputs; the first k of n are those of `items(task, k, seed=seed)`.

    Args:
        task: one of `TASKS`.
        n: how many.
        seed: key of all randomness.

    Raises:
        InvalidSpec: no such task, or fewer different inputs than asked for.
    """
    if task not in _DRAWS:
        raise InvalidSpec(
            f"Expected a language task, one of {', '.join(TASKS)}, got {task!r}.", field="experiment.task"
        )
    draw, most = _DRAWS[task], next(t.most for t in FORMS if t.name == task)
    if not 1 <= n <= most:
        raise InvalidSpec(f"Expected 1 to {most} items of {task}, got {n}. Ask for fewer.", field="experiment.items")
    out: dict[str, Item] = {}
    for index in range(n):
        for attempt in itertools.count():
            text, answers = draw(rng_for(seed, "item", task, index, attempt))
            if text not in out:
                out[text] = Item(index, text, answers)
                break
    return list(out.values())


def _count_objects(rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    kind = list(THINGS)[rng.integers(len(THINGS))]
    things = rng.permutation(THINGS[kind])[: rng.integers(KINDS[0], KINDS[1] + 1)].tolist()
    counts = rng.integers(1, len(COUNTS), size=len(things)).tolist()
    parts = [_some(thing, count) for thing, count in zip(things, counts, strict=True)]
    listed = f"{', '.join(parts[:-1])}{',' if len(parts) > 2 else ''} and {parts[-1]}"
    asked = "musical instruments" if kind == "instruments" else kind
    return f"I have {listed}. How many {asked} do I have?", (str(sum(counts)),)


def _some(thing: str, count: int) -> str:
    if count == 1:
        return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"
    return f"{COUNTS[count]} {PLURALS.get(thing, thing + 's')}"


def _unscramble(rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    while True:
        word = WORDS[rng.integers(len(WORDS))]
        at = rng.integers(1, len(word) - 2) if len(word) > 3 else 0
        mixed = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if mixed not in WORDS and mixed != word:
            return mixed, tuple(w for w in WORDS if sorted(w) == sorted(mixed))


def _second_letter(rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    word = WORDS[rng.integers(len(WORDS))]
    return word, (word[1],)


def _sum(rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    a, b = rng.integers(1, 100, size=2).tolist()
    return f"{a} {b}", (str(a + b),)


_DRAWS: dict[str, Callable[[np.random.Generator], tuple[str, tuple[str, ...]]]] = {
    "object-counting": _count_objects,
    "word-unscrambling": _unscramble,
    "second-letter": _second_letter,
    "sum": _sum,
}
TASKS: tuple[str, ...] = tuple(t.name for t in FORMS)
"""Names of the tasks; the catalog has their forms."""
