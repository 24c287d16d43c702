"""What of an answer may reach a scorer of reasoning-gym that would run it.

Four of its scorers hand the answer to Python's evaluator, five to the parser of SymPy, which evaluates as well. A model
may write anything, so each answer is looked at first: what a scorer could run, beyond a literal or a formula, is never
given to it and scores as text that nobody can read.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

UNREADABLE = "?"
"""A text that neither evaluator reads."""
LONGEST = 20_000
_ARITHMETIC = re.compile(r"[0-9+\-*/(). ]{1,200}")
_TOKEN = re.compile(r"\*\*|[-+*/(),^ ]|\d{1,9}(?:\.\d{1,9})?|[A-Za-z]+")
_NAMES = frozenset(("sin", "cos", "tan", "exp", "log", "sqrt", "sec", "csc", "cot", "asin", "acos", "atan", "pi"))


def literal(answer: str) -> bool:
    """Whether evaluating the answer does nothing: it is a literal, or no Python at all."""
    if len(answer) > LONGEST:
        return False
    try:
        ast.parse(answer.lstrip(" \t"), mode="eval")
    except (SyntaxError, ValueError):
        return True  # the scorer fails at the same place
    except (MemoryError, RecursionError):
        return False
    try:
        ast.literal_eval(answer)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def arithmetic(answer: str) -> bool:
    """Whether the answer is made of numbers, + - * / and brackets; powers would allow numbers of any size."""
    return bool(_ARITHMETIC.fullmatch(answer)) and "**" not in answer


def formula(answer: str) -> bool:
    """Whether the answer is a formula of numbers, one-letter variables and elementary functions with small powers."""
    if not 0 < len(answer) <= 500:
        return False
    tokens: list[str] = []
    at = 0
    for found in _TOKEN.finditer(answer):
        if found.start() != at:
            return False
        at = found.end()
        if found[0] != " ":
            tokens.append(found[0])
    if at != len(answer) or any(t[0].isalpha() and len(t) > 1 and t not in _NAMES for t in tokens):
        return False
    return all(_small_power(tokens[i - 1 : i], tokens[i + 1 : i + 4]) for i, t in enumerate(tokens) if t in ("**", "^"))


def _small_power(base: list[str], exponent: list[str]) -> bool:
    """Whether a variable or bracket is raised to a whole number below 100, or to a fraction of such in brackets."""
    if not base or base[0][0].isdigit() or not exponent:
        return False
    if exponent[0] in ("(", "-"):
        exponent = exponent[1:]
    return bool(exponent) and (exponent[0].isalpha() or (exponent[0].isdigit() and len(exponent[0]) <= 2))


MAY_SEE: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(("string_insertion", "spiral_matrix", "binary_matrix", "n_queens"), literal),
    **dict.fromkeys(("countdown", "puzzle24"), arithmetic),
    **dict.fromkeys(("simple_integration", "intermediate_integration", "polynomial_multiplication"), formula),
}
"""Tasks whose scorers evaluate the answer -> whether an answer may be given to them."""
