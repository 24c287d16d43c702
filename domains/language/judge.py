"""The rule that judges a response: does the first answer found in it match a right one?

How the first answer is found, in at most `READ` characters of the response, after Unicode normalisation (NFKC) and in
lower case:

- numbers (object counting, sum): digits or English words up to 999 ("8", "08", "8.0", "eight", "one hundred and
  five"). Of a sum the two given numbers are skipped where they stand together ("12 + 7", "12 and 7"). The first number
  behind the first "answer", "total" or "=" counts; without a number behind one, the first number of the response. So a
  model may show its steps, and "7, because ..." is judged by the 7. A decimal that is not whole matches nothing.
- a letter: the first single letter in quotation marks or asterisks; without one, the first letter that stands alone
  behind the first "answer", "is" or ":", else the first of the response. An "a" before another word is an article.
- a word: the first word that has the letters of the input in another order. What is said around it does not count.

A response without an answer scores 0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from domains.language.tasks import TASKS, Item
from poets_core.errors import InvalidSpec

READ = 2000
_BELOW_20 = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ONES, _TENS_TEXT = _BELOW_20.split(), "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = _TENS_TEXT.split()
_WORTH = {w: i for i, w in enumerate(_ONES)} | {w: 20 + 10 * i for i, w in enumerate(_TENS)}
_SMALL = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_ONES[1:10])}))?|(?:{'|'.join(reversed(_ONES))}))"
_SPELT = rf"\b(?:(?:(?:a|{'|'.join(_ONES[1:10])}) )hundred(?:(?: and)? {_SMALL})?|{_SMALL})\b"
_DIGITS = r"(?<![\w.,-])-?[0-9]+(?:[.,][0-9]+)*(?!\w)"
_NUMBER = re.compile(rf"{_DIGITS}|{_SPELT}")
_CUE = re.compile(r"\banswer\b|\btotal\b|=")
_QUOTED = re.compile(r"(?<!\w)['\"‘’“”*`]+([a-z])[.,]?['\"‘’“”*`]+(?!\w)")
_ALONE = re.compile(r"(?<![\w'’-])(?!a \w)([a-z])(?![\w'’])")
_LETTER_CUE = re.compile(r"\banswer\b|\bis\b|:")


def score(task: str, item: Item, response: str) -> float:
    """Return 1.0 if the first answer found in a response is right, else 0.0.

    Args:
        task: one of `domains.language.tasks.TASKS`.
        item: what was asked.
        response: whatever a model wrote.

    Raises:
        InvalidSpec: no such task.
    """
    if task not in _RULES:
        raise InvalidSpec(f"Expected a language task, one of {', '.join(TASKS)}, got {task!r}.")
    text = unicodedata.normalize("NFKC", response[:READ])[:READ].lower()
    return float(_RULES[task](item, text) in item.answers)


def _counted(item: Item, text: str) -> str:
    return _number(text)


def _summed(item: Item, text: str) -> str:
    a, b = item.text.split()
    between = r"(?:[\s,;*]{1,4}|[\s*]{0,4}(?:\+|plus|and|&)[\s*]{0,4})"
    given = rf"(?<![\w.])(?:{a}{between}{b}|{b}{between}{a})(?!\w|[.,]\d)"
    return _number(re.sub(given, " ", text))


def _number(text: str) -> str:
    cue = _CUE.search(text)
    found = (_NUMBER.search(text, cue.end()) if cue else None) or _NUMBER.search(text)
    return _digits(found.group()) if found else ""


def _digits(number: str) -> str:
    """A number as plain digits: no leading zeros, no empty decimals; words become digits."""
    if number[-1].isdigit():
        number = re.sub(r"\.0+$", "", number)
        return number.lstrip("0") or "0"
    words = re.split(r"[ -]", number)
    value = 0
    for word in words:
        value = 100 * (value or 1) if word == "hundred" else value + _WORTH.get(word, 0)
    return str(value)


def _letter(item: Item, text: str) -> str:
    quoted = _QUOTED.search(text)
    if quoted:
        return quoted.group(1)
    cue = _LETTER_CUE.search(text)
    found = (_ALONE.search(text, cue.end()) if cue else None) or _ALONE.search(text)
    return found.group(1) if found else ""


def _word(item: Item, text: str) -> str:
    letters = sorted(item.text)
    words = re.findall(r"[a-z]+", text)
    return next((w for w in words if w != item.text and sorted(w) == letters), "")


_RULES: dict[str, Callable[[Item, str], str]] = {
    "object-counting": _counted,
    "word-unscrambling": _word,
    "second-letter": _letter,
    "sum": _summed,
}
