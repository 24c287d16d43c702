"""Values as Python prints and people write them: lists, texts, numbers, sums and calls, read without running them."""

from __future__ import annotations

import cmath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domains.quantum.inputs.text import UNSIGNED, json_of, quoted, real_of
from poets_core.errors import InvalidTable

MAX_DEPTH = 12
_TOKEN = re.compile(
    rf"(?:(?P<comment>#[^\n]*)|(?P<number>{UNSIGNED}[jJi]?)(?![\w.])|(?P<text>'[^'\\\n]*'|\"[^\"\\\n]*\")"
    r"|(?P<name>[A-Za-z_][\w.]{0,80})|(?P<mark>\*\*|[\[\](){},:=+\-*/@^])|(?P<cut>\.\.\.)|(?P<other>\S))"
)
_SKIPPED = re.compile(r"(?:from|import)\s[^\n]*(?:\n|\Z)|#[^\n]*(?:\n|\Z)|\s+")
"""What may stand before a value: imports, comments, blank lines."""
_ASSIGNED = re.compile(r"[A-Za-z_][\w.]{0,60}+[ \t]{0,9}(?::[ \t]{0,9}[\w.\[\], |]{1,60})?=(?!=)[ \t]{0,99}")
_WORDS = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False, "complex": None}
_CONSTANTS = {"pi": cmath.pi, "e": cmath.e, "nan": cmath.nan, "inf": cmath.inf, "infinity": cmath.inf}
_MODULES = (["np"], ["numpy"], ["math"], ["cmath"], ["pnp"], ["jnp"])
_FUNCTIONS = {"sqrt": cmath.sqrt, "exp": cmath.exp, "cos": cmath.cos, "sin": cmath.sin}
_SCALARS = re.compile(r"(?:complex|float|int|uint)_?\d{0,3}|Float|Integer")
"""complex, np.float64, np.int64, sympy's Float: a call of one is the number in it."""
_EXACT = 2**53
Number = int | float | complex


@dataclass
class Call:
    """A call as it stands in the text, ``name(args, key=value)``; nothing is called.

    Attributes:
        called: False for a name alone, and for ``name[args]``; only with ``algebra``.
    """

    name: str
    args: list[Any] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=dict)
    called: bool = True

    def __repr__(self) -> str:
        """Return the call as it could stand in a text."""
        inner = ", ".join([*map(repr, self.args), *(f"{k}={v!r}" for k, v in self.keys.items())])
        if not self.called:
            return f"{self.name}[{inner}]" if self.args else self.name
        return f"{self.name}({inner})"


@dataclass
class Operation:
    """A sum (``"+"``) or product (``"*"``, ``"@"``, ``"^"``) of more than numbers; a number stands first."""

    mark: str
    items: list[Any]

    def __repr__(self) -> str:
        """Return the operation as it could stand in a text."""
        return "(" + f" {self.mark} ".join(map(repr, self.items)) + ")"


@dataclass
class Entries:
    """A dict whose keys are not all texts: ``(key, value)`` in the order written, each key once."""

    items: list[tuple[Any, Any]]

    def __repr__(self) -> str:
        """Return the dict as it could stand in a text."""
        return "{" + ", ".join(f"{k!r}: {v!r}" for k, v in self.items) + "}"


class _Tokens:
    """The tokens of a text, one ahead, and what names may mean."""

    def __init__(self, text: str, what: str, words: Mapping[str, Any], algebra: bool) -> None:
        self.what, self.at, self.text = what, 0, text
        self.words, self.algebra = {**_WORDS, **words}, algebra
        found = (m for m in _TOKEN.finditer(text) if m.lastgroup != "comment")
        self.tokens = [(m.lastgroup or "", m[m.lastgroup or 0], m.start(m.lastgroup or 0)) for m in found]

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at][:2] if self.at < len(self.tokens) else ("end", "its end")

    def mark(self, *wanted: str) -> str:
        """Take one of these marks if it comes next; ``""`` if not."""
        # Asked before and behind every value, so without a call of its own.
        if self.at >= len(self.tokens):
            return ""
        kind, token, _ = self.tokens[self.at]
        if kind != "mark" or token not in wanted:
            return ""
        self.at += 1
        return token

    def take(self, *wanted: str) -> str:
        if wanted and not (token := self.mark(*wanted)):
            raise self.wrong(" or ".join(map(repr, wanted)))
        if not wanted:
            token = self.peek()[1]
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


def body_of(text: str) -> str:
    """Return the value in ``import ..``, comments and ``name = value``; as many line ends stand before it as did."""
    at = 0
    while match := _SKIPPED.match(text, at):
        at = match.end()
    if named := _ASSIGNED.match(text, at):
        at = named.end()
    return "\n" * text.count("\n", 0, at) + text[at:]


