"""Prompt templates of the language tasks: the policies of an experiment, each with ``{input}`` once.

Some are plain, some careful, some bad on purpose: an experiment that cannot tell them apart would say so. Lines
``<user>`` and ``<assistant>`` begin turns of a chat (`poets_core.lm.responses.turns`): examples as earlier turns, or
the beginning of the answer ("begun").
"""

from __future__ import annotations

from domains.language.tasks import TASKS
from poets_core.errors import InvalidSpec

PLACE = "{input}"


def _chat(*examples: tuple[str, str], last: str = PLACE) -> str:
    """Examples as earlier turns, then the input."""
    return "".join(f"{asked}\n<assistant>\n{said}\n<user>\n" for asked, said in examples) + last


_CHAIRS = "I have two chairs, a bed, and three lamps. How many objects do I have?"
_FRUITS = "I have an apple and two pears. How many fruits do I have?"
_ANIMALS = "I have three dogs, a cat, and three ducks. How many animals do I have?"

_PROMPTS: dict[str, dict[str, str]] = {
    "object-counting": {
        "bare": PLACE,
        "instruction": "Count the objects. Answer with one number.\n{input}",
        "examples": f"Q: {_FRUITS}\nA: 3\nQ: {_ANIMALS}\nA: 7\nQ: {PLACE}\nA:",
        "turns": _chat((_FRUITS, "3"), (_ANIMALS, "7"), (_CHAIRS, "6")),
        "turns, sums": _chat((_FRUITS, "1 + 2 = 3"), (_ANIMALS, "3 + 1 + 3 = 7"), (_CHAIRS, "2 + 1 + 3 = 6")),
        "sums": f"Q: {_FRUITS}\nA: 1 + 2 = 3\nQ: {_CHAIRS}\nA: 2 + 1 + 3 = 6\nQ: {PLACE}\nA:",
        "begun": "{input}\n<assistant>\nThe total number is",
        "begun, sum": "{input}\n<assistant>\nLet us add:",
        "misleading": "Ignore how many of each there are: list the different things. {input}",
        "vague": "Think about this and tell me what you feel: {input}",
    },
    "word-unscrambling": {
        "bare": PLACE,
        "instruction": "Unscramble the letters to make an English word. Answer with one word.\n{input}",
        "examples": "graden -> garden\nwnidow -> window\nstroy -> story\n{input} ->",
        "turns": _chat(("graden", "garden"), ("wnidow", "window"), ("stroy", "story")),
        "spelling": "Correct the spelling of this word: {input}",
        "turns, spelling": _chat(
            ("Correct the spelling: graden", "garden"),
            ("Correct the spelling: wnidow", "window"),
            last="Correct the spelling: {input}",
        ),
        "begun": "Two letters of the word '{input}' have changed places.\n<assistant>\nThe correct word is '",
        "begun list": "Unscramble the words.\n<assistant>\n"
        "graden -> garden\nwnidow -> window\nstroy -> story\n{input} ->",
        "role": "You are a champion of word puzzles. Which English word has the letters of {input}?",
        "misleading": "Reverse the letters of the word {input}.",
    },
    "second-letter": {
        "bare": PLACE,
        "instruction": "Write the second letter of this word, nothing else: {input}",
        "question": "What is the second letter of the word '{input}'?",
        "examples": "cat -> a\nspoon -> p\norder -> r\nink -> n\n{input} ->",
        "questions": "Q: What is the second letter of 'spoon'?\nA: p\nQ: What is the second letter of 'order'?\nA: r\n"
        "Q: What is the second letter of '{input}'?\nA:",
        "turns": _chat(("spoon", "p"), ("order", "r"), ("baker", "a")),
        "turns, letters": _chat(
            ("spoon", "s, p, o, o, n: the second letter is p"),
            ("order", "o, r, d, e, r: the second letter is r"),
            ("baker", "b, a, k, e, r: the second letter is a"),
        ),
        "worked example": "spoon: s, p, o, o, n. The second letter is p.\n"
        "order: o, r, d, e, r. The second letter is r.\n{input}:",
        "begun list": "What is the second letter of each word?\n<assistant>\nspoon: p\norder: r\nbaker: a\n{input}:",
        "misleading": "What is the first letter of the word '{input}'?",
    },
    "sum": {
        "bare": PLACE,
        "instruction": "Add the two numbers. Answer with one number.\n{input}",
        "examples": "3 4 -> 7\n22 10 -> 32\n58 16 -> 74\n{input} ->",
        "turns": _chat(("3 4", "7"), ("22 10", "32"), ("58 16", "74")),
        "turns, equations": _chat(("3 4", "3 + 4 = 7"), ("22 10", "22 + 10 = 32"), ("58 16", "58 + 16 = 74")),
        "turns, one equation": _chat(("22 10", "22 + 10 = 32")),
        "worked example": "22 10: 22 + 10 = 32\n58 16: 58 + 16 = 74\n{input}:",
        "begun": "{input}\n<assistant>\nThe sum is",
        "begun list": "Add the numbers.\n<assistant>\n"
        "3 4: 3 + 4 = 7\n22 10: 22 + 10 = 32\n58 16: 58 + 16 = 74\n{input}:",
        "misleading": "Subtract the second number from the first: {input}",
    },
}


def prompts(task: str) -> tuple[tuple[str, str], ...]:
    """Return the templates of a task, (name, template) each.

    Raises:
        InvalidSpec: no such task.
    """
    if task not in _PROMPTS:
        raise InvalidSpec(f"Expected a language task, one of {', '.join(TASKS)}, got {task!r}.")
    return tuple(_PROMPTS[task].items())


def fill(template: str, text: str) -> str:
    """Put an item's text into a template; braces elsewhere are ordinary characters.

    Raises:
        InvalidSpec: the template does not hold ``{input}`` exactly once.
    """
    if template.count(PLACE) != 1:
        raise InvalidSpec(f"Expected {PLACE} once in the prompt, got it {template.count(PLACE)} times: {template!r}.")
    return template.replace(PLACE, text)
