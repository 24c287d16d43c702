"""What any text must pass before a parser sees it: sizes, nesting, includes; takes time in proportion to the text.

Nothing is parsed here. Comments, the header, includes, pragmas and annotations become blanks, so that lines keep their
numbers; what is left is gates and declarations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from domains.quantum.circuit import MAX_BYTES
from domains.quantum.door.others import refuse_others
from poets_core.errors import InvalidDesign
from poets_core.intake import shown

MAX_NESTING = 40
MAX_STATEMENT = 2000
MAX_STATEMENTS = 4000
SHOWN = 4
"""Lines that a note names."""
INCLUDES = ("stdgates.inc", "qelib1.inc", "hqslib1.inc", "oqclib1.inc")
"""Names that stand for gates every tool knows, and for those of pytket; no file of any name is ever opened."""
QUANTINUUM = (
    "gate Rz(a) q { rz(a) q; } gate U1q(a, b) q { r(a, b) q; } gate RZZ(a) p, q { rzz(a) p, q; } "
    "gate ZZ p, q { rzz(pi/2) p, q; } "
)
"""What hqslib1.inc adds to qelib1.inc: U1q(a, b) = U(a, b - pi/2, pi/2 - b), ZZ = exp(-i pi/4 ZZ)."""
SAFE = "_of_file"
"""Ending of a name that is a word of OpenQASM 3 and none of OpenQASM 2."""

_START = re.compile(r'"|//|/\*')
_HEADER = re.compile(r"\s*OPENQASM\s+(\d{1,3})(?:\.(\d{1,3}))?\s*;")
_INCLUDE = re.compile(r"\binclude\b[ \t]*(?:\"([^\"\n]*)\"|'([^'\n]*)')?[ \t]*(;?)")
_PRAGMA = re.compile(r"^[ \t]*#?[ \t]*pragma\b[^\n]*", re.MULTILINE)
_PLUS = re.compile(r"([(,=*/]\s*)\+(?=[\s\d.(A-Za-zπτ])")
"""A sign, where the grammar knows only minus."""
_OPAQUE = re.compile(r"\bopaque\s+([A-Za-z_]\w*)[^;]*;")
_OLD = re.compile(r"\b[qc]reg\b")
_NEW = re.compile(r"(?:^|[;{}])\s*(?:qubit|bit)\b")
# What word processors, chats and web pages make of plain characters.
_PLAIN = str.maketrans(
    "\u00a0\u2007\u2009\u202f\u3000\f\v\u2212\u2013\u201c\u201d\u201e\u00d7\u22c5\u00b7\u2215\u2044\U0001d70b\u2028\u2029\u0085",
    "       --" + '"""' + "***//π\n\n\n",
    "\u200b\u2060\ufeff",
)
_WORDS_OF_3 = (
    "def|cal|defcal|defcalgrammar|extern|box|let|break|continue|while|for|in|switch|case|default|end|return|input|output|"
    "const|readonly|mutable|qubit|bit|bool|int|uint|float|angle|complex|array|void|duration|stretch|inv|pow|ctrl|"
    "negctrl|durationof|delay|true|false|im|else|tau|euler"
)
_NAME_OF_3 = re.compile(rf"\b(?:{_WORDS_OF_3})\b")


@dataclass(frozen=True)
class Scanned:
    """A text that a parser may see.

    Attributes:
        text: of OpenQASM 3's grammar, without header, comments, includes; lines as in the file.
        version: 2 or 3, whose rules for arithmetic hold.
        notes: what was left out or taken for granted.
        opaque: names of gates that the file declares without a definition.
    """

    text: str
    version: int
    notes: tuple[str, ...]
    opaque: tuple[str, ...]


def line_at(text: str, at: int) -> int:
    """Return the number of the line, from 1, that holds a character."""
    return text.count("\n", 0, at) + 1


def said_lines(lines: Sequence[int]) -> str:
    """Return numbers of lines as a note says them, the first few: ``lines 3, 5``."""
    shown = ", ".join(map(str, lines[:SHOWN]))
    return f"line{'s' if len(lines) > 1 else ''} {shown}{' ...' if len(lines) > SHOWN else ''}"


def decoded(data: bytes) -> str:
    """Return the text of a file: UTF-8, or UTF-16 with its mark, as editors write them.

    Raises:
        InvalidDesign: other bytes; says what they seem to be.
    """
    if data.startswith(b"QISKIT"):
        raise InvalidDesign(
            "Expected OpenQASM 2 or 3, got QPY, which can run code when it is loaded and is not read. "
            "Write the circuit with qiskit.qasm3.dumps(circuit)."
        )
    mark = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if mark else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidDesign("Expected OpenQASM as UTF-8 text, got other bytes. Save the file as UTF-8 text.") from error