def json_or_literal(text: str, what: str, python: str) -> Any:
    """Return what a text is as JSON, or as Python prints it.

    Args:
        text: of the value. what: it is, for messages.
        python: pattern of what only Python writes; without it what is wrong with the JSON is said.

    Raises:
        InvalidTable: it is neither.
    """
    try:
        return json_of(text, "JSON of " + what)
    except InvalidTable:
        if not re.search(python, text):
            raise
    return read_literal(text, what)


def read_literal(text: str, what: str, *, words: Mapping[str, Any] | None = None, algebra: bool = False) -> Any:
    """Return the one value that a text is.

    Imports, comments and ``name =`` before it are skipped. Real numbers are int or float, others complex; ``1/8``,
    ``2*pi``, ``1/sqrt(2)`` and ``np.complex128(0.5+0j)`` are numbers. Tuples come as lists, dicts with other keys than
    texts as `Entries`, calls as `Call`, and ``np.array([..])`` as the list in it.

    Args:
        text: one value.
        what: it is, for messages.
        words: further names and their values, such as ``{"i": 1j}``.
        algebra: whether names, and sums and products of more than numbers, come as `Call` and `Operation`; they are
            refused otherwise.

    Raises:
        InvalidTable: it is no such value, or deeper than `MAX_DEPTH`.
    """
    tokens = _Tokens(body_of(text), what, words or {}, algebra)
    value = _value(tokens, 0)
    if tokens.peek()[0] != "end":
        raise tokens.wrong("one value and nothing after it")
    return value


def _value(tokens: _Tokens, depth: int) -> Any:
    """Read a sum; of numbers alone it is a number."""
    if depth > MAX_DEPTH:
        raise InvalidTable(f"Expected {tokens.what} at most {MAX_DEPTH} brackets deep, got more.")
    items = [_product(tokens, depth)]
    while mark := tokens.mark("+", "-"):
        if not (tokens.algebra or _is_number(items[0])):
            tokens.at -= 1
            raise tokens.wrong("a comma or the end of the value")
        item = _product(tokens, depth)
        item = _negative(tokens, item) if mark == "-" else item
        # Numbers are added up at once, so that 0.5+0.j is one item.
        if _is_number(items[-1]) and _is_number(item):
            items[-1] = _folded(tokens, "+", items[-1], item)
        elif tokens.algebra:
            items.append(item)
        else:
            raise tokens.wrong("a number after a sign")
    return items[0] if len(items) == 1 else Operation("+", items)


def _product(tokens: _Tokens, depth: int) -> Any:
    """Read a product, tensor product or quotient; its numbers become one that stands first."""
    number, items, joined = None, list[Any](), set[str]()
    mark = "*"
    while mark:
        item = _signed(tokens, depth)
        if mark == "/" and not _is_number(item):
            raise tokens.wrong("a number after '/', ended")
        if _is_number(item):
            number = (
                item if number is None and mark == "*" else _folded(tokens, mark, 1 if number is None else number, item)
            )
        else:
            joined |= {mark} if items else set()
            items.append(item)
        mark = tokens.mark("*", "/", "@", "^")
    if number is not None and not items:
        return number
    if len(joined) > 1:
        raise tokens.wrong("brackets around products of different signs, ended")
    return _times(tokens, number, items, *joined)


def _times(tokens: _Tokens, number: Any, items: list[Any], mark: str = "*") -> Any:
    """Return a product of a number (None: none) and of other values."""
    if number is None and len(items) == 1:
        return items[0]
    if not tokens.algebra:
        raise tokens.wrong("numbers on both sides of '*' or after a sign, ended")
    product = items[0] if len(items) == 1 else Operation(mark, items)
    return product if number is None else Operation("*", [number, product])


def _signed(tokens: _Tokens, depth: int) -> Any:
    """Read a value with signs before it and a power after it: -x**2 is -(x**2)."""
    sign, any_sign = 1, False
    while mark := tokens.mark("+", "-"):
        sign, any_sign = -sign if mark == "-" else sign, True
    value = _single(tokens, depth)
    if any_sign and not (tokens.algebra or _is_number(value)):
        raise tokens.wrong("a number after a sign")
    if tokens.mark("**"):
        power = _signed_deeper(tokens, depth)
        if not (_is_number(value) and _is_number(power)):
            raise tokens.wrong("numbers on both sides of '**'")
        value = _folded(tokens, "**", value, power)
    return _negative(tokens, value) if sign < 0 else value


def _negative(tokens: _Tokens, value: Any) -> Any:
    return -value if _is_number(value) else _times(tokens, -1, [value])


