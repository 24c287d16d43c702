"""Values as Python prints them: lists, tuples, texts, numbers and calls, read by a small parser that runs nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from domains.quantum.inputs.text import UNSIGNED, quoted
from poets_core.errors import InvalidTable

MAX_DEPTH = 12
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>{UNSIGNED}[jJ]?)(?![\w.])|(?P<text>'[^'\\\n]*'|\"[^\"\\\n]*\")"
    r"|(?P<name>[A-Za-z_][\w.]{0,80})|(?P<mark>[\[\](){},:=+-])|(?P<cut>\.\.\.)|(?P<other>\S))"
)


@dataclass
class Call:
    """A call as it stands in the text, ``name(args, key=value)``; nothing is called."""

    name: str
    args: list[Any] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=dict)


class _Tokens:
    """The tokens of a text, one ahead."""

    def __init__(self, text: str, what: str) -> None:
        self.what, self.at = what, 0
        self.tokens = [(m.lastgroup or "", m[m.lastgroup or 0], m.start()) for m in _TOKEN.finditer(text)]
        self.text = text

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at][:2] if self.at < len(self.tokens) else ("end", "its end")

    def take(self, *wanted: str) -> str:
        kind, token = self.peek()
        if wanted and (kind != "mark" or token not in wanted):
            raise self.wrong(" or ".join(map(repr, wanted)))
        self.at += 1
        return token

    def wrong(self, wanted: str) -> InvalidTable:
        kind, token = self.peek()
        if kind == "cut":
            return InvalidTable(f"Expected every term in {self.what}, got one cut short by '...'. Print all of it.")
        at = self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)
        line = self.text.count("\n", 0, at) + 1
        got = token if kind == "end" else quoted(self.text[at : at + 30])
        return InvalidTable(f"Expected {wanted} in {self.what}, got {got} in line {line}.")


def read_literal(text: str, what: str) -> Any:
    """Return lists, tuples, dicts, texts, complex numbers, and `Call` for calls.

    Args:
        text: one value.
        what: it is, for messages.

    Raises:
        InvalidTable: it is no such value, or deeper than `MAX_DEPTH`.
    """
    tokens = _Tokens(text, what)
    value = _value(tokens, 0)
    if tokens.peek()[0] != "end":
        raise tokens.wrong("one value and nothing after it")
    return value


def _value(tokens: _Tokens, depth: int) -> Any:
    """Read a value, or a sum of numbers such as 0.5+0.j."""
    value = _single(tokens, depth)
    while tokens.peek() in (("mark", "+"), ("mark", "-")):
        if not isinstance(value, complex):
            raise tokens.wrong("a comma or the end of the value")
        sign = 1.0 if tokens.take() == "+" else -1.0
        more = _single(tokens, depth)
        if not isinstance(more, complex):
            raise tokens.wrong("a number after a sign")
        value += sign * more
    return value


def _single(tokens: _Tokens, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise InvalidTable(f"Expected {tokens.what} at most {MAX_DEPTH} brackets deep, got more.")
    kind, token = tokens.peek()
    if kind == "number":
        tokens.take()
        return complex(0.0, float(token[:-1])) if token[-1] in "jJ" else complex(float(token))
    if kind == "text":
        return tokens.take()[1:-1]
    if kind == "name":
        tokens.take()
        return _call(tokens, token, depth) if tokens.peek() == ("mark", "(") else _word(tokens, token)
    if token in ("+", "-") and kind == "mark":
        sign = -1.0 if tokens.take() == "-" else 1.0
        number = _single(tokens, depth + 1)
        if not isinstance(number, complex):
            raise tokens.wrong("a number after a sign")
        return sign * number
    if kind == "mark" and token in "[(":
        tokens.take()
        items, comma = _items(tokens, "]" if token == "[" else ")", depth)
        # (0.5+0j) is a number in brackets, (0.5,) is a tuple.
        return items[0] if token == "(" and len(items) == 1 and not comma else items
    if (kind, token) == ("mark", "{"):
        return _dict(tokens, depth)
    raise tokens.wrong("a list, a text or a number")


def _word(tokens: _Tokens, token: str) -> Any:
    words = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False, "complex": None}
    if token in words:
        return words[token]
    if token.lower() in ("nan", "inf", "infinity"):
        return complex(float(token))
    if token.split(".")[-1].startswith(("complex", "float")):  # dtype=np.complex128
        return None
    raise InvalidTable(f"Expected lists, texts and numbers in {tokens.what}, got the name {quoted(token)}.")


def _items(tokens: _Tokens, close: str, depth: int) -> tuple[list[Any], bool]:
    """Read values up to the closing bracket; also whether a comma stood among them."""
    items: list[Any] = []
    comma = False
    while tokens.peek() != ("mark", close):
        items.append(_value(tokens, depth + 1))
        if tokens.peek() != ("mark", close):
            tokens.take(",", close)
            comma = True
    tokens.take(close)
    return items, comma


def _dict(tokens: _Tokens, depth: int) -> dict[str, Any]:
    tokens.take("{")
    found: dict[str, Any] = {}
    while tokens.peek() != ("mark", "}"):
        key = _value(tokens, depth + 1)
        if not isinstance(key, str) or key in found:
            raise tokens.wrong(f"texts as keys, each once, not {quoted(key)},")
        tokens.take(":")
        found[key] = _value(tokens, depth + 1)
        if tokens.peek() != ("mark", "}"):
            tokens.take(",")
    tokens.take("}")
    return found


def _call(tokens: _Tokens, name: str, depth: int) -> Any:
    tokens.take("(")
    call = Call(name)
    while tokens.peek() != ("mark", ")"):
        here = tokens.at
        kind, token = tokens.peek()
        if kind == "name":
            tokens.take()
            if tokens.peek() == ("mark", "="):
                tokens.take()
                call.keys[token] = _value(tokens, depth + 1)
            else:
                tokens.at = here
                call.args.append(_value(tokens, depth + 1))
        else:
            call.args.append(_value(tokens, depth + 1))
        if tokens.peek() != ("mark", ")"):
            tokens.take(",")
    tokens.take(")")
    # np.array([...]) is the list in it.
    return call.args[0] if name.split(".")[-1] in ("array", "asarray", "list", "tuple") and call.args else call
