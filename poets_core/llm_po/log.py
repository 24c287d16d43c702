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
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.comparison import Outcome

COLUMNS = ("prompt", "policy_a", "policy_b", "outcome")
OPTIONAL = ("order", "response_a", "response_b")
ORDERS = ("", "a-first", "b-first")
LARGEST = 64 * 2**20
"""Bytes of a log, at most."""
SUSPICIOUS = 0.01
"""Two-sided p-value below which the order of presentation is said to matter."""


@dataclass(frozen=True)
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


def read_log(path: Path, policies: Sequence[str]) -> list[Row]:
    """Read a comparison log.

    Args:
        path: of the file; JSON lines if its first character is ``{``, else CSV with a header.
        policies: names that may appear; all of them must.

    Raises:
        InvalidComparisons: unreadable, a column or a cell missing, an unknown policy or word, a policy with itself.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InvalidComparisons(
                f"Expected a comparison log of at most {LARGEST >> 20} MB, got more in {path.name}."
            )
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidComparisons(f"Expected a readable UTF-8 comparison log at {path}, got: {error}.") from error
    lines = _json_lines(text) if text.lstrip().startswith("{") else _csv_lines(text)
    rows = [_row(number, line, policies) for number, line in lines]
    if not rows:
        raise InvalidComparisons("Expected a comparison log with one row or more, got none.")
    # A policy without rows could never be excluded, and the experiment would end undecided for that reason alone.
    seen = {name for row in rows for name in (row.first, row.second)}
    if missing := [name for name in policies if name not in seen]:
        raise InvalidComparisons(f"Expected every policy in the log, got no row of {missing}. Leave them out.")
    return rows


def order_bias(rows: Sequence[Row]) -> OrderBias | None:
    """Test whether the response shown first wins half the time; None where no order is known."""
    decided = [row.outcome for row in rows if row.ordered and row.outcome != "tie"]
    if not decided:
        return None
    first = decided.count("first")
    return OrderBias(first, len(decided), float(binomtest(first, len(decided)).pvalue))


def _csv_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        # Spreadsheets write spaces into headers; cells are left as they are.
        names = [(name or "").strip() for name in reader.fieldnames or ()]
        if missing := [c for c in COLUMNS if c not in names]:
            raise InvalidComparisons(
                f"Expected the columns {', '.join(COLUMNS)} in the comparison log, got {names[:12]} without {missing}."
            )
        if len(set(names)) < len(names):
            raise InvalidComparisons(f"Expected columns with different names, got {names[:12]}.")
        reader.fieldnames = names
        for number, line in enumerate(reader, 1):
            # More cells than columns: mostly a prompt with an unquoted comma, which would shift every later cell.
            if None in line:
                raise InvalidComparisons(
                    f"Expected {len(names)} cells in row {number}, got more. Quote cells with commas."
                )
            yield number, line
    except csv.Error as error:
        raise InvalidComparisons(f"Expected CSV, got: {error}, near line {reader.line_num}.") from error


def _json_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    number = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        number += 1
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidComparisons(f"Expected a JSON object in row {number}, got {line[:60]!r}: {error}.") from error
        if not isinstance(row, dict):
            raise InvalidComparisons(f"Expected a JSON object in row {number}, got {line[:60]!r}.")
        yield number, row


def _row(number: int, line: Mapping[str, Any], policies: Sequence[str]) -> Row:
    cell = {name: _cell(number, line, name) for name in COLUMNS}
    more = {name: _cell(number, line, name) if line.get(name) is not None else "" for name in OPTIONAL}
    a, b, word = (cell[name].strip() for name in ("policy_a", "policy_b", "outcome"))
    order = more["order"].strip()
    for name in (a, b):
        if name not in policies:
            raise InvalidComparisons(
                f"Expected one of the policies {list(policies)[:12]} in row {number}, got {name[:80]!r}."
            )
    if a == b:
        raise InvalidComparisons(f"Expected two different policies in row {number}, got {a!r} compared with itself.")
    if word not in ("a", "b", "tie"):
        raise InvalidComparisons(
            f"Expected outcome 'a', 'b' or 'tie' in row {number}, got {word[:80]!r}. It was not taken for a tie."
        )
    if order not in ORDERS:
        raise InvalidComparisons(f"Expected order 'a-first' or 'b-first' in row {number}, got {order[:80]!r}.")
    # Rows stand in the order that the judge saw. Where the log does not say it, a counts as shown first, and the row
    # is left out of the test of order bias.
    turned = order == "b-first"
    outcome: Outcome = "tie" if word == "tie" else "first" if (word == "a") != turned else "second"
    said = (more["response_a"], more["response_b"])
    first, second = (b, a) if turned else (a, b)
    responses = (said[1], said[0]) if turned else said
    return Row(number, cell["prompt"], first, second, outcome, responses, bool(order))


def _cell(number: int, line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    if not isinstance(value, str):  # a number, NaN, null, or a row that is too short
        raise InvalidComparisons(f"Expected text as {name} in row {number}, got {value!r}.")
    return value