def _signed_deeper(tokens: _Tokens, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        raise InvalidTable(f"Expected {tokens.what} at most {MAX_DEPTH} brackets deep, got more.")
    return _signed(tokens, depth + 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, Number) and not isinstance(value, bool)


def _folded(tokens: _Tokens, mark: str, a: Any, b: Any) -> Number:
    """Return the sum, product, quotient or power of two numbers, in floats once it is large."""
    try:
        if mark in ("+", "*") and all(isinstance(v, int) and abs(v) < _EXACT for v in (a, b)):
            return int(a + b if mark == "+" else a * b)
        a, b = (v if isinstance(v, complex) else float(v) for v in (a, b))
        result = a + b if mark == "+" else a * b if mark == "*" else a / b if mark == "/" else a**b
    except (ArithmeticError, ValueError) as error:
        raise InvalidTable(f"Expected finite numbers in {tokens.what}, got {a} {mark} {b}.") from error
    return result if isinstance(result, complex) else float(result)


def _single(tokens: _Tokens, depth: int) -> Any:
    kind, token = tokens.peek()
    if kind == "number":
        tokens.take()
        if token[-1] in "jJi":
            return complex(0.0, real_of(token[:-1]))
        return int(token) if token.isdigit() else real_of(token)
    if kind == "text":
        return tokens.take()[1:-1]
    if kind == "name":
        tokens.take()
        if tokens.mark("("):
            return _call(tokens, token, depth)
        if tokens.algebra and tokens.mark("["):
            return Call(token, _items(tokens, "]", depth)[0], called=False)
        return _word(tokens, token)
    if mark := tokens.mark("[", "("):
        items, comma = _items(tokens, "]" if mark == "[" else ")", depth)
        # (0.5+0j) is a number in brackets, (0.5,) is a tuple.
        return items[0] if mark == "(" and len(items) == 1 and not comma else items
    if tokens.mark("{"):
        return _dict(tokens, depth)
    raise tokens.wrong("a list, a text or a number")


def _word(tokens: _Tokens, token: str) -> Any:
    """Return what a name alone stands for."""
    if token in tokens.words:
        return tokens.words[token]
    *module, last = token.split(".")
    if last.lower() in _CONSTANTS and (module[:1] in _MODULES or (not module and last != "e")):
        return _CONSTANTS[last.lower()]
    if last.startswith(("complex", "float", "int64", "int32")):  # dtype=np.complex128
        return None
    if tokens.algebra:
        return Call(token, called=False)
    tokens.at -= 1
    raise InvalidTable(
        f"Expected lists, texts and numbers in {tokens.what}, got the name {quoted(token)}. Write its value."
    )


def _items(tokens: _Tokens, close: str, depth: int) -> tuple[list[Any], bool]:
    """Read values up to the closing bracket; also whether a comma stood among them."""
    items: list[Any] = []
    comma = False
    while not tokens.mark(close):
        items.append(_value(tokens, depth + 1))
        if tokens.peek() != ("mark", close):
            tokens.take(",", close)
            comma = True
    return items, comma


def _dict(tokens: _Tokens, depth: int) -> dict[str, Any] | Entries:
    found: list[tuple[Any, Any]] = []
    seen: set[str] = set()
    while not tokens.mark("}"):
        key = _value(tokens, depth + 1)
        if repr(key) in seen:
            raise tokens.wrong(f"each key once, not {quoted(key)} again,")
        seen.add(repr(key))
        tokens.take(":")
        found.append((key, _value(tokens, depth + 1)))
        if tokens.peek() != ("mark", "}"):
            tokens.take(",", "}")
    return dict(found) if all(isinstance(key, str) for key, _ in found) else Entries(found)


def _call(tokens: _Tokens, name: str, depth: int) -> Any:
    """Read a call; of a number's type, of a function of numbers or of an array it is the value."""
    call = Call(name)
    while not tokens.mark(")"):
        kind, token = tokens.peek()
        if kind == "name" and [t[:2] for t in tokens.tokens[tokens.at + 1 : tokens.at + 2]] == [("mark", "=")]:
            tokens.at += 2
            call.keys[token] = _value(tokens, depth + 1)
        else:
            call.args.append(_value(tokens, depth + 1))
        if tokens.peek() != ("mark", ")"):
            tokens.take(",", ")")
    last = name.split(".")[-1]
    numbers = [v for v in call.args if _is_number(v)]
    if _SCALARS.fullmatch(last) and len(numbers) == len(call.args) in (1, 2) and (last[0] == "c" or len(numbers) == 1):
        real, imag = (*numbers, 0)[:2]
        return _folded(tokens, "+", real, _folded(tokens, "*", 1j, imag)) if imag else real
    if last in ("str_", "str") and len(call.args) == 1 and isinstance(call.args[0], str):
        return call.args[0]
    if last in _FUNCTIONS and len(numbers) == len(call.args) == 1:
        return _of_function(tokens, last, numbers[0])
    return call.args[0] if last in ("array", "asarray", "list", "tuple") and call.args else call


def _of_function(tokens: _Tokens, name: str, number: Number) -> Number:
    try:
        value = _FUNCTIONS[name](complex(number))
    except (ArithmeticError, ValueError) as error:
        raise InvalidTable(f"Expected finite numbers in {tokens.what}, got {name}({number}).") from error
    return value.real if value.imag == 0 else value
