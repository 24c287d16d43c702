"""From the values of the form to the spec of a run that learns from rewards, and what it will take. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domains.catalog import backbones, check_verifiable
from pages.parts.settings import Setting, settings_of, validated
from poets_core.errors import InvalidInput, PoetsError
from poets_core.runs.examine import check_rewards
from poets_core.spec import RewardBackbone, RewardSettings, RewardsSpec
from poets_core.spec.base import VERSION
from poets_core.spec.memory import model_size
from poets_core.spec.reward_settings import READ_BY, USUAL

SHIPPED_PARAMETERS = 540_000
"""Numbers of the small model that ships, whose seconds for a token are known."""


@dataclass(frozen=True)
class Effort:
    """What a run takes.

    Attributes:
        learnt: answers that are written to learn from.
        judged: answers that are written to judge the models, before the first round and in all of them, at most.
        seconds: on one core, roughly; None where the model's size is not known.
    """

    learnt: int
    judged: int
    seconds: float | None


def shown_settings(method: str, *, advanced: bool) -> list[Setting]:
    """Return the settings that a method reads, without the method itself."""
    fields = settings_of("rewards", RewardSettings).values()
    return [
        f for f in fields if f.advanced == advanced and f.name != "method" and method in READ_BY.get(f.name, (method,))
    ]


def starting(method: str) -> dict[str, Any]:
    """Return what the settings of a method begin with."""
    usual = {name: field.get_default() for name, field in RewardSettings.model_fields.items()}
    return usual | dict(USUAL[method]) | {"method": method}


def build_rewards(
    task: Mapping[str, Any] | None,
    sections: Mapping[str, Mapping[str, Any]],
    **about: str | int,
) -> tuple[RewardsSpec | None, dict[str, str]]:
    """Validate the form.

    Args:
        task: ``name`` and ``params``; None where the prompts are those of the file of answers.
        sections: ``backbone``, ``given`` and ``rewards`` values by name.
        about: other fields of the run: label, seed, device, threads, samples.

    Returns:
        the spec, None if anything is wrong; and messages by dotted field, ``""`` where no field can be named.
    """
    errors: dict[str, str] = {}
    if task is not None:
        try:
            task = {"name": task["name"], "params": check_verifiable(task["name"], task["params"])}
        except InvalidInput as error:
            errors = error.fields or {"": str(error)}
    data = {"version": VERSION, "kind": "rewards", **about, "task": task, **{k: dict(v) for k, v in sections.items()}}
    spec, wrong = validated(data)
    errors |= wrong
    return (spec if isinstance(spec, RewardsSpec) and not errors else None), errors


def examined(spec: RewardsSpec) -> tuple[dict[str, str], list[str]]:
    """Look at task, files, verifier and model as the worker will; some seconds.

    Returns:
        what is wrong by dotted field, ``""`` where no field can be named; and what was read, in sentences.
    """
    try:
        return {}, [str(line) for line in check_rewards(spec).get("lines", ())]
    except InvalidInput as error:
        return error.fields or {"": str(error)}, []
    except PoetsError as error:
        return {"": str(error)}, []


def effort(spec: RewardsSpec) -> Effort:
    """Estimate what a run takes, before anything is looked at."""
    s = spec.rewards
    params: Mapping[str, Any] = spec.task.params if spec.task is not None else {}
    # Of files nobody knows yet how many prompts they hold.
    held = params.get("held_out")
    held_prompts = held if isinstance(held, int) else 0
    train = params.get("train")
    train_prompts = min(s.judged_train, train) if isinstance(train, int) else s.judged_train
    looks = 1 + sum(1 for r in range(min(s.rounds, 10_000)) if s.judged(r))
    judged = looks * (held_prompts + train_prompts) * s.held_out_answers
    known = backbones().get(spec.backbone.source)
    if known is None:
        return Effort(spec.answers, judged, None)
    model = model_size(known.folder)
    token = known.seconds * (model.parameters / SHIPPED_PARAMETERS if model is not None and not known.seconds else 1)
    # A step of learning costs a branch about four times what writing its rows costs.
    steps = 0 if s.method == "perturb" else s.rounds * s.steps * s.step_prompts * s.step_group * s.branches
    written = (spec.answers + judged) * s.max_tokens
    return Effort(spec.answers, judged, token * (written + 4 * steps * s.max_tokens / 8))


def backbone_settings() -> dict[str, Setting]:
    """Return the fields of the base model, the source too."""
    return settings_of("backbone", RewardBackbone, hidden=True)
