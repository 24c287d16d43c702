"""Prompt templates of the language tasks: the policies of an experiment, each with ``{input}`` once.

Some are plain, some careful, some bad on purpose: an experiment that cannot tell them apart would say so.
"""

from __future__ import annotations

from domains.language.tasks import TASKS
from poets_core.errors import InvalidSpec

PLACE = "{input}"

_PROMPTS: dict[str, dict[str, str]] = {
    "object-counting": {
        "bare": "{input}",
        "instruction": "Count the objects. Answer with one number.\n{input}",
        "examples": "Q: I have an apple and two pears. How many fruits do I have?\nA: 3\n"
        "Q: I have three dogs, a cat, and four ducks. How many animals do I have?\nA: 8\nQ: {input}\nA:",
        "word example": "Q: I have two chairs, a bed, and three lamps. How many objects do I have?\n"
        "A: six\nQ: {input}\nA:",
        "steps": "{input}\nWrite the numbers of the things, add them up, and end with 'The answer is' and the number.",
        "worked example": "Q: I have two chairs, a bed, and three lamps. How many objects do I have?\n"
        "A: 2 + 1 + 3 = 6\nQ: {input}\nA:",
        "role": "You are a careful mathematics teacher. {input} Reply with the number only.",
        "misleading": "Ignore how many of each there are: list the different things. {input}",
        "vague": "Think about this and tell me what you feel: {input}",
    },
    "word-unscrambling": {
        "bare": "{input}",
        "instruction": "Unscramble the letters to make an English word. Answer with one word.\n{input}",
        "examples": "gaerdn -> garden\nwnidow -> window\nstroy -> story\n{input} ->",
        "questions": "Q: Unscramble 'gaerdn'.\nA: garden\nQ: Unscramble 'wnidow'.\nA: window\n"
        "Q: Unscramble '{input}'.\nA:",
        "typing error": "Correct the spelling of this word: {input}",
        "typing examples": "Wrong: gaerdn\nRight: garden\nWrong: wnidow\nRight: window\nWrong: {input}\nRight:",
        "steps": "The first and last letters of '{input}' are right, the others are mixed up. Which common word is it?",
        "role": "You are a champion of word puzzles. Which English word has the letters of {input}?",
        "misleading": "Reverse the letters of the word {input}.",
    },
    "second-letter": {
        "bare": "{input}",
        "instruction": "Write the second letter of this word, nothing else: {input}",
        "question": "What is the second letter of the word '{input}'?",
        "examples": "cat -> a\nspoon -> p\norder -> r\nink -> n\n{input} ->",
        "questions": "Q: What is the second letter of 'spoon'?\nA: p\nQ: What is the second letter of 'order'?\nA: r\n"
        "Q: What is the second letter of '{input}'?\nA:",
        "spelling": "Spell the word '{input}' letter by letter, then say: the second letter is.",
        "worked example": "spoon: s, p, o, o, n. The second letter is p.\n"
        "order: o, r, d, e, r. The second letter is r.\n{input}:",
        "misleading": "What is the first letter of the word '{input}'?",
        "vague": "Tell me something about the word {input}.",
    },
    "sum": {
        "bare": "{input}",
        "instruction": "Add the two numbers. Answer with one number.\n{input}",
        "question": "What is the sum of these two numbers: {input}?",
        "examples": "3 4 -> 7\n22 10 -> 32\n58 16 -> 74\n{input} ->",
        "questions": "Q: Sum of 22 10?\nA: 32\nQ: Sum of 58 16?\nA: 74\nQ: Sum of {input}?\nA:",
        "steps": "Add the tens and the ones of the two numbers separately, then say the answer: {input}",
        "worked example": "22 10: 22 + 10 = 32\n58 16: 58 + 16 = 74\n{input}:",
        "role": "You are a pocket calculator. You show only the result. Sum: {input}",
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
