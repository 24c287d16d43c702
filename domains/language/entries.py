"""Instruction induction, as the catalog knows it; standard library only."""

from __future__ import annotations

from functools import partial

from domains.entry import Science, Task

_task = partial(Task, items="domains.language.tasks:items", score="domains.language.judge:score")

TASKS: tuple[Task, ...] = (
    _task(
        "object-counting",
        "Object counting",
        "the number of things, in digits or words",
        "I have a chair, two lamps, and three beds. How many objects do I have?",
        2000,
    ),
    _task("word-unscrambling", "Word unscrambling", "the English word", "graden", 600),
    _task("second-letter", "Second letter", "the second letter of the word", "spoon", 330),
    _task("sum", "Sum", "the sum of the two numbers, in digits or words", "22 10", 5000),
)
"""Tasks that a rule can judge."""

SCIENCE = Science(name="language", title="Language", design="response", tasks=TASKS, exports=())
