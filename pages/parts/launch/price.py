"""What contests cost a search, said before it is started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from poets_core.spec import Budget, ContestSpec, plan_of


def contest_price(budget: Mapping[str, Any], contest: Mapping[str, Any]) -> str:
    """Say what contests take of a budget and what is left for rounds; "" while a field is wrong.

    Args:
        budget: rounds and batch.
        contest: values of a `ContestSpec` by name.
    """
    try:
        whole, settings = Budget.model_validate(dict(budget)), ContestSpec.model_validate(dict(contest))
    except ValidationError:
        return ""  # the field that is wrong says so itself
    plan, alone = plan_of(whole, settings), plan_of(whole, None)
    if not plan.comparisons:
        return f"Costs nothing: {alone.rounds:,} rounds leave no room for a contest."
    return f"Costs up to {plan.contest_calls:,} measurements: {plan}, instead of {alone.rounds:,} rounds."
