"""From form values to the RunSpec of an experiment: fields, validation. No widgets here."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from poets_core.errors import InvalidSpec, InvalidTable
from poets_core.spec import ExperimentSpec, RunSpec, parse_spec

OUTCOMES = ("a", "b", "tie")
COLUMNS = ("prompt", "policy_a", "policy_b", "outcome")
"""Columns that a comparison log must have; `order`, `response_a` and `response_b` are optional."""


@dataclass(frozen=True)
class Field:
    """One form field of an ExperimentSpec: its name there, and label and help for people."""

    name: str
    label: str
    help: str

    @property
    def path(self) -> str:
        """Dotted place in the run spec."""
        return f"experiment.{self.name}"

    @property
    def limits(self) -> tuple[Any, Any]:
        """Inclusive limits that the spec sets, None where it sets none."""
        low = high = None
        for rule in ExperimentSpec.model_fields[self.name].metadata:
            low, high = getattr(rule, "ge", low), getattr(rule, "le", high)
        return low, high


FIELDS: dict[str, Field] = {
    f.name: f
    for f in (
        Field("delta", "Largest error (δ)", "Probability that the verdict is wrong, at most. Smaller takes longer."),
        Field(
            "assume_condorcet",
            "Assume that a winner exists",
            "That one policy beats every other. Off, this is verified too: it takes longer where it is not clear, and "
            "“no policy beats all others” is a possible verdict.",
        ),
        Field("budget", "Most comparisons", "After so many, ties included, the verdict is “undecided”."),
        Field("open_pairs", "Pairs at a time", "Handed out before the next answers are used. One needs the fewest."),
        Field(
            "sampler",
            "Which pair is next",
            "“balance” asks where the evidence is still missing; “round-robin” asks all pairs in turn, as a rival.",
        ),
        Field(
            "space",
            "What is assumed of the policies",
            "“unstructured”: nothing. “bradley-terry”: one score per policy decides every comparison, which saves "
            "comparisons if it is true; data that contradict it are noticed.",
        ),
        Field(
            "tie_zone",
            "Equally good within",
            "Policies that win with a probability closer to one half than this count as equally good. 0: none do.",
        ),
        Field("task", "Task", "What the policies are asked to do; its rule knows the right answers."),
        Field("model", "Language model", "“smollm2”, a folder with a model, or a Hugging Face name."),
        Field("items", "Different inputs", "Drawn by the seed; a comparison shows one of them to both policies."),
        Field("log", "Comparison log", "CSV or JSONL, one comparison a line."),
    )
}


def build_experiment(
    values: Mapping[str, Any],
    *,
    problem: Mapping[str, Any] | None = None,
    label: str = "",
    seed: int = 0,
    device: str = "auto",
) -> tuple[RunSpec | None, dict[str, str]]:
    """Validate a form into a RunSpec.

    Args:
        values: fields of the ExperimentSpec by name.
        problem: the runs' problem (``name`` and ``params``) for source ``"branches"``.
        label, seed, device: of the run.

    Returns:
        the spec, None if anything is wrong; and messages by dotted field, those of all policies under
        ``"experiment.policies"``, those that name no field under ``""``.
    """
    data = {
        "kind": "experiment",
        "label": label,
        "problem": dict(problem) if problem else {"name": ""},
        "seed": seed,
        "device": device,
        "experiment": dict(values),
    }
    try:
        return parse_spec(data, where="the form"), {}
    except InvalidSpec as error:
        details: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
        found: dict[str, str] = {}
        for item in details:
            message = str(item["msg"]).removeprefix("Value error, ")
            path = _place(item["loc"], message)
            if item["loc"] and item["loc"][-1] not in ("experiment", "policies"):
                message = f"{message}; got {repr(item.get('input'))[:80]}."
            found[path] = f"{found[path]}\n\n{message}" if path in found else message
        return None, found or {"": str(error)}


def _place(loc: Sequence[Any], message: str) -> str:
    """Where a message belongs: a field, all policies together, or nowhere in particular.

    What is wrong with several fields together has no place in the validation error; its words name one.
    """
    if list(loc) == ["experiment"]:
        named = "policies" if "polic" in message else next((n for n in FIELDS if n in message), "")
        return f"experiment.{named}" if named else ""
    return ".".join(map(str, loc[:2]))


def read_log(name: str, data: bytes) -> pd.DataFrame:
    """Read an uploaded comparison log for its preview; the worker checks every row of it.

    Args:
        name: file name, for messages and the format.
        data: CSV, or one JSON object a line.

    Raises:
        InvalidTable: it is unreadable, empty, or lacks a column.
    """
    try:
        text = data.decode("utf-8-sig")
        if name.lower().endswith((".jsonl", ".ndjson")) or text.lstrip().startswith("{"):
            table = pd.DataFrame([json.loads(line) for line in text.splitlines() if line.strip()])
        else:
            table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    except (ValueError, TypeError, AttributeError) as error:  # pandas', json's and the decoder's are among these
        raise InvalidTable(f"Expected a readable log in {name}, got: {error}. Save it as CSV in UTF-8.") from error
    missing = [c for c in COLUMNS if c not in table.columns]
    if missing:
        raise InvalidTable(
            f"Expected the columns {', '.join(COLUMNS)} in {name}, got {', '.join(map(str, table.columns)) or 'none'}. "
            f"Add or rename: {', '.join(missing)}."
        )
    if table.empty:
        raise InvalidTable(f"Expected comparisons in {name}, got none. Upload a log with a header line and rows.")
    return table


def policies_of(table: pd.DataFrame) -> list[str]:
    """Return the names of the policies in a log, in the order in which they first appear."""
    pairs = zip(table["policy_a"], table["policy_b"], strict=True)
    return list(dict.fromkeys(str(name) for pair in pairs for name in pair))