def scan(text: str) -> Scanned:
    """Check a text against the rules for untrusted OpenQASM and take out what no parser needs.

    Raises:
        InvalidDesign: names the line; quotes at most 40 characters of the text.
    """
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise InvalidDesign(f"Expected at most {MAX_BYTES} bytes of OpenQASM, got {len(text)} characters. Shorten it.")
    refuse_others(text)
    plain = _without_comments(text.replace("\r\n", "\n").replace("\r", "\n").translate(_PLAIN))
    notes: list[str] = []
    plain, version = _without_header(plain, notes)
    if pragmas := [line_at(plain, left.start()) for left in islice(_PRAGMA.finditer(plain), SHOWN + 1)]:
        notes.append(f"pragma left out: it is no part of the circuit ({said_lines(pragmas)})")
    plain = _PRAGMA.sub(_blank, plain)
    plain = _without_annotations(plain, notes)
    plain, added = _without_includes(plain, notes)
    plain = _PLUS.sub(r"\1 ", plain)
    _check_sizes(plain)
    opaque: tuple[str, ...] = ()
    if version == 2:
        opaque = tuple(found[1] for found in _OPAQUE.finditer(plain))
        plain = _OPAQUE.sub(_blank, plain)
        if not _NEW.search(plain):
            # In OpenQASM 2 these may name registers and gates, and ^ is the power.
            plain = _NAME_OF_3.sub(lambda found: found[0] + SAFE, plain)
        plain = plain.replace("^", "**")
    # On the first line, so that all lines keep their numbers.
    return Scanned(added + plain, version, tuple(notes), opaque)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _without_comments(text: str) -> str:
    """Blank // and /* */ outside of quotes."""
    kept: list[str] = []
    at = 0
    while mark := _START.search(text, at):
        start = mark.start()
        kept.append(text[at:start])
        if mark[0] == "//":
            end = text.find("\n", start)
            at = len(text) if end < 0 else end
        elif mark[0] == "/*":
            end = text.find("*/", start + 2)
            if end < 0:
                raise InvalidDesign(
                    f"Expected */ after /* on line {line_at(text, start)}, got none. Close the comment."
                )
            at = end + 2
            kept.append(" " + "\n" * text.count("\n", start, at))
        else:
            line_end = text.find("\n", start)
            end = text.find('"', start + 1, len(text) if line_end < 0 else line_end)
            at = max(start, end) + 1  # a quote that is open is left to the parser
            kept.append(text[start:at])
    return "".join([*kept, text[at:]])


def _without_header(text: str, notes: list[str]) -> tuple[str, int]:
    header = _HEADER.match(text)
    rest = _blank(header) + text[header.end() :] if header else text
    if header is None and re.match(r"\s*OPENQASM\b", text):
        raise InvalidDesign("Expected a first line like 'OPENQASM 3.0;', got another, maybe without ';'. Complete it.")
    if second := re.search(r"\bOPENQASM\b", rest):
        raise InvalidDesign(
            f"Expected one circuit in a file, its header first, got a header on line {line_at(rest, second.start())}. "
            "Write it as 'OPENQASM 3.0;', and each circuit into a file of its own."
        )
    if header is None:
        version = 2 if _OLD.search(rest) and not _NEW.search(rest) else 3
        notes.append(f"no line 'OPENQASM ...;': read as OpenQASM {version}")
        return rest, version
    if header[1] not in ("2", "3"):
        raise InvalidDesign(f"Expected OpenQASM 2 or 3, got version {header[1]}. Convert the file.")
    return rest, int(header[1])


def _without_annotations(text: str, notes: list[str]) -> str:
    """Blank lines like ``@name ...`` that begin a statement; a modifier's @ stands within one."""
    lines = text.split("\n")
    before, found = ";", list[int]()
    for number, line in enumerate(lines):
        stripped = line.strip()
        if stripped.startswith("@") and before in ";{}":
            found.append(number + 1)
            lines[number] = ""
        elif stripped:
            before = stripped[-1]
    if found:
        notes.append(f"annotation left out: it is no part of the circuit ({said_lines(found)})")
    return "\n".join(lines)


def _without_includes(text: str, notes: list[str]) -> tuple[str, str]:
    """Blank the includes; also return definitions of what they stand for beyond the standard gates."""
    found = list(_INCLUDE.finditer(text))
    for include in found:
        name = include[1] if include[1] is not None else include[2]
        where = f"on line {line_at(text, include.start())}"
        if name not in INCLUDES:
            got = "no name in quotes" if name is None else shown(name)
            raise InvalidDesign(
                f"Expected an include of {', '.join(INCLUDES)}, got {got} {where}. No other file is opened: put its "
                "gate definitions into this text."
            )
        if not include[3]:
            raise InvalidDesign(f"Expected ';' after the include {where}, got none. Add it.")
    if not found:
        notes.append("no include: gates are those of stdgates.inc and qelib1.inc")
    quantinuum = any("hqslib1.inc" in include[0] for include in found)
    if quantinuum:
        notes.append("hqslib1.inc: Rz is rz, U1q(a, b) is r(a, b), RZZ is rzz, ZZ is rzz(pi/2), as pytket has them")
    return _INCLUDE.sub(_blank, text), QUANTINUUM if quantinuum else ""


def _check_sizes(text: str) -> None:
    """Refuse what a parser would take long for: deep brackets, long statements, many of them."""
    depth = 0
    statements, last = 0, 0
    for mark in re.finditer(r"[(){}\[\];]", text):
        if mark[0] in "([{":
            depth += 1
        elif mark[0] in ")]}":
            depth -= 1
        if depth > MAX_NESTING:
            where = line_at(text, mark.start())
            raise InvalidDesign(f"Expected brackets at most {MAX_NESTING} deep, got more on line {where}. Simplify it.")
        if mark[0] in ";{}":
            statements += 1
            _check_statement(text, last, mark.start())
            last = mark.end()
    _check_statement(text, last, len(text))
    if statements > MAX_STATEMENTS:
        raise InvalidDesign(f"Expected at most {MAX_STATEMENTS} statements, got {statements}. Shorten the circuit.")


def _check_statement(text: str, start: int, end: int) -> None:
    size = len(text[start:end].strip())
    if size > MAX_STATEMENT:
        raise InvalidDesign(
            f"Expected statements of at most {MAX_STATEMENT} characters, got {size} before line "
            f"{line_at(text, end)}. Split it."
        )
