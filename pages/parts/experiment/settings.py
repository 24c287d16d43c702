"""From the values of the form to the spec of an experiment, and comparison logs for their preview. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pages.parts.settings import settings_of, validated
from poets_core.spec import ExperimentSettings, ExperimentSpec, PolicySpec
from poets_core.spec.base import VERSION

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
