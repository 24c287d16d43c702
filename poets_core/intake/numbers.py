"""Numbers as people and spreadsheets write them: decimal comma, thousands, percent, 1_000, a typographic minus.

A column is read as a whole, because one cell may say what another leaves open: 0,06 makes 1,204 a decimal number,
1,204.5 makes it more than a thousand. What stays open is said with both readings, and never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poets_core.intake.layout import LONGEST_NUMBER

Decimal = Literal["auto", "point", "comma"]
Kind = Literal["empty", "missing", "censored", "ambiguous", "infinite", "large", "text"]
KINDS: dict[Kind, str] = {
    "empty": "without a value",
    "missing": "with a word for no value",
    "censored": "with a limit in place of a value",
    "ambiguous": "with a number that can be read in two ways",
    "infinite": "with an infinite number",
    "large": "with a number beyond 1e150",
    "text": "with text in place of a number",
}
"""What is wrong with a cell, in the words of a report: "3 rows without a value"."""
LARGEST = 1e150
"""The largest number that is one: squares of it, and sums of a million squares, are numbers still."""
_WORDS = (
    " - -- --- – — ? . .. x na n/a #n/a nan -nan n.a. n.a nd n.d. n.d n/d nm n.m. null none nil missing missed "
    "failed fail"
    " empty blank tbd ns #div/0! #value! #ref! #num! #name? #null! not_determined not_measured not_available "
    "not_detected"
    " not_tested no_data undetermined unknown undefined"
)
MISSING = frozenset(word.replace("_", " ") for word in re.split(" ", _WORDS))
"""What stands where nothing was measured, in lower case; an empty cell, too."""
_LIMIT = re.compile(
    r"[<>≤≥≪≫~≈]=?.*|(?:below|above|under|over|less|more|greater)\b.*|b?(?:lod|loq|dl|ql)|bdl|blq|bql|n\.?q\.?|saturated"
    r"|out of range|overflow|ovrflw",
    re.IGNORECASE,
)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?|[+-]?∞", re.IGNORECASE)
_CLEAN = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009\u2007", " ") | dict.fromkeys("−–﹣－", "-") | {"’": "'"})
_TIMES = re.compile(r"\s*[x×*·]\s*10\s*(?:\^|\*\*)?\s*(?=[-+]?\d+$)", re.IGNORECASE)
_SHAPE = re.compile(r"[+-]?(?=[.,]?\d)(?P<body>[\d.,' _]*)(?P<power>[eE][+-]?\d{1,4})?")
_ENDS = re.compile(r"(?<=\d)\s*([A-Za-zµμΩ°][A-Za-zµμΩ°/^\d. -]{0,15})$")
_PLAIN = re.compile(r"\d*")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:[' _]\d{3})+")
"""Thousands set apart by what is never a decimal mark."""
_POINT, _COMMA = re.compile(r"\d*\.\d*"), re.compile(r"\d*,\d*")
_POINT_GROUPS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?P<rest>\.\d*)?")
_COMMA_GROUPS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+(?P<rest>,\d*)?")


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes:
        values: f8 (n,), NaN where there is none.
        bad: index of a cell without a number -> what is wrong with it, in order.
        percent: whether the cells are written as percentages; values are in per cent then.
        decimal: the mark that was read.
        notes: what was recognised, in sentences without an end.
        doubt: index of a cell that decides how the column is read and can be read in two ways, with both readings; None
            if there is none.
    """

    values: NDArray[np.float64]
    bad: dict[int, Kind]
    percent: bool
    decimal: Literal["point", "comma"]
    notes: tuple[str, ...]
    doubt: tuple[int, float, float] | None = None


def read_numbers(cells: Sequence[str], *, decimal: Decimal = "auto", separator: str = ",") -> Numbers:
    """Read the cells of a column.

    Args:
        cells: stripped.
        decimal: the mark before the decimals; auto: what the cells tell.
        separator: of the cells of the file, "" of Parquet and xlsx; a comma between cells is none within numbers.
    """
    if (quick := _quick(cells, decimal, separator)) is not None:
        return Numbers(quick, {}, False, "point", ())
    unit = _unit(cells)
    bodies, percent = _bodies([c.removesuffix(unit).rstrip() for c in cells] if unit else cells)
    mark, doubt = _mark(bodies, decimal, separator)
    values = np.full(len(cells), np.nan)
    bad: dict[int, Kind] = {}
    grouped = 0
    for at, (cell, body) in enumerate(zip(cells, bodies, strict=True)):
        found = None if body is None else _value(body, mark)
        if found is None:
            bad[at] = "ambiguous" if body is not None else _kind(cell)
        elif not np.isfinite(found[0]):
            bad[at] = "infinite"
        elif abs(found[0]) > LARGEST:
            bad[at] = "large"
        else:
            values[at], grouped = found[0], grouped + found[1]
    # A share among percentages may be one, or a hundredth of one.
    for at in [i for i, of in enumerate(percent) if not of and bodies[i] is not None] if any(percent) else []:
        bad[at], values[at] = "ambiguous", np.nan
    notes = [f"the unit {unit} stands behind the values"] * bool(unit)
    notes += ["values have a decimal comma"] * (mark == "comma") + ["values are percentages"] * any(percent)
    notes += [f"{grouped:,} value{'s' * (grouped > 1)} with separated thousands"] * bool(grouped)
    return Numbers(values, dict(sorted(bad.items())), any(percent), mark, tuple(notes), doubt)


