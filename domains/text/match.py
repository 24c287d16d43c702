"""When an answer is the right one: equal as numbers, or equal as text after a normalisation.

Normalisation of text: Unicode NFKC, lower case (casefold), every run of white space one blank and none at the ends, one
full stop at the end left out. A number: an optional sign, digits, an optional point and digits, an optional power of
ten; thousands are not separated, because 1,204 may mean two things.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

MATCHES = ("auto", "text", "number")
_NUMBER = re.compile(r"[+-]?(?:\d{1,100}(?:\.\d{0,100})?|\.\d{1,100})(?:[eE][+-]?\d{1,3})?")


def normalised(text: str) -> str:
    """Return a text as it is compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).removesuffix(".").rstrip()


def number(text: str) -> Decimal | None:
    """Return the number that a text is, None where it is none; a minus sign may be the typographic one."""
    text = text.strip().replace("\u2212", "-")
    return Decimal(text) if text.isascii() and _NUMBER.fullmatch(text) else None


def equal(answer: str, right: str, match: str = "auto") -> bool:
    """Return whether an answer is right.

    Args:
        answer: what a model wrote.
        right: the right answer.
        match: ``"text"``, ``"number"``, or ``"auto"``: as numbers where the right answer is one.
    """
    wanted = number(right) if match != "text" else None
    if wanted is None:
        return match != "number" and normalised(answer) == normalised(right)
    # The full stop of a sentence is no part of a number.
    found = number(answer)
    found = number(answer.strip().removesuffix(".")) if found is None else found
    return found is not None and found == wanted
