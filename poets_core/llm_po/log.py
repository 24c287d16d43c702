"""How a log of comparisons that were made before is read: CSV or JSON lines, checked row by row.

| column | holds |
|---|---|
| prompt | what both policies answered |
| policy_a, policy_b | names of the policies |
| outcome | ``a``, ``b`` or ``tie``: which was preferred |
| order | optional: ``a-first`` or ``b-first``, which the judge saw first |
| response_a, response_b | optional: what they answered |

Other columns are left alone. Nothing is guessed: a word that is no outcome is an error that names its row, never a tie.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidComparisons
from poets_core.intake import Lines, TableBounds, Unpacked, listed, read_json, shown, unpacked
from poets_core.llm_po.comparison import Outcome

COLUMNS = ("prompt", "policy_a", "policy_b", "outcome")
OPTIONAL = ("order", "response_a", "response_b")
ORDERS = ("", "a-first", "b-first")
BOUNDS = TableBounds(packed=64 << 20, bytes=64 << 20, rows=500_000, columns=1000, cells=10_000_000, cell=100_000)
"""Of a log; a prompt or response is at most so many characters."""
MOST_NAMES = 64
"""Policies of an experiment."""
SUSPICIOUS = 0.01
"""Two-sided p-value below which the order of presentation is said to matter."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison of a log.

    Attributes:
        number: of the row, from 1, the header not counted.
        prompt: text.
        first, second: policies, in the order shown where the log says it, else a and b.
        outcome: which was preferred.
        responses: of the first and of the second, ``""`` where the log has none.
        ordered: whether the log says which was shown first.
    """

    number: int
    prompt: str
    first: str
    second: str
    outcome: Outcome
    responses: tuple[str, str]
    ordered: bool


@dataclass(frozen=True)
class OrderBias:
    """Whether the response shown first was preferred too often.

    Attributes:
        first: comparisons that the response shown first won.
        decided: comparisons whose order is known and that are no ties.
        p_value: two-sided, of "either order is preferred half the time".
    """

    first: int
    decided: int
    p_value: float

    @property
    def suspicious(self) -> bool:
        """Whether the order of presentation matters beyond chance."""
        return self.p_value < SUSPICIOUS


def read_log(path: Path, policies: Sequence[str] | None) -> list[Row]:
    """Read a comparison log.

    Args:
        path: of the file, gzipped or not; JSON lines if its first character is ``{``, else CSV with a header.
        policies: names that may appear; all of them must. None: whichever are there, `MOST_NAMES` at most.

    Raises:
        InvalidComparisons: unreadable, a column or a cell missing, an unknown policy or word, a policy with itself.
    """
    for _ in _blocks(path):  # all of it once, without parsing: what is too large is refused within a second
        pass
    blocks = _blocks(path)
    first = next(blocks, b"")
    json_lines = first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    text = io.TextIOWrapper(io.BufferedReader(Unpacked(chain([first], blocks))), "utf-8-sig", newline="")
    try:
        lines = _json_lines(text) if json_lines else _csv_lines(text)
        known: dict[str, str] = {}  # equal texts are kept once
        rows = [_row(number, line, policies, known) for number, line in lines]
    except UnicodeDecodeError as error:
        raise _wrong(f"Expected a readable UTF-8 comparison log in {path.name}, got bytes that are none.") from error
    if not rows:
        raise _wrong("Expected a comparison log with one row or more, got none.")
    seen = {name for row in rows for name in (row.first, row.second)}
    if policies is None:
        if len(seen) > MOST_NAMES:
            raise _wrong(f"Expected at most {MOST_NAMES} policies in the log, got {len(seen):,}. Leave rows out.")
    # A policy without rows could never be excluded, and the experiment would end undecided for that reason alone.
    elif missing := [name for name in policies if name not in seen]:
        raise _wrong(f"Expected every policy in the log, got no row of {missing}. Leave them out.")
    return rows


def order_bias(rows: Sequence[Row]) -> OrderBias | None:
    """Test whether the response shown first wins half the time; None where no order is known."""
    decided = [row.outcome for row in rows if row.ordered and row.outcome != "tie"]
    if not decided:
        return None
    from scipy.stats import binomtest  # a second to import, and reading a log does without

    first = decided.count("first")
    return OrderBias(first, len(decided), float(binomtest(first, len(decided)).pvalue))


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the log's text, each block looked at before it is parsed: a line of commas would be as many cells."""
    return map(Lines(path.name, BOUNDS, _wrong).add, unpacked(path, BOUNDS, _wrong))


def _wrong(message: str) -> InvalidComparisons:
    return InvalidComparisons(message, field="experiment.log")


def _csv_lines(text: io.TextIOWrapper) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(text, strict=True)
    try:
        # Spreadsheets write spaces into headers; cells are left as they are.
        names = [(name or "").strip() for name in reader.fieldnames or ()]
        if missing := [c for c in COLUMNS if c not in names]:
            raise _wrong(
                f"Expected the columns {', '.join(COLUMNS)} in the comparison log, got {listed(names)} without "
                f"{missing}. Add or rename: {', '.join(missing)}."
            )
        if len(set(names)) < len(names):
            raise _wrong(f"Expected columns with different names, got {listed(names)}.")
        reader.fieldnames = names
        for number, line in enumerate(reader, 1):
            # More cells than columns: mostly a prompt with an unquoted comma, which would shift every later cell.
            if None in line:
                raise _wrong(f"Expected {len(names)} cells in row {number}, got more. Quote cells with commas.")
            yield number, line
    except csv.Error as error:
        raise _wrong(f"Expected CSV, got: {error}, near line {reader.line_num}.") from error


def _few(names: Sequence[str]) -> str:
    return f"[{', '.join(map(shown, names[:12]))}]"


def _json_lines(text: io.TextIOWrapper) -> Iterator[tuple[int, Mapping[str, Any]]]:
    number = 0
    for line in text:
        if not line.strip():
            continue
        number += 1
        row = read_json(line, f"a JSON object in row {number}", _wrong, BOUNDS.line)
        if not isinstance(row, dict):
            raise _wrong(f"Expected a JSON object in row {number}, got something else.")
        yield number, row


def _row(number: int, line: Mapping[str, Any], policies: Sequence[str] | None, known: dict[str, str]) -> Row:
    cell = {name: _cell(number, line, name) for name in COLUMNS}
    more = {name: _cell(number, line, name) if line.get(name) is not None else "" for name in OPTIONAL}
    a, b, word = (cell[name].strip() for name in ("policy_a", "policy_b", "outcome"))
    order = more["order"].strip()
    for name in (a, b):
        if not name or (policies is not None and name not in policies):
            wanted = "the name of a policy" if policies is None else f"one of the policies {_few(list(policies))}"
            raise _wrong(f"Expected {wanted} in row {number}, got {shown(name, 80)}.")
    if a == b:
        raise _wrong(f"Expected two different policies in row {number}, got {shown(a)} compared with itself.")
    if word not in ("a", "b", "tie"):
        raise _wrong(
            f"Expected outcome 'a', 'b' or 'tie' in row {number}, got {shown(word, 80)}. It was not taken for a tie."
        )
    if order not in ORDERS:
        raise _wrong(f"Expected order 'a-first' or 'b-first' in row {number}, got {shown(order, 80)}.")
    # Rows stand in the order that the judge saw. Where the log does not say it, a counts as shown first, and the row
    # is left out of the test of order bias.
    turned = order == "b-first"
    outcome: Outcome = "tie" if word == "tie" else "first" if (word == "a") != turned else "second"
    prompt, one, two, a, b = (
        known.setdefault(text, text) for text in (cell["prompt"], more["response_a"], more["response_b"], a, b)
    )
    first, second = (b, a) if turned else (a, b)
    return Row(number, prompt, first, second, outcome, (two, one) if turned else (one, two), bool(order))


def _cell(number: int, line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    if not isinstance(value, str):  # a number, NaN, null, or a row that is too short
        raise _wrong(f"Expected text as {name} in row {number}, got {repr(value)[:80]}.")
    if len(value) > BOUNDS.cell:
        raise _wrong(f"Expected at most {BOUNDS.cell:,} characters as {name} in row {number}, got {len(value):,}.")
    return value
