"""Tasks with many prompts and a verifiable reward, as the catalog knows them; standard library only."""

from __future__ import annotations

from pathlib import Path

from domains.entry import Parameter, Science, ShippedBackbone, Verifiable
from domains.text.names import GYM, LANGUAGE, QUESTIONS, REFUSED, TINY

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
        loader="domains.text.reasoning:reasoning_gym",
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
        summary="Six easy tasks of reasoning-gym with short prompts, for the small model that ships.",
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
    Verifiable(
        name="text/faq",
        loader="domains.text.faq:faq",
        title="Answers to one question",
        summary="One question; the reward is the nearness in meaning to an ideal answer that is not shown.",
        parameters=(
            Parameter("question", "text", "refund", "Name of the question.", choices=QUESTIONS),
            Parameter("own_question", "text", "", "A question of your own in its place.", 0, 2000, area=True),
            Parameter("own_ideal", "text", "", "Its ideal answer, which no model sees.", 0, 2000, area=True),
        ),
    ),
    Verifiable(
        name="text/own",
        loader="domains.text.own:own",
        title="Your own prompts",
        summary="A JSONL file of prompts with right answers, or with a verifier of your own.",
        parameters=(
            Parameter("file", "file", None, "JSONL: prompt, answer, level a line.", endings=("jsonl", "ndjson", "gz")),
            # What runs a program of this machine is no field of a page: whoever reaches the page could run any.
            Parameter("function", "text", "", "Verifier in Python: package.module:function.", 0, 500, browser=False),
            Parameter(
                "program", "text", "", "Verifier as a command; it reads and writes JSON lines.", 0, 2000, browser=False
            ),
            Parameter(
                "match",
                "text",
                "auto",
                "How answers are compared without a verifier; auto: as numbers where the right one is a number.",
                choices=("auto", "text", "number"),
                label="Answers are compared as",
            ),
            Parameter("held_out_share", "float", 0.2, "Share of the prompts that is held out.", 0.0, 0.9),
            _SEED,
            _ANSWER_IN,
            Parameter("seconds", "float", 5.0, "What a verifier may take for an answer.", 0.01, 600.0, browser=False),
            Parameter("memory", "int", 2048, "MiB that a verifier may take.", 64, 1 << 17, browser=False),
        ),
    ),
)

SCIENCE = Science(
    name="text",
    title="Text",
    design="answer",
    verifiables=VERIFIABLES,
    answers="domains.text.offline:rewarded",
    backbones=(
        ShippedBackbone("text", "Small text model that ships with the app", Path(__file__).parent / "backbone", 4e-5),
    ),
    exports=(),
    install="pip install 'poets[text]'",
)
