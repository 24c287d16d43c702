"""The files and the checks of runs that learn from verifiable rewards, at the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domains import catalog
from poets_core.runs.examine import check_rewards
from poets_core.spec import RewardsSpec


def located(made: RewardsSpec, absolute: Callable[[str], str]) -> dict[str, Any]:
    """Return the sections of a spec whose paths become absolute, because a worker has another current folder.

    Raises:
        InvalidSpec: unknown task.
    """
    changed: dict[str, Any] = {}
    if made.task is not None:
        params = dict(made.task.params)
        for p in catalog.verifiable(made.task.name).parameters:
            if p.kind == "file" and isinstance(value := params.get(p.name), str) and value:
                params[p.name] = absolute(value)
        changed["task"] = made.task.model_copy(update={"params": params})
    if made.given.file:
        changed["given"] = made.given.model_copy(update={"file": absolute(made.given.file)})
    if made.backbone.source not in catalog.backbones():
        changed["backbone"] = made.backbone.model_copy(update={"source": absolute(made.backbone.source)})
    return changed


def files(made: RewardsSpec) -> set[str]:
    """Return the data files of a spec, for the store to keep copies of.

    A file beside which its verifier lies stays where it is: the verifier is looked for there.
    """
    found = {made.given.file} if made.given.file else set()
    if made.task is not None and not (made.task.params.get("function") or made.task.params.get("program")):
        kinds = {p.name for p in catalog.verifiable(made.task.name).parameters if p.kind == "file"}
        found |= {str(v) for k, v in made.task.params.items() if k in kinds and v}
    return found


def check(made: RewardsSpec) -> None:
    """Find out what can be wrong before anything is started; see `poets_core.runs.examine.check_rewards`.

    Raises:
        InvalidInput: with the field.
    """
    if made.task is not None:
        catalog.check_verifiable(made.task.name, made.task.params)
    check_rewards(made)