def _unit(cells: Sequence[str]) -> str:
    """Return a unit that stands behind every number of a column, "" for none: ``"nM"`` of ``"5.4 nM"``."""
    ends = [found[1] for c in cells[:2000] if (found := _ENDS.search(c[-LONGEST_NUMBER:]))]
    units = set(ends)
    numbers = sum(any(ch.isdigit() for ch in c) for c in cells[:2000])
    return ends[0] if len(units) == 1 and len(ends) == numbers and numbers > 1 else ""


def _quick(cells: Sequence[str], decimal: Decimal, separator: str) -> NDArray[np.float64] | None:
    """Return plain numbers with a decimal point, None where any cell or its reading is in question."""
    if decimal == "comma":
        return None
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    if not (np.abs(values) <= LARGEST).all():
        return None
    if decimal == "auto" and separator not in (",", ""):
        return values if not _open_marks([_body(c) for c in cells[:2000]], separator, ".") else None
    return values


def _body(cell: str) -> str | None:
    """Return a cell as one number in ASCII, None where it is none: ``"-1.204e5"``, ``"12,930"``."""
    if len(cell) > LONGEST_NUMBER:
        return None  # no pattern tries it
    text = cell.translate(_CLEAN).strip("' ")
    if "0" in text:
        text = _TIMES.sub("e", text)
    found = _SHAPE.fullmatch(text)
    return text if found else None


def _bodies(cells: Sequence[str]) -> tuple[list[str | None], list[bool]]:
    bodies: list[str | None] = []
    percent: list[bool] = []
    for cell in cells:
        share = cell.endswith(("%", "％"))
        bodies.append(_body(cell[:-1].rstrip() if share else cell))
        percent.append(share and bodies[-1] is not None)
    return bodies, percent


def _kind(cell: str) -> Kind:
    if not cell:
        return "empty"
    if cell.strip("' ").lower() in MISSING:
        return "missing"
    if _INFINITE.fullmatch(cell):
        return "infinite"
    return "censored" if _LIMIT.fullmatch(cell.lstrip("' ")) else "text"


def _parts(body: str) -> tuple[str, str]:
    """Return digits and marks without sign, and the power of ten."""
    found = _SHAPE.fullmatch(body)
    return (found["body"], found["power"] or "") if found else (body, "")


def _value(body: str, mark: Literal["point", "comma"]) -> tuple[float, bool] | None:
    """Return a number and whether its thousands are set apart; None where it contradicts the mark."""
    digits, power = _parts(body)
    sign = -1.0 if body[0] == "-" else 1.0
    groups, own = (_POINT_GROUPS, _POINT) if mark == "point" else (_COMMA_GROUPS, _COMMA)
    head = re.sub(r"[.,]\d*$", "", digits)
    grouped = False
    if _GROUPED.fullmatch(head):
        digits, grouped = re.sub(r"[' _]", "", digits), True
    elif groups.fullmatch(digits) and not own.fullmatch(digits) and not power:
        digits, grouped = digits.replace("," if mark == "point" else ".", ""), True
    if not _PLAIN.fullmatch(digits) and not own.fullmatch(digits):
        return None
    try:
        return sign * float(digits.replace(",", ".") + power), grouped
    except ValueError:
        return None


def _mark(
    bodies: Sequence[str | None], decimal: Decimal, separator: str
) -> tuple[Literal["point", "comma"], tuple[int, float, float] | None]:
    """Return the decimal mark of a column, and the first cell that leaves it open."""
    if decimal != "auto":
        return decimal, None
    speaks = {"point": 0, "comma": 0}
    for body in bodies:
        if body is not None and (said := _says(body)):
            speaks[said] += 1
    if speaks["point"] or speaks["comma"]:
        return ("point" if speaks["point"] >= speaks["comma"] else "comma"), None
    for sign in ",.":
        found = _open_marks(bodies, separator, sign)
        if found:
            at = found[0]
            one, other = _value(bodies[at] or "", "point"), _value(bodies[at] or "", "comma")
            if one is not None and other is not None:
                return "point", (at, one[0], other[0])
    # A semicolon stands between cells where the comma is the decimal mark, and no cell says otherwise.
    only = any(b is not None and "," in b for b in bodies) and separator == ";"
    return ("comma" if only else "point"), None


def _says(body: str) -> str:
    """Return the decimal mark that one cell can have alone, "" where it may have either."""
    digits, power = _parts(body)
    if "." not in digits and "," not in digits:
        return ""
    if "." in digits and "," in digits:
        return "point" if digits.rfind(".") > digits.rfind(",") else "comma"
    if "." in digits:
        if power or not _COMMA_GROUPS.fullmatch(digits):
            return "point" if digits.count(".") == 1 else ""
        return "comma" if digits.count(".") > 1 else ""
    if power or not _POINT_GROUPS.fullmatch(digits):
        return "comma" if digits.count(",") == 1 else ""
    return "point" if digits.count(",") > 1 else ""


def _open_marks(bodies: Sequence[str | None], separator: str, sign: str) -> list[int]:
    """Return cells such as 1.204 in a column that does not say what their mark is.

    In a file with commas between its cells the point is the decimal mark, and a comma in quotes sets thousands apart.
    Where a column has whole numbers below a thousand as well (987), a mark before three digits may be either; without
    them a comma beside semicolons, and a point beside tabs, is the decimal mark.
    """
    if separator in (",", "") and sign == ".":
        return []
    if separator == ",":
        return []
    held = [(i, *_parts(b)) for i, b in enumerate(bodies) if b is not None]
    if any(_says(d + p) for _, d, p in held):
        return []
    found = [i for i, d, _ in held if sign in d]
    whole = any(d.isdigit() and len(d) < 4 for _, d, _ in held)
    usual = (separator == ";" and sign == ",") or (separator not in (";", "") and sign == ".")
    return found if found and (whole or not usual) else []
