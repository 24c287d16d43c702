"""What a judge that is a model needs, and whether people audit it: fields of the form."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.experiment.settings import FIELDS
from pages.parts.setting_fields import Errors, setting_fields
from poets_core.spec import ExperimentSettings


def judge_settings(judge: str, errors: Errors) -> dict[str, Any]:
    """Draw them.

    Args:
        judge: chosen above, one of `AUDITABLE`.
        errors: of the form.
    """
    out: dict[str, Any] = {}

    def drawn(*names: str, columns: int = 2) -> None:
        begin = {n: ExperimentSettings.model_fields[n].default for n in names}
        out.update(setting_fields([FIELDS[n] for n in names], begin, errors, lambda n: f"{judge}-{n}", columns=columns))

    if judge == "model":
        drawn("judge_model", "judge_url")
    drawn("audit", columns=1)
    if judge == "model" or out.get("audit"):
        drawn("criterion", columns=1)
    if out.get("audit"):
        drawn("audit_floor")
    elif judge == "model":
        st.caption(
            "Without an audit the verdict says which policy this model prefers, and nothing about what people would."
        )
    return out
