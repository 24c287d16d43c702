"""Tasks with many prompts and a verifiable reward, as the catalog knows them; standard library only."""

from __future__ import annotations

from domains.entry import Parameter, Science, Verifiable
from domains.text.names import GYM, LANGUAGE, REFUSED, TINY

_SEED = Parameter("seed", "int", 0, "Key of all items.", 0, 2**31 - 1)


def _items(train: int = 128, held_out: int = 128) -> tuple[Parameter, ...]:
    return (
        Parameter("train", "int", train, "Training items.", 0, 20_000, label="Training items"),
        Parameter("held_out", "int", held_out, "Held-out items, of other prompts.", 0, 20_000, label="Held-out items"),
        _SEED,
    )


_ANSWER_IN = Parameter(
    "answer_in",
    "text",
    "response",
    "Where the answer stands: the whole response, or between its last <answer> and </answer>.",
    choices=("response", "tags"),
    label="Answer",
)

VERIFIABLES: tuple[Verifiable, ...] = (
    Verifiable(
        name="text/reasoning-gym",
        loader="domains.text.gym:reasoning_gym",
        title="Reasoning Gym",
        summary="Generated problems of algebra, logic, games and more, with graded scores (reasoning-gym 0.1.25).",
        parameters=(
            Parameter("task", "text", None, "Name of the task.", choices=(*GYM, *REFUSED)),
            *_items(),
            Parameter("levels", "text", "", "Levels of the task's curriculum: 0, 0-3 or 0,2. Empty: none.", 0, 100),
            Parameter(
                "settings", "text", "", 'Fields of the task\'s own, as JSON: {"max_terms": 3}.', 0, 60_000, area=True
            ),
            _ANSWER_IN,
        ),
    ),
    Verifiable(
        name="text/tiny",
        loader="domains.text.tiny:tiny",
        title="Tasks of the small text model",
        summary="Eight easy tasks of reasoning-gym with short prompts, for the small model that ships.",
        parameters=(Parameter("task", "text", None, "Name of the task.", choices=TINY), *_items()),
    ),
    Verifiable(
        name="text/induction",
        loader="domains.text.induction:induction",
        title="Instruction induction",
        summary="Counting, unscrambling, second letters and sums: short language tasks that a rule judges.",
        parameters=(
            Parameter("task", "text", None, "Name of the task.", choices=LANGUAGE),
            *_items(),
            Parameter(
                "template",
                "text",
                "",
                "What is asked, with {input} once; empty: the plain instruction of the task.",
                0,
                20_000,
                area=True,
            ),
        ),
    ),
)

SCIENCE = Science(
    name="text",
    title="Text",
    design="answer",
    verifiables=VERIFIABLES,
    exports=(),
    install="pip install 'poets[text]'",
)
