"""From the values of the form to the spec of an experiment, and comparison logs for their preview. No widgets here."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from pages.parts.settings import settings_of, validated
from poets_core.errors import InvalidTable
from poets_core.spec import ExperimentSettings, ExperimentSpec, PolicySpec
from poets_core.spec.base import VERSION

OUTCOMES = ("a", "b", "tie")
COLUMNS = ("prompt", "policy_a", "policy_b", "outcome")
"""Columns that a comparison log must have; `order`, `response_a` and `response_b` are optional."""


FIELDS = settings_of("experiment", ExperimentSettings, hidden=True)
"""Every field of an experiment that has a title, by name."""
POLICY = settings_of("experiment.policies", PolicySpec)
"""Those of one policy."""


def build_experiment(
    values: Mapping[str, Any],
    *,
    problem: Mapping[str, Any] | None = None,
    label: str = "",
    seed: int = 0,
    device: str = "auto",
) -> tuple[ExperimentSpec | None, dict[str, str]]:
    """Validate the form.

    Args:
        values: fields of the experiment by name.
        problem: the runs' problem (``name`` and ``params``) for source ``"branches"``.
        label, seed, device: of the run.

    Returns:
        the spec, None if anything is wrong; and messages by dotted field, ``""`` where no field can be named.
    """
    data = {
        "version": VERSION,
        "kind": "experiment",
        "label": label,
        "problem": dict(problem) if problem else None,
        "seed": seed,
        "device": device,
        "experiment": dict(values),
    }
    spec, errors = validated(data)
    return (spec if isinstance(spec, ExperimentSpec) else None), errors


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
        raise InvalidTable(
            f"Expected a readable log in {name}, got: {error}. Save it as CSV in UTF-8.", field="experiment.log"
        ) from error
    missing = [c for c in COLUMNS if c not in table.columns]
    if missing:
        raise InvalidTable(
            f"Expected the columns {', '.join(COLUMNS)} in {name}, got {', '.join(map(str, table.columns)) or 'none'}. "
            f"Add or rename: {', '.join(missing)}.",
            field="experiment.log",
        )
    if table.empty:
        raise InvalidTable(
            f"Expected comparisons in {name}, got none. Upload a log with a header line and rows.",
            field="experiment.log",
        )
    return table


def policies_of(table: pd.DataFrame) -> list[str]:
    """Return the names of the policies in a log, in the order in which they first appear."""
    pairs = zip(table["policy_a"], table["policy_b"], strict=True)
    return list(dict.fromkeys(str(name) for pair in pairs for name in pair))
