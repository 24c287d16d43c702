"""Every task of reasoning-gym by name, difficulty and seed, scored by the package's own scorers.

Source: Stojanovski et al., "Reasoning Gym" (arXiv 2505.24760), PyPI `reasoning-gym`. Items come from two keyed streams.
The held-out stream is read first, the training stream skips whatever prompt is held out, so the held-out items of a
seed are the same however many training items are asked for, and no prompt is in both.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domains.packages import needed_for
from domains.text.names import GYM, REFUSED
from domains.text.settings import checked_levels, configured
from domains.text.task import MOST_ITEMS
from domains.text.unsafe import MAY_SEE, UNREADABLE
from poets_core.errors import InvalidSpec
from poets_core.keyed import seed_for
from poets_core.verifiable import PromptItem, Verdict

INSTALL = "pip install 'poets[text]'"
CHUNK, CHUNKS = 500, 200
"""Items that the package plans at once (some tasks draw all of them first), and how often."""
SECONDS = 120.0
"""What drawing the items of a task may take; some generators need seconds for one."""
EMPTY_DRAWS = 2_000
"""Draws in a row that give no new prompt: then the task is taken to have no more."""


@dataclass
class Generator:
    """A task of the package with one setting for each level, and the entries that were drawn of it.

    Attributes:
        name: of the task.
        configs: level -> configuration of the package; ``""`` where no levels were asked for.
        entries: item id -> what the package said of it, for its scorer.
    """

    name: str
    configs: Mapping[str, Any]
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    _scorers: dict[str, Any] = field(default_factory=dict)

    def stream(self, seed: int, split: str) -> Iterator[PromptItem]:
        """Yield items without end of a split, levels in turn; prompts may come again."""
        from reasoning_gym.factory import DATASETS

        for chunk in range(CHUNKS):
            for level, config in self.configs.items():
                # Some tasks seed NumPy, which takes 32 bits; an item's own seed is this one plus its number.
                config.seed = seed_for(seed, "reasoning-gym", self.name, split, level, chunk) % 2**31
                config.size = CHUNK
                with _quiet():
                    self._scorers[level] = DATASETS[self.name][0](config=config)
            for number in range(CHUNK):
                for level, dataset in self._scorers.items():
                    with _quiet():
                        # list_functions draws from Python's own generator; `drawn` puts that back.
                        random.seed(self.configs[level].seed + number)
                        entry = dataset[number]
                    # A few items have no text as their answer, 0 in another base for one: nothing could be rewarded.
                    if entry["answer"] is not None and not str(entry["answer"]).strip():
                        continue
                    id = f"{self.name}/{split}/{level or '-'}/{chunk * CHUNK + number}"
                    self.entries[id] = entry
                    yield PromptItem(id, str(entry["question"]), right_answer(entry), level)

    def score(self, item: PromptItem, answer: str) -> Verdict:
        """Return the package's score of an answer.

        Scorers that cannot read an answer raise; the answer is wrong then, and the verdict says why.
        """
        entry = self.entries.get(item.id)
        if entry is None:
            raise InvalidSpec(f"Expected an item of this task, got {item.id!r}.")
        seen = answer
        may_see = MAY_SEE.get(self.name)
        if may_see is not None and answer != entry["answer"] and not may_see(answer):
            seen = UNREADABLE
        try:
            with _quiet():
                reward = float(self._scorers[item.level].score_answer(seen, entry))
        except MemoryError:
            raise
        except Exception as error:
            return Verdict(0.0, f"the scorer cannot read the answer: {type(error).__name__}: {str(error)[:100]}")
        if not 0.0 <= reward <= 1.0:
            return Verdict(None, f"expected a score from 0 to 1, got {reward!r} from the scorer of {self.name}")
        return Verdict(reward, "the answer is not in the form that is asked for" if seen != answer else "")


def right_answer(entry: Mapping[str, Any]) -> str:
    """Return a right answer, from the entry or from what it says beside it; "" where the package tells none."""
    about = entry["metadata"]
    for found in (entry["answer"], about.get("example_answer"), about.get("example_correct_answer")):
        if found is not None:
            return str(found)
    colouring = about.get("possible_answer")
    return "" if colouring is None else json.dumps(colouring)


def generator_of(task: str, levels: str = "", settings: str = "") -> Generator:
    """Return the generator of a task of the package; see `domains.text.reasoning` for arguments and errors."""
    if task in REFUSED:
        raise InvalidSpec(f"Expected a task of reasoning-gym that stands alone, got {task!r}: {REFUSED[task]}")
    if task not in GYM:
        raise InvalidSpec(
            f"Expected a task of reasoning-gym, one of {', '.join(GYM)}, got {task!r}.", field="task.params.task"
        )
    with needed_for("the tasks of reasoning-gym", INSTALL), _quiet():
        import reasoning_gym.factory  # noqa: F401  (registers all tasks)
    return Generator(task, configured(task, checked_levels(levels), settings))


def drawn(
    generator: Generator, wanted: Mapping[str, int], seed: int, keep: Mapping[str, Any] | None = None
) -> dict[str, list[PromptItem]]:
    """Draw items with different prompts, split after split.

    Args:
        generator: of the task.
        wanted: split -> how many items, in the order of drawing.
        seed: key.
        keep: split -> function that says whether it may hold a prompt; every prompt where there is none.

    Raises:
        InvalidSpec: fewer different prompts than asked for, or drawing takes longer than `SECONDS`.
    """
    total = sum(wanted.values())
    if not 1 <= total <= MOST_ITEMS or min(wanted.values()) < 0:
        raise InvalidSpec(f"Expected 1 to {MOST_ITEMS:,} items in all, got {total:,}.", field="task.params.train")
    end, seen = time.monotonic() + SECONDS, set[str]()
    found: dict[str, list[PromptItem]] = {}
    # One of the tasks seeds NumPy's global generator, one needs Python's: both may be somebody's.
    state, python = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        for split, n in wanted.items():
            found[split] = _split(generator, split, n, seed, seen, (keep or {}).get(split), end)
    finally:
        np.random.set_state(state)  # noqa: NPY002
        random.setstate(python)
    made = {item.id for items in found.values() for item in items}
    for other in generator.entries.keys() - made:
        del generator.entries[other]
    return found


def _split(
    generator: Generator, split: str, n: int, seed: int, seen: set[str], keep: Any, end: float
) -> list[PromptItem]:
    items: list[PromptItem] = []
    empty = 0
    for item in generator.stream(seed, split) if n else ():
        new = bool(item.prompt.strip()) and item.prompt not in seen and (keep is None or keep(item.prompt))
        empty = 0 if new else empty + 1
        if new:
            seen.add(item.prompt)
            items.append(item)
            if len(items) == n:
                break
        if empty >= EMPTY_DRAWS:
            break
        if time.monotonic() > end:
            raise InvalidSpec(
                f"Expected the {split} items of {generator.name} within {SECONDS:.0f} s, got {len(items):,} of {n:,}. "
                "Ask for fewer, or for easier ones.",
                field="task.params.train" if split == "train" else "task.params.held_out",
            )
    if len(items) < n:
        raise InvalidSpec(
            f"Expected {n:,} different {split} prompts of {generator.name} with this difficulty, got {len(items):,}. "
            "Ask for fewer, or for another difficulty.",
            field="task.params.train" if split == "train" else "task.params.held_out",
        )
    return items


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The package prints while it draws; a worker's log is no place for that."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
